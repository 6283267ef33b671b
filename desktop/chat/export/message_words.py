"""What exports for people say of a message in words: who wrote it, when, from what, and under which terms."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from desktop.chat.export.conversation_document import source_type
from desktop.conversation import Conversation, Message, ModelReference, SummaryPart, ThinkingPart
from desktop.safe_text import one_line
from desktop.translation import tr, trn

_SHOWN = 200


@dataclass(frozen=True)
class ExportSource:
    """What exports for people have beside the conversations. `attachment` gives the bytes of the file with this sha256,
    None where they are not to be had. `generator` is the program's name and version, `exported` the time of the export
    in seconds since 1970, `colors` those of the themes "light" and "dark" by name. `models` wrote something in them.
    """

    attachment: Callable[[str], bytes | None]
    generator: str
    exported: float
    colors: Mapping[str, Mapping[str, str]]
    models: tuple[ModelReference, ...] = ()


def title_of_export(conversation: Conversation) -> str:
    """The conversation's title in one line."""
    return one_line(conversation.title)[:_SHOWN] or tr("Chat without a title")


def speaker(message: Message) -> str:
    """Who wrote it."""
    match message.role:
        case "user":
            return tr("You")
        case "system":
            return tr("System prompt")
    return (one_line(message.model.name)[:_SHOWN] if message.model is not None else "") or tr("Assistant")


def moment_in_words(seconds: float) -> str:
    """A time where the person is, to the minute; "" where it is none."""
    try:
        return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M") if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ""


def rfc3339_or_none(seconds: float) -> str | None:
    """A time as RFC 3339 has it, in UTC; None where it is none."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def provenance(message: Message) -> str:
    """One line that says which model wrote an answer, under which license, and what that asks to be shown."""
    reference = message.model
    if message.role != "assistant":
        return ""
    if reference is None:
        written = tr("Written by a language model")
    else:
        written = tr("Written by the language model {model}").format(model=one_line(reference.name)[:_SHOWN])
    parts = [written]
    if message.edited:
        parts.append(tr("edited by a person"))
    if reference is not None and reference.license:
        parts.append(tr("License {license}").format(license=license_words(reference.license)))
    if reference is not None and reference.attribution:
        parts.append(one_line(reference.attribution)[: 2 * _SHOWN])
    return " · ".join(parts)


def license_words(license_id: str) -> str:
    """A license's id as short words: "Llama 3.2" for "LicenseRef-Llama-3.2"; an SPDX id stays as it is."""
    own = one_line(license_id)[:_SHOWN].removeprefix("LicenseRef-")
    return own if own == license_id else own.replace("-", " ")


def ending(message: Message) -> str:
    """How an answer ended where that is not its end, and what went wrong; "" otherwise."""
    said = [message.error] if message.error else []
    if message.status in ("stopped", "streaming"):
        said.insert(0, tr("Stopped"))
    elif message.status == "failed" and not message.error:
        said.append(tr("Failed"))
    elif message.timing is not None and message.timing.stop_reason == "length":
        said.append(tr("Cut off at the longest answer allowed"))
    elif message.timing is not None and message.timing.stop_reason == "context-full":
        said.append(tr("Cut off: the context is full"))
    return ". ".join(said)


def thinking_words(part: ThinkingPart) -> str:
    """The heading of thinking."""
    if part.seconds is None:
        return tr("Thinking")
    return tr("Thinking, {seconds} s").format(seconds=f"{part.seconds:,.1f}")


def summary_words(part: SummaryPart) -> str:
    """The heading of a summary, or why there is none."""
    if not part.text:
        return part.error or tr("A summary could not be made")
    return trn(
        "The model was given this in place of the first message",
        "The model was given this in place of the first {count} messages",
        part.covers,
    ).format(count=part.covers)


def versions_words(count: int, role: str) -> str:
    """How many other versions of a message there are."""
    if role == "assistant":
        return trn("{count} other answer", "{count} other answers", count).format(count=count)
    return trn("{count} other version", "{count} other versions", count).format(count=count)


def machine_mark(message: Message) -> dict[str, str]:
    """What a machine reads of a message that a model wrote; nothing of others."""
    kind = source_type(message)
    if kind is None:
        return {}
    mark = {"digital_source_type": kind, "time": rfc3339_or_none(message.created_at) or ""}
    if message.model is not None:
        mark |= model_mark(message.model)
    return {name: value for name, value in mark.items() if value}


def model_mark(reference: ModelReference) -> dict[str, str]:
    """A model as machines read it, as far as it is known."""
    mark = {
        "model": reference.id,
        "model_name": reference.name,
        "file_sha256": reference.file_sha256 or "",
        "license": reference.license,
        "attribution": reference.attribution,
    }
    return {name: value for name, value in mark.items() if value}


def general_notice() -> str:
    """The sentence that says what models wrote."""
    return tr(
        "Parts of this text were generated by language models, which are named at each of them. They may be wrong."
    )
