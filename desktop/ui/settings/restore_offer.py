"""What a backup holds and what restoring it will do, before anything is done."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.toggle import Toggle
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.backup.backup_manifest import BackupManifest


class RestoreOffer(QWidget):
    """Hidden until `show_backup`. `accepted` carries the file, and whether its settings are wanted too; Escape, and the
    button, decline."""

    accepted = Signal(object, bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._file = Path()
        self._title = Label(theme, "", wrap=True)
        self._holds = Label(theme, "", size="small", color="muted", wrap=True)
        self._does = Label(theme, "", size="small", color="muted", wrap=True)
        self.settings = Toggle(theme, tr("Settings, presets and prompts too"))
        self.settings.clicked.connect(lambda: self.settings.show_on(not self.settings.isChecked()))
        self.restore = Button(theme, tr("Restore"), name=tr("Restore this backup"))
        self.restore.clicked.connect(self._accept)
        self.cancel = Button(theme, tr("Cancel"), name=tr("Do not restore"))
        self.cancel.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(self.restore)
        row.addWidget(self.cancel)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M)
        column.setSpacing(S)
        for each in (self._title, self._holds, self._does, self.settings):
            column.addWidget(each)
        column.addLayout(row)
        self.hide()

    @property
    def text(self) -> str:
        """All that is said."""
        return "\n".join(label.text() for label in (self._title, self._holds, self._does))

    def show_backup(self, file: Path, manifest: "BackupManifest", made: str) -> None:
        """Show what `file` holds; `made` is when it was made, in words."""
        self._file = file
        title = tr("Backup of {time}, made by Latchkey {version}")
        self._title.setText(plain_line(title.format(time=made, version=manifest.app_version)))
        self._holds.setText(breakable(plain_line(_contents(manifest))))
        self._does.setText(
            tr(
                "Chats, folders and images that are missing here are added; nothing here is removed or overwritten. "
                "Records of the ledger are added as history: licenses that were accepted there have to be accepted "
                "again. What is here now is backed up first."
            )
        )
        has_settings = any(each.name.startswith("config/") for each in manifest.members)
        self.settings.setVisible(has_settings)
        self.settings.show_on(False)
        self.setAccessibleName(self._title.text())
        self.show()
        self.cancel.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line_strong"), RADIUS)

    def _accept(self) -> None:
        self.hide()
        self.accepted.emit(self._file, self.settings.isChecked())


def _contents(manifest: "BackupManifest") -> str:
    counts = manifest.counts
    parts = (
        trn("{count} chat", "{count} chats", counts.conversations).format(count=f"{counts.conversations:,}"),
        trn("{count} message", "{count} messages", counts.messages).format(count=f"{counts.messages:,}"),
        trn("{count} image", "{count} images", counts.attachments).format(count=f"{counts.attachments:,}"),
        trn("{count} record of the ledger", "{count} records of the ledger", counts.ledger_records).format(
            count=f"{counts.ledger_records:,}"
        ),
    )
    return " · ".join((*parts, *(" ".join(each.split()) for each in manifest.left_out)))
