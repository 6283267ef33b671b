"""The license step: the whole text at the left, what it asks and a person's decision at the right."""

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.licenses.acceptance_form import AcceptanceForm
from desktop.ui.licenses.license_page_values import AcceptanceInput, LicenseStepContent, short_hash
from desktop.ui.licenses.restriction_list import RestrictionList
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.page import PageBar, ScrollColumn, Splitter, StepPage, breadcrumb, section_heading
from desktop.ui.parts.terms_text import day_of, purpose_name
from desktop.ui.parts.text_pane import TextFindBar, TextPane
from desktop.ui.parts.text_passages import TextPassage
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import XL, XS, M, S
from desktop.ui.theme.theme import Theme

_LEFT, _RIGHT = 640, 388


class LicenseStep(StepPage):
    """`accepted` carries the form; `declined`, and `left` where the person goes back without deciding.
    `difference_asked` to see in what the text differs from the standard one."""

    accepted = Signal(object)
    difference_asked = Signal()
    declined = Signal()
    again_asked = Signal()

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("License step"))
        self._content: LicenseStepContent | None = None
        self.bar = PageBar(theme)
        self._crumbs = Button(theme, "", kind="quiet", name=tr("Back"))
        self._title = Label(theme, "", size="reading", bold=True)
        self.text = TextPane(theme, tr("License text"))
        self.acceptable_use = TextPane(theme, tr("Acceptable use policy"))
        self._panes = QStackedWidget()
        self.finder = TextFindBar(theme, self.current_pane)
        self._which = [Button(theme, tr("License"), kind="row"), Button(theme, tr("Acceptable use"), kind="row")]
        self._origin = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self._hash = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self._whole_hash = Button(theme, tr("Show all of it"), kind="quiet", size="small")
        self._why = Label(theme, "", size="small", wrap=True)
        self._difference = Button(theme, tr("What differs"), size="small")
        self.restrictions = RestrictionList(theme)
        self.form = AcceptanceForm(theme, log)
        self._accepted_note = Label(theme, "", size="small", wrap=True, selectable=True)
        self._decision = section_heading(theme, tr("Your acceptance"))
        self._back = Button(theme, tr("Back"))
        self._again = Button(theme, tr("Accept again for another purpose…"))
        self._right = ScrollColumn(theme, tr("What it asks of you"), 600)
        self._read_only = QWidget()
        self._build()
        self._connect()

    def _build(self) -> None:
        self.bar.row.addWidget(self._crumbs)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar.row.addWidget(self._title, 1)
        self.bar.row.addWidget(self.finder)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        self._panes.addWidget(self.text)
        self._panes.addWidget(self.acceptable_use)
        column.addWidget(self._panes, 1)
        split = Splitter(self.theme, Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self._right)
        split.setChildrenCollapsible(False)
        split.setStretchFactor(0, 62)
        split.setStretchFactor(1, 38)
        split.setSizes([_LEFT, _RIGHT])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(split, 1)
        self._fill_right()

    def _head(self) -> QVBoxLayout:
        """Above the text: where it is from, its hash, and which of two texts is shown."""
        head = QVBoxLayout()
        head.setContentsMargins(XL, M, XL, S)
        head.setSpacing(XS)
        head.addWidget(self._origin)
        line = QHBoxLayout()
        line.setSpacing(S)
        line.addWidget(self._hash, 1)
        line.addWidget(self._whole_hash)
        head.addLayout(line)
        tabs = QHBoxLayout()
        tabs.setSpacing(XS)
        for place, button in enumerate(self._which):
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, at=place: self._show_pane(at))
            tabs.addWidget(button)
        tabs.addStretch(1)
        head.addLayout(tabs)
        return head

    def _fill_right(self) -> None:
        theme, rows = self.theme, self._right.rows
        rows.setSpacing(S)
        rows.addWidget(self._why)
        rows.addWidget(self._difference)
        rows.addWidget(section_heading(theme, tr("What it asks of you")))
        rows.addWidget(self.restrictions)
        summary = tr("A summary is a help for reading. The text at the left is what counts.")
        rows.addWidget(Label(theme, summary, size="small", color="muted", wrap=True))
        rows.addSpacing(S)
        rows.addWidget(self.form)
        inner = QVBoxLayout(self._read_only)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(S)
        inner.addWidget(self._decision)
        inner.addWidget(self._accepted_note)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self._back)
        buttons.addWidget(self._again)
        buttons.addStretch(1)
        inner.addLayout(buttons)
        rows.addWidget(self._read_only)
        rows.addStretch(1)

    def _connect(self) -> None:
        self._crumbs.clicked.connect(self.left)
        self._back.clicked.connect(self.left)
        self._again.clicked.connect(self.again_asked)
        self._whole_hash.clicked.connect(self._show_whole_hash)
        self._difference.clicked.connect(self.difference_asked)
        self.restrictions.passage_asked.connect(self._show_passage)
        self.form.accepted.connect(lambda: self.accepted.emit(self.form.form))
        self.form.declined.connect(self.declined)
        for pane in (self.text, self.acceptable_use):
            pane.found_changed.connect(self.finder.show_count)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def content(self) -> LicenseStepContent | None:
        """What is shown now."""
        return self._content

    def forget(self) -> None:
        """What was shown is settled."""
        self._content = None

    def show_content(self, content: LicenseStepContent, form: AcceptanceInput, back: str = "models") -> None:
        """Show a license, with what is filled in already, from the top of its text. `back` is the page it leads to."""
        self._content = content
        needed, subject = content.needed, content.subject
        home = {"models": tr("Models"), "licenses": tr("Licenses"), "compare": tr("Compare")}.get(back, tr("Chat"))
        self._crumbs.setText(breadcrumb(self._crumbs, home, subject.name))
        self._crumbs.setAccessibleName(tr("Back from the license of {model}").format(model=subject.name))
        numbered = tr("License {number} of {count}: {name}")
        plain = tr("License: {name}")
        title = (numbered if content.count > 1 and content.to_accept else plain).format(
            number=content.number, count=content.count, name=needed.name
        )
        self._title.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(content.why)
        self._why.setText(breakable(content.why))
        self._why.setVisible(bool(content.why))
        differs = tr("What differs from {license}").format(license=content.standard)
        self._difference.setText(differs)
        self._difference.setAccessibleName(differs)
        self._difference.setVisible(bool(content.standard))
        count = trn("{count} character.", "{count} characters.", len(content.text)).format(
            count=f"{len(content.text):,}"
        )
        kept = tr("This exact text is what your acceptance records.") if content.to_accept else ""
        self._origin.setText(breakable(" ".join(part for part in (content.origin, count, kept) if part)))
        self._hash.setText(tr("sha256 {hash}").format(hash=short_hash(content.sha256)))
        self._whole_hash.show()
        self.finder.clear()
        passages = [ask.passage for ask in content.restrictions if ask.passage is not None]
        self.text.show_text(content.text, passages)
        self.acceptable_use.show_text(content.acceptable_use)
        for button in self._which:
            button.setVisible(bool(content.acceptable_use))
        self._show_pane(0)
        self.restrictions.show_restrictions(content.restrictions, unread=content.needed.own)
        self._show_decision(content, form)
        self._order()

    def _show_decision(self, content: LicenseStepContent, form: AcceptanceInput) -> None:
        self.form.setVisible(content.to_accept)
        self._read_only.setVisible(not content.to_accept)
        self._decision.setText(tr("Part of Latchkey") if content.built_in else tr("Your acceptance"))
        self._again.setVisible(not content.built_in)
        if content.built_in:
            said = tr("{model} came with Latchkey and is a part of it, under this license. There is nothing to accept.")
            self._accepted_note.setText(said.format(model=isolated(content.subject.name)))
            return
        if content.record is not None:
            record = content.record
            by = f"{record.person} ({record.organization})" if record.organization else record.person
            said = tr(
                "Accepted on {day} by {person}, for the purpose “{purpose}”: record {number} of your ledger."
            ).format(
                day=day_of(record.time),
                person=isolated(breakable(by)),
                purpose=purpose_name(record.purpose),
                number=record.seq,
            )
            self._accepted_note.setText(" ".join(part for part in (said, breakable(content.remark)) if part))
            return
        self.form.show_form(form, content.refused, content.last_person, allowed=content.forbidden is None)
        if isinstance(content.forbidden, UserError):
            self.form.show_error(content.forbidden)

    def show_error(self, error: UserError, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """It could not be recorded: say so where the person decides. What was typed stays."""
        self.form.set_busy(False)
        self.form.show_error(error, action)
        if self.form.box is not None:
            self._right.ensureWidgetVisible(self.form.box)
        self.announce(str(error))

    def announce(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.current_pane(), self.form.name if self.form.isVisible() else self._back]

    def begin(self) -> None:
        """Take the focus: the text first."""
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def current_pane(self) -> TextPane:
        """The text that is shown: the license, or the policy it incorporates."""
        return self.acceptable_use if self._panes.currentIndex() else self.text

    def open_find(self) -> None:
        """Write what is to be found."""
        self.finder.open()

    def _show_pane(self, place: int) -> None:
        self._which[place].setChecked(True)
        self._panes.setCurrentIndex(place)
        self.finder.again()

    def _show_passage(self, passage: TextPassage) -> None:
        self._show_pane(0)
        self.text.show_passage(passage)
        self.announce(self.text.shown[passage.clause_start : passage.clause_end])

    def _show_whole_hash(self) -> None:
        if self._content is not None:
            self._hash.setText(tr("sha256 {hash}").format(hash=self._content.sha256))
            self._whole_hash.hide()

    def _order(self) -> None:
        """Tab goes as people read: the text, the clauses, the name, the purpose, the decision."""
        stops: list[QWidget] = [
            self.text,
            self.acceptable_use,
            self._difference,
            *self.restrictions.rows,
            *self.form.tab_stops(),
            self._back,
            self._again,
        ]
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)
