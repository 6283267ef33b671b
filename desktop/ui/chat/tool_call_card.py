"""The question whether a call of a tool may be made: a card in the answer, with what would be sent."""

import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState, ToolChoice
from desktop.translation import tr
from desktop.ui.chat.answer_stretches import ShownToolCall
from desktop.ui.chat.click_guard import ClickGuard
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.tool_arguments_edit import ToolArgumentsEdit, can_edit
from desktop.ui.chat.tool_call_text import indented_json, tool_name
from desktop.ui.chat.tool_text_box import ToolTextBox
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import Note
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, RADIUS_SOFT, XS, M, S
from desktop.ui.theme.theme import Theme

_INSET = M + 2
_LONGEST_TITLE = 60
_WIDEST_TITLE = 240


class _DenyButton(Button):
    """Told from those that allow by its word, its place and its color."""

    def _paint_ground(self, painter: QPainter, rect: QRectF) -> QColor:
        super()._paint_ground(painter, rect)
        return self._theme.color("bad_text")


class ToolCallCard(QWidget):
    """`decided` carries a `ToolCallAnswer`; `resized`: it takes another height as a person asked for it, `grown`: by
    itself.

    A press counts only once the card has stood still for a moment, and only one does.
    """

    decided = Signal(object)
    resized = Signal()
    grown = Signal()

    def __init__(
        self,
        theme: Theme,
        call: ShownToolCall,
        parent: QWidget | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        assert call.state is not None
        self._theme, self.call, self._state = theme, call, call.state
        self._focus = Qt.FocusPolicy.NoFocus
        self._is_decided, self._problem_text = False, ""
        self._original = indented_json(call.arguments)
        state = call.state
        name = tool_name(call)
        self.setAccessibleName(tr("{tool} asks whether it may be called").format(tool=name))
        self._title = Label(theme, breakable(name), bold=True, wrap=True, parent=self)
        self._badges = self._make_badges(state)
        self._changed: Note | None = None
        if state.reason == "changed":
            self._changed = Note(theme, _changed_text(), parent=self)
        self._wants = Label(theme, self._wants_text(), size="small", color="muted", parent=self)
        self._fold = self._button(tr("Description"), self._turn_description, kind="quiet", icon="chevron-right")
        self._fold.setVisible(bool(state.description.strip()))
        self._description_note = Label(theme, _description_text(), size="small", color="muted", wrap=True, parent=self)
        self._description_note.hide()
        self.description: ToolTextBox | None = None
        self.arguments = ToolTextBox(theme, tr("Arguments"), parent=self)
        self.arguments.set_text(self._original)
        self.arguments.setVisible(self._has_arguments)
        self.arguments.resized.connect(self.resized)
        self.arguments.grown.connect(self.grown)
        self.editor: ToolArgumentsEdit | None = None
        self._problem = Label(theme, "", size="small", color="bad_text", wrap=True, parent=self)
        self._show_problem()
        self._make_buttons()
        self._place_text = Label(theme, _place_text(state), size="small", color="muted", wrap=True, parent=self)
        self._guard = ClickGuard(self, clock)

    @property
    def _has_arguments(self) -> bool:
        return self._original.strip() not in ("", "{}")

    def _wants_text(self) -> str:
        return tr("Wants to run with") if self._has_arguments else tr("Wants to run without arguments")

    def _make_badges(self, state: ToolCallState) -> list[Badge]:
        title = plain_line(state.title.strip()[:_LONGEST_TITLE])
        made = [Badge(self._theme, title, parent=self)] if title and title.casefold() != state.tool.casefold() else []
        if state.reads_only:
            made.append(Badge(self._theme, tr("says it only reads"), parent=self))
            set_tool_tip(made[-1], tr("The server says so. Latchkey cannot check it."))
        return made

    def _make_buttons(self) -> None:
        self.once = self._button(tr("Allow once"), lambda: self._decide("once"), kind="accent")
        self.chat = self._button(tr("Allow in this chat"), lambda: self._decide("chat"))
        self.always = self._button(tr("Always for this tool"), lambda: self._decide("always"))
        self.edit = self._button(tr("Edit…"), self._begin_edit, name=tr("Edit the arguments"))
        self.reset = self._button(tr("Reset"), self._end_edit, name=tr("Reset the arguments to the model's"))
        self.deny = _DenyButton(self._theme, tr("Deny"), parent=self)
        self.deny.clicked.connect(lambda: self._decide("deny"))
        self.reset.hide()
        if not can_edit(self._original):
            self.edit.setEnabled(False)
            set_tool_tip(self.edit, tr("These arguments have a line that is too long to be changed here."))
        tool = tool_name(self.call)
        for button in (self.once, self.chat, self.always, self.deny):
            button.setAccessibleName(tr("{what}: {tool}").format(what=button.text(), tool=tool))

    def _button(
        self, text: str, act: Callable[[], None], *, kind: str = "boxed", icon: str = "", name: str = ""
    ) -> Button:
        size = "small" if kind == "quiet" else "normal"
        made = Button(self._theme, text, kind=kind, icon=icon, size=size, name=name, parent=self)  # type: ignore[arg-type]
        made.clicked.connect(act)
        return made

    @property
    def buttons(self) -> list[Button]:
        more = [*(self.description.buttons if self.description is not None else []), *self.arguments.buttons]
        first = [self._fold] if not self._fold.isHidden() else []
        change = [self.edit] if self.editor is None else [self.reset]
        return [*first, *more, self.once, self.chat, self.always, *change, self.deny]

    @property
    def text_selections(self) -> list[MessageSelection]:
        """What can be selected in it."""
        return [self.arguments.selection]

    def show_call(self, call: ShownToolCall) -> None:
        """The call is asked about anew where it is another than before: what was decided did not hold."""
        if call != self.call:
            self.call = call
            self._guard.restart()
            self._is_decided = False
            self._show_enabled()
            self._show_problem()

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons, of those that are yet to come too."""
        self._focus = policy
        self.arguments.set_button_focus(policy)
        for button in (self._fold, self.once, self.chat, self.always, self.edit, self.reset, self.deny):
            button.setFocusPolicy(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        return self.arguments.set_found(query) if self.editor is None else 0

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.arguments.restyle()
        for each in (self.description, self.editor):
            if each is not None:
                each.restyle()

    # --- deciding ------------------------------------------------------------------------------------------------

    def _decide(self, choice: ToolChoice) -> None:
        if self._is_decided or not self._guard.is_settled or (self._problem_text and choice != "deny"):
            return
        arguments = None
        if self.editor is not None and choice != "deny" and self.editor.text != self._original:
            arguments = self.editor.text
        self._is_decided = True
        self.decided.emit(ToolCallAnswer(choice, arguments))  # which takes the keyboard's focus away
        self._show_enabled()

    def _show_enabled(self) -> None:
        for button in (self.once, self.chat, self.always):
            button.setEnabled(not self._is_decided and not self._problem_text)
        for button in (self.reset, self.deny):
            button.setEnabled(not self._is_decided)
        self.edit.setEnabled(not self._is_decided and can_edit(self._original))

    def _begin_edit(self) -> None:
        if self.editor is not None or not self._guard.is_settled:
            return
        self.editor = ToolArgumentsEdit(self._theme, self._original or "{}", self)
        self.editor.checked.connect(self._checked)
        self.editor.cancelled.connect(self._end_edit)
        self.editor.show()
        self.arguments.hide()
        self._wants.setText(tr("Runs with what you leave here"))
        self.edit.hide()
        self.reset.show()
        self.resized.emit()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _checked(self, problem: str) -> None:
        if problem != self._problem_text:
            self._problem_text = problem
            self._show_problem()
            self._show_enabled()
        self.resized.emit()

    def _show_problem(self) -> None:
        """Say what is wrong with what is typed, else with what was sent before."""
        said = self._problem_text or plain_line(self.call.problem)
        self._problem.setText(said)
        self._problem.setVisible(bool(said))

    def _end_edit(self) -> None:
        editor, self.editor = self.editor, None
        if editor is None:
            return
        self._checked("")
        had_focus = editor.hasFocus() or self.reset.hasFocus()
        self.edit.show()
        if had_focus:
            self.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        editor.hide()
        editor.deleteLater()
        self.reset.hide()
        self.arguments.setVisible(self._has_arguments)
        self._wants.setText(self._wants_text())
        self.resized.emit()

    def _turn_description(self) -> None:
        if self.description is None:
            self.description = ToolTextBox(self._theme, tr("The server's description"), mono=False, parent=self)
            self.description.set_text(self._state.description)
            self.description.set_button_focus(self._focus)
            self.description.resized.connect(self.resized)
            self.description.grown.connect(self.grown)
            shown = True
        else:
            shown = self.description.isHidden()
        self.description.setVisible(shown)
        self._description_note.setVisible(shown)
        self._fold.set_icon("chevron-down" if shown else "chevron-right")
        said = tr("Description, unfolded") if shown else tr("Description, folded")
        self._fold.setAccessibleName(said)
        self.resized.emit()

    # --- placing -------------------------------------------------------------------------------------------------

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        inner = width - 2 * _INSET
        y = self._place_title(inner, M) + XS
        if self._changed is not None:
            self._changed.move(_INSET + S, y + S)
            y += self._changed.place(inner - 2 * S) + 2 * S + S
        y = self._place_wants(inner, y) + XS
        for each in (self._description_note, self.description, self.arguments, self.editor, self._problem):
            if each is not None and not each.isHidden():
                y = self._place_one(each, inner, y)
        y = self._place_buttons(inner, y + XS - 2) + S
        height = self._place_text.heightForWidth(inner)
        self._place_text.setGeometry(_INSET, y, inner, height)
        self.resize(width, y + height + M)
        return y + height + M

    def _place_title(self, inner: int, y: int) -> int:
        sizes = [badge.sizeHint() for badge in self._badges]
        widths = [min(size.width(), _WIDEST_TITLE, inner) for size in sizes]
        wanted = self._title.fontMetrics().horizontalAdvance(self._title.text()) + 2
        beside = inner - wanted - sum(width + S for width in widths) >= 0
        title_width = wanted if beside else inner
        height = self._title.heightForWidth(title_width)
        tallest = max([size.height() for size in sizes], default=0)
        line = max(height, tallest) if beside else height
        self._title.setGeometry(_INSET, y + (line - height) // 2, title_width, height)
        x, top = (_INSET + title_width + S, y + (line - tallest) // 2) if beside else (_INSET, y + line + XS)
        for badge, size, width in zip(self._badges, sizes, widths, strict=True):
            at_right = beside and self._state.reads_only and badge is self._badges[-1]
            badge.setGeometry(_INSET + inner - width if at_right else x, top, width, size.height())
            x += width + S
        return y + line if beside or not sizes else y + line + XS + tallest

    def _place_wants(self, inner: int, y: int) -> int:
        size, height = self._fold.sizeHint(), self._wants.sizeHint().height()
        line = size.height() if not self._fold.isHidden() else height
        self._fold.setGeometry(_INSET + inner - size.width() + 5, y, size.width(), size.height())
        self._wants.setGeometry(_INSET, y + (line - height) // 2, max(inner - size.width() - S, 0), height)
        return y + line

    def _place_one(self, each: QWidget, inner: int, y: int) -> int:
        if isinstance(each, ToolTextBox):
            each.move(_INSET, y)
            return y + each.place(inner) + S
        if isinstance(each, ToolArgumentsEdit):
            each.setGeometry(_INSET, y, inner, each.height_of())
            return y + each.height() + S
        height = each.heightForWidth(inner)
        each.setGeometry(_INSET, y, inner, height)
        return y + height + XS

    def _place_buttons(self, inner: int, y: int) -> int:
        shown = [self.once, self.chat, self.always, self.edit if self.editor is None else self.reset]
        x, height = 0, self.once.sizeHint().height()
        for button in (*shown, self.deny):
            size = button.sizeHint()
            if x and x + size.width() > inner:
                x, y = 0, y + height + S
            if button is self.deny:
                x = max(x, inner - size.width())
            button.setGeometry(_INSET + x, y, min(size.width(), inner), size.height())
            x += size.width() + S
        return y + height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._theme
        paint_box(painter, QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS_SOFT - 2)
        if self._changed is not None:
            around = QRectF(self._changed.geometry()).adjusted(-S, -S, S, S)
            paint_box(painter, around, theme.color("warn_fill"), theme.color("warn_line"), RADIUS - 1)
        if self.editor is not None:
            around = QRectF(self.editor.geometry())
            bad = bool(self._problem_text)
            paint_box(
                painter, around, theme.color("field"), theme.color("bad_text" if bad else "line_strong"), RADIUS - 1
            )
            if self.editor.hasFocus() and not bad:
                paint_focus(painter, around, theme.color("accent"), RADIUS - 1)


def _changed_text() -> str:
    return tr(
        "This is not the tool that you agreed to: its server describes it otherwise now. What you allowed before does "
        "not hold for it."
    )


def _description_text() -> str:
    return tr("What the server says of this tool. Nobody checked it, and it decides nothing.")


def _place_text(state: ToolCallState) -> str:
    marked = tr("The answer comes back marked as from outside; the model cannot allow anything itself.")
    return f"{plain_line(state.place.strip())} {marked}".strip()
