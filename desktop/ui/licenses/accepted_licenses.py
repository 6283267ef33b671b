"""What is accepted, and what waits for the person: two short tables of rows with what can be done in each."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.licenses.ledger_item_model import short_day_of
from desktop.ui.licenses.license_page_values import AcceptedLicense, WaitingLicense
from desktop.ui.licenses.restriction_list import restriction_tone
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.link import Link
from desktop.ui.parts.page import Separator
from desktop.ui.parts.terms_text import purpose_name, restriction_phrase
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

_DETAILS = (3, 4, 5)
"""The columns that a narrow window leaves out."""


class _ElidedLabel(QWidget):
    """Text of one line, cut where its column ends; all of it, or what it `says` in full, as a tooltip."""

    def __init__(self, theme: Theme, text: str, *, says: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._text = theme, plain_line(text)
        self.setAccessibleName(says or text)
        set_tool_tip(self, says or text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        self.setFont(self._theme.font("normal"))
        return QSize(self.fontMetrics().horizontalAdvance(self._text) + 2, self.fontMetrics().height() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 6, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._theme.font("normal"))
        painter.setPen(self._theme.color("text"))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QPointF(0, (self.height() + metrics.ascent() - metrics.descent()) / 2), text)


class _RuledGrid(QWidget):
    """Lays a line under each row of its grid."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(S, 0, S, 0)
        self.grid.setHorizontalSpacing(M)
        self.grid.setVerticalSpacing(1)

    def empty(self) -> None:
        """Take every row away."""
        while (item := self.grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for row in range(self.grid.rowCount()):
            rect = self.grid.cellRect(row, 0)
            if rect.isValid() and rect.height() > 0:
                painter.fillRect(QRectF(0, rect.bottom() + 1, self.width(), 1), self._theme.color("line"))


class AcceptedLicensesTable(_RuledGrid):
    """The licenses that are accepted. `read_asked` and `revoke_asked` carry the row's record."""

    read_asked = Signal(object)
    revoke_asked = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("In force"), parent)
        self._rows: tuple[AcceptedLicense, ...] | None = None
        self._narrow = False
        self._details: list[QWidget] = []
        for column, stretch in enumerate((4, 5, 5, 0, 2, 0, 0)):
            self.grid.setColumnStretch(column, stretch)

    def set_narrow(self, narrow: bool) -> None:
        """Leave out when, by whom and for what, where there is no room: the license itself says so."""
        if narrow != self._narrow:
            self._narrow = narrow
            for each in self._details:
                each.setVisible(not narrow)

    def show_rows(self, rows: Sequence[AcceptedLicense]) -> None:
        """Show them, in this order."""
        if tuple(rows) == self._rows:
            return
        self._rows, self._details = tuple(rows), []
        self.empty()
        titles = (tr("Model"), tr("License"), tr("Restrictions"), tr("Accepted"), tr("By"), tr("Purpose"), "")
        for column, text in enumerate(titles):
            label = Label(self._theme, text, size="small", color="faint", bold=True)
            label.setContentsMargins(0, S, 0, S)
            self.grid.addWidget(label, 0, column)
            if column in _DETAILS:
                self._details.append(label)
        for place, row in enumerate(rows, 1):
            self._add(place, row, sum(other.record.model == row.record.model for other in rows))

    def _add(self, place: int, row: AcceptedLicense, of_model: int) -> None:
        record, theme = row.record, self._theme
        by = f"{record.person} ({record.organization})" if record.organization else record.person
        model = _ElidedLabel(theme, record.model_name or record.model)
        cells: dict[int, QWidget] = {}
        for column, widget in (
            (0, model),
            (1, _ElidedLabel(theme, row.license_name, says=" · ".join(filter(None, (row.license_name, row.remark))))),
            (2, self._badges(row.restrictions)),
            (3, _ElidedLabel(theme, short_day_of(record.time))),
            (4, _ElidedLabel(theme, record.person, says=by)),
            (5, _ElidedLabel(theme, purpose_name(record.purpose))),
        ):
            cells[column] = widget
            self.grid.addWidget(widget, place, column, Qt.AlignmentFlag.AlignVCenter)
        self._details += [cells[column] for column in _DETAILS]
        self._add_actions(place, row, of_model, [cells[column] for column in (2, 3, 4, 5)])
        for each in self._details:
            each.setVisible(not self._narrow)
        self.grid.setRowMinimumHeight(place, model.sizeHint().height() + 2 * S + 1)

    def _badges(self, restrictions: tuple[str, ...]) -> QWidget:
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, XS - 1, 0, XS - 1)
        line.setSpacing(XS)
        phrases = [restriction_phrase(each) for each in restrictions]
        holder.setAccessibleName(", ".join(phrases) or tr("none"))
        if not restrictions:
            line.addWidget(Label(self._theme, tr("none"), color="muted"))
        shown = len(phrases) if len(phrases) <= 2 else 1  # one in full says more than two that are cut
        for restriction, phrase in list(zip(restrictions, phrases, strict=True))[:shown]:
            line.addWidget(Badge(self._theme, phrase, restriction_tone(restriction)))
        if len(phrases) > shown:
            more = Badge(self._theme, f"+{len(phrases) - shown}", "quiet")
            set_tool_tip(more, ", ".join(phrases[shown:]))
            more.setAccessibleName(", ".join(phrases[shown:]))
            line.addWidget(more)
        line.addStretch(1)
        return holder

    def _add_actions(self, place: int, row: AcceptedLicense, of_model: int, last: list[QWidget]) -> None:
        """ "Read · Revoke" at the end of a row; in place of its last cells, once asked, whether one is sure."""
        theme, name = self._theme, row.record.model_name or row.record.model
        usual, sure = QWidget(), QWidget()
        line = _line(usual, 0)
        read = Link(theme, tr("Read"), name=tr("Read the license of {model}").format(model=name))
        revoke = Link(theme, tr("Revoke"), name=tr("Revoke the license of {model}").format(model=name))
        dot = Label(theme, " · ", color="muted")
        dot.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        for widget in (read, dot, revoke):
            line.addWidget(widget)
        line.insertStretch(0, 1)
        asked = _line(sure, XS)
        question = tr("Revoke? The model is unloaded now.")
        if of_model > 1:
            question = tr("Revoke all {count} licenses? The model is unloaded now.").format(count=of_model)
        yes = Button(theme, tr("Revoke"), size="small", name=tr("Revoke now"))
        no = Button(theme, tr("Keep"), size="small", name=tr("Keep the acceptance"))
        asked.addStretch(1)
        for each in (Label(theme, question, size="small"), yes, no):
            asked.addWidget(each)
        self.grid.addWidget(usual, place, 6, Qt.AlignmentFlag.AlignVCenter)
        self.grid.addWidget(sure, place, 2, 1, 5, Qt.AlignmentFlag.AlignVCenter)
        sure.hide()

        def ask(asking: bool) -> None:
            for cell in (usual, *last):
                cell.setVisible(not asking and not (self._narrow and cell in self._details))
            sure.setVisible(asking)
            (no if asking else revoke).setFocus(Qt.FocusReason.OtherFocusReason)

        def go() -> None:
            yes.setEnabled(False)
            self.revoke_asked.emit(row.record)

        read.clicked.connect(lambda: self.read_asked.emit(row.record))
        revoke.clicked.connect(lambda: ask(True))
        yes.clicked.connect(go)
        no.clicked.connect(lambda: ask(False))


def _line(holder: QWidget, spacing: int) -> QHBoxLayout:
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(spacing)
    return line


class WaitingLicensesList(QWidget):
    """The licenses that wait. `asked` carries the row that was pressed."""

    license_requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: tuple[WaitingLicense, ...] | None = None
        self.setAccessibleName(tr("Waiting for you"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    def show_rows(self, rows: Sequence[WaitingLicense]) -> None:
        """Show them, in this order."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row in rows:
            self._column.addWidget(self._row(row))
            self._column.addWidget(Separator(self._theme))

    def _row(self, row: WaitingLicense) -> QWidget:
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(S, XS, S, XS)
        line.setSpacing(M)
        name = _ElidedLabel(self._theme, row.model_name)
        name.setMaximumWidth(26 * name.fontMetrics().averageCharWidth())
        badge = Badge(self._theme, row.badge, "bad" if row.changed else "warn")
        badge.setMinimumWidth(badge.sizeHint().width())
        sentence = Label(self._theme, breakable(row.sentence), wrap=True)
        text = tr("See the difference") if row.changed else tr("Read and accept…")
        button = Button(self._theme, text, name=f"{text}: {row.model_name}")
        button.clicked.connect(lambda: self.license_requested.emit(row))
        line.addWidget(name)
        line.addWidget(badge)
        line.addWidget(sentence, 1)
        line.addWidget(button)
        return holder
