"""The files of a model: those that could be fetched, one of them chosen, and what can be done with the one on disk."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.errors import IntegrityError, NotFoundError, UserError
from desktop.translation import tr
from desktop.ui.models.fit_text import fit_name, fit_text
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Tone, badge_size, paint_badge
from desktop.ui.parts.paint import paint_box, paint_focus, paint_radio_mark, radio_side
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.hub_offer import HubOffer, OfferedFile
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.status import ModelStatus

_COLUMNS = 4


class _Widths:
    """How wide the columns are: the same in every row."""

    def __init__(self, rows: list[tuple[str, ...]], metrics: QFontMetrics) -> None:
        self.of = [max(metrics.horizontalAdvance(row[column]) for row in rows) + M for column in range(1, _COLUMNS)]


class FileRow(QRadioButton):
    """One file. The mark before it, not its color alone, says that it is chosen."""

    def __init__(self, theme: Theme, file: "OfferedFile", badge: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.file, self._badge = theme, file, badge
        self._widths: _Widths | None = None
        self.cells = cells_of(file)
        name = ", ".join(part for part in (*self.cells[:2], fit_name(file.fit.label), badge) if part)
        self.setAccessibleName(name)
        self.setAccessibleDescription(" ".join(part for part in (file.fit.sentence, file.quality, file.name) if part))
        parts = len(file.parts)
        said = tr("{file}, in {count} parts").format(file=file.name, count=parts) if parts > 1 else file.name
        set_tool_tip(self, "\n".join(part for part in (said, file.fit.sentence, file.quality) if part))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font("normal"))
        theme.changed.connect(self._restyle)

    def show_file_name(self) -> None:
        """Show the file's name in place of its quantization, which another file has too."""
        self.cells = (self.file.name.rpartition("/")[2], *self.cells[1:])

    def set_widths(self, widths: _Widths | None) -> None:
        """Draw with columns as wide as these, which every row has."""
        self._widths = widths
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, self.fontMetrics().height() + 2 * S + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def hitButton(self, pos: object) -> bool:
        return self.rect().contains(pos)  # type: ignore[call-overload]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect, metrics = self._theme, QRectF(self.rect()), self.fontMetrics()
        ground = "selected" if self.isChecked() else "hover" if self.underMouse() else None
        if ground is not None:
            paint_box(painter, rect, theme.color(ground), None, RADIUS - 1)
        side = radio_side(metrics)
        ring = QRectF(S, (rect.height() - side) / 2, side, side)
        paint_radio_mark(painter, ring, theme, checked=self.isChecked())
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        right = self._paint_columns(painter, baseline)
        left = S + side + S
        painter.setPen(theme.color("text"))
        room = right - left
        text = metrics.elidedText(self.cells[0], Qt.TextElideMode.ElideMiddle, max(round(room), 20))
        painter.drawText(QPointF(left, baseline), text)
        self._paint_badge(painter, left + metrics.horizontalAdvance(text) + S, right)
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def _paint_columns(self, painter: QPainter, baseline: float) -> float:
        """Draw sizes and fit at the right; where they begin."""
        widths = self._widths.of if self._widths is not None else [0] * (_COLUMNS - 1)
        name = self.fontMetrics().averageCharWidth() * 14
        # Where there is no room the memory goes first: the fit says what it means.
        shown = [0, 1, 2] if self.width() - sum(widths) > name else [0, 2]
        x = float(self.width() - sum(widths[column] for column in shown))
        begins = x
        for column in shown:
            bad = column == 2 and self.file.fit.label == "too-large"
            painter.setPen(self._theme.color("bad_text" if bad else "text" if column == 0 else "muted"))
            painter.drawText(QPointF(x, baseline), self.cells[column + 1])
            x += widths[column]
        return begins - S

    def _paint_badge(self, painter: QPainter, x: float, right: float) -> None:
        if not self._badge:
            return
        font = self._theme.font("small")
        size = badge_size(QFontMetrics(font), self._badge)
        if x + size.width() > right:
            return
        painter.save()
        painter.setFont(font)
        place = QRectF(x, (self.height() - size.height()) / 2, size.width(), size.height())
        tone: Tone = "good" if self._badge == on_disk_badge() else "chosen"
        paint_badge(painter, self._theme, place, self._badge, tone, on_selection=self.isChecked())
        painter.restore()

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.updateGeometry()
        self.update()


def on_disk_badge() -> str:
    """Marks the file that is on this disk."""
    return tr("here")


def cells_of(file: "OfferedFile") -> tuple[str, str, str, str]:
    """Quantization (or the file's name), size, memory that it takes, how it suits this machine."""
    base = file.name.rpartition("/")[2]
    size = size_text(file.size, "two") if file.size else tr("size unknown")
    memory = tr("{size} memory").format(size=size_text(file.fit.needed, "two")) if file.fit.needed else ""
    return plain_line(file.quantization or base), size, memory, fit_text(file.fit)


class FileChooser(QWidget):
    """Offers the files of a `HubOffer`, smallest first; `chosen` carries the name of the file that was chosen."""

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, offer: "HubOffer", chosen: str, here: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Files"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        self._group = QButtonGroup(self)
        self.rows: list[FileRow] = []
        quantizations = [file.quantization for file in offer.files]
        for file in offer.files:
            badge = ""
            if here and file.name.rpartition("/")[2].casefold() == here.casefold():
                badge = on_disk_badge()
            elif file.name == offer.recommended:
                badge = tr("recommended")
            row = FileRow(theme, file, badge)
            if quantizations.count(file.quantization) > 1:
                row.show_file_name()
            row.setChecked(file.name == chosen)
            self._group.addButton(row)
            column.addWidget(row)
            self.rows.append(row)
        self._theme = theme
        self._measure()
        theme.changed.connect(self._measure)  # a method ends with its widget, which a lambda would keep
        self._group.buttonToggled.connect(self._toggled)

    def _measure(self) -> None:
        widths = (
            _Widths([row.cells for row in self.rows], QFontMetrics(self._theme.font("normal"))) if self.rows else None
        )
        for row in self.rows:
            row.set_widths(widths)

    def _toggled(self, row: object, on: bool) -> None:
        if on and isinstance(row, FileRow):
            self.chosen.emit(row.file.name)


class ModelFileActions(QWidget):
    """`asked` carries "verify" or "remove"."""

    action_requested = Signal(str)

    def __init__(self, theme: Theme, card: "LibraryCard", way: "ModelStatus", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        subject = card.listed.subject
        self._name, self._frees = subject.name, way.freed_bytes
        self.verify = Button(theme, tr("Verify"), name=tr("Read the file of {model} again").format(model=subject.name))
        self.remove = Button(theme, tr("Remove…"), name=tr("Remove {model}").format(model=subject.name))
        self._confirm = Confirmation(theme)
        self._flow = FlowBox(gap=S, line_gap=S)
        for button in (self.verify, self.remove):
            self._flow.add(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, XS, 0, 0)
        column.addWidget(self._flow)
        column.addWidget(self._confirm)
        self.verify.clicked.connect(lambda: self.action_requested.emit("verify"))
        self.remove.clicked.connect(self._ask)
        self._confirm.confirmed.connect(lambda: self.action_requested.emit("remove"))
        self._confirm.declined.connect(self._kept)

    def _ask(self) -> None:
        self._flow.hide()
        question = (
            tr("Remove {model} and delete its file? That frees {size}. What was accepted stays in the ledger.")
            if self._frees
            else tr("Remove {model} from the library? Its file stays where it is.")
        )
        self._confirm.ask(
            question.format(model=self._name, size=size_text(self._frees, "two")),
            tr("Remove"),
            tr("Remove {model} now").format(model=self._name),
            tr("Keep {model}").format(model=self._name),
        )

    def _kept(self) -> None:
        self._flow.show()
        self.remove.setFocus(Qt.FocusReason.OtherFocusReason)


def file_state_note(model: "LibraryModel") -> UserError:
    """What to say of a file that vanished or changed, with what can be done on this page."""
    if model.state == "missing":
        return NotFoundError(
            tr("The file of {model} is no longer there.").format(model=model.name),
            tr("It was {file}.").format(file=model.path),
            tr("Put it back or connect the disk it is on; or remove the model below."),
        )
    return IntegrityError(
        tr("The file of {model} has changed since it was added.").format(model=model.name),
        tr("It is {file}.").format(file=model.path),
        tr("Verify it: where it is the same after all, everything stays as it was."),
    )
