"""Reads files in the forms that data sets and many programs share: ShareGPT's turns, and OpenAI's messages.

As JSON (a list of conversations, or one of them) or as JSONL (one in each line): {"conversations": [{"from": "human",
"value": "…"}]}, {"messages": [{"role": "user", "content": "…"}]}, or a list of messages alone.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import (
    ImportedConversation,
    ImportedItem,
    SkippedItem,
    derived_id,
)
from desktop.chat.importers.json_stream import MalformedJsonError, decode_json
from desktop.chat.importers.openai_messages import MessageChain, moment_of
from desktop.conversation import Conversation
from desktop.translation import tr

_TURNS = ("conversations", "conversation", "messages")
_ENDINGS = (".json", ".jsonl", ".ndjson")
_TURN = re.compile(rb'"(?:role|from)"\s*:\s*"')
_TURN_LIST = re.compile(rb'"(?:conversations|conversation|messages)"\s*:\s*\[')
_BARE_TURN = re.compile(rb'\s*\[\s*\{\s*"(?:role|from|content|value)"\s*:')


class ShareGptReader:
    """The last to be asked: other programs' exports hold the same words."""

    app = "ShareGPT"

    def recognizes(self, files: ExportFiles) -> bool:
        return any(_may_hold_turns(files, name) for name in _members(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        for name in _members(files):
            if not _may_hold_turns(files, name):
                continue
            head = files.head(name)
            if _BARE_TURN.match(head):
                yield from self._conversation({"messages": self._turns(files, name)}, files.shown(name))
                continue
            single = dict[str, Any]()
            for at, (key, value) in enumerate(_values(files, name, head), 1):
                shown = tr("{file}, conversation {number}").format(file=files.shown(name), number=at)
                try:
                    found = decode_json(value, Any)
                except MalformedJsonError as error:
                    yield SkippedItem(shown, tr("It is damaged: {reason}.").format(reason=error))
                    continue
                if key:  # one conversation, member by member
                    single[key] = found
                else:
                    yield from self._conversation(found, shown)
            if single:
                yield from self._conversation(single, files.shown(name))

    def _turns(self, files: ExportFiles, name: str) -> list[Any]:
        return [decode_json(value, Any) for _, value in files.values(name)]

    def _conversation(self, given: object, shown: str) -> Iterator[ImportedItem]:
        found = given if isinstance(given, dict) else {"messages": given}
        turns: Any = next((found[key] for key in _TURNS if isinstance(found.get(key), list)), None)
        if turns is None:
            yield SkippedItem(shown, tr("It holds no messages in a form that is known."))
            return
        source_id = str(found.get("id", found.get("conversation_id")) or "")
        first = next((turn for turn in turns if isinstance(turn, dict)), {})
        # Files number their conversations from 0 on, each of them: the first words tell them apart.
        conversation_id = derived_id(self.app, source_id, json.dumps(first.get("value", first.get("content"))))
        chain = MessageChain(self.app, conversation_id)
        for turn in turns:
            if isinstance(turn, dict):
                chain.add(turn)
            else:
                chain.notes.append(tr("Something that is no message was left out."))
        title = found.get("title") or found.get("name")
        created = moment_of(found.get("created_at", found.get("create_time")))
        system = found.get("system") or found.get("system_prompt")
        head = Conversation(
            conversation_id,
            title if isinstance(title, str) else "",
            created_at=created,
            updated_at=moment_of(found.get("updated_at", found.get("update_time"))),
            system_prompt=chain.system_prompt or (system if isinstance(system, str) else ""),
            leaf_id=chain.messages[-1].id if chain.messages else None,
        )
        for why in dict.fromkeys(chain.notes):
            yield SkippedItem(shown, why)
        if chain.messages:
            yield ImportedConversation(
                head, tuple(chain.messages), tuple(chain.attachments.values()), source_id=source_id
            )
        elif not chain.notes:
            yield SkippedItem(shown, tr("It holds no messages."))


def _members(files: ExportFiles) -> tuple[str, ...]:
    names = files.names()
    return names if len(names) == 1 else tuple(name for name in names if name.lower().endswith(_ENDINGS))


def _may_hold_turns(files: ExportFiles, name: str) -> bool:
    head = files.head(name)
    return _BARE_TURN.match(head) is not None or (
        head.lstrip()[:1] in (b"[", b"{") and _TURN_LIST.search(head) is not None and _TURN.search(head) is not None
    )


def _values(files: ExportFiles, name: str, head: bytes) -> Iterator[tuple[str, bytes]]:
    if head.lstrip()[:1] == b"{" and _is_lines(head, name):
        return (("", line) for line in files.lines(name))
    return files.values(name)


def _is_lines(head: bytes, name: str) -> bool:
    """Whether each line is a value: the first is one, and the next begins one."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return True
    first, _, rest = head.lstrip().partition(b"\n")
    try:
        decode_json(first, Any)
    except MalformedJsonError:
        return False
    return rest.lstrip()[:1] == b"{"
