"""The lines above and below the list of models: asking the Hub, only when a person wants it; and what lies on disk."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.errors import UserError
from desktop.hub.pasted_line import ollama_name, search_words
from desktop.hub.repository import parse_repository
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.disk_use import DiskUse

_SHOWN = 28


def names_repository(text: str, endpoint: str) -> str:
    """The repository that `text` names ("publisher/name", a pasted address or line), "" where it names none."""
    if "/" not in text:
        return ""
    try:
        return parse_repository(text, endpoint).id
    except UserError:
        return ""


class HubSearchBar(QWidget):
    """`look_up_requested` carries the field's text, `search_asked` the words to search for; `stop_asked` ends a request
    in progress."""

    search_asked = Signal(str)
    look_up_requested = Signal(str)
    stop_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._endpoint = "https://huggingface.co"
        self.words = ""
        self.search_words = ""
        self._repository = ""
        self._busy = False
        self._box: FittedErrorBox | None = None
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
        self.button.clicked.connect(self.submit)
        self.stop_button.clicked.connect(self.stop_asked)
        self._show()

    @property
    def repository(self) -> str:
        """The repository that the words name, "" where they name none."""
        return self._repository

    def set_endpoint(self, endpoint: str) -> None:
        """The Hub that is asked, by its address: one that is pasted into the field is taken for a repository of it."""
        self._endpoint = endpoint

    def show_words(self, words: str) -> None:
        """Offer to ask the Hub for `words`."""
        if words == self.words:
            return
        self.words = words
        self._repository = names_repository(words, self._endpoint)
        elsewhere = ollama_name(words)
        self.search_words = search_words(elsewhere) if elsewhere else words
        hint = tr("“{name}” is a name in Ollama's own library. The Hub may have the model under another name.")
        self._hint.setText(breakable(hint.format(name=elsewhere)) if elsewhere else "")
        self.show_error(None)
        self._show()

    def submit(self) -> None:
        """Ask the Hub: about the repository that is named, else for the words."""
        if not self.words or self._busy:
            return
        if self._repository:
            self.look_up_requested.emit(self.words)
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
            self._box = FittedErrorBox(ErrorBox(self._theme, error, action=action))
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


def disk_use_text(use: "DiskUse") -> str:
    """ "3 models, 12.4 GB; 81 GB free"; "" where nothing can be told."""
    count = len(use.models)
    held = trn("{count} model added", "{count} models added", count).format(count=count) if count else ""
    size = size_text(use.ours + use.elsewhere, "two") if count else ""
    free = tr("{size} free").format(size=size_text(use.free, "two")) if use.free is not None else ""
    mine = ", ".join(part for part in (held, size) if part)
    return "; ".join(part for part in (mine, free) if part)


class DiskUseBar(QWidget):
    """`search_apps_requested`: the person asked to look for models of other apps."""

    search_apps_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Label(theme, "", size="small", color="muted")
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = Button(theme, tr("Look for models of other apps"), size="small", kind="quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, M, S)
        row.setSpacing(S)
        row.addWidget(self._label, 1)
        row.addWidget(self.button)
        self.button.clicked.connect(self.search_apps_requested)

    def show_use(self, use: "DiskUse") -> None:
        """Say what the models take."""
        text = disk_use_text(use)
        self._label.setText(text)
        self._label.setAccessibleName(text)
        set_tool_tip(self._label, str(use.folder))

    def set_busy(self, busy: bool) -> None:
        """Other apps' folders are being looked through."""
        self.button.setEnabled(not busy)
        self.button.setText(tr("Looking…") if busy else tr("Look for models of other apps"))
