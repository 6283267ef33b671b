"""What a file of a newer version says that this one does not know: kept as it is when the file is written."""

from typing import Any, TypeVar, get_args, get_origin

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def unknown_fields(kind: type[msgspec.Struct], values: Any) -> dict[str, Any]:
    """Those of `values` that are no fields of `kind`; none where it is no dictionary."""
    if not isinstance(values, dict):
        return {}
    known = {field.name for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in values.items() if name not in known}


def read_known(kind: type[S], values: dict[str, Any], within: str = "") -> tuple[S, list[str]]:
    """`values` as a `kind`, whose fields all have defaults, and the names of those that hold no value of their type.

    Such a field has its default then, and nothing else is affected: of a struct in it, and of a dictionary of structs,
    what can be used is. `within` begins the names, as "sampling." does that of "sampling.seed".
    """
    usable: dict[str, Any] = {}
    unusable: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.name in values:
            value, names = _known(field.type, values[field.name], within + field.name)
            unusable += names
            if value is not msgspec.UNSET:
                usable[field.name] = value
    return kind(**usable), unusable


def _known(kind: Any, raw: Any, name: str) -> tuple[Any, list[str]]:
    try:
        return msgspec.convert(raw, kind), []
    except msgspec.ValidationError:
        struct = _struct_in(kind)
    if struct is None or not isinstance(raw, dict):
        return msgspec.UNSET, [name]
    if get_origin(kind) is not dict:
        return read_known(struct, raw, f"{name}.")
    found: dict[str, Any] = {}
    unusable: list[str] = []
    for key, each in raw.items():
        value, names = _known(struct, each, f"{name}.{key}")
        unusable += names
        if value is not msgspec.UNSET:
            found[key] = value
    return found, unusable


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that `kind` is, or that its dictionaries hold."""
    inner = get_args(kind)[1] if get_origin(kind) is dict else kind
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def with_changes(raw: Any, before: msgspec.Struct, after: msgspec.Struct) -> dict[str, Any]:
    """What a file is to say so that it is read as `after`, where it says `raw` and was read as `before`.

    What did not change stays to the letter, also where this version cannot use it.
    """
    plain: dict[str, Any] = msgspec.to_builtins(after)
    said: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
    for field in msgspec.structs.fields(type(after)):
        name = field.name
        old, new = getattr(before, name), getattr(after, name)
        if old != new and name in plain:
            said[name] = _changed(said.get(name), old, new, plain[name])
        elif old != new:
            said.pop(name, None)
        elif name in plain:
            said.setdefault(name, plain[name])
    return said


def _changed(raw: Any, old: Any, new: Any, plain: Any) -> Any:
    if isinstance(new, msgspec.Struct) and type(old) is type(new):
        return with_changes(raw, old, new)
    if not isinstance(raw, dict) or not isinstance(new, dict) or not isinstance(old, dict):
        return plain
    said = {key: value for key, value in raw.items() if key in new or key not in old}
    for key, value in new.items():
        before = old.get(key)
        if not isinstance(value, msgspec.Struct):
            said[key] = plain[key]
        else:
            said[key] = with_changes(said.get(key), type(value)() if before is None else before, value)
    return said
