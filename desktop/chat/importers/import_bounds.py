"""What readers of exports give, made to fit: names and times within bounds, and messages that hang together.

An export may hold anything: times in other units, ids that lead out of a folder, messages that answer each other.
What fits stays as it is; what is cut or moved is said in one sentence.
"""

import dataclasses
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from desktop.chat.answer_record import recorded_load, recorded_options
from desktop.chat.conversation_writer import title_from, typed_title
from desktop.chat.importers.imported_conversation import ImportedConversation, derived_id
from desktop.conversation import (
    AnswerRecord,
    ChatOptions,
    Conversation,
    ConversationOrigin,
    Message,
    MessagePart,
    ModelReference,
    PassagePart,
    SummaryPart,
    TextPart,
    ThinkingPart,
)
from desktop.engine.load_params import LoadParams
from desktop.safe_text import is_blank, one_line, repair_surrogates
from desktop.storage.folder_store import BlankNameError, tag_name
from desktop.tools.tool_server import BUILT_IN
from desktop.translation import tr

LONGEST_TITLE = 300
LONGEST_TEXT = 4_000_000
"""Characters that a title, and a text in a message, has at most."""
_LONGEST_NAME = 300
_LONGEST_ERROR = 2_000
_MOST_TAGS = 50
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_DAY = 86_400.0
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fitted(imported: ImportedConversation, app: str, now: float) -> tuple[ImportedConversation, list[str]]:
    """`imported` as it can be stored at `now` (seconds since 1970, UTC), and what was done to it, a sentence each."""
    notes: list[str] = []
    head = imported.conversation
    head_id, leaf_id = _fitting_id(head.id), None if head.leaf_id is None else _fitting_id(head.leaf_id)
    messages = _hanging_together([_with_fitting_ids(each, head_id) for each in imported.messages], notes)
    ids = {message.id for message in messages}
    head = msgspec.structs.replace(
        head,
        id=head_id,
        leaf_id=leaf_id if leaf_id in ids else messages[-1].id if messages else None,
        deleted_at=None,
        title=head.title[:LONGEST_TITLE],
        system_prompt=_cut(head.system_prompt, notes),
        tags=tuple(_tags(head.tags)),
        options=without_servers(head.options),
    )
    if head.options != imported.conversation.options:
        notes.append(tr("The tool servers that it names were not taken over: choose them anew in the chat."))
    if imported.own:
        head = _on_calendar(head, now)
        messages = [_fitted_message(each, _past_time(each.created_at, now), notes) for each in messages]
    else:
        head = _at_its_time(head, messages, now)
        messages = [
            _fitted_message(each, real_time(each.created_at, now) or head.created_at, notes) for each in messages
        ]
        origin = ConversationOrigin(app, imported.source_id[:_LONGEST_NAME], now)
        head = msgspec.structs.replace(_titled(head, messages), origin=origin)
    fitting = dataclasses.replace(imported, conversation=head, messages=tuple(messages))
    return fitting, list(dict.fromkeys(notes))


def without_servers(options: ChatOptions) -> ChatOptions:
    """`options` with no tools but Latchkey's own: which servers a chat may call is said by a person, not by a file that
    may come from anybody and say more to the model than they read."""
    return msgspec.structs.replace(options, tools=tuple(each for each in options.tools if each == BUILT_IN))


def real_time(seconds: float, now: float) -> float:
    """A time in seconds since 1970 of one that may be in milliseconds or smaller parts; `now` where it lies in the
    future, 0 where it is none."""
    if not math.isfinite(seconds) or seconds < 0:
        return 0.0
    for least, unit in _UNITS:
        if seconds >= least:
            seconds /= unit
            break
    return now if seconds > now + _DAY else seconds


# --- heads -----------------------------------------------------------------------------------------------------------


def _titled(head: Conversation, messages: Sequence[Message]) -> Conversation:
    title = typed_title(repair_surrogates(head.title))
    if not is_blank(title):
        return msgspec.structs.replace(head, title=title, title_by=head.title_by or "person")
    first = next((message.text for message in messages if message.role == "user"), "")
    return msgspec.structs.replace(head, title=title_from(first), title_by="first-turn")


def _at_its_time(head: Conversation, messages: Sequence[Message], now: float) -> Conversation:
    times = [time for message in messages if (time := real_time(message.created_at, now))]
    newest = max(times, default=0.0)
    created = real_time(head.created_at, now) or min(times, default=0.0) or real_time(head.updated_at, now) or now
    updated = max(real_time(head.updated_at, now), newest) or created
    archived = None if head.archived_at is None else real_time(head.archived_at, now) or now
    return msgspec.structs.replace(head, created_at=created, updated_at=updated, archived_at=archived)


def _on_calendar(head: Conversation, now: float) -> Conversation:
    return msgspec.structs.replace(
        head,
        created_at=_past_time(head.created_at, now),
        updated_at=_past_time(head.updated_at, now),
        archived_at=None if head.archived_at is None else _past_time(head.archived_at, now),
    )


def _past_time(seconds: float, now: float) -> float:
    """A time that is in seconds for sure; `now` where it lies in the future, as it would stand above all others."""
    if not math.isfinite(seconds):
        return 0.0
    return now if seconds > now + _DAY else max(seconds, 0.0)


def _tags(tags: Iterable[str]) -> Iterable[str]:
    for tag in tuple(tags)[:_MOST_TAGS]:
        with suppress(BlankNameError):
            yield tag_name(tag)


# --- messages --------------------------------------------------------------------------------------------------------


def _fitting_id(given: str) -> str:
    """An id that may stand anywhere; one that does not fit gives the same other one each time."""
    return given if _ID.fullmatch(given) else derived_id("", repair_surrogates(given))


def _with_fitting_ids(message: Message, head_id: str) -> Message:
    parent_id = None if message.parent_id is None else _fitting_id(message.parent_id)
    return msgspec.structs.replace(
        message, id=_fitting_id(message.id), parent_id=parent_id, conversation_id=head_id, deleted_at=None
    )


def _hanging_together(messages: Sequence[Message], notes: list[str]) -> list[Message]:
    """The messages, each once, with every parent before its children. What hangs on nothing that is there, or goes
    round in a circle, begins a branch of its own."""
    by_id: dict[str, Message] = {}
    for message in messages:
        if message.id in by_id:
            notes.append(tr("Two messages have the same id; the first one was taken."))
        else:
            by_id[message.id] = message
    if _is_ordered(by_id.values()):
        return list(by_id.values())
    under: dict[str | None, list[Message]] = defaultdict(list)
    for message in by_id.values():
        if message.parent_id is not None and message.parent_id not in by_id:
            notes.append(tr("A message answers one that is not in the file; it begins a branch of its own."))
            message = msgspec.structs.replace(message, parent_id=None)
        under[message.parent_id].append(message)
    ordered: dict[str, Message] = {}
    _add_with_all_under(under[None], under, ordered)
    for message in by_id.values():
        if message.id not in ordered:
            notes.append(tr("Messages that answer each other in a circle begin a branch of their own."))
            _add_with_all_under([msgspec.structs.replace(message, parent_id=None)], under, ordered)
    return list(ordered.values())


def _is_ordered(messages: Iterable[Message]) -> bool:
    seen: set[str | None] = {None}
    for message in messages:
        if message.parent_id not in seen:
            return False
        seen.add(message.id)
    return True


def _add_with_all_under(
    roots: Sequence[Message], under: dict[str | None, list[Message]], ordered: dict[str, Message]
) -> None:
    waiting = list(reversed(roots))
    while waiting:
        message = waiting.pop()
        if message.id not in ordered:
            ordered[message.id] = message
            waiting.extend(reversed(under.get(message.id, ())))


def _fitted_message(message: Message, created_at: float, notes: list[str]) -> Message:
    return msgspec.structs.replace(
        message,
        parts=tuple(_fitted_part(part, notes) for part in message.parts),
        status="stopped" if message.status == "streaming" else message.status,
        model=None if message.model is None else _fitted_model(message.model),
        error=message.error[:_LONGEST_ERROR],
        created_at=created_at,
        record=message.record if message.record is None or _is_usable(message.record) else None,
    )


def _fitted_part(part: MessagePart, notes: list[str]) -> MessagePart:
    if isinstance(part, TextPart | ThinkingPart | SummaryPart | PassagePart) and len(part.text) > LONGEST_TEXT:
        return msgspec.structs.replace(part, text=_cut(part.text, notes))
    return part


def _cut(text: str, notes: list[str]) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    notes.append(tr("A text of more than {count} characters was cut.").format(count=LONGEST_TEXT))
    return text[:LONGEST_TEXT]


def _fitted_model(model: ModelReference) -> ModelReference:
    sha256 = model.file_sha256 if _SHA256.fullmatch(model.file_sha256 or "") else None
    return msgspec.structs.replace(
        model, id=model.id[:_LONGEST_NAME], name=one_line(model.name)[:_LONGEST_NAME], file_sha256=sha256
    )


def _is_usable(record: AnswerRecord) -> bool:
    """Whether an answer can be made again from it: what it says of options and loading can be read."""
    try:
        recorded_options(record)
        recorded_load(record, LoadParams(""))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return False
    return True
