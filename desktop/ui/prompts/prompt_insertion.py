"""Puts prompts into the composer: "/" at the beginning of a line offers them, without ever being in the way."""

import re
from collections.abc import Callable, Mapping

from PySide6.QtCore import QDate, QEvent, QLocale, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.chat.prompt_library import LONGEST_PROMPT, Prompt
from desktop.chat.prompt_text import filled_prompt, prompt_variables, uses_clipboard
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.prompts.prompt_form import PromptForm
from desktop.ui.prompts.prompt_popup import PromptPopup, matching_entries
from desktop.ui.theme.theme import Theme

_BEGUN = re.compile(r"\s*/([^\s/]*)\Z")
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
_TAKES = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)


class PromptInsertion(QObject):
    """Installed on the composer from outside. `library` gives the prompts as they are now; `manage_asked` where the
    page of prompts is wanted, `begun` when the list is about to be opened."""

    manage_asked = Signal()
    begun = Signal()

    def __init__(
        self,
        theme: Theme,
        page: QWidget,
        composer: QWidget,
        edit: PlainTextEdit,
        library: Callable[[], Mapping[str, Prompt]],
    ) -> None:
        super().__init__(page)
        self._theme, self._page, self._composer, self._edit, self._library = theme, page, composer, edit, library
        self._slash_typed = False
        self._at: int | None = None
        self.popup: PromptPopup | None = None
        self.form: PromptForm | None = None
        edit.installEventFilter(self)
        page.installEventFilter(self)
        composer.installEventFilter(self)
        edit.textChanged.connect(self._text_changed)
        edit.cursorPositionChanged.connect(self._cursor_moved)

    @property
    def is_open(self) -> bool:
        """Whether prompts are offered now."""
        return self.popup is not None and not self.popup.isHidden()

    # --- the list ------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._page or watched is self._composer:
            if kind in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Hide):
                self._page_changed(hidden=kind == QEvent.Type.Hide)
            return False
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self.is_open and event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        elif kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._slash_typed = event.text() == "/"
            return self.is_open and self._take_key(event)
        elif kind == QEvent.Type.InputMethod and isinstance(event, QInputMethodEvent):
            self._slash_typed = event.commitString() == "/"
        elif kind == QEvent.Type.FocusOut:
            self._close()
        return False

    def _take_key(self, event: QKeyEvent) -> bool:
        assert self.popup is not None
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() == Qt.Key.Key_Escape:
            self._close()
        elif event.key() in _STEPS and plain:
            self.popup.move_choice(_STEPS[Qt.Key(event.key())])
        elif event.key() in _TAKES and plain and self.popup.current is not None:
            self._pick(self.popup.current.name)
        else:
            return False
        return True

    def _text_changed(self) -> None:
        typed = self._typed()
        if self._at is None:
            slash, self._slash_typed = self._slash_typed, False
            if not slash or typed != "" or not self._edit.hasFocus():
                return
            self._at = self._edit.textCursor().position() - 1
            self.begun.emit()
        self._show()

    def _cursor_moved(self) -> None:
        if self._at is not None and self._typed() is None:
            self._close()

    def refresh(self) -> None:
        """The library was read anew."""
        if self._at is not None:
            self._show()

    def _show(self) -> None:
        typed = self._typed()
        if typed is None:
            self._close()
            return
        if self.popup is None:
            self.popup = PromptPopup(self._theme, self._page)
            self.popup.picked.connect(self._pick)
        self.popup.offer(matching_entries(self._library(), typed), self._composer)

    def _typed(self) -> str | None:
        """What stands between a "/" at the beginning of the line and the cursor; None where there is no such thing."""
        cursor = self._edit.textCursor()
        if cursor.hasSelection():
            return None
        before = cursor.block().text()[: cursor.positionInBlock()]
        found = _BEGUN.match(before) if len(before) < 200 else None
        if found is None or (self._at is not None and cursor.block().position() + found.start(1) - 1 != self._at):
            return None
        return found[1]

    def _close(self) -> None:
        """Offer nothing more for this "/", which stays where it is."""
        self._at = None
        self._slash_typed = False
        if self.popup is not None:
            self.popup.hide()

    # --- putting one in ------------------------------------------------------------------------------------------

    def _pick(self, name: str) -> None:
        start, end = self._at, self._edit.textCursor().position()
        self._close()
        if start is None:
            return
        prompt = self._library().get(name)
        if not name or prompt is None:
            if not name:
                self._replace(start, end, "")
                self.manage_asked.emit()
            return
        variables = prompt_variables(prompt.text)
        if not variables:
            self._replace(start, end, self._filled(prompt, {}))
            return
        self._end_form()
        form = self.form = PromptForm(self._theme, name, variables, self._page)
        form.filled.connect(lambda values: self._fill(form, start, end, prompt, values))
        form.left.connect(self._leave_form)
        form.open_above(self._composer)

    def _fill(self, form: PromptForm, start: int, end: int, prompt: Prompt, values: dict[str, str]) -> None:
        if form is self.form:
            self._end_form()
            self._replace(start, end, self._filled(prompt, values))

    def _leave_form(self) -> None:
        self._end_form()
        self._edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _end_form(self) -> None:
        form, self.form = self.form, None
        if form is not None:
            form.hide()
            form.deleteLater()

    def _replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in place of what was typed, as one step that can be undone."""
        self._edit.composition.finish()
        cursor = self._edit.textCursor()
        last = self._edit.document().characterCount() - 1
        cursor.setPosition(min(start, last))
        cursor.setPosition(min(end, last), QTextCursor.MoveMode.KeepAnchor)
        if self._edit.document().characterAt(cursor.selectionStart()) != "/":
            cursor.setPosition(cursor.selectionEnd())  # it was changed meanwhile: nothing of it is taken away
        wrap = getattr(self._edit, "wrap_for", None)
        if wrap is not None:
            wrap(text)
        cursor.insertText(text)
        self._edit.setTextCursor(cursor)
        self._edit.ensureCursorVisible()
        self._edit.setFocus(Qt.FocusReason.OtherFocusReason)

    @staticmethod
    def _filled(prompt: Prompt, values: dict[str, str]) -> str:
        copied = QGuiApplication.clipboard().text()[:LONGEST_PROMPT] if uses_clipboard(prompt.text) else ""
        today = QLocale().toString(QDate.currentDate(), QLocale.FormatType.LongFormat)
        return filled_prompt(prompt.text, values, clipboard=copied, date=today)

    def _page_changed(self, *, hidden: bool) -> None:
        if hidden:
            self._close()
        elif self.is_open:
            self._show()
        if self.form is not None:
            self.form.place_again()

    def leave(self) -> None:
        """Another conversation is shown: what was begun is over."""
        self._close()
        self._end_form()
