"""What is asked of a JSON Schema before llguidance makes a grammar of it: that it is one, is not too large, fetches
nothing, and that something can satisfy it.

Keywords that llguidance cannot express (`not`, `if`, `uniqueItems`, `contains`, …) it refuses by name.
"""

import json
from collections.abc import Iterator
from typing import Any

from desktop.errors import EngineError
from desktop.translation import tr

MOST_TEXT = 1_000_000
"""Characters of a schema."""
_MOST_REFERENCES = 1_000  # llguidance resolves one within the other: 20,000 in a chain exhaust the stack
_MOST_DEPTH = 100
_ANYTHING: dict[str, Any] = {}


def checked_schema(text: str) -> str:
    """The JSON Schema `text` in the form that llguidance takes. Raises EngineError with the reason where it is none
    that can be used."""
    if len(text) > MOST_TEXT:
        raise schema_error(tr("It is longer than {count} characters.").format(count=f"{MOST_TEXT:,}"))
    try:
        schema = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise schema_error(tr("It is no JSON: {reason}.").format(reason=str(error).rstrip("."))) from None
    if schema is True:
        schema = _ANYTHING
    if schema is False:
        raise _endless()
    if not isinstance(schema, dict):
        raise schema_error(tr("It is neither an object nor “true”."))
    schema.pop("x-guidance", None)  # llguidance's own options
    if _depth(schema) > _MOST_DEPTH:
        raise _too_deep()
    references = [each["$ref"] for each in _objects(schema) if isinstance(each.get("$ref"), str)]
    if len(references) > _MOST_REFERENCES:
        raise schema_error(tr("It has more than {count} references.").format(count=f"{_MOST_REFERENCES:,}"))
    remote = next((each for each in references if not _is_local(each, schema)), None)
    if remote is not None:
        raise schema_error(tr("“$ref” leads to {address}, which is never fetched.").format(address=remote[:200]))
    if not _Satisfiability(schema).holds():
        raise _endless()
    return json.dumps(schema)


def _is_local(reference: str, schema: dict[str, Any]) -> bool:
    own = schema.get("$id")
    return reference.startswith("#") or (isinstance(own, str) and reference.partition("#")[0] == own.partition("#")[0])


class _Satisfiability:
    """Whether a text that ends can satisfy a schema whose references lead round in a circle.

    Only what makes a text endless is looked at: required properties, items that have to be there, references, and how
    they are combined. That bounds contradict each other is llguidance's to say.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._targets: dict[str, Any] = {}
        self._known: set[str] = set()

    def holds(self) -> bool:
        for each in _objects(self._root):
            reference = each.get("$ref")
            if isinstance(reference, str) and reference not in self._targets:
                target = _target(self._root, reference)
                if target is None:
                    self._known.add(reference)  # an anchor, or nothing: llguidance says so
                self._targets[reference] = target
        grows = True
        while grows:
            found = {
                reference
                for reference, target in self._targets.items()
                if reference not in self._known and self._ends(target)
            }
            self._known |= found
            grows = bool(found)
        return self._ends(self._root)

    def _ends(self, schema: Any) -> bool:
        if not isinstance(schema, dict):
            return schema is not False
        if isinstance(schema.get("$ref"), str) and schema["$ref"] not in self._known:
            return False
        choices = [schema[name] for name in ("anyOf", "oneOf") if isinstance(schema.get(name), list)]
        if not all(any(map(self._ends, each)) for each in choices):
            return False
        if isinstance(schema.get("allOf"), list) and not all(map(self._ends, schema["allOf"])):
            return False
        return self._object_ends(schema) and self._array_ends(schema)

    def _object_ends(self, schema: dict[str, Any]) -> bool:
        properties, required = schema.get("properties"), schema.get("required")
        if schema.get("type") != "object" or not isinstance(properties, dict) or not isinstance(required, list):
            return True
        return all(self._ends(properties.get(name, True)) for name in required if isinstance(name, str))

    def _array_ends(self, schema: dict[str, Any]) -> bool:
        least = schema.get("minItems")
        if schema.get("type") != "array" or not isinstance(least, int):
            return True
        first = schema.get("prefixItems")
        needed = first[:least] if isinstance(first, list) else []
        if least > len(needed):
            needed = [*needed, schema.get("items", True)]
        return all(map(self._ends, needed))


def _target(root: Any, reference: str) -> Any:
    """What a JSON pointer in `reference` leads to; None where nothing stands there, or it is an anchor."""
    pointer = reference.partition("#")[2]
    if not pointer:
        return root
    if not pointer.startswith("/"):
        return None
    found = root
    for part in pointer[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within `value`."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            yield each
            todo += each.values()
        elif isinstance(each, list):
            todo += each


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _too_deep() -> EngineError:
    return schema_error(tr("It is nested more than {count} levels deep.").format(count=_MOST_DEPTH))


def _endless() -> EngineError:
    return schema_error(tr("No JSON can satisfy it."))


def schema_error(reason: str) -> EngineError:
    """The JSON Schema cannot be used; `reason` is a sentence."""
    return EngineError(tr("The JSON Schema cannot be used."), reason, tr("Change it, or ask without it."))
