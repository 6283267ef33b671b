"""Calls of tools that ended without a result: stopped by a person, or with the program that made them."""

from desktop.conversation import MessagePart, TextPart, ToolCallPart, ToolResultPart

NOT_CARRIED_OUT = "This call was not carried out."
"""What a model reads in place of a result that it does not get."""


def calls_ended(parts: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    """`parts` with a result that says "cancelled" for each call of a tool that has none, behind the calls beside it."""
    known = {part.call_id for part in parts if isinstance(part, ToolResultPart)}
    made: list[MessagePart] = []
    open_calls: list[ToolCallPart] = []
    for part in parts:
        if not isinstance(part, ToolCallPart | ToolResultPart):
            made += map(cancelled_result, open_calls)
            open_calls = []
        elif isinstance(part, ToolCallPart) and part.id not in known:
            open_calls.append(part)
        made.append(part)
    return (*made, *map(cancelled_result, open_calls))


def cancelled_result(call: ToolCallPart) -> ToolResultPart:
    """The result of a call that was stopped, or never made."""
    return ToolResultPart(call.id, call.name, (TextPart(NOT_CARRIED_OUT),), is_error=True, outcome="cancelled")
