"""The flow of a call by hand: the press of Call is the person's approval of exactly the arguments that stand there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject

from desktop.errors import ForbiddenError, UserError
from desktop.translation import tr
from desktop.ui.tools.shared_tools import ServerTask, SharedTools

if TYPE_CHECKING:
    from desktop.documents.document_reader import DecodedImage
    from desktop.tools.server_tool import ServerTool
    from desktop.tools.tool_service import ToolService
    from desktop.ui.tools.tool_trial import TrialPicture, TrialResult
    from desktop.ui.tools.tools_page import ToolsPage

_LONGEST_SIDE = 1600


class PictureReader(Protocol):
    """Decodes pictures in a process that may do nothing else. Not for the main thread."""

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool] = ...
    ) -> "DecodedImage":
        """The picture in `data`. Raises UserError."""


class _RefusedArgumentsError(Exception):
    """What was typed cannot be sent; the text says why."""


class TrialFlow(QObject):
    """`after` is called when a call was made: its server may be running now."""

    def __init__(
        self, page: "ToolsPage", tools: SharedTools, pictures: PictureReader, after: Callable[[], None]
    ) -> None:
        super().__init__(page)
        self._page, self._tools, self._pictures, self._after = page, tools, pictures, after
        self._task: ServerTask | None = None
        self._closed = False
        page.call_asked.connect(self._call)
        page.tool.trial.cancel_asked.connect(self._cancel)

    def close(self) -> None:
        """Show nothing any more; a call under way ends."""
        self._closed = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _call(self, name: str, text: str) -> None:
        facts, trial = self._page.tool.facts, self._page.tool.trial
        if facts is None or facts.tool.name != name or self._task is not None:
            return
        tool, pictures = facts.tool, self._pictures

        def work(service: "ToolService", is_cancelled: Callable[[], bool]) -> "TrialResult | str":
            try:
                return _called(service, tool, text, pictures, is_cancelled)
            except _RefusedArgumentsError as refused:
                return str(refused)

        def done(outcome: "TrialResult | str") -> None:
            if not self._end(tool):
                return
            if isinstance(outcome, str):
                trial.show_problem(outcome)
                trial.arguments.edit.setFocus()
            else:
                trial.show_result(outcome)

        def failed(error: UserError) -> None:
            cancelled = self._task is not None and self._task.is_cancelled
            if not self._end(tool):
                return
            if cancelled:
                trial.show_cancelled()
            else:
                trial.show_error(error)

        trial.show_working(True)
        self._task = self._tools.run_task(work, done, failed)

    def _end(self, tool: "ServerTool") -> bool:
        """The call is over; whether its tool is still the one that is shown."""
        self._task = None
        if self._closed:
            return False
        self._page.tool.trial.show_working(False)
        shown = self._page.tool.facts
        if shown is not None:
            self._page.tool.trial.show_tool(shown)
        self._after()
        return shown is not None and (shown.tool.server, shown.tool.name) == (tool.server, tool.name)


def _called(
    service: "ToolService", tool: "ServerTool", text: str, pictures: PictureReader, is_cancelled: Callable[[], bool]
) -> "TrialResult":
    """What the tool gives for the arguments in `text`. The approval holds for the tool as it was shown."""
    from desktop.tools.tool_call import ToolArgumentsError, ToolImage, parse_arguments
    from desktop.tools.tool_permission import ToolApproval
    from desktop.tools.tool_refusals import ApprovalNeededError
    from desktop.ui.tools.tool_trial import TrialResult

    try:
        arguments = parse_arguments(text)
        approval = ToolApproval.of_call(tool, arguments)
        result = service.call(
            tool.server, tool.name, arguments, [approval], person_present=True, is_cancelled=is_cancelled
        )
    except ToolArgumentsError as error:
        raise _RefusedArgumentsError(tr("Not called: {reason}.").format(reason=error)) from error
    except ApprovalNeededError as error:
        raise ForbiddenError(
            tr("The tool changed since it was shown here, so it was not called."),
            tr("Its server says something else of it now."),
            tr("Go back, start the server again, and look at what it says."),
        ) from error
    found = [_picture(each.data, pictures, is_cancelled) for each in result.parts if isinstance(each, ToolImage)]
    return TrialResult(result, tuple(found))


def _picture(data: bytes, pictures: PictureReader, is_cancelled: Callable[[], bool]) -> "TrialPicture":
    from desktop.ui.tools.tool_trial import TrialPicture

    decoded: Any
    try:
        decoded = pictures.read_image(data, longest_side=_LONGEST_SIDE, is_cancelled=is_cancelled)
    except UserError as error:
        return TrialPicture(problem=tr("A picture came that cannot be shown: {reason}").format(reason=error.title))
    return TrialPicture(decoded.width, decoded.height, decoded.rgb)
