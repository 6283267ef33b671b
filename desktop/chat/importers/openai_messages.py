"""Messages in the form of OpenAI's chat completions, and of ShareGPT, as a chain of messages.

OpenAI's API reference ("Create chat completion", the parameter `messages`) describes roles, contents and calls of
tools; ShareGPT's `from` and `value` are those of FastChat's data (lm-sys/FastChat, data/dummy_conversation.json).
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from desktop.chat.importers.imported_conversation import ImportedAttachment, derived_id
from desktop.chat.importers.inline_image import image_from_url
from desktop.conversation import (
    Message,
    MessagePart,
    ModelReference,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.translation import tr

_ROLES: dict[str, Role] = {
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
    "model": "assistant", "bot": "assistant", "function_call": "assistant",
    "system": "system", "developer": "system",
}  # fmt: skip
_RESULTS = ("tool", "function", "observation", "function_response", "ipython")


class MessageChain:
    """Messages one after another, each the parent of the next. What could not be taken stands in `notes`, a sentence
    each; `system_prompt` is the one that they begin with."""

    def __init__(self, app: str, conversation_id: str) -> None:
        self.messages: list[Message] = []
        self.attachments: dict[str, ImportedAttachment] = {}
        self.notes: list[str] = []
        self.system_prompt = ""
        self._app, self._conversation_id = app, conversation_id

    def add(self, turn: dict[str, Any]) -> None:
        """Take one turn, of either form."""
        given = turn.get("role", turn.get("from"))
        content = turn.get("content", turn.get("value", turn.get("text")))
        role, parts = _ROLES.get(str(given).lower()), list(self._parts(content))
        if str(given).lower() in _RESULTS:
            self._add_result(turn, parts)
            return
        if role is None:
            self.notes.append(tr("A message of the unknown role {role} was left out.").format(role=str(given)[:80]))
            return
        thinking = turn.get("reasoning_content") or turn.get("reasoning") or turn.get("thinking")
        if isinstance(thinking, str) and thinking:
            parts.insert(0, ThinkingPart(thinking))
        parts += _calls(turn.get("tool_calls"))
        if role == "system" and not self.messages and not self.system_prompt:
            self.system_prompt = "".join(part.text for part in parts if isinstance(part, TextPart))
        elif parts:
            self._append(role, tuple(parts), turn)

    def _append(self, role: Role, parts: tuple[MessagePart, ...], turn: dict[str, Any]) -> None:
        parent = self.messages[-1] if self.messages else None
        named = turn.get("model")
        model = ModelReference(named, named) if role == "assistant" and isinstance(named, str) and named else None
        self.messages.append(
            Message(
                self._id(parent, role, parts),
                self._conversation_id,
                parent.id if parent is not None else None,
                role,
                parts,
                model=model,
                created_at=moment_of(turn.get("created_at", turn.get("timestamp"))),
            )
        )

    def _add_result(self, turn: dict[str, Any], parts: Sequence[MessagePart]) -> None:
        """What a tool gave belongs to the answer that called it."""
        content = tuple(part for part in parts if isinstance(part, TextPart))
        result = ToolResultPart(str(turn.get("tool_call_id") or ""), str(turn.get("name") or ""), content)
        if self.messages and self.messages[-1].role == "assistant":
            last = self.messages.pop()
            parent = self.messages[-1] if self.messages else None
            joined = (*last.parts, result)
            new_id = self._id(parent, "assistant", joined)
            self.messages.append(msgspec.structs.replace(last, id=new_id, parts=joined))
        else:
            self._append("assistant", (result,), turn)

    def _id(self, parent: Message | None, role: str, parts: Sequence[MessagePart]) -> str:
        """The same for the same words in the same place."""
        said = [part for part in parts if not isinstance(part, ToolResultPart)]
        words = msgspec.json.encode(said).decode()
        return derived_id(self._app, self._conversation_id, parent.id if parent is not None else "", role, words)

    def _parts(self, content: object) -> Iterator[MessagePart]:
        if isinstance(content, str):
            if content:
                yield TextPart(content)
            return
        for each in content if isinstance(content, list) else []:
            if isinstance(each, str):
                yield TextPart(each)
                continue
            kind, value = (each.get("type"), each) if isinstance(each, dict) else (None, {})
            text = value.get("text")
            if isinstance(text, str) and kind in (None, "text", "input_text", "output_text"):
                yield TextPart(text)
            elif (url := _url_of(value)) is not None:
                yield from self._image(url)
            else:
                self.notes.append(tr("A part of the unknown kind {kind} was left out.").format(kind=str(kind)[:80]))

    def _image(self, url: str) -> Iterator[MessagePart]:
        found = image_from_url(url)
        if found is None:
            self.notes.append(tr("An image that is not in the file was left out."))
        else:
            self.attachments[found[1].sha256] = found[1]
            yield found[0]


def moment_of(value: object) -> float:
    """A time that is a number; 0 where it is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e20 else 0.0


def _url_of(part: dict[str, Any]) -> str | None:
    image = part.get("image_url", part.get("image"))
    url = image.get("url") if isinstance(image, dict) else image
    return url if isinstance(url, str) else None


def _calls(calls: object) -> list[MessagePart]:
    found: list[MessagePart] = []
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            given = function.get("arguments", "")
            arguments = given if isinstance(given, str) else json.dumps(given)
            found.append(ToolCallPart(str(call.get("id") or ""), str(function.get("name") or ""), arguments))
    return found
