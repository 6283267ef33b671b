"""The step before a publisher's gate: what it asks at the left, how the person stands and what to do at the right."""

from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.hub.repository_access import RepositoryAccess
from desktop.translation import tr
from desktop.ui.access.access_page_values import GateContent
from desktop.ui.access.access_text import TOKEN_STATES, polling_sentence, state_badge
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import PageBar, ScrollColumn, Splitter, StepPage, breadcrumb, section_heading
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.text_pane import TextPane
from desktop.ui.theme.design_tokens import NARROW, RADIUS, XL, XS, L, M, S
from desktop.ui.theme.theme import Theme

_LEFT, _RIGHT = 580, 448


class AccessStateBox(QWidget):
    """Shows one `RepositoryAccess`, with the Hub's own message, unchanged, at its end."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._badge = Badge(theme, "")
        self._title = Label(theme, "", bold=True, wrap=True, selectable=True)
        self._detail = Label(theme, "", wrap=True, selectable=True)
        self._remedy = Label(theme, "", wrap=True, selectable=True)
        self._message = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M)
        column.setSpacing(XS)
        row = QHBoxLayout()
        row.addWidget(self._badge)
        row.addStretch(1)
        column.addLayout(row)
        column.addSpacing(XS)
        for label in (self._title, self._detail, self._remedy, self._message):
            column.addWidget(label)

    def show_access(self, access: RepositoryAccess | None) -> None:
        """Show how the person stands; None where nobody asked yet."""
        if access is None:
            self._badge.set(tr("Not asked yet"), "quiet")
            texts = (tr("Whether you may have it is not known yet."), "", tr("“Check again” asks the Hub."), "")
        else:
            self._badge.set(*state_badge(access.state))
            said = tr("The Hub says: {message}").format(message=access.message) if access.message else ""
            texts = (access.title, access.detail, access.remedy, said)
        for label, text in zip((self._title, self._detail, self._remedy, self._message), texts, strict=True):
            label.setText(breakable(text))
            label.setVisible(bool(text))
        self.setAccessibleName(self._badge.text)
        self.setAccessibleDescription(" ".join(text for text in texts[:3] if text))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_box(painter, QRectF(self.rect()), self._theme.color("field"), self._theme.color("line"), RADIUS + S // 4)


class GateStep(StepPage):
    """`check_asked`, `token_asked` and `continued` as pressed, `left` where the person goes back; `link_asked` carries
    the model's page on the Hub."""

    check_asked = Signal()
    token_asked = Signal()
    continued = Signal()
    link_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Gate step"))
        self._content: GateContent | None = None
        self.bar = PageBar(theme)
        self._crumbs = Button(theme, "", kind="quiet", name=tr("Back"))
        self._title = Label(theme, "", size="reading", bold=True)
        self._origin = Label(theme, "", size="small", color="muted", wrap=True)
        self.prompt = TextPane(theme, tr("What its publisher asks"))
        self._right = ScrollColumn(theme, tr("How you stand"), 520)
        self.state = AccessStateBox(theme)
        self._error: FittedErrorBox | None = None
        self.token_button = Button(theme, tr("Enter a token…"), name=tr("Enter an access token"))
        self.page_button = Button(theme, tr("Open page…"), name=tr("Open its page in the browser"))
        name = tr("Open its page in the browser to request access")
        self.request_button = Button(theme, tr("Open page…"), kind="accent", name=name)
        self.check_button = Button(theme, tr("Check again"))
        self.go_on = Button(theme, tr("Continue"), kind="accent")
        self._follow = Label(theme, "", size="small", color="muted", wrap=True)
        self._note = Label(theme, "", size="small", color="muted", wrap=True)
        self._build()
        self._connect()

    def _build(self) -> None:
        theme = self.theme
        self.bar.row.addWidget(self._crumbs)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar.row.addWidget(self._title, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QVBoxLayout()
        head.setContentsMargins(XL, M, XL, S)
        head.setSpacing(XS)
        head.addWidget(section_heading(theme, tr("What its publisher asks")))
        head.addWidget(self._origin)
        column.addLayout(head)
        column.addWidget(self.prompt, 1)
        rows = self._right.rows
        rows.setSpacing(S)
        rows.addWidget(section_heading(theme, tr("How you stand")))
        rows.addWidget(self.state)
        self._buttons = FlowBox(gap=S, line_gap=S)
        for button in (self.go_on, self.token_button, self.request_button, self.page_button, self.check_button):
            self._buttons.add(button)
        rows.addWidget(self._buttons)
        rows.addWidget(self._follow)
        rows.addSpacing(S)
        rows.addWidget(self._note)
        rows.addStretch(1)
        self._split = Splitter(theme, Qt.Orientation.Horizontal)
        self._split.addWidget(left)
        self._split.addWidget(self._right)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 56)
        self._split.setStretchFactor(1, 44)
        self._split.setSizes([_LEFT, _RIGHT])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self._split, 1)

    def _connect(self) -> None:
        self._crumbs.clicked.connect(self.left)
        self.token_button.clicked.connect(self.token_asked)
        self.page_button.clicked.connect(self._open_page)
        self.request_button.clicked.connect(self._open_page)
        self.check_button.clicked.connect(self.check_asked)
        self.go_on.clicked.connect(self.continued)
        buttons = [self.go_on, self.token_button, self.request_button, self.page_button, self.check_button]
        stops: list[QWidget] = [self.prompt, *buttons]
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def content(self) -> GateContent | None:
        """What is shown now."""
        return self._content

    def show_content(self, content: GateContent, now: float) -> None:
        """Show a gate. `now` is the time, in seconds since 1970."""
        same = self._content is not None and self._content.prompt == content.prompt
        same = same and self._content is not None and self._content.model_id == content.model_id
        self._content = content
        self._crumbs.setText(breadcrumb(self._crumbs, tr("Models"), content.model_name))
        self._crumbs.setAccessibleName(tr("Back from the gate of {model}").format(model=content.model_name))
        title = tr("Access to {model}").format(model=content.repository or content.model_name)
        self._title.setText(title)
        self.setAccessibleName(title)
        decides = (
            tr("Its publisher reads each request and decides.")
            if content.manual
            else tr("Access is given as soon as its terms are accepted on its page.")
        )
        self._origin.setText(breakable(decides))
        if not same:  # a text that is being read stays where it is
            self.prompt.show_text(_prompt(content))
        self.show_error(None)
        self._show_access(content)
        self.tick(now)
        shared = tr(
            "Access is asked for in your browser, never from here: {host} then gives your name and e-mail address to "
            "the publisher, and you accept its terms there."
        )
        self._note.setText(breakable(shared.format(host=content.host)))

    def _show_access(self, content: GateContent) -> None:
        access = content.access
        self.state.show_access(access)
        state = access.state if access is not None else None
        needs_token, granted = state in TOKEN_STATES, state == "granted"
        self.token_button.setVisible(needs_token or state == "missing-or-private")
        opens, to_request = bool(content.page) and not needs_token and not granted, state in ("not-requested", "reset")
        self.request_button.setVisible(opens and to_request)
        self.page_button.setVisible(opens and not to_request)
        self.check_button.setVisible(not granted)
        self.go_on.setVisible(granted)
        self._buttons.updateGeometry()

    def tick(self, now: float, following: float | None = None) -> None:
        """Say how long ago the Hub was asked, and when it is asked next, where that is another time now."""
        if self._content is not None and following is not None:
            self._content = replace(self._content, next_check_at=following)
        content = self._content
        said = polling_sentence(now, content.checked_at, content.next_check_at) if content is not None else ""
        if said != self._follow.text():
            self._follow.setText(said)
        self._follow.setVisible(bool(said))

    def set_busy(self, busy: bool) -> None:
        """The Hub is being asked."""
        self.check_button.setEnabled(not busy)
        if busy:
            self._follow.setText(tr("The Hub is asked…"))
            self._follow.show()

    def show_error(self, error: UserError | None) -> None:
        """It could not be asked: say so above how the person stood last."""
        if self._error is not None:
            self._right.rows.removeWidget(self._error)
            self._error.hide()
            self._error.deleteLater()
            self._error = None
        if error is not None:
            self._error = FittedErrorBox(ErrorBox(self.theme, error))
            self._right.rows.insertWidget(1, self._error)
            self._right.ensureWidgetVisible(self._error)
            self.announce(str(error))

    def announce(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    # --- keyboard ------------------------------------------------------------------------------------------------

    @property
    def first_button(self) -> Button:
        """The button for what comes next."""
        order = (self.go_on, self.token_button, self.request_button, self.page_button, self.check_button)
        return next((button for button in order if not button.isHidden()), self.check_button)

    def begin(self) -> None:
        """Take the focus: what comes next."""
        self.first_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.prompt, self.first_button]

    def _open_page(self) -> None:
        if self._content is not None:
            self.link_asked.emit(self._content.page)

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        orientation = Qt.Orientation.Horizontal if self.width() >= NARROW else Qt.Orientation.Vertical
        if self._split.orientation() != orientation:
            self._split.setOrientation(orientation)


def _prompt(content: GateContent) -> str:
    """The publisher's words, and what its form wants to know. Plain text throughout: it comes from a stranger."""
    said = content.prompt or tr("Its publisher left no words for those who ask.")
    if not content.fields:
        return said
    fields = "\n".join(f"·  {field}" for field in content.fields)
    return f"{said}\n\n{tr('Its form asks for:')}\n\n{fields}"
