"""The page of imports: files are chosen, how far it is, what came and what did not."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.chat.importers.conversation_importer import ChatImportResult
from desktop.chat.importers.import_text import result_text
from desktop.translation import tr
from desktop.ui.imports.skipped_table import SkippedItemModel, SkippedTable
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.page import Page, PageBar, page_title
from desktop.ui.parts.progress_bar import ProgressBar
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme

_WIDTH = 900


class ChatImportPage(Page):
    """`bin_asked` where the chats that came are to be put in the bin, `chats_asked` where they are to be seen."""

    files_asked = Signal()
    folder_asked = Signal()
    stop_asked = Signal()
    bin_asked = Signal()
    chats_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Import page"))
        self.bar = PageBar(theme)
        self.bar.row.addWidget(page_title(theme, tr("Import chats")))
        self.bar.row.addStretch(1)
        self.files_button = Button(theme, tr("Choose files…"), kind="accent")
        self.files_button.clicked.connect(self.files_asked)
        self.folder_button = Button(theme, tr("Choose a folder…"))
        self.folder_button.clicked.connect(self.folder_asked)
        self.working = _ImportProgressRow(theme)
        self.working.stop_button.clicked.connect(self.stop_asked)
        self.result = _ImportResultView(theme)
        self.result.bin_button.clicked.connect(self.bin_asked)
        self.result.chats_button.clicked.connect(self.chats_asked)
        self._apps = Label(theme, "", size="small", color="muted", wrap=True)
        inside = QVBoxLayout()
        inside.setSpacing(M)
        intro = tr(
            "Chats that another program exported come in with their branches and images, and so do those of Latchkey. "
            "What is here already does not come twice, and the files stay as they are."
        )
        inside.addWidget(Label(theme, intro, wrap=True))
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.files_button)
        buttons.addWidget(self.folder_button)
        buttons.addStretch(1)
        inside.addLayout(buttons)
        inside.addWidget(self._apps)
        inside.addWidget(self.working)
        inside.addWidget(self.result, 1)
        inside.addStretch()
        self._place(inside)
        self.working.hide()
        self.result.hide()

    def _place(self, inside: QVBoxLayout) -> None:
        holder = QWidget()
        inside.setContentsMargins(0, 0, 0, 0)
        holder.setLayout(inside)
        holder.setMaximumWidth(_WIDTH)
        row = QHBoxLayout()
        row.setContentsMargins(XL, L, XL, L)
        row.addWidget(holder, 1)
        row.addStretch(0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.bar)
        outer.addLayout(row, 1)

    def show_apps(self, apps: Sequence[str]) -> None:
        """Say whose exports are understood."""
        text = tr(
            "Understood are exports of {apps}: a .zip, .json or .jsonl as the program gave it, or the folder in which "
            "it keeps its chats. Files can also be dropped anywhere on the window."
        )
        self._apps.setText(text.format(apps=", ".join(apps)))

    def show_working(self, text: str, fraction: float | None = None) -> None:
        """Say what is being read, and how far that is; "" where nothing is."""
        had_focus = self.working.stop_button.hasFocus()
        self.working.show_text(text, fraction)
        self.working.setVisible(bool(text))
        self.files_button.setEnabled(not text)
        self.folder_button.setEnabled(not text)
        if not text and had_focus:
            self.files_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_results(self, results: Sequence[tuple[str, ChatImportResult]]) -> None:
        """Say what came of each file, by its name; nothing where there are none."""
        self.result.show_results(results)
        self.result.setVisible(bool(results))

    def show_in_bin(self) -> None:
        """The chats that came are in the bin."""
        self.result.show_in_bin()


class _ImportProgressRow(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._label = Label(theme, "", wrap=True)
        self._bar = ProgressBar(theme, tr("Progress of the import"))
        self.stop_button = Button(theme, tr("Cancel"), name=tr("Cancel the import"))
        column = QVBoxLayout()
        column.setSpacing(S)
        column.addWidget(self._label)
        column.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, S, 0, S)
        row.setSpacing(M)
        row.addLayout(column, 1)
        row.addWidget(self.stop_button, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_text(self, text: str, fraction: float | None) -> None:
        self._label.setText(breakable(text))
        self._bar.show_fraction(fraction)
        self.stop_button.setEnabled(True)


class _ImportResultView(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._texts = QVBoxLayout()
        self._texts.setSpacing(S)
        self._rows = SkippedItemModel()
        self.table = SkippedTable(theme, self._rows)
        self._whole = Label(theme, "", size="small", color="muted", wrap=True)
        self.table.chosen.connect(lambda text: self._whole.setText(breakable(text)))
        self.chats_button = Button(theme, tr("Show the chats"))
        self.bin_button = Button(theme, tr("Put them in the bin"), name=tr("Put the chats that came in the bin"))
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.chats_button)
        buttons.addWidget(self.bin_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        column.addLayout(self._texts)
        column.addLayout(buttons)
        column.addWidget(self.table, 1)
        column.addWidget(self._whole)
        column.addStretch()  # takes the room where there is no table

    def show_results(self, results: Sequence[tuple[str, ChatImportResult]]) -> None:
        while (item := self._texts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for name, result in results:
            if result.error is None or result.messages or result.conversations:
                text = f"{name}: {result_text(result)}" if len(results) > 1 else result_text(result)
                self._texts.addWidget(Label(self._theme, breakable(text), bold=True, wrap=True))
            if result.error is not None:
                self._texts.addWidget(ErrorBox(self._theme, result.error))
        skipped = [each for _, result in results for each in result.skipped]
        self._rows.show(skipped)
        self._whole.setText("")
        self.table.setVisible(bool(skipped))
        self._whole.setVisible(bool(skipped))
        came = sum(result.conversations for _, result in results)
        for button in (self.chats_button, self.bin_button):
            button.setVisible(came > 0)
        self.bin_button.setEnabled(True)
        self._announce(results)

    def show_in_bin(self) -> None:
        self.bin_button.setEnabled(False)

    def _announce(self, results: Sequence[tuple[str, ChatImportResult]]) -> None:
        said = [str(result.error) if result.error is not None else result_text(result) for _, result in results]
        if said:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, " ".join(said)))
