"""A call unfolded: which tool, what was sent, what came back, and the facts of it. All of it is plain text."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from desktop.conversation import ImagePart, TextPart
from desktop.translation import tr
from desktop.ui.chat.answer_stretches import ShownToolCall
from desktop.ui.chat.image_list import ImageList
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.tool_call_text import facts_text, indented_json
from desktop.ui.chat.tool_text_section import ToolTextSection
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme

_MOST_TEXTS = 4
_NO_ARGUMENTS = ("", "{}", "null")


class ToolCallDetail(QWidget):
    """`resized`: it takes another height as a person asked for it; `grown`: by itself. `selection_made` carries a
    `MessageSelection` that it came to have beside `text_selections`."""

    resized = Signal()
    grown = Signal()
    selection_made = Signal(object)

    def __init__(
        self,
        theme: Theme,
        call: ShownToolCall,
        images: MessageImages | None,
        *,
        heading: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """`heading` tells it from others beside it."""
        super().__init__(parent)
        self._theme, self.call = theme, call
        self._labels = [Label(theme, heading, bold=True, size="small", parent=self)] if heading else []
        facts = Label(theme, facts_text(call), size="small", color="muted", wrap=True, selectable=True, parent=self)
        facts.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._labels.append(facts)
        self._sections: list[ToolTextSection] = []
        self._images: ImageList | None = None
        self._add_arguments(call)
        self._add_result(call, images)

    def _add_arguments(self, call: ShownToolCall) -> None:
        if call.written:
            self._section(tr("Arguments, as you changed them"), indented_json(call.arguments), call.arguments)
            self._section(tr("Arguments, as the model wrote them"), indented_json(call.written), call.written)
        elif call.arguments.strip() in _NO_ARGUMENTS:
            self._say(tr("It was called without arguments."))
        else:
            self._section(tr("Arguments"), indented_json(call.arguments), call.arguments)

    def _add_result(self, call: ShownToolCall, images: MessageImages | None) -> None:
        if call.content is None:
            if call.status == "done":
                self._say(tr("What it gave is shown here once the answer is over."))
            elif call.status is None:
                self._say(tr("There is no result of this call."))
            return
        texts = [part.text for part in call.content if isinstance(part, TextPart) and part.text]
        if len(texts) > _MOST_TEXTS:
            texts = [*texts[: _MOST_TEXTS - 1], "\n".join(texts[_MOST_TEXTS - 1 :])]
        title = tr("Result") if call.status in ("done", None) else tr("What the model was told")
        for text in texts:
            self._section(title, text, may_be_table=call.status in ("done", None))
        pictures = [part for part in call.content if isinstance(part, ImagePart)]
        if pictures:
            self._images = ImageList(self._theme, pictures, images, self)
            self._images.resized.connect(self.grown)
            self._images.show()
        if not texts and not pictures:
            self._say(tr("It gave nothing."))

    def _section(self, title: str, text: str, copied: str | None = None, *, may_be_table: bool = False) -> None:
        made = ToolTextSection(self._theme, title, text, copied=copied, may_be_table=may_be_table, parent=self)
        made.resized.connect(self.resized)
        made.grown.connect(self.grown)
        made.selection_made.connect(self.selection_made)
        made.show()
        self._sections.append(made)

    def _say(self, text: str) -> None:
        self._labels.append(Label(self._theme, text, size="small", color="muted", wrap=True, parent=self))

    @property
    def buttons(self) -> list[Button]:
        found = [button for section in self._sections for button in section.buttons]
        return [*found, *(self._images.thumbnails if self._images is not None else [])]

    @property
    def text_selections(self) -> list[MessageSelection]:
        """What can be selected in it, text by text."""
        return [each for section in self._sections for each in section.text_selections]

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its buttons."""
        for section in self._sections:
            section.set_button_focus(policy)
        for thumbnail in self._images.thumbnails if self._images is not None else []:
            thumbnail.setFocusPolicy(policy)

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        return sum([section.set_found(query) for section in self._sections])

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        for section in self._sections:
            section.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        y = 0
        for label in self._labels:
            height = label.heightForWidth(width) if label.wordWrap() else label.sizeHint().height()
            label.setGeometry(0, y, width, height)
            label.show()
            y += height + S
        for each in (*self._sections, self._images):
            if each is not None:
                each.move(0, y)
                y += each.place(width) + S
        self.resize(width, max(y - S, 0))
        return max(y - S, 0)
