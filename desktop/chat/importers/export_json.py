"""JSON that other programs wrote, read so that one damaged piece costs only itself: arrays item by item, fields of the
type asked for or nothing, times as seconds since 1970."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import SkippedItem
from desktop.chat.importers.json_stream import in_utf8
from desktop.errors import IntegrityError, UserError
from desktop.safe_text import mark_unseen, repair_values
from desktop.translation import tr, trn

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],:]', re.DOTALL)
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


def decoded(data: bytes) -> Any:
    """The value of JSON text. Bytes that are no UTF-8, halves of surrogate pairs, NaN and infinity are put up with;
    ValueError where it is no JSON otherwise, or too deep."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return repair_values(json.loads(data.decode(errors="replace")))
    except RecursionError as error:
        raise ValueError("too deep") from error


def key_paths(head: bytes) -> frozenset[str]:
    """The keys that stand in the beginning of a JSON file, each with those around it: "[].chat.history". Of a file that
    begins otherwise, none."""
    start = in_utf8(head).lstrip()
    found: set[str] = set()
    paths: list[str] = []  # of the array or object that is open, those around it before it
    arrays: list[bool] = []
    key, last = "", b""
    for match in _TOKEN.finditer(start) if start[:1] in (b"{", b"[") else ():
        token = match[0]
        if token == b'"':  # a text that goes on behind the beginning
            break
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


def exported_objects(files: ExportFiles, members: Sequence[str]) -> Iterator[dict[str, Any] | SkippedItem]:
    """The objects in the arrays that `members` are, one after another, or those that they are themselves; what is
    damaged, by its place. Raises IntegrityError where nothing can be read in any of them."""
    whole, errors = 0, dict[str, IntegrityError]()
    for member in members:
        single: dict[str, Any] = {}
        number = 0
        try:
            for key, raw in files.values(member):
                number += 1
                value = _value(raw)
                if key:
                    single[key] = value
                elif isinstance(value, dict):
                    whole += 1
                    yield value
                else:
                    place = tr("{file}, entry {number}").format(file=files.shown(member), number=number)
                    yield SkippedItem(place, tr("It is damaged and cannot be read."))
        except IntegrityError as error:
            errors[member] = error
            continue
        if single:
            whole += 1
            yield single
    if errors and not whole:
        raise next(iter(errors.values()))
    for member in errors:
        why = tr("It is damaged: what stands behind its last whole conversation is lost.")
        yield SkippedItem(files.shown(member), why, is_damage=True)


def object_in(files: ExportFiles, member: str) -> dict[str, Any] | SkippedItem:
    """The object that a small file of an export is; what it is called where it cannot be read."""
    try:
        value = _value(bytes(files.read(member)))
    except UserError as error:
        return SkippedItem(files.shown(member), error.title, is_damage=isinstance(error, IntegrityError))
    damaged = SkippedItem(files.shown(member), tr("It is damaged and cannot be read."), is_damage=True)
    return value if isinstance(value, dict) else damaged


def _value(raw: bytes) -> Any:
    try:
        return decoded(raw)
    except ValueError:
        return None


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


def folders_left(count: int) -> Iterator[SkippedItem]:
    """One item for the folders that `count` conversations were in, where the export does not name them."""
    if count:
        what = trn("The folder of {count} conversation", "The folders of {count} conversations", count)
        yield SkippedItem(what.format(count=count), tr("The names of folders are not in the export."))
