"""The footer of an answer: model, speed, credit, branch switch and buttons."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QWidget

from desktop.conversation import Message, ModelReference
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import breakable
from desktop.ui.parts.terms_text import license_label, restriction_phrase
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryModel

CreditOf = Callable[[ModelReference], str]


def no_credit(_: ModelReference) -> str:
    """Before the models are known."""
    return ""


def credit_text(license_id: str, restrictions: Iterable[str], attribution: Iterable[str]) -> str:
    """The quiet line, for one model: "Llama 3.2 · attribution, acceptable use · Built with Llama"."""
    terms = ", ".join(restriction_phrase(each) for each in restrictions)
    parts = [license_label(license_id) if license_id else "", terms, *attribution]
    return " · ".join(part for part in parts if part)


def credits_of(models: "Iterable[LibraryModel]") -> CreditOf:
    """The function that gives the credit line of each of `models`, and "" for others."""
    texts: dict[str, str] = {}
    for model in models:
        text = credit_text(model.license, model.restrictions, model.attribution)
        texts |= {model.id: text, str(model.path): text}
    return lambda reference: texts.get(reference.id, "")


def describe_answer(message: Message) -> str:
    """Model, speed and time to the first token of a finished answer, and how it ended where that is not its end."""
    timing = message.timing
    parts = []
    if message.edited:
        parts.append(tr("Edited by you"))
    if message.status == "stopped":
        parts.append(tr("Stopped"))
    elif timing is not None and timing.stop_reason == "length":
        parts.append(tr("Cut off at the longest answer allowed"))
    elif timing is not None and timing.stop_reason == "context-full" and timing.generated_tokens:
        parts.append(tr("Cut off: the context is full"))
    if message.model is not None:
        parts.append(message.model.name)
    if timing is not None and timing.tokens_per_s is not None:
        parts.append(tr("{speed} tok/s").format(speed=f"{timing.tokens_per_s:,.1f}"))
    if timing is not None and timing.time_to_first_token_s is not None:
        first = timing.time_to_first_token_s
        if first < 0.095:
            parts.append(tr("first token {milliseconds} ms").format(milliseconds=max(1, round(first * 1000))))
        else:
            parts.append(tr("first token {seconds} s").format(seconds=f"{first:.1f}"))
    return " · ".join(parts)


def remark_of(message: Message) -> tuple[str, str]:
    """What is to be said under a finished answer, and its icon: that it repeated itself, or what became of making it
    again; "" where that is nothing."""
    record, timing = message.record, message.timing
    if record is not None and record.rerun_of:
        from desktop.chat.answer_record_text import rerun_text

        return rerun_text(record), "check" if record.identical else "warning"
    if message.status == "complete" and timing is not None and timing.stop_reason == "repetition":
        said = tr("The answer only repeated itself, so it was ended. Regenerate asks again and makes that less likely.")
        return said, "warning"
    return "", ""


class BranchSwitch(QWidget):
    """‹ 2 of 3 ›: which of several siblings is shown, and the way to the others. `place` counts from 0; `of_answers`
    says that they are answers."""

    def __init__(
        self,
        theme: Theme,
        place: int,
        count: int,
        step: Callable[[int], None],
        parent: QWidget | None = None,
        *,
        of_answers: bool = True,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = tr("{place} of {count}").format(place=place + 1, count=count)
        self.setFont(theme.font("small"))
        self.setAccessibleName(tr("Version {place} of {count}").format(place=place + 1, count=count))
        before = tr("Previous answer") if of_answers else tr("Previous version")
        after = tr("Next answer") if of_answers else tr("Next version")
        self._before = Button(theme, kind="quiet", icon="chevron-left", size="small", name=before, parent=self)
        self._after = Button(theme, kind="quiet", icon="chevron-right", size="small", name=after, parent=self)
        self._before.setEnabled(place > 0)
        self._after.setEnabled(place < count - 1)
        self._before.clicked.connect(lambda: step(-1))
        self._after.clicked.connect(lambda: step(1))
        self._arrange()

    @property
    def buttons(self) -> list[Button]:
        return [self._before, self._after]

    def restyle(self) -> None:
        """Take the theme's present fonts."""
        self.setFont(self._theme.font("small"))
        self._arrange()

    def _arrange(self) -> None:
        size = self._before.sizeHint()
        text = self.fontMetrics().horizontalAdvance(self._text)
        self._before.setGeometry(0, 0, size.width(), size.height())
        self._after.setGeometry(size.width() + text, 0, size.width(), size.height())
        self.resize(2 * size.width() + text, size.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.color("faint"))
        metrics = self.fontMetrics()
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(self._before.width(), baseline), self._text)


class MessageFooter(QWidget):
    """`text` at the left, `buttons` and the branch switch at the right; the credit after the text or, whole, below."""

    def __init__(
        self, theme: Theme, text: str, buttons: list[Button], branch: BranchSwitch | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._text, self._own, self._branch = theme, text, buttons, branch
        self._credit, self._lines = "", QTextLayout()
        self._room = self._line = 0
        self.setFont(theme.font("small"))
        self.setAccessibleName(text)
        for child in (*buttons, branch):
            if child is not None:
                child.setParent(self)

    @property
    def buttons(self) -> list[Button]:
        return [*self._own, *self.branch_buttons]

    @property
    def branch_buttons(self) -> list[Button]:
        """The arrows to the other answers."""
        return self._branch.buttons if self._branch is not None else []

    @property
    def text(self) -> str:
        return self._text

    @property
    def credit(self) -> str:
        """What is owed to the model: never cut, as its license asks for it."""
        return self._credit

    def set_credit(self, credit: str) -> bool:
        """Show the model's credit; whether it changed."""
        if credit == self._credit:
            return False
        self._credit = credit
        self.setAccessibleName(" · ".join(part for part in (self._text, credit) if part))
        self.update()
        return True

    def restyle(self) -> None:
        """Take the theme's present fonts."""
        self.setFont(self._theme.font("small"))
        if self._branch is not None:
            self._branch.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        children: list[QWidget] = [*self._own, *([self._branch] if self._branch is not None else [])]
        sizes = [child.size() if child is self._branch else child.sizeHint() for child in children]
        height = max((size.height() for size in sizes), default=self.fontMetrics().height())
        right = width + 5
        for child, size in zip(reversed(children), reversed(sizes), strict=True):
            right -= size.width()
            child.setGeometry(right, (height - size.height()) // 2, size.width(), size.height())
            right -= XS
        self._room, self._line = right - S, height
        height += self._lay_credit(width)
        self.resize(width, height)
        return height

    def _lay_credit(self, width: int) -> int:
        """Lay the credit out below the line; the height it takes, 0 where it has room in the line."""
        if not self._credit or self._fits():
            return 0
        self._lines = QTextLayout(breakable(self._credit), self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._lines.setTextOption(option)
        self._lines.beginLayout()
        y = 0.0
        while (line := self._lines.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, y))
            y += line.height()
        self._lines.endLayout()
        return round(y)

    def _fits(self) -> bool:
        """Whether text and credit have room in one line."""
        return self.fontMetrics().horizontalAdvance(self._whole()) <= self._room

    def _whole(self) -> str:
        return " · ".join(part for part in (self._text, self._credit) if part)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.color("faint"))
        metrics = self.fontMetrics()
        one_line = self._fits()
        text = self._whole() if one_line else self._text
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self._room)
        painter.drawText(QPointF(0, (self._line + metrics.ascent() - metrics.descent()) / 2), text)
        if self._credit and not one_line:
            self._lines.draw(painter, QPointF(0, self._line))
