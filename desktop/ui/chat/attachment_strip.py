"""The files attached to the message that is being written, above its text: chips, what failed, and what is asked."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.chat.attachment_chip import AttachmentChip
from desktop.ui.chat.attachment_text import blind_text, tokens_about
from desktop.ui.chat.failed_attachment import FailedAttachment
from desktop.ui.chat.offer_bar import Answer, OfferBar
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.draft_attachment import DraftAttachment

_MOST_LINES = 3.5
"""Lines of chips that are seen at once: half of one more says that there are more."""
_FAILED = 44  # pixels
_MANY = 4
"""From so many files on, a line above them says how many there are."""


class AttachmentStrip(QWidget):
    """Shown where anything is attached or asked, above the `text` that Tab leads to from it. Each signal of one file
    carries its id; `cleared` where all are to go, `model_asked` where another model is to be chosen, `left` where the
    keyboard goes back to the text."""

    opened = Signal(str)
    removed = Signal(str)
    retried = Signal(str)
    password_entered = Signal(str, str)
    cleared = Signal()
    pictures_removed = Signal()
    model_asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, text: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._text = theme, text
        self._items: tuple[DraftAttachment, ...] = ()
        self._blind = self._sends = False
        self.chips: list[AttachmentChip] = []
        self.failed: list[FailedAttachment] = []
        self.offer: OfferBar | None = None
        self.blind_notice: OfferBar | None = None
        self._current: AttachmentChip | None = None
        self.setAccessibleName(tr("Attached files"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._says = Label(theme, "", size="small", color="muted")
        self.clear_button = Button(theme, tr("Remove all"), kind="quiet", size="small", name=tr("Remove all files"))
        self.clear_button.clicked.connect(self.cleared)
        self._flow = FlowBox(gap=XS + 2, line_gap=XS + 2)
        self._page = QWidget()
        self._area = QScrollArea()
        self._build()
        theme.changed.connect(self._fit_soon)
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._fit)
        self.hide()

    def _build(self) -> None:
        inner = self._inner = QVBoxLayout(self._page)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(XS + 2)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(XS + 2)
        inner.addLayout(self._rows)
        inner.addWidget(self._flow)
        inner.addStretch(1)
        self._area.setWidgetResizable(True)
        self._area.setWidget(self._page)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        use_slim_scroll_bars(self._area, self._theme)
        for ground in (self._area, self._area.viewport(), self._page):
            ground.setAutoFillBackground(False)
        self._top = QHBoxLayout()
        self._top.setContentsMargins(0, 0, 0, 0)
        self._top.addWidget(self._says, 1)
        self._top.addWidget(self.clear_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(XS + 2)
        self._column.addLayout(self._top)
        self._column.addWidget(self._area)

    @property
    def items(self) -> "tuple[DraftAttachment, ...]":
        """What it shows."""
        return self._items

    @property
    def text(self) -> str:
        """What is said above the files; "" where they are few."""
        return self._says.text() if not self._says.isHidden() else ""

    def chip_of(self, item_id: str) -> AttachmentChip | None:
        """The chip of a file; None where it has none."""
        return next((chip for chip in self.chips if chip.item.id == item_id), None)

    # --- what is attached ----------------------------------------------------------------------------------------

    def show_items(self, items: "Sequence[DraftAttachment]", *, blind: bool = False) -> None:
        """Show `items`; `blind`: the model in use sees no pictures. The file with the keyboard keeps it: a second
        password is typed where the first one was. Where that is gone, the next one takes it."""
        if tuple(items) == self._items and blind == self._blind:
            return
        place = self._focused_place()
        held = self._shown[place].item.id if place is not None else ""
        self._items, self._blind = tuple(items), blind
        self._show_chips([item for item in items if item.state != "failed"])
        self._show_failed([item for item in items if item.state == "failed"])
        self._show_words()
        self._show_blind(any(item.kind == "image" and item.state == "ready" for item in items) and blind)
        self._fit()
        self._fit_soon()  # once more when Qt has laid out what is new
        self._order_tabs()
        now = self._focused_place()
        # Qt itself gives the keyboard of what is hidden to whatever Tab leads to.
        if place is not None and (now is None or self._shown[now].item.id != held):
            self._focus_near(place, held)

    def show_picture(self, item_id: str, picture: QImage, pixels: str) -> None:
        """Show a small preview of a picture; `pixels` says how large it is."""
        if (chip := self.chip_of(item_id)) is not None:
            chip.show_picture(picture, pixels)

    def _show_chips(self, items: "Sequence[DraftAttachment]") -> None:
        known = {chip.item.id: chip for chip in self.chips}
        if [item.id for item in items] != [chip.item.id for chip in self.chips]:
            wanted = {item.id for item in items}
            self._flow.set_widgets([known.get(item.id) or self._make(item) for item in items])
            self.chips = [chip for chip in self._flow.widgets if isinstance(chip, AttachmentChip)]
            if self._current is not None and self._current.item.id not in wanted:
                self._current = None
        for chip, item in zip(self.chips, items, strict=True):
            chip.show_item(item, blind=self._blind)
        if self._current is None and self.chips:
            self._set_current(self.chips[-1])

    def _make(self, item: "DraftAttachment") -> AttachmentChip:
        chip, key = AttachmentChip(self._theme, item), item.id
        chip.opened.connect(lambda: self.opened.emit(key))
        chip.removed.connect(lambda: self.removed.emit(key))
        chip.walked.connect(lambda step: self._walk(chip, step))
        chip.installEventFilter(self)
        return chip

    def _show_failed(self, items: "Sequence[DraftAttachment]") -> None:
        known = {row.item: row for row in self.failed}
        for item, row in known.items():
            if item not in items:
                self._rows.removeWidget(row)
                row.hide()
                row.deleteLater()
        self.failed = [known.get(item) or self._make_failed(item, place) for place, item in enumerate(items)]

    def _make_failed(self, item: "DraftAttachment", place: int) -> FailedAttachment:
        row, key = FailedAttachment(self._theme, item), item.id
        row.removed.connect(lambda: self.removed.emit(key))
        row.retried.connect(lambda: self.retried.emit(key))
        row.password_entered.connect(lambda password: self.password_entered.emit(key, password))
        self._rows.insertWidget(place, row)
        row.show()
        return row

    def show_sending(self, sends: bool) -> None:
        """The message was sent, and goes once all of its files are read."""
        if sends != self._sends:
            self._sends = sends
            self._show_words()
            self._fit()

    def _show_words(self) -> None:
        if self._sends:
            self._says.setText(tr("Your message goes once its files are read."))
            self._says.setVisible(True)
            self.clear_button.setVisible(False)
            return
        many = len(self._items) >= _MANY
        counted = sum(item.tokens or 0 for item in self._items)
        words = [trn("1 file", "{count} files", len(self._items)).format(count=len(self._items))]
        if counted:
            words.append(tokens_about(counted))
        reading = sum(item.state == "reading" for item in self._items)
        if reading:
            words.append(trn("{count} being read", "{count} being read", reading).format(count=reading))
        self._says.setText(" · ".join(words))
        for widget in (self._says, self.clear_button):
            widget.setVisible(many)

    # --- what is asked -------------------------------------------------------------------------------------------

    def ask(self, text: str, answers: Sequence[Answer]) -> None:
        """Ask `text` above the files, with a button for each answer; in place of what was asked before."""
        self.withdraw()
        offer = self.offer = OfferBar(self._theme, text, answers)
        offer.closed.connect(self._close_offer)
        self._column.insertWidget(0, offer)
        offer.show()
        self._fit()
        self._order_tabs()

    def withdraw(self) -> None:
        """Ask nothing any more."""
        offer, self.offer = self.offer, None
        if offer is not None:
            self._column.removeWidget(offer)
            offer.hide()
            offer.deleteLater()
            self._fit()

    def _close_offer(self) -> None:
        self.withdraw()
        self.left.emit()

    def _show_blind(self, shown: bool) -> None:
        if shown == (self.blind_notice is not None):
            return
        if self.blind_notice is not None:
            self._column.removeWidget(self.blind_notice)
            self.blind_notice.hide()
            self.blind_notice.deleteLater()
            self.blind_notice = None
            return
        answers: list[Answer] = [
            (tr("Choose another model"), self.model_asked.emit),
            (tr("Remove the pictures"), self.pictures_removed.emit),
        ]
        self.blind_notice = OfferBar(self._theme, blind_text(), answers, warns=True, closes=False)
        self._column.addWidget(self.blind_notice)
        self.blind_notice.show()

    # --- the keyboard --------------------------------------------------------------------------------------------

    def _order_tabs(self) -> None:
        """Tab goes through all of it from top to bottom, then into the text: Qt would put what came last at the end."""
        order: list[QWidget] = [*self.offer.buttons] if self.offer is not None else []
        order.append(self.clear_button)
        for row in self.failed:
            order += row.controls
        order += self.chips
        order += self.blind_notice.buttons if self.blind_notice is not None else []
        for before, after in pairwise([*order, self._text]):
            if before.window() is after.window():
                QWidget.setTabOrder(before, after)

    def _set_current(self, chip: AttachmentChip) -> None:
        if self._current is not None and self._current in self.chips:
            self._current.set_current(False)
        self._current = chip
        chip.set_current(True)

    def _walk(self, chip: AttachmentChip, step: int) -> None:
        place = self.chips.index(chip) + (-step if self.isRightToLeft() else step)
        if 0 <= place < len(self.chips):
            self._set_current(self.chips[place])
            self.chips[place].setFocus(Qt.FocusReason.TabFocusReason)

    @property
    def _shown(self) -> list[AttachmentChip | FailedAttachment]:
        return [*self.failed, *self.chips]

    def _focused_place(self) -> int | None:
        """Which of the files shown has the keyboard."""
        focus = QApplication.focusWidget()
        holds = (
            place
            for place, each in enumerate(self._shown)
            if focus is not None and (each is focus or each.isAncestorOf(focus))
        )
        return next(holds, None)

    def _focus_near(self, place: int, held: str) -> None:
        shown = self._shown
        if not shown:
            self.left.emit()
            return
        same = (each for each in shown if each.item.id == held)
        near = next(same, shown[min(place, len(shown) - 1)])
        if isinstance(near, AttachmentChip):
            self._set_current(near)
            near.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            near.begin()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, AttachmentChip):
            self._set_current(watched)
            self._area.ensureWidgetVisible(watched, 0, XS)
        return False

    # --- size ----------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_soon()

    def _fit_soon(self) -> None:
        self._timer.start()

    def _fit(self) -> None:
        shown = bool(self._items) or self.offer is not None
        if shown:
            width = max(self.width(), 100)
            chip = self.chips[0].sizeHint().height() if self.chips else 0
            self._flow.setVisible(bool(self.chips))
            inner = self._inner
            inner.activate()
            # Widgets that wrap their words ask for more than their height for this width; less would scroll.
            least = inner.totalMinimumSize().height() if self.failed else 0
            wanted = max(inner.totalHeightForWidth(width), least)
            most = round((_MOST_LINES + (1.5 if self.failed else 0)) * ((chip or _FAILED) + XS + 2))
            self._area.setFixedHeight(max(min(wanted, most), 0))
            self._area.setVisible(bool(self._items))
        self.setVisible(shown)
        self.updateGeometry()
