"""Model files, folders and exported chats dropped anywhere on the window: shown where they would go, and handed on."""

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from desktop.split_files import is_archive_volume, is_piece
from desktop.translation import tr
from desktop.ui.theme.design_tokens import RADIUS_SOFT, XL, XS
from desktop.ui.theme.theme import Theme

_MOST = 100
_MODEL_ENDINGS = (
    ".gguf", ".safetensors", ".llamafile", ".ggml", ".bin", ".pth", ".ckpt", ".onnx", ".part", ".crdownload", ".aria2",
)  # fmt: skip
_EXPORT_ENDINGS = (".zip", ".json", ".jsonl", ".ndjson", ".chat")
_DRAGS = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.DragLeave, QEvent.Type.Drop)


def models_in(data: QMimeData) -> list[Path]:
    """The model files and folders that are dragged; none where anything else is dragged too. Opens nothing."""
    urls = data.urls()
    if not urls or len(urls) > _MOST or not all(url.isLocalFile() for url in urls):
        return []
    paths = [Path(url.toLocalFile()) for url in urls]
    return paths if all(_may_be_model(path) for path in paths) else []


def exports_in(data: QMimeData) -> list[Path]:
    """The files dragged that may be exported chats by their names; none where anything else is dragged too. Opens
    nothing."""
    urls = data.urls()
    if not urls or len(urls) > _MOST or not all(url.isLocalFile() for url in urls):
        return []
    paths = [Path(url.toLocalFile()) for url in urls]
    return paths if all(path.name.lower().endswith(_EXPORT_ENDINGS) for path in paths) else []


def _may_be_model(path: Path) -> bool:
    """Whether it is a model by its name, or something that people take for one: they are told what it is then."""
    name = path.name.lower()
    return name.endswith(_MODEL_ENDINGS) or is_piece(name) or is_archive_volume(name) or path.is_dir()


class _DropOverlay(QWidget):
    """Covers the window while a model, or an export of chats, is held over it."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._said = ""
        self.show_kind(chats=False)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_kind(self, *, chats: bool) -> None:
        """Say what is held over the window."""
        if chats:
            self.setAccessibleName(tr("Drop to import the chats"))
            self._said = tr("What is here already does not come twice.")
        else:
            self.setAccessibleName(tr("Drop to add the model"))
            self._said = tr("You choose then whether it is used there or copied.")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = self._theme.color("page")
        ground.setAlphaF(0.97)
        painter.fillRect(self.rect(), ground)
        frame = QRectF(self.rect()).adjusted(XL, XL, -XL, -XL)
        painter.setPen(QPen(self._theme.color("accent"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(frame, RADIUS_SOFT, RADIUS_SOFT)
        painter.setFont(self._theme.font("title", True))
        painter.setPen(self._theme.color("text"))
        middle = self.rect().adjusted(0, 0, 0, -painter.fontMetrics().height() - XS)
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, self.accessibleName())
        painter.setFont(self._theme.font("normal"))
        painter.setPen(self._theme.color("muted"))
        below = self.rect().adjusted(0, painter.fontMetrics().height() + XS, 0, 0)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._said)


class FileDropTarget(QObject):
    """Lets `window` take models and exported chats. `inner` are widgets in it that take drops of their own, of text for
    instance: a model dropped there goes the same way. `dropped` carries the paths of models, `chats_dropped` those of
    exports."""

    dropped = Signal(list)
    chats_dropped = Signal(list)

    def __init__(self, theme: Theme, window: QWidget, *inner: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.overlay = _DropOverlay(theme, window)
        window.setAcceptDrops(True)
        for widget in (window, *inner):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in _DRAGS:
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.DragLeave:
            self.overlay.hide()
            return False
        if not isinstance(event, QDropEvent | QDragEnterEvent | QDragMoveEvent):
            return False
        paths = models_in(event.mimeData())
        exports = [] if paths else exports_in(event.mimeData())
        if not paths and not exports:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)  # also where another was offered: nothing is moved away
        event.accept()
        if event.type() == QEvent.Type.Drop:
            self.overlay.hide()
            if paths:
                self.dropped.emit(paths)
            else:
                self.chats_dropped.emit(exports)
        elif event.type() == QEvent.Type.DragEnter:
            self.overlay.show_kind(chats=bool(exports))
            self._cover()
        return True

    def _cover(self) -> None:
        if self.overlay.isHidden():
            self.overlay.setGeometry(self._window.rect())
            self.overlay.raise_()
            self.overlay.show()
            said = QAccessibleAnnouncementEvent(self.overlay, self.overlay.accessibleName())
            QAccessible.updateAccessibility(said)
