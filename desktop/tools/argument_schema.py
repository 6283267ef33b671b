"""Do arguments fit the schema that a server gave for them? Checked here, with a schema that may be hostile.

A regular expression of a server is not run (it may take forever, and nothing could stop it), so that which properties
are left over where some are named by expressions is not checked either. Nothing that a schema refers to is fetched, and
schemas that refer to themselves over and over end after so many steps. Imported where a call is made: jsonschema is not
small.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import referencing
from jsonschema.exceptions import ValidationError, best_match
from referencing.exceptions import Unresolvable

from desktop.safe_text import one_line
from desktop.tools.tool_call import ToolArgumentsError
from desktop.translation import tr

MOST_STEPS = 10_000
_LONGEST_REASON = 300
_UNCHECKED = (
    "pattern",
    "patternProperties",
    "format",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
)
"""Among them what jsonschema checks by running the expressions of `patternProperties` of schemas within."""


class _IntricateSchemaError(Exception):
    """The schema is followed no further."""


def check_arguments(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Raise ToolArgumentsError where `arguments` do not fit `schema`, or the schema cannot be followed."""
    steps = 0
    base = jsonschema.Draft202012Validator

    def counted(check: Any) -> Any:
        def run(validator: Any, value: Any, instance: Any, whole: Any) -> Iterator[ValidationError]:
            nonlocal steps
            steps += 1
            if steps > MOST_STEPS:
                raise _IntricateSchemaError
            yield from check(validator, value, instance, whole) or ()

        return run

    checks = {name: counted(check) for name, check in base.VALIDATORS.items() if name not in _UNCHECKED}
    checks |= {"additionalProperties": counted(_additional_properties), "uniqueItems": counted(_unique_items)}
    bounded = jsonschema.validators.create(base.META_SCHEMA, checks, type_checker=base.TYPE_CHECKER)
    try:
        misfit = best_match(bounded(schema, registry=referencing.Registry()).iter_errors(arguments))
    except (_IntricateSchemaError, RecursionError):
        raise ToolArgumentsError(tr("the tool's schema cannot be followed: it is too intricate")) from None
    except Unresolvable:
        raise ToolArgumentsError(tr("the tool's schema cannot be followed: it refers to another one")) from None
    except Exception as error:  # a schema that is none fails in whatever way its mistake makes jsonschema fail
        raise ToolArgumentsError(tr("the tool's schema cannot be followed: it is no JSON schema")) from error
    if misfit is not None:
        where = "/".join(str(each) for each in misfit.absolute_path)
        reason = one_line(misfit.message)[:_LONGEST_REASON]
        raise ToolArgumentsError(f"{where}: {reason}" if where else reason)


def _unique_items(_: Any, value: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """By their texts: jsonschema compares each with each, which takes minutes for as many as arguments may hold."""
    if value is True and isinstance(instance, list):
        texts = {json.dumps(each, sort_keys=True) for each in instance}
        if len(texts) < len(instance):
            yield ValidationError("some of its items are alike")


def _additional_properties(validator: Any, value: Any, instance: Any, whole: Any) -> Iterator[ValidationError]:
    if "patternProperties" not in whole:
        yield from jsonschema.Draft202012Validator.VALIDATORS["additionalProperties"](validator, value, instance, whole)
