"""Under the words that are searched for: asking the Hub for them, which happens only when a person wants it."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.hub.address import parse_repository
from desktop.hub.pasted_line import ollama_name, words_of
from desktop.translation import tr
from desktop.ui.licenses.placed import Placed
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, M, S

_SHOWN = 28


def names_repository(text: str, endpoint: str) -> str:
    """The repository that `text` names ("publisher/name", a pasted address or line), "" where it names none."""
    if "/" not in text:
        return ""
    try:
        return parse_repository(text, endpoint).id
    except UserError:
        return ""


class HubBar(QWidget):
    """`look_asked` carries the words as they stand in the field, `search_asked` those to search for, `stop_asked` ends
    the question."""

    search_asked = Signal(str)
    look_asked = Signal(str)
    stop_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.endpoint = "https://huggingface.co"
        self.words = ""
        self.search_words = ""
        self._repository = ""
        self._busy = False
        self._box: Placed | None = None
        self.button = Button(theme, "", size="small")
        self.stop_button = Button(theme, tr("Stop"), size="small", name=tr("Stop asking the Hub"))
        self._says = Label(theme, "", size="small", color="muted")
        self._says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(self.button)
        row.addWidget(self.stop_button)
        row.addWidget(self._says, 1)
        self._hint = Label(theme, "", size="small", color="muted", wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(S, S, M, 0)
        self._column.setSpacing(XS)
        self._column.addLayout(row)
        self._column.addWidget(self._hint)
        self.button.clicked.connect(self.go)
        self.stop_button.clicked.connect(self.stop_asked)
        self._show()

    @property
    def repository(self) -> str:
        """The repository that the words name, "" where they name none."""
        return self._repository

    def show_words(self, words: str) -> None:
        """Offer to ask the Hub for `words`."""
        if words == self.words:
            return
        self.words = words
        self._repository = names_repository(words, self.endpoint)
        elsewhere = ollama_name(words)
        self.search_words = words_of(elsewhere) if elsewhere else words
        hint = tr("“{name}” is a name in Ollama's own library. The Hub may have the model under another name.")
        self._hint.setText(breakable(hint.format(name=elsewhere)) if elsewhere else "")
        self.show_error(None)
        self._show()

    def go(self) -> None:
        """Ask the Hub: about the repository that is named, else for the words."""
        if not self.words or self._busy:
            return
        if self._repository:
            self.look_asked.emit(self.words)
        else:
            self.search_asked.emit(self.search_words)

    def set_busy(self, busy: bool) -> None:
        """The Hub is being asked."""
        self._busy = busy
        self._show()

    def show_error(self, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """It could not be asked."""
        if self._box is not None:
            self._column.removeWidget(self._box)
            self._box.hide()
            self._box.deleteLater()
            self._box = None
        if error is not None:
            self._box = Placed(ErrorBox(self._theme, error, action=action))
            self._column.addWidget(self._box)
        self._show()

    def _show(self) -> None:
        shown = self._repository or self.search_words
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
        if self._repository:
            self.button.setText(tr("Look up {repository}").format(repository=shown))
            self.button.setAccessibleName(tr("Look up {repository} on the Hub").format(repository=self._repository))
        else:
            self.button.setText(tr("Search the Hub for “{words}”").format(words=shown))
            self.button.setAccessibleName(tr("Search the Hub for {words}").format(words=self.search_words))
        self.button.setEnabled(not self._busy)
        self.button.updateGeometry()
        self.button.setVisible(bool(self.words))
        self.stop_button.setVisible(self._busy)
        self._hint.setVisible(bool(self._hint.text()))
        self._says.setText(tr("The Hub is asked…") if self._busy else "")
        self.setVisible(bool(self.words) or self._busy or self._box is not None)
