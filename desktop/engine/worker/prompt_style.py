"""How turns are rendered for one answer, beside themselves: with which tools, and how the model is to think.

And what is done before to all text that comes from outside.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from desktop.conversation import ChatMessage, TextPart
from desktop.engine.generation_options import ToolDefinition
from desktop.engine.worker.projector import PreparedPicture
from desktop.engine.worker.thinking_control import ThinkingPrompt
from desktop.engine.worker.tool_layout import changed_texts, definitions


@dataclass(frozen=True)
class PromptStyle:
    """How turns are rendered for one answer, beside themselves. `prefill` is text that the answer begins with,
    `pictures` are those that the turns name, by the sha256 that they are named by."""

    tools: tuple[ToolDefinition, ...] = ()
    thinking: ThinkingPrompt = field(default_factory=lambda: ThinkingPrompt({}))
    prefill: str = ""
    pictures: Mapping[str, PreparedPicture] = field(default_factory=dict)


PLAIN_STYLE = PromptStyle()


def splitter(pattern: re.Pattern[str], mark: str) -> Callable[[str], str]:
    """What puts `mark` into all that `pattern` finds in a text."""
    return lambda text: pattern.sub(lambda match: f"{match[0][0]}{mark}{match[0][1:]}", text)


def all_text(turns: Sequence[ChatMessage], style: PromptStyle) -> str:
    """Every text that comes from outside."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    for turn in turns:
        changed_texts(turn, note)
    definitions(style.tools, note)
    return "\n".join(found)


def is_text(turn: ChatMessage) -> bool:
    return all(isinstance(part, TextPart) for part in turn.parts)


def switched(turns: Sequence[ChatMessage], switch: str) -> Sequence[ChatMessage]:
    """The turns with the words that switch thinking behind the last question."""
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=-1)
    if not switch or last < 0:
        return turns
    asked = ChatMessage("user", (*turns[last].parts, TextPart(f" {switch}")))
    return [*turns[:last], asked, *turns[last + 1 :]]
