"""The view of a user message: its files, and the text exactly as typed, in a box at the right."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRectF
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.conversation import Message
from desktop.translation import tr
from desktop.ui.chat.attached_file_list import AttachedFileList, attached_files
from desktop.ui.chat.message_footer import BranchSwitch
from desktop.ui.chat.message_view import MessageActions, MessageView
from desktop.ui.chat.plain_text_pieces import PlainTextPieces, beginning
from desktop.ui.chat.text_search import folded
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS_SOFT, XS
from desktop.ui.theme.theme import Theme

_INDENT = 96
_ACROSS, _DOWN = 14, 10
_LONG = 3_000
_LONG_LINES = 40


class UserMessageView(MessageView):
    """Shows the words; a very long turn is cut until the person asks for all of it."""

    def __init__(
        self,
        theme: Theme,
        message: Message,
        actions: MessageActions,
        siblings: tuple[int, int] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, message, actions, parent)
        self._words = PlainTextPieces(theme, self.selection, actions.open_link, self)
        self._words.grown.connect(self.height_changed)
        self.describe(message.text)
        self._box = QRectF()
        self._whole = False
        text = message.text
        self._is_long = len(text) > _LONG or text.count("\n") > _LONG_LINES
        self._more: Button | None = None
        if self._is_long:
            self._more = Button(theme, tr("Show all"), kind="quiet", size="small", parent=self)
            self._more.clicked.connect(self._toggle)
        self._copy = Button(theme, kind="quiet", icon="copy", name=tr("Copy message"), parent=self)
        self._edit = Button(theme, kind="quiet", icon="edit", name=tr("Edit message"), parent=self)
        set_tool_tip(self._copy, tr("Copy"))
        set_tool_tip(self._edit, tr("Edit and ask again"))
        self._copy.clicked.connect(self.copy)
        self._edit.clicked.connect(lambda: actions.edit(self.message))
        self._menu = self.make_menu_button()
        self._menu.setParent(self)
        self._tools = (self._edit, self._copy, self._menu)
        self._show_tools(False)
        self._branch: BranchSwitch | None = None
        if siblings is not None and siblings[1] > 1:
            place, count = siblings
            show = actions.branches.show_sibling
            self._branch = BranchSwitch(
                theme, place, count, lambda step: show(self.message.id, step), self, of_answers=False
            )
        self._images = self.make_images()
        self._files: AttachedFileList | None = None
        if files := attached_files(message):
            self._files = AttachedFileList(theme, files, actions.documents, self)
            self._files.more.clicked.connect(self._show_all_files)
        self._mark: Button | None = None
        self.show_message(message)
        self._write()

    def show_message(self, message: Message) -> None:
        super().show_message(message)
        if message.pinned and self._mark is None:
            self._mark = self.make_pin_mark()
        elif not message.pinned and self._mark is not None:
            self._mark.hide()
            self._mark.deleteLater()
            self._mark = None
        self.height_changed.emit()

    def buttons(self) -> list[Button]:
        more = [self._more] if self._more is not None else []
        mark = [self._mark] if self._mark is not None else []
        images = self._images.thumbnails if self._images is not None else []
        files = self._files.buttons if self._files is not None else []
        return [*files, *more, *images, self._copy, self._edit, self._menu, *mark, *self.branch_buttons]

    @property
    def is_drawing(self) -> bool:
        return self._words.is_drawing

    def unfolded(self) -> tuple[str, ...]:
        own = (("text", self._whole), ("files", self._files is not None and self._files.is_unfolded))
        return tuple(name for name, is_open in own if is_open)

    def unfold(self, names: Sequence[str]) -> None:
        if "text" in names and self._is_long and not self._whole:
            self._toggle()
        if "files" in names and self._files is not None:
            self._files.show_all()

    @property
    def branch_buttons(self) -> list[Button]:
        return self._branch.buttons if self._branch is not None else []

    def text_views(self) -> list[TextView]:
        return list(self._words.views)

    def set_found(self, query: str) -> int:
        if query and self._is_long and not self._whole and folded(query) in folded(self.message.text):
            self._toggle()
        return self._words.set_found(query)

    def set_current(self, current: bool) -> None:
        super().set_current(current)
        self._show_tools(current and self.hasFocus())

    def restyle(self) -> None:
        self._write()
        if self._branch is not None:
            self._branch.restyle()

    def show_passages_used(self, counts: Mapping[str, int] | None) -> None:
        """How many passages of each file the answer was given, by the file's sha256; None where it is not known."""
        if self._files is not None and self._files.show_passages(counts):
            self.grown.emit()  # by itself: whoever reads at the end stays there

    def _show_all_files(self) -> None:
        if self._files is not None:
            self._files.show_all()
            self._set_button_focus()
            self.height_changed.emit()

    def place(self, width: int) -> int:
        below = (self._more, self._images, *self._tools, self._branch, self._mark)
        self.keep_reading_order((self._files, self._words, *below))
        top = self._files.place(width) + XS + 2 if self._files is not None else 0
        if top and not self.message.text:
            return self._place_below(width, 0, width, top - XS - 2, self._files.height() if self._files else 0)
        room = width - _INDENT - 2 * _ACROSS
        inner = self._words.natural_width(room)
        text_height = self._words.place(inner)
        height = top + text_height + 2 * _DOWN
        left = width - inner - 2 * _ACROSS
        self._words.move(left + _ACROSS, top + _DOWN)
        if self._more is not None:
            size = self._more.sizeHint()
            self._more.setGeometry(left + _ACROSS - 5, height - _DOWN + 2, size.width(), size.height())
            height += size.height()
        box = QRectF(left, top, inner + 2 * _ACROSS, height - top)
        if box != self._box:
            self._box = box
            self.update()  # Qt paints what a larger size brought, and the box may have moved in the rest
        return self._place_below(width, top, left, height, text_height + 2 * _DOWN)

    def _place_below(self, width: int, top: int, left: int, height: int, box: int) -> int:
        """Place the images and what stands below them, and the tools left of the `box`; the height of it all."""
        middle = top + min(height - top, box) // 2
        if self._images is not None:
            self._images.move(0, height + XS)
            height += XS + self._images.place(width, at_right=True)
        x = left - XS
        for tool in self._tools:
            size = tool.sizeHint()
            x -= size.width()
            tool.setGeometry(x, middle - size.height() // 2, size.width(), size.height())
        if self._branch is not None:
            self._branch.move(width - self._branch.width() + 5, height + XS)
        if self._mark is not None:
            size, right = self._mark.sizeHint(), width + 5
            if self._branch is not None:
                right -= self._branch.width() + XS
            self._mark.setGeometry(right - size.width(), height + XS, size.width(), size.height())
        below = [each.height() for each in (self._branch, self._mark) if each is not None]
        if below:
            height += XS + max(below)
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.message.text or self._files is None:
            paint_box(painter, self._box, self.theme.color("soft"), None, RADIUS_SOFT)
        painter.end()
        super().paintEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._show_tools(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._show_tools(self._current and any(widget.hasFocus() for widget in (self, *self._tools)))
        super().leaveEvent(event)

    def focusInEvent(self, event: object) -> None:
        self._show_tools(True)
        self.update()

    def _show_tools(self, shown: bool) -> None:
        for tool in self._tools:
            tool.setVisible(shown)

    def _write(self) -> None:
        text = self.message.text
        if self._is_long and not self._whole:
            text = "\n".join(beginning(text, _LONG).split("\n")[:_LONG_LINES]).rstrip() + "…"
        self._words.show_text(text)

    def _toggle(self) -> None:
        self._whole = not self._whole
        if self._more is not None:
            self._more.setText(tr("Show less") if self._whole else tr("Show all"))
        self._write()
        self.height_changed.emit()
