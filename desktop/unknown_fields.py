"""What a file of a newer version says that this one does not know: kept as it is when the file is written."""

from typing import Any

import msgspec


def unknown_fields(kind: type[msgspec.Struct], values: Any) -> dict[str, Any]:
    """Those of `values` that are no fields of `kind`; none where it is no dictionary."""
    if not isinstance(values, dict):
        return {}
    known = {field.name for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in values.items() if name not in known}
