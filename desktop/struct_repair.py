"""Values of which every text can be stored and tokenized."""

from typing import Any, TypeVar

import msgspec

from desktop.safe_text import repair_surrogates

_S = TypeVar("_S", bound=msgspec.Struct)


def without_lone_surrogates(value: _S) -> _S:
    """`value` with every lone surrogate in its texts replaced by U+FFFD: neither UTF-8 nor a tokenizer takes them."""
    repaired: _S = _repaired(value)
    return repaired


def _repaired(value: Any) -> Any:
    match value:
        case str():
            return repair_surrogates(value)
        case tuple():
            return tuple(map(_repaired, value))
        case msgspec.Struct():
            fields = {name: _repaired(getattr(value, name)) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **fields)
        case _:
            return value
