"""The step for an access token: why it is needed and how to get one at the left, the token and its place at right."""

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import AccessError, UserError
from desktop.translation import tr
from desktop.ui.access.access_page_values import SavedToken, TokenContent
from desktop.ui.access.access_text import account_sentence, gated_read_sentence, place_name, stored_sentence
from desktop.ui.access.token_fields import TokenFields
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import Note
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.page import PageBar, ScrollColumn, Splitter, StepPage, breadcrumb, section_heading
from desktop.ui.parts.step_row import SetupStep, StepButton, StepRow
from desktop.ui.theme.design_tokens import NARROW, XS, S
from desktop.ui.theme.theme import Theme

_LEFT, _RIGHT = 560, 468


class TokenStep(StepPage):
    """`saved` when the token is to be checked and kept, `left` where the person goes back, `continued` once it is done,
    `forget_asked` where the one that is kept is to be forgotten.

    `link_asked` carries a page of the Hub.
    """

    saved = Signal()
    continued = Signal()
    forget_asked = Signal()
    link_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Access token step"))
        self._content: TokenContent | None = None
        self.bar = PageBar(theme)
        self._crumbs = Button(theme, "", kind="quiet", name=tr("Back"))
        self._title = Label(theme, "", size="reading", bold=True)
        self._why = Label(theme, "", wrap=True)
        self._steps = QVBoxLayout()
        self._after = Label(theme, "", size="small", color="muted", wrap=True)
        self._kept = Label(theme, "", size="small", color="muted", wrap=True)
        self.forget_button = Button(theme, tr("Forget it"), size="small", name=tr("Forget the access token"))
        self.fields = TokenFields(theme)
        self._result = QWidget()
        self._left = ScrollColumn(theme, tr("About the access token"), 620)
        self._right = ScrollColumn(theme, tr("Your access token"), 520)
        self.page_button: Button | None = None
        self._build()
        self._crumbs.clicked.connect(self.left)
        self.fields.left.connect(self.left)
        self.fields.saved.connect(self.saved)
        self.forget_button.clicked.connect(self.forget_asked)

    def _build(self) -> None:
        theme = self.theme
        self.bar.row.addWidget(self._crumbs)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar.row.addWidget(self._title, 1)
        rows = self._left.rows
        rows.setSpacing(S)
        rows.addWidget(section_heading(theme, tr("Why it is needed")))
        rows.addWidget(self._why)
        rows.addSpacing(S)
        rows.addWidget(section_heading(theme, tr("How to get one")))
        self._steps.setSpacing(S + XS)
        rows.addLayout(self._steps)
        rows.addSpacing(S)
        rows.addWidget(section_heading(theme, tr("What happens to it")))
        rows.addWidget(self._after)
        rows.addStretch(1)
        right = self._right.rows
        right.setSpacing(S)
        right.addWidget(self.fields)
        right.addWidget(self._result)
        right.addWidget(self._kept)
        right.addWidget(self.forget_button)
        right.addStretch(1)
        inner = QVBoxLayout(self._result)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(S)
        self._split = Splitter(theme, Qt.Orientation.Horizontal)
        self._split.addWidget(self._left)
        self._split.addWidget(self._right)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 55)
        self._split.setStretchFactor(1, 45)
        self._split.setSizes([_LEFT, _RIGHT])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self._split, 1)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def content(self) -> TokenContent | None:
        """What is shown now."""
        return self._content

    def show_content(self, content: TokenContent) -> None:
        """Ask for a token; what was entered before is gone."""
        self._content = content
        self.fields.clear()
        self.fields.show_error(None)
        self.fields.set_busy(False)
        self.fields.show()
        self._clear_result()
        name = content.model_name or content.host
        self._crumbs.setText(breadcrumb(self._crumbs, tr("Models"), name))
        self._crumbs.setAccessibleName(tr("Back from the access token"))
        title = tr("Access token for {host}").format(host=content.host)
        self._title.setText(title)
        self.setAccessibleName(title)
        self._why.setText(breakable(_why(content)))
        self.setAccessibleDescription(_why(content))
        self._show_steps(content)
        sent = tr(
            "Latchkey sends it to {host} and to nobody else, and only where a gate needs it. It stands in no log, and "
            "“Forget” on this page takes it away again. Make a token of its own for Latchkey: it can then be deleted "
            "without touching anything else."
        )
        self._after.setText(breakable(sent.format(host=content.host)))
        self._kept.setText(
            tr("A token for {host} is kept already ({place}); the new one takes its place.").format(
                host=content.host, place=place_name(content.stored_place)
            )
            if content.stored_place is not None and not content.unlock
            else ""
        )
        self._kept.setVisible(bool(self._kept.text()))
        self.forget_button.setVisible(bool(self._kept.text()))
        self.fields.show_choices(content.choices, content.stored_place, unlock=content.unlock)
        self._order()

    def _show_steps(self, content: TokenContent) -> None:
        while (item := self._steps.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        lacking = content.access is not None and content.access.state == "token-lacks-scope"
        page = content.settings if lacking else content.page
        opening = StepButton(
            tr("Open page…"), tr("Open the page for access tokens of {host}").format(host=content.host), "link", page
        )
        first = (
            SetupStep(
                tr("Open your tokens on {host}").format(host=content.host),
                tr("Allow the token to read public gated repositories, or make a new one."),
                "later",
                (opening,),
            )
            if lacking
            else SetupStep(
                tr("Make a token on {host}").format(host=content.host),
                tr("The page opens with the one permission chosen that is needed: to read public gated repositories."),
                "later",
                (opening,),
            )
        )
        others = (
            SetupStep(tr("Copy it"), tr("The page shows a new token once, right after it was made."), "later"),
            SetupStep(
                tr("Paste it here and save it"), tr("Latchkey asks the Hub whose it is before it keeps it."), "later"
            ),
        )
        self.page_button = None
        for number, step in enumerate((first, *others), 1):
            row = StepRow(self.theme, number, step, lambda pressed: self.link_asked.emit(pressed.of))
            self._steps.addWidget(row)
            self.page_button = self.page_button or next(iter(row.buttons), None)

    def show_error(self, error: UserError, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """It could not be checked or kept: say so above the fields. What was entered stays."""
        self.fields.set_busy(False)
        self.fields.show_error(error, action)
        if self.fields.box is not None:
            self._right.ensureWidgetVisible(self.fields.box)
        self.announce(str(error))

    def show_missing_scope(self, saved: SavedToken, keep: Callable[[], None]) -> None:
        """The token is good and may not do what is needed: how that is mended, and that it may be kept all the same."""
        assert saved.account is not None
        assert self._content is not None
        self.fields.set_busy(False)
        error = AccessError(
            gated_read_sentence(saved.account),
            account_sentence(saved.account),
            tr(
                "Allow it in the token's settings (“Read access to contents of all public gated repos you can access”),"
                " then save it again; or use another token."
            ),
        )
        self.fields.show_error(error, (tr("Keep it all the same"), keep))
        self._clear_result()
        flow = FlowBox(gap=S, line_gap=S)
        settings = Button(self.theme, tr("Open the token's settings…"))
        page = self._content.settings
        settings.clicked.connect(lambda: self.link_asked.emit(page))
        flow.add(settings)
        self._add_result(flow)
        self.announce(str(error))

    def show_saved(self, saved: SavedToken) -> None:
        """It is kept: whose it is, what it may, where it lies."""
        assert saved.place is not None
        self.fields.clear()
        self.fields.show_error(None)
        self.fields.set_busy(False)
        self.fields.hide()
        self._kept.hide()
        self.forget_button.hide()
        self._clear_result()
        if saved.account is None:
            said = [tr("The token is kept unchecked."), stored_sentence(saved.place)]
        else:
            said = [account_sentence(saved.account), gated_read_sentence(saved.account), stored_sentence(saved.place)]
        self._add_result(section_heading(self.theme, tr("The token is saved")))
        doubtful = saved.account is None or not saved.account.may_read_gated
        unsure = 0 if saved.account is None else 1
        for place, sentence in enumerate(said):
            mark = "warning" if doubtful and place == unsure else "check"
            self._add_result(Note(self.theme, breakable(sentence), mark))
        flow = FlowBox(gap=S, line_gap=S)
        go_on = Button(self.theme, tr("Continue"), kind="accent")
        go_on.clicked.connect(self.continued)
        other = Button(self.theme, tr("Forget it"), name=tr("Forget the access token"))
        other.clicked.connect(self.forget_asked)
        for button in (go_on, other):
            flow.add(button)
        self._add_result(flow)
        go_on.setFocus(Qt.FocusReason.OtherFocusReason)
        self.announce(" ".join([tr("The token is saved"), *said]))

    def _add_result(self, widget: QWidget) -> None:
        layout = self._result.layout()
        assert layout is not None
        layout.addWidget(widget)
        self._result.show()

    def _clear_result(self) -> None:
        layout = self._result.layout()
        assert layout is not None
        while (item := layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._result.hide()

    def announce(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    # --- keyboard ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Take the focus: the field first."""
        if self.fields.isVisible():
            self.fields.first.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        buttons = [self.page_button] if self.page_button is not None else []
        return [*buttons, self.fields.first]

    def _order(self) -> None:
        """Tab goes from the field on; what explains it comes last."""
        stops = [*self.fields.tab_stops(), self.forget_button]
        if self.page_button is not None:
            stops.append(self.page_button)
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    def hideEvent(self, event: QEvent) -> None:
        # What is entered is not kept where nobody looks at it.
        self.fields.clear()
        super().hideEvent(event)  # type: ignore[arg-type]

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        orientation = Qt.Orientation.Horizontal if self.width() >= NARROW else Qt.Orientation.Vertical
        if self._split.orientation() != orientation:
            self._split.setOrientation(orientation)


def _why(content: TokenContent) -> str:
    """Why a token is asked for: the Hub's last word on this model, and what a token is."""
    what = tr("An access token tells {host} who you are, in place of your password.").format(host=content.host)
    if content.access is not None and content.access.state != "granted":
        return f"{content.access.title} {content.access.detail} {what}"
    if content.model_name:
        gated = tr("{model} is gated: {host} gives it out only to people it knows.")
        return f"{gated.format(model=content.model_name, host=content.host)} {what}"
    return what
