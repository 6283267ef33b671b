"""JSON that other programs wrote, read so that one damaged piece costs only itself: arrays item by item, fields of the
type asked for or nothing, times as seconds since 1970."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from mmap import mmap
from typing import Any

import msgspec

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import SkippedItem
from desktop.errors import IntegrityError
from desktop.safe_text import mark_unseen, repair_values
from desktop.translation import tr, trn

Buffer = bytes | mmap | memoryview
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],:]', re.DOTALL)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_UTF16, _UTF8 = (b"\xff\xfe", b"\xfe\xff"), b"\xef\xbb\xbf"
_DEEPEST = 6
"""Keys further inside say nothing of which program wrote a file."""
_MILLISECONDS = 1e11
"""A greater number of seconds would be after the year 5000: it counts thousandths, millionths or billionths."""
_LAST_SECOND = datetime.max.replace(tzinfo=UTC).timestamp()
_NAMED = 3


# --- fields of any type ----------------------------------------------------------------------------------------------


def as_fields(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else one without fields."""
    return value if isinstance(value, dict) else {}


def as_entries(value: Any) -> list[Any]:
    """`value` where it is an array, else one without entries."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """`value` where it is a text, else ""."""
    return value if isinstance(value, str) else ""


def as_name(value: Any) -> str:
    """What something is called: `value` where it is a text or a whole number, else ""."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64:
        return str(value)
    return as_text(value)


def seconds(value: Any) -> float:
    """The time `value` in seconds since 1970, UTC: a number of seconds, milliseconds, microseconds or nanoseconds, such
    a number as text, or a time of ISO 8601 (UTC where it names no zone). 0.0 where it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    if not math.isfinite(number) or number <= 0:
        return 0.0
    while number >= _MILLISECONDS and number < 1e21:
        number /= 1000
    return number if number < _LAST_SECOND else 0.0


def duration(value: Any) -> float | None:
    """How long something took, in seconds; None where `value` says it of no time that can be meant."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return float(value)


def _iso_seconds(value: str) -> float:
    try:
        time = datetime.fromisoformat(value[:64].strip())
        found = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return max(found, 0.0)


def json_text(value: Any) -> str:
    """`value` as JSON; a text that is JSON of an object already, as it is. "" where it goes too deep."""
    if isinstance(value, str):
        try:
            if isinstance(msgspec.json.decode(value), dict):
                return value
        except (msgspec.DecodeError, RecursionError):
            pass
        return msgspec.json.encode({"input": value}).decode() if value else "{}"
    try:
        return msgspec.json.encode({} if value is None else value).decode()
    except (RecursionError, msgspec.EncodeError, OverflowError, TypeError):
        return ""


# --- whole files -----------------------------------------------------------------------------------------------------


def decoded(data: Buffer | msgspec.Raw) -> Any:
    """The value of JSON text. Bytes that are no UTF-8, halves of surrogate pairs, NaN and infinity are put up with;
    ValueError where it is no JSON otherwise, or too deep."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return repair_values(json.loads(bytes(data).decode(errors="replace")))
    except RecursionError as error:
        raise ValueError("too deep") from error


def as_utf8(data: bytes | mmap) -> Buffer:
    """`data` without its byte order mark, and in UTF-8 where that says UTF-16."""
    if data[:2] in _UTF16:
        return bytes(data).decode("utf-16", errors="replace").encode(errors="replace")
    return memoryview(data)[3:] if data[:3] == _UTF8 else data


def key_paths(head: bytes) -> frozenset[str]:
    """The keys that stand in the beginning of a JSON file, each with those around it: "[].chat.history". Of a file that
    begins otherwise, none."""
    start = bytes(as_utf8(head)).lstrip()
    found: set[str] = set()
    paths: list[str] = []  # of the array or object that is open, those around it before it
    arrays: list[bool] = []
    key, last = "", b""
    for match in _TOKEN.finditer(start) if start[:1] in (b"{", b"[") else ():
        token = match[0]
        if token in (b"{", b"["):
            paths.append(f"{paths[-1]}[]" if paths and arrays[-1] and len(paths) < _DEEPEST else key)
            arrays.append(token == b"[")
        elif token in (b"}", b"]"):
            if not paths:
                break
            paths.pop()
            arrays.pop()
        elif token == b":" and paths and len(paths) <= _DEEPEST:
            key = f"{paths[-1]}.{last[1:64].decode(errors='replace')}".rstrip('"').lstrip(".")
            found.add(key)
        elif token[:1] == b'"':
            last = token
    return frozenset(found)


def member_data(files: ExportFiles, member: str) -> Buffer:
    """All of a member, in UTF-8."""
    return as_utf8(files.read(member)) if files.head(member, 1) else b""


def exported_objects(files: ExportFiles, members: Sequence[str]) -> Iterator[dict[str, Any] | SkippedItem]:
    """The objects in the arrays that `members` are, one after another, or those that they are themselves; what is
    damaged, by its place. Raises IntegrityError where nothing can be read in any of them."""
    unreadable = []
    for member in members:
        data = member_data(files, member)
        number = whole = 0
        for raw in _items(data):
            number += 1
            value = None if raw is None else _object(raw)
            whole += value is not None
            if value is not None:
                yield value
            elif raw is not None:
                place = tr("{file}, entry {number}").format(file=shown(member), number=number)
                yield SkippedItem(place, tr("It is damaged and cannot be read."))
            elif whole:
                yield SkippedItem(shown(member), tr("The file ends before its last conversation does."))
        is_empty = number == 0 and bytes(data[:64]).lstrip()[:1] == b"["
        if not whole and not is_empty:
            unreadable.append(member)
    if unreadable and len(unreadable) == len(members):
        raise IntegrityError(
            tr("{file} cannot be read.").format(file=listed(unreadable, len(unreadable))),
            tr("There is no whole conversation in it."),
            tr("Export it once more."),
        )
    yield from members_left(unreadable, tr("There is no whole conversation in it."))


def _object(raw: msgspec.Raw | Buffer) -> dict[str, Any] | None:
    try:
        value = decoded(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _items(data: Buffer) -> Iterator[msgspec.Raw | Buffer | None]:
    """The items of an array, or `data` itself where it is none; None where the end of the array is missing."""
    if bytes(data[:64]).lstrip()[:1] != b"[":
        if data:
            yield data
        return
    try:
        yield from _array.decode(data)
    except (msgspec.DecodeError, RecursionError):
        yield from _scanned_items(data)


def _scanned_items(data: Buffer) -> Iterator[Buffer | None]:
    """The same for an array that is no JSON as a whole: cut, or damaged inside one of its items."""
    view = memoryview(data)
    depth = begins = 0
    for match in _TOKEN.finditer(view):
        token, at = match[0], match.start()
        if token == b'"':  # a text that does not end
            break
        if token in (b"{", b"["):
            depth += 1
            begins = at + 1 if depth == 1 else begins
        elif token in (b"}", b"]", b","):
            if depth == 1 and view[begins:at].tobytes().strip():
                yield view[begins:at]
            begins = at + 1 if depth == 1 else begins
            depth -= token != b","
            if depth == 0:
                return
    yield None


# --- files by their names --------------------------------------------------------------------------------------------


def base_name(member: str) -> str:
    """The last part of a member's name."""
    return member.rpartition("/")[2]


def json_members(files: ExportFiles, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """The members whose last name is like `pattern`, or the only one that there is, whatever its name."""
    names = tuple(member for member in files.names() if not is_litter(member))
    found = tuple(sorted(member for member in names if pattern.fullmatch(base_name(member))))
    return found or (names if len(names) == 1 else ())


def is_litter(member: str) -> bool:
    """Whether a system left this file beside those of the export."""
    return member.endswith("/") or member.startswith("__MACOSX/") or base_name(member).startswith("._")


def shown(given: str) -> str:
    """A name that others gave, for a sentence."""
    return mark_unseen(given[:200], 80)


def listed(names: Sequence[str], count: int) -> str:
    """The first of `count` names, and how many more there are."""
    some = ", ".join(shown(each) for each in names[:_NAMED])
    more = count - min(len(names), _NAMED)
    return (
        trn("{names} and {count} more", "{names} and {count} more", more).format(names=some, count=more)
        if more
        else some
    )


def members_left(members: Sequence[str], why: str) -> Iterator[SkippedItem]:
    """One item for all `members` that are left out for the same reason."""
    if members:
        yield SkippedItem(listed([base_name(member) or member for member in members[:_NAMED]], len(members)), why)


def folders_left(names: Iterable[str], count: int) -> Iterator[SkippedItem]:
    """One item for the folders that `count` conversations were in; `names` are those that are known."""
    known = list(dict.fromkeys(names))
    if count:
        several = trn("The folder of {count} conversation", "The folders of {count} conversations", count)
        what = tr("Folders: {names}").format(names=listed(known, len(known))) if known else several.format(count=count)
        yield SkippedItem(what, tr("Latchkey does not take the folders that conversations were in."))
