"""The tools that are offered in an answer: asked of their servers, which are started for it, off the main thread. A
server that fails, or may not be started, is left out, and the person is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread

from desktop.chat.chat_tools import ChatTools, ToolCalling
from desktop.chat.offered_tools import NO_TOOLS, OfferedTools, offer_tools
from desktop.errors import StoppedError, UserError
from desktop.safe_text import one_line
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_permission import CallDenied
from desktop.translation import tr, trn


@dataclass(frozen=True)
class GatheredTools:
    """What a model is offered, and sentences for the person on what it is not."""

    offered: OfferedTools = NO_TOOLS
    notes: tuple[str, ...] = ()


def gather_tools(
    tools: ChatTools,
    names: Sequence[str],
    context_length: int,
    is_cancelled: Callable[[], bool],
    *,
    documents: bool = False,
) -> GatheredTools:
    """The tools of the servers `names`, but for those that may never be called, and those that read a chat's documents
    where it has no `documents`. Waits for the servers, all at once.
    Raises StoppedError where `is_cancelled` said so."""
    service = tools.service()
    asked = [_AskedServer(service, name, is_cancelled, documents=documents) for name in dict.fromkeys(names)]
    for each in asked:
        each.thread.join()
    if is_cancelled():
        raise StoppedError
    found: list[ServerTool] = []
    notes: list[str] = []
    for each in asked:
        found += each.tools
        if each.error is not None:
            notes.append(tr("{reason} The answer goes on without its tools.").format(reason=one_line(each.error.title)))
    offered = offer_tools(found, context_length)
    if offered.left_out:
        notes.append(_left_out(offered))
    return GatheredTools(offered, tuple(notes))


def no_tools_note(model: str) -> str:
    """The sentence for a model that cannot call tools."""
    return tr("{model} calls no tools, so the answer goes on without them.").format(model=one_line(model))


class _AskedServer:
    """One server, asked for its tools in a thread of its own; `error` is why it gave none."""

    def __init__(self, service: ToolCalling, name: str, is_cancelled: Callable[[], bool], *, documents: bool) -> None:
        self.tools: list[ServerTool] = []
        self.error: UserError | None = None
        self._service, self._name, self._is_cancelled = service, name, is_cancelled
        self._documents = documents
        self.thread = Thread(target=self._ask, name=f"tools-of-{name}"[:60], daemon=True)
        self.thread.start()

    def _ask(self) -> None:
        try:
            given = self._service.tools(self._name, self._is_cancelled, documents=self._documents)
            self.tools = [tool for tool in given if not self._is_denied(tool)]
        except UserError as error:
            self.error = error
        except StoppedError:
            pass

    def _is_denied(self, tool: ServerTool) -> bool:
        return isinstance(self._service.decide(tool, {}, person_present=True), CallDenied)


def _left_out(offered: OfferedTools) -> str:
    count = len(offered.left_out)
    words = trn(
        "{count} tool is not offered to the model: its description would take too much of the context.",
        "{count} tools are not offered to the model: their descriptions would take too much of the context.",
        count,
    )
    return words.format(count=f"{count:,}")
