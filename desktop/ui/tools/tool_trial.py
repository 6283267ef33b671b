"""A call of a tool by hand: its arguments as JSON, and what came of it as text and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import section_heading
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.mono_box import MonoBox
from desktop.ui.tools.tool_words import first_arguments, result_words
from desktop.ui.tools.tools_page_values import ToolFacts

if TYPE_CHECKING:
    from desktop.tools.tool_call import ToolResult

_MOST_LINES = 24
_MOST_PICTURES = 8


@dataclass(frozen=True)
class TrialPicture:
    """A picture of a result: three bytes for each pixel. Or `problem`, why it cannot be shown."""

    width: int = 0
    height: int = 0
    rgb: bytes = b""
    problem: str = ""


@dataclass(frozen=True)
class TrialResult:
    """What a call gave, its pictures decoded."""

    result: "ToolResult"
    pictures: tuple[TrialPicture, ...] = ()


class ResultPicture(Label):
    """A picture, made smaller where there is no room for it."""

    def __init__(self, theme: Theme, picture: TrialPicture, number: int) -> None:
        super().__init__(theme)
        line = 3 * picture.width
        image = QImage(picture.rgb, picture.width, picture.height, line, QImage.Format.Format_RGB888)
        self._image = image.copy()  # the bytes are not kept
        self.setAccessibleName(tr("Picture {number} of the result").format(number=number))
        self.setMinimumSize(1, 1)
        self._fit(self._image.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit(self.width())

    def _fit(self, width: int) -> None:
        size = self._image.size()
        if size.width() > width > 0:
            size = size.scaled(QSize(width, size.height()), Qt.AspectRatioMode.KeepAspectRatio)
        if self.pixmap().size() != size:
            scaled = self._image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, _SMOOTH)
            self.setPixmap(QPixmap.fromImage(scaled))
            self.setFixedHeight(max(size.height(), 1))


_SMOOTH = Qt.TransformationMode.SmoothTransformation


class ToolTrial(QWidget):
    """`call_asked` carries the JSON that stands in the field when Call is pressed, `cancel_asked` that it is to end."""

    call_asked = Signal(str)
    cancel_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = ""
        self.arguments = MonoBox(theme, tr("Arguments as JSON"), lines=3, most_lines=14, editable=True)
        self.call = Button(theme, tr("Call"), kind="accent", name=tr("Call the tool with these arguments"))
        self.cancel = Button(theme, tr("Cancel"), name=tr("Cancel the call"))
        self.about = Label(theme, "", size="small", color="muted", wrap=True)
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True)
        self._badge = Badge(theme, "")
        self._took = Label(theme, "", size="small", color="muted")
        self._result_head = QWidget()
        self.result = MonoBox(theme, tr("What the tool gave"), lines=1, most_lines=_MOST_LINES)
        self._cut = Label(theme, "", size="small", color="muted", wrap=True)
        self._pictures = QVBoxLayout()
        self._error: FittedErrorBox | None = None
        self._column = QVBoxLayout(self)
        self._build(theme)
        self.call.clicked.connect(lambda: self.call_asked.emit(self.arguments.text))
        self.cancel.clicked.connect(self.cancel_asked)
        self.arguments.edit.textChanged.connect(lambda: self.show_problem(""))
        self._clear()

    def _build(self, theme: Theme) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.call)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.about, 1)
        head = QHBoxLayout(self._result_head)
        head.setContentsMargins(0, S, 0, 0)
        head.setSpacing(S)
        head.addWidget(section_heading(theme, tr("Result")))
        head.addWidget(self._badge)
        head.addWidget(self._took)
        head.addStretch(1)
        column = self._column
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S)
        column.addWidget(section_heading(theme, tr("Try it")))
        column.addWidget(self.arguments)
        column.addWidget(self._problem)
        column.addLayout(buttons)
        column.addWidget(self._result_head)
        column.addWidget(self.result)
        self._pictures.setSpacing(XS)
        column.addLayout(self._pictures)
        column.addWidget(self._cut)

    def show_tool(self, facts: ToolFacts) -> None:
        """Offer to call this tool. What was typed for it stays."""
        key = f"{facts.tool.server}/{facts.tool.name}"
        if key != self._name:
            self._name = key
            self.arguments.show_text(first_arguments(facts.tool))
            self._clear()
        reason = _why_not(facts)
        self.call.setEnabled(not reason and self.cancel.isHidden())
        self.about.setText(reason or tr("Call sends these arguments to the server as they stand here, once."))

    def show_working(self, working: bool) -> None:
        """A call is being made, or no longer."""
        had_focus = self.call.hasFocus() or self.cancel.hasFocus()
        if working:
            self._clear()
        self.call.setEnabled(not working)
        self.cancel.setVisible(working)
        if had_focus:  # what had it is gone: it stays at hand
            (self.cancel if working else self.call).setFocus(Qt.FocusReason.OtherFocusReason)
        if working:
            self.about.setText(tr("The call is being made…"))

    def show_cancelled(self) -> None:
        """The call was cancelled."""
        self.about.setText(tr("The call was cancelled. What the server did of it before that is done."))

    def show_problem(self, problem: str) -> None:
        """Say why what was typed cannot be sent."""
        self._problem.setText(breakable(problem))
        self._problem.setVisible(bool(problem))
        self.arguments.edit.setAccessibleDescription(problem)

    def show_error(self, error: UserError) -> None:
        """Say why there is no result."""
        box = ErrorBox(self._theme, error)
        self._error = replace_error_box(self._column, self._column.count(), self._error, box)
        self._announce(str(error))

    def show_result(self, trial: TrialResult) -> None:
        """Show what the call gave."""
        from desktop.tools.tool_call import ToolText

        result = trial.result
        texts = [part for part in result.parts if isinstance(part, ToolText)]
        self._badge.set(*((tr("it says that it failed"), "bad") if result.failed else (tr("answered"), "good")))
        self._took.setText(result_words(result.seconds, result.size, len(result.parts)))
        self._result_head.show()
        self.result.show_text(result.text)
        self.result.setVisible(bool(texts))
        self._show_pictures(trial.pictures)
        said = tr("The server sent more; the rest was left out.") if any(each.cut for each in texts) else ""
        if not result.parts:
            said = tr("It gave nothing.")
        self._cut.setText(said)
        self._cut.setVisible(bool(said))
        self._announce(f"{self._badge.text}, {self._took.text()}")

    def _show_pictures(self, pictures: Sequence[TrialPicture]) -> None:
        for number, picture in enumerate(pictures[:_MOST_PICTURES], 1):
            shown = (
                ResultPicture(self._theme, picture, number)
                if not picture.problem
                else Label(self._theme, picture.problem, wrap=True)
            )
            self._pictures.addWidget(shown)

    def _clear(self) -> None:
        """Show no result."""
        for widget in (self._result_head, self.result, self._cut, self.cancel):
            widget.hide()
        self.show_problem("")
        self._error = replace_error_box(self._column, 0, self._error, None)
        while (item := self._pictures.takeAt(0)) is not None:
            shown = item.widget()
            if shown is not None:
                shown.hide()
                shown.deleteLater()

    def _announce(self, text: str) -> None:
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))


def _why_not(facts: ToolFacts) -> str:
    """Why the tool is not called, also not by hand; "" where it may be."""
    if facts.denied:
        return tr("A policy of this computer denies this tool.")
    if facts.tool.problem:
        return tr("It cannot be called: {reason}.").format(reason=facts.tool.problem)
    if facts.standing == "never":
        return tr("You decided that it is never called.")
    if not facts.listed:
        return tr("Its server does not run now.")
    return ""
