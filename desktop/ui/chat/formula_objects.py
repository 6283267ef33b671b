"""Formulas in a document: each is one object character, painted from its outline in the color and size of its text.

A formula is set on a thread of its own (see `formula_outline`); until then its LaTeX is shown, as it was written.
The object stays where it is when that changes, so nobody's positions in the document move. One that turns out not to be
drawable is written as text from then on: `undrawable` says that a document holds one, and is to be written again.
"""

import threading
import time
from collections import OrderedDict, deque
from functools import cache

from PySide6.QtCore import QCoreApplication, QObject, QRect, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFont,
    QFontInfo,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from desktop.chat.markdown.formula_latex import MAX_LENGTH, UndrawableError
from desktop.chat.markdown.formula_outline import FormulaOutline, formula_outline
from desktop.ui.chat.text_properties import WRITTEN
from desktop.ui.parts.formula_shape import MARGIN, FormulaShape
from desktop.ui.theme.theme import Theme

FORMULA = QTextFormat.ObjectTypes.UserObject + 1
"""The type of the object characters that stand for formulas."""

_LATEX = QTextFormat.Property.UserProperty + 21
_DISPLAY = QTextFormat.Property.UserProperty + 22
_OBJECT = "\ufffc"
_KEPT = 600
_WAITING = 2_000
_BETWEEN_LOOKS_MS = 30
_PAUSE_S = 0.002
"""Between two formulas, for the main thread, which shares the interpreter with the one that sets them."""

_X_HEIGHT = 0.473
_SMALLEST, _LARGEST = 1.0, 1.25

_Key = tuple[str, bool]


def insert_formula(
    cursor: QTextCursor, latex: str, written: str, display: bool, characters: QTextCharFormat, theme: Theme
) -> None:
    """Insert `latex` (without delimiters) as an object, or `written` as text where it cannot be drawn.

    `display`: on a line of its own. `characters` is the format of the text around it, with properties of one's own.
    """
    if len(latex) > MAX_LENGTH or outlines().is_undrawable((latex, display)):
        cursor.insertText(written.replace("\n", "\u2028"), characters)
        return
    shown = QTextCharFormat(characters)
    shown.setObjectType(FORMULA)
    shown.setProperty(WRITTEN, written)
    shown.setProperty(_LATEX, latex)
    shown.setProperty(_DISPLAY, display)
    objects = formulas_of(cursor.document())
    _align(shown, outlines().get((latex, display)))
    cursor.insertText(_OBJECT, shown)
    objects.expect((latex, display))


def formulas_of(document: QTextDocument) -> "FormulaObjects":
    """What draws the formulas of `document`; it lives as long as the document."""
    found = document.findChild(FormulaObjects)
    return found if isinstance(found, FormulaObjects) else FormulaObjects(document)


def formula_width(latex: str, font: QFont) -> float | None:
    """How wide `latex` is drawn beside text in `font`, in pixels; None while that is not known."""
    shapes = [shape for display in (False, True) if (shape := outlines().get((latex, display))) is not None]
    return max(((shape.width + 2 * MARGIN) * _em(font) for shape in shapes), default=None)


class FormulaOutlines(QObject):
    """The formulas set so far, the last few hundred of them, and the thread that sets more.

    The thread touches nothing of Qt. The end of the program waits for the formula that it sets, and for no more: a
    thread that is cut off takes the program down now and then ("terminate called", seen with PySide 6.11).
    """

    ready = Signal()
    """More were set, or turned out not to be drawable."""

    def __init__(self) -> None:
        super().__init__()
        self._known: OrderedDict[_Key, FormulaShape | None] = OrderedDict()
        self._waiting: deque[_Key] = deque()
        self._wanted: set[_Key] = set()
        self._done: deque[tuple[_Key, FormulaOutline | None]] = deque()
        self._lock = threading.Lock()
        self._running = False
        self._over = False
        self._look = QTimer(self)
        self._look.setInterval(_BETWEEN_LOOKS_MS)
        self._look.timeout.connect(self._take)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.stop)

    def get(self, key: _Key) -> FormulaShape | None:
        """The shape of a formula (LaTeX, display); None while it is not ready and where it cannot be drawn."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def is_undrawable(self, key: _Key) -> bool:
        """Whether it was tried and cannot be drawn."""
        return key in self._known and self._known[key] is None

    def request(self, key: _Key) -> bool:
        """Have a formula set, unless it is known already; whether it is to come."""
        if key in self._known:
            return False
        with self._lock:
            if key not in self._wanted and len(self._waiting) < _WAITING and not self._over:
                self._wanted.add(key)
                self._waiting.append(key)
            start = bool(self._waiting) and not self._running and not self._over
            self._running = self._running or start
        if start:
            threading.Thread(target=self._work, name="formulas", daemon=False).start()
        if self._wanted and not self._look.isActive():
            self._look.start()
        return True

    def stop(self) -> None:
        """Set no more."""
        with self._lock:
            self._over = True
            self._waiting.clear()
        self._look.stop()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._over or not threading.main_thread().is_alive():
                    self._running = False
                    return
                key = self._waiting.popleft()
            try:
                outline: FormulaOutline | None = formula_outline(key[0], display=key[1])
            except UndrawableError:
                outline = None
            self._done.append((key, outline))
            time.sleep(_PAUSE_S)

    def _take(self) -> None:
        """Keep what the thread has done since the last look."""
        taken = False
        while self._done:
            self._keep(*self._done.popleft())
            taken = True
        if not self._wanted:
            self._look.stop()
        if taken:
            self.ready.emit()

    def _keep(self, key: _Key, outline: FormulaOutline | None) -> None:
        with self._lock:
            self._wanted.discard(key)
        self._known[key] = FormulaShape(outline) if outline is not None else None
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)


@cache
def outlines() -> FormulaOutlines:
    """The formulas of all documents: an answer that is drawn again, or in another size, is not set again."""
    return FormulaOutlines()


class FormulaObjects(QPyTextObject):
    """Draws the formulas of one document."""

    resized = Signal()
    """Formulas became ready: the document's height may be another one."""

    undrawable = Signal()
    """One cannot be drawn: the document is to be written again, which gives its LaTeX as text."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._document = document
        self._expected: set[_Key] = set()
        document.documentLayout().registerHandler(FORMULA, self)
        outlines().ready.connect(self._update)

    def expect(self, key: _Key) -> None:
        """A formula was inserted."""
        if outlines().request(key):
            self._expected.add(key)

    def _update(self) -> None:
        known = outlines()
        ready = {key for key in self._expected if known.get(key) is not None}
        failed = {key for key in self._expected if known.is_undrawable(key)}
        self._expected -= ready | failed
        if ready:
            self._refresh(ready)
            self.resized.emit()
        if failed:
            self.undrawable.emit()

    def _refresh(self, ready: set[_Key]) -> None:
        """Give the objects that are ready their place on the line, and have them measured."""
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        position = self._document.find(_OBJECT, 0)
        while not position.isNull():
            characters = position.charFormat()
            key = _key_of(characters)
            if characters.objectType() == FORMULA and key in ready:
                _align(characters, outlines().get(key))
                characters.setProperty(_READY, True)
                position.setCharFormat(characters)
            position = self._document.find(_OBJECT, position)
        cursor.endEditBlock()

    # --- as a text object ----------------------------------------------------------------------------------------

    def intrinsicSize(self, document: QTextDocument, position: int, characters: QTextFormat) -> QSizeF:
        text = characters.toCharFormat()
        font = text.font()
        shape = outlines().get(_key_of(text))
        room = _room(document, position)
        if shape is None:
            metrics = QFontMetricsF(font)
            return QSizeF(min(metrics.horizontalAdvance(_one_line(text)), room), metrics.ascent())
        placed = _FittedFormula(font, shape, room)
        if text.verticalAlignment() != QTextCharFormat.VerticalAlignment.AlignMiddle and len(placed.lines) == 1:
            return QSizeF(placed.width, max(shape.ascent, 0.3) * placed.em)
        middle = QFontMetricsF(font).xHeight() / 2
        return QSizeF(placed.width, max(2 * placed.above - middle, 2 * placed.below + middle))

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, characters: QTextFormat
    ) -> None:
        text, rect = characters.toCharFormat(), QRectF(rect)
        font = text.font()
        shape = outlines().get(_key_of(text))
        color = text.foreground().color()
        painter.save()
        if shape is None:
            painter.setFont(font)
            painter.setPen(color)
            words = QFontMetricsF(font).elidedText(_one_line(text), Qt.TextElideMode.ElideRight, rect.width() + 1)
            painter.drawText(rect.bottomLeft(), words)
            self.expect(_key_of(text))
        else:
            placed = _FittedFormula(font, shape, _room(document, position))
            baseline = rect.bottom()
            if text.verticalAlignment() == QTextCharFormat.VerticalAlignment.AlignMiddle:
                baseline = rect.top() + (rect.height() + QFontMetricsF(font).xHeight() / 2) / 2
            if len(placed.lines) > 1:
                baseline = rect.top() + (shape.ascent + MARGIN) * placed.em
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(rect.left() + MARGIN * placed.em, baseline)
            painter.scale(placed.em, placed.em)
            for line in placed.lines:
                painter.fillPath(shape.path(line, font), color)
                painter.translate(0, shape.pitch)
        painter.restore()


_READY = QTextFormat.Property.UserProperty + 23


def _key_of(characters: QTextCharFormat) -> _Key:
    return str(characters.property(_LATEX) or ""), bool(characters.property(_DISPLAY))


def _one_line(characters: QTextCharFormat) -> str:
    return " ".join(str(characters.property(WRITTEN) or "").split())


def _align(characters: QTextCharFormat, shape: FormulaShape | None) -> None:
    """Put a formula that reaches no deeper than letters on the baseline; others Qt can lower by their middle only."""
    alignments = QTextCharFormat.VerticalAlignment
    deep = shape is not None and shape.descent > 0.3
    characters.setVerticalAlignment(alignments.AlignMiddle if deep else alignments.AlignNormal)


class _FittedFormula:
    """A formula in a font and a room: its lines and its measures, in pixels."""

    def __init__(self, font: QFont, shape: FormulaShape, room: float) -> None:
        em = _em(font)
        self.lines = shape.lines(room / em)
        widest = max(line.width for line in self.lines) + 2 * MARGIN
        self.em = em = min(em, room / widest)
        self.width = widest * em
        # Of several lines half stands above the middle of the letters beside them.
        rest = (len(self.lines) - 1) * shape.pitch / 2
        self.above = (shape.ascent + MARGIN + rest) * em
        self.below = (shape.descent + MARGIN + rest) * em


def _em(font: QFont) -> float:
    """The size in pixels that makes a formula's small letters as high as the text's."""
    size = QFontInfo(font).pixelSize()
    return min(max(QFontMetricsF(font).xHeight() / _X_HEIGHT, size * _SMALLEST), size * _LARGEST)


def _room(document: QTextDocument, position: int) -> float:
    """How wide a formula at `position` may be, in pixels."""
    width = document.textWidth()
    if width <= 0:
        return 1e6
    block = document.findBlock(position)
    table = QTextCursor(block).currentTable()
    if table is not None:
        column, columns = table.cellAt(position).column(), table.format().columnWidthConstraints()
        if 0 <= column < len(columns):
            padding = table.cellAt(position).format().toTableCellFormat()
            width = columns[column].rawValue() - padding.leftPadding() - padding.rightPadding() + 2
    indent = block.blockFormat().leftMargin() + block.blockFormat().rightMargin()
    return max(width - indent - 2 * document.documentMargin() - 2, 40.0)
