"""Calls of tools and their results in words, for the record of an answer, for exports and for the command."""

import datetime

import msgspec

from desktop.byte_size import size_text
from desktop.conversation import ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from desktop.safe_text import one_line
from desktop.translation import tr

_SHOWN = 200
_SHOWN_RESULT = 2_000


def call_words(call: ToolCallPart) -> str:
    """The heading of a call."""
    tool = one_line(call.tool or call.name)[:_SHOWN]
    if call.server:
        return tr("Calls the tool {tool} of {server}").format(tool=tool, server=one_line(call.server)[:_SHOWN])
    return tr("Calls the tool {tool}").format(tool=tool)


def result_words(result: ToolResultPart) -> str:
    """The heading of a result: how the call ended, due to what it was made, when, how long it took, how large it is."""
    tool = one_line(result.name)[:_SHOWN]
    heading = {
        "denied": tr("The tool {tool} was not called"),
        "cancelled": tr("The call of the tool {tool} was stopped"),
    }.get(result.outcome or "", tr("The tool {tool} failed") if result.is_error else tr("The tool {tool} answers"))
    facts = [permission_words(result.by), _moment(result.at)]
    if result.seconds:
        facts.append(tr("{seconds} s").format(seconds=f"{result.seconds:,.1f}"))
    if result.size:
        facts.append(size_text(result.size))
    said = heading.format(tool=tool)
    return f"{said} ({', '.join(filter(None, facts))})" if any(facts) else said


def permission_words(by: str) -> str:
    """Due to what a call was made, or was not."""
    words = {
        "built-in": tr("comes with Latchkey"),
        "always": tr("allowed always"),
        "chat": tr("allowed for this chat"),
        "approval": tr("allowed once"),
        "person": tr("you did not allow it"),
        "policy": tr("a policy forbids it"),
        "server-not-allowed": tr("its server is not allowed"),
        "never": tr("you decided that it is never called"),
        "nobody-to-ask": tr("nobody could be asked"),
        "unusable": tr("it cannot be used"),
    }
    return words.get(by, "")


def sent_arguments(call: ToolCallPart) -> str:
    """The arguments that the tool was sent, or was to be, as JSON in lines."""
    return _indented(call.sent or call.arguments)


def replaced_arguments(call: ToolCallPart) -> str:
    """Those that the model wrote, where a person put others in their place; "" otherwise."""
    return _indented(call.arguments) if call.sent else ""


def replaced_words() -> str:
    """The heading of arguments that a person replaced."""
    return tr("The model had written other arguments")


def call_lines(message: Message) -> list[tuple[str, str]]:
    """Each call of an answer with its result: a heading, and what belongs under it, as plain text."""
    results = {part.call_id: part for part in message.parts if isinstance(part, ToolResultPart)}
    lines: list[tuple[str, str]] = []
    for part in message.parts:
        if not isinstance(part, ToolCallPart):
            continue
        lines.append((call_words(part), one_line(part.sent or part.arguments)))
        if part.sent:
            lines.append((replaced_words(), one_line(part.arguments)))
        if (result := results.get(part.id)) is not None:
            lines.append((result_words(result), result_text(result)))
    return lines


def result_text(result: ToolResultPart) -> str:
    """What a tool gave in one line, with its pictures as words, cut where it is long."""
    texts = (part.text if isinstance(part, TextPart) else _picture(part) for part in result.content)
    text = one_line(" ".join(texts))
    return text if len(text) <= _SHOWN_RESULT else f"{text[:_SHOWN_RESULT]}…"


def _picture(part: ImagePart) -> str:
    return tr("[An image: {name}]").format(name=part.name or part.media_type)


def _indented(arguments: str) -> str:
    try:
        return msgspec.json.format(arguments, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return arguments


def _moment(at: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""
    except (ValueError, OverflowError, OSError):
        return ""
