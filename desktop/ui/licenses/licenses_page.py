"""The Licenses page: what is accepted, what waits, and everything that happened; verified, exported, revoked here."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import IntegrityError, UserError
from desktop.licenses.ledger import LedgerCheck
from desktop.licenses.ledger_seal import segment_sentence
from desktop.translation import tr, trn
from desktop.ui.licenses.accepted_licenses import AcceptedLicensesTable, WaitingLicensesList
from desktop.ui.licenses.ledger_history import LedgerHistory
from desktop.ui.licenses.license_page_values import AcceptedLicense, LedgerContent
from desktop.ui.licenses.refusal_text import for_window
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import Page, PageBar, ScrollColumn, page_title, section_heading
from desktop.ui.parts.page_notice import PageNotice
from desktop.ui.parts.untrusted_text import isolated, plain_line
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

_MOMENT_MS = 60_000


class LicensesPage(Page):
    """Shows the ledger it is given. `read_asked` and `revoke_asked` carry a record, `waiting_asked` a row of those.

    Where the keyring does not open, `unlocked` says that it does now, `segment_asked` that the ledger goes on without.
    """

    read_asked = Signal(object)
    revoke_asked = Signal(object)
    waiting_asked = Signal(object)
    verify_asked = Signal()
    export_asked = Signal()
    unlocked = Signal()
    segment_asked = Signal()

    def __init__(self, theme: Theme, log: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._log = log
        self._check: LedgerCheck | None = None
        self._box: FittedErrorBox | None = None
        self.setAccessibleName(tr("Licenses page"))
        self.bar = PageBar(theme)
        self.badge = Badge(theme, tr("Looking through the ledger…"))
        self.verify_button = Button(theme, tr("Verify"))
        self.export_button = Button(theme, tr("Export…"))
        self.column = ScrollColumn(theme, tr("Licenses"), 1400)
        self.notices = PageNotice(theme, log)
        self.in_force = AcceptedLicensesTable(theme)
        self.waiting = WaitingLicensesList(theme)
        self.history = LedgerHistory(theme)
        self._nothing = Label(theme, tr("Nothing is accepted yet."), color="muted")
        self._in_force_title = section_heading(theme, tr("In force"))
        self._waiting_title = section_heading(theme, tr("Waiting for you"))
        self._marked = Label(theme, "", size="small", color="muted", wrap=True)
        self._remarked = Label(theme, "", size="small", color="muted", wrap=True)
        self._build()
        self._moment = QTimer(self)
        self._moment.setSingleShot(True)
        self._moment.setInterval(_MOMENT_MS)
        self._moment.timeout.connect(lambda: self._show_verified(recent=False))
        self._verified_at = ""
        self.in_force.read_asked.connect(self.read_asked)
        self.in_force.revoke_asked.connect(self.revoke_asked)
        self.waiting.license_requested.connect(self.waiting_asked)
        self.verify_button.clicked.connect(self.verify_asked)
        self.export_button.clicked.connect(self.export_asked)

    def _build(self) -> None:
        row = self.bar.row
        row.addWidget(page_title(self.theme, tr("Licenses")))
        row.addWidget(self.badge)
        row.addStretch(1)
        row.addWidget(self.verify_button)
        row.addWidget(self.export_button)
        self._top = QVBoxLayout()
        self._top.setSpacing(S)
        self._top.addWidget(self.notices)
        rows = self.column.rows
        rows.setSpacing(S)
        rows.addLayout(self._top)
        rows.addWidget(self._in_force_title)
        rows.addWidget(self._nothing)
        rows.addWidget(self.in_force)
        rows.addWidget(self._remarked)
        rows.addSpacing(M)
        rows.addWidget(self._waiting_title)
        rows.addWidget(self.waiting)
        rows.addSpacing(M)
        rows.addWidget(self._marked)
        rows.addWidget(self.history, 1)
        rows.addStretch()  # where the history is hidden, what went wrong stays at the top
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self.column, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.in_force.set_narrow(self.width() < 52 * self.fontMetrics().averageCharWidth() * 2)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_view(self, view: LedgerContent, now: str) -> None:
        """Show the ledger as it was found at `now` ("18:02")."""
        self._check, self._verified_at = view.check, now
        self.verify_button.setEnabled(True)
        self._show_verified(recent=True)
        self._moment.start()
        self._show_problem(view.check)
        self._in_force_title.show()
        self.history.show()
        self.in_force.show_rows(view.in_force)
        self.in_force.setVisible(bool(view.in_force))
        self._nothing.setVisible(not view.in_force)
        self._remarked.setText(breakable("\n".join(_remarked(row) for row in view.in_force if row.remark)))
        self._remarked.setVisible(bool(self._remarked.text()))
        self._nothing.setText(
            tr("Nothing is accepted yet.")
            if view.check.ok
            else tr("Nothing counts until a license is accepted afresh.")
        )
        self.waiting.show_rows(view.waiting)
        for widget in (self.waiting, self._waiting_title):
            widget.setVisible(bool(view.waiting))
        self._marked.setText(breakable(self._remarks(view.check)))
        self._marked.setVisible(bool(self._marked.text()))
        self.history.show_view(view)

    def show_busy(self) -> None:
        """The ledger is being looked through."""
        self.badge.set(tr("Looking through the ledger…"), "quiet")
        self.verify_button.setEnabled(False)

    def show_error(self, error: UserError) -> None:
        """The ledger could not be looked through."""
        self.verify_button.setEnabled(True)
        if self._check is None:
            self.badge.set(tr("Ledger not read"), "bad")
            self._hide_contents()
        else:
            self._show_verified(recent=False)
        if isinstance(error, LedgerKeyLockedError):
            self.notices.show_error(
                for_window(error),
                (tr("Try again"), self.unlocked.emit),
                (tr("Begin a new segment"), self.segment_asked.emit),
            )
        else:
            self.notices.show_error(error)

    def _hide_contents(self) -> None:
        """What is in a ledger that nobody has read is not known: nothing is said of it, nor that it is empty."""
        accepted: tuple[QWidget, ...] = (self._in_force_title, self._nothing, self.in_force, self._remarked)
        for widget in (*accepted, self._waiting_title, self.waiting, self._marked, self.history):
            widget.hide()

    def announce(self, text: str) -> None:
        """Announce `text` to screen readers."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.verify_button, self.history.table]

    def open_find(self) -> None:
        """Write what the history is filtered by."""
        self.history.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.history.filter.selectAll()

    def _show_verified(self, *, recent: bool) -> None:
        check = self._check
        if check is None:
            return
        when = tr("a moment ago") if recent else tr("at {time}").format(time=self._verified_at)
        if check.ok:
            count = trn("{count} record", "{count} records", check.records).format(count=f"{check.records:,}")
            self.badge.set(tr("Ledger verified: {count}, {when}").format(count=count, when=when), "good")
        else:
            self.badge.set(tr("The ledger does not hold"), "bad")

    def _show_problem(self, check: LedgerCheck) -> None:
        if self._box is not None:
            self._top.removeWidget(self._box)
            self._box.hide()
            self._box.deleteLater()
            self._box = None
        if check.ok:
            return
        first = (
            tr("Record {number} is the first that does not hold.").format(number=check.first_bad)
            if check.first_bad is not None and str(check.first_bad) not in check.reason
            else ""
        )
        error = IntegrityError(
            tr("The license ledger does not hold, so no model but the built-in one is loaded."),
            " ".join(part for part in (check.reason, first, _meaning(check)) if part),
            tr(
                "Keep a copy of the ledger if you need to find out who did it (Export…). Then accept the license of a "
                "model afresh: what is recorded so far is kept, marked, and counts no longer."
            ),
        )
        self._box = FittedErrorBox(ErrorBox(self.theme, error, log=self._log))
        self._top.insertWidget(0, self._box)
        self.announce(str(error))

    def _remarks(self, check: LedgerCheck) -> str:
        """What a reader of the history should know."""
        sentences = [segment_sentence(each) for each in check.segments]
        sentences += [
            tr("Records {first} to {last} count no longer: the ledger was begun anew behind them. {reason}").format(
                first=part.first, last=part.last, reason=part.reason
            )
            for part in check.marked
            if part.last
        ]
        if check.clock_back:
            numbers = ", ".join(map(str, check.clock_back[:5])) + ("…" if len(check.clock_back) > 5 else "")
            sentences.append(
                tr("This computer's clock went back before record {numbers}. The order is that of the numbers.").format(
                    numbers=numbers
                )
            )
        if check.sealed_by == "file":
            sentences.append(tr("The key of its seal is kept in a file of the settings folder, not in a keyring."))
        return "\n".join(sentences)


def _remarked(row: AcceptedLicense) -> str:
    """What is to be said of an acceptance in force, with the model's name before it."""
    name = isolated(plain_line(row.record.model_name or row.record.model))
    return tr("{model}, {license}: {said}").format(model=name, license=row.license_name, said=row.remark)


def _meaning(check: LedgerCheck) -> str:
    return {
        "chain": tr("Somebody or something changed the ledger's file other than through Latchkey."),
        "seal": tr("Its newest record is not the one that Latchkey sealed."),
        "shortened": tr("Records are missing at its end, as after restoring an older copy."),
        "key-lost": tr("The key it is sealed with is gone, so nobody can say whether it is whole."),
        "damaged": tr("The file, or a text in it, is damaged."),
    }.get(check.kind, "")
