"""The tools that a question is asked with: the servers that a command names, and what became of the calls."""

from argparse import Namespace
from collections.abc import Sequence

from desktop.cli.ask_result import AskToolCall
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.terminal_input import repair_input
from desktop.conversation import Message, TextPart, ToolCallPart, ToolResultPart
from desktop.tools.tool_server import BUILT_IN
from desktop.translation import tr


def asked_servers(given: Sequence[str] | None, tools: CommandContext) -> tuple[str, ...] | None:
    """The tool servers that were named, None where --tools was not given. Raises NotFoundError."""
    if given is None:
        return None
    names = tuple(dict.fromkeys(name for each in given if (name := repair_input(each))))
    for name in names:
        if name != BUILT_IN:
            tools.tool_service.server(name)
    return names


def refuse_with_tools(options: Namespace) -> None:
    """Raise UsageError where an option cannot be had together with tools."""
    others = {
        "--raw-prompt": options.raw_prompt,
        "--logprobs": options.logprobs,
        "--draft-model": options.draft_model,
        "--json-schema": options.json_schema,
        "--grammar": options.grammar,
    }
    given = [name for name, value in others.items() if value]
    if options.tools and any(options.tools) and given:
        raise UsageError(
            tr("{option} cannot be had together with --tools.").format(option=given[0]),
            "",
            tr("Leave out one of them."),
        )


def asked_calls(message: Message) -> list[AskToolCall]:
    """The calls in an answer, each with its result."""
    results = {part.call_id: part for part in message.parts if isinstance(part, ToolResultPart)}
    return [_asked_call(part, results.get(part.id)) for part in message.parts if isinstance(part, ToolCallPart)]


def _asked_call(call: ToolCallPart, result: ToolResultPart | None) -> AskToolCall:
    told = (call.id, call.name, call.arguments, call.server, call.tool, call.sent)
    if result is None:
        return AskToolCall(*told)
    text = "".join(part.text for part in result.content if isinstance(part, TextPart))
    return AskToolCall(*told, result.outcome, result.by, round(result.seconds, 3), result.size, text)
