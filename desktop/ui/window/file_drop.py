"""Model files and exported chats dropped anywhere on the window, and all files dropped on the chat: shown where they
would go, and handed on."""

from pathlib import Path
from typing import Literal

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

from desktop.translation import tr
from desktop.ui.parts.given_data import holds_picture, is_folder, is_model_name, local_paths
from desktop.ui.theme.design_tokens import RADIUS_SOFT, XL, XS
from desktop.ui.theme.theme import Theme

_MOST = 100
_EXPORT_ENDINGS = (".zip", ".json", ".jsonl", ".ndjson", ".chat")
DropKind = Literal["models", "chats", "files", ""]
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
    return is_model_name(path.name) or is_folder(path)


class _DropOverlay(QWidget):
    """Covers the window, or what files go to, while they are held over it."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._said = ""
        self.show_kind("models")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_kind(self, kind: DropKind) -> None:
        """Say what is held over the window."""
        if kind == "chats":
            self.setAccessibleName(tr("Drop to import the chats"))
            self._said = tr("What is here already does not come twice.")
        elif kind == "files":
            self.setAccessibleName(tr("Drop to attach"))
            self._said = tr("It is read on this machine, and goes nowhere else.")
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
    """Lets `window` take models and exported chats, and any other files while `chat` is shown in it. `inner` are
    widgets that take drops of their own, of text for instance: a model dropped there goes the same way. `dropped`
    carries the paths of models, `chats_dropped` those of exports, `attached` the data of what is for the chat."""

    dropped = Signal(list)
    chats_dropped = Signal(list)
    attached = Signal(object)

    def __init__(self, theme: Theme, window: QWidget, *inner: QWidget, chat: QWidget | None = None) -> None:
        super().__init__(window)
        self._window, self._chat = window, chat
        self.overlay = _DropOverlay(theme, window)
        window.setAcceptDrops(True)
        for widget in (window, *inner):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in _DRAGS:
            return super().eventFilter(watched, event)
        if event.type() in (QEvent.Type.DragLeave, QEvent.Type.Drop):
            self.overlay.hide()  # also where the other program ended meanwhile, and gives nothing any more
        if event.type() == QEvent.Type.DragLeave:
            return False
        if not isinstance(event, QDropEvent | QDragEnterEvent | QDragMoveEvent):
            return False
        kind = self._kind(event.mimeData())
        if not kind:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)  # also where another was offered: nothing is moved away
        event.accept()
        if event.type() == QEvent.Type.Drop:
            if kind == "models":
                self.dropped.emit(models_in(event.mimeData()))
            elif kind == "chats":
                self.chats_dropped.emit(exports_in(event.mimeData()))
            else:
                self.attached.emit(event.mimeData())
        elif event.type() == QEvent.Type.DragEnter:
            self.overlay.show_kind(kind)
            self._cover(self._chat if kind == "files" and self._chat is not None else self._window)
        return True

    def _kind(self, data: QMimeData) -> DropKind:
        """What is held over the window, as far as it is taken. On the chat a folder may be one of documents, and JSON
        be a file to ask about: both are asked about there."""
        paths = local_paths(data)
        chat = self._chat is not None and self._chat.isVisible()
        unclear = chat and any(path.suffix.lower() == ".json" or is_folder(path) for path in paths[:_MOST])
        if not unclear and models_in(data):
            return "models"
        if not unclear and exports_in(data):
            return "chats"
        return "files" if chat and (paths or holds_picture(data)) else ""

    def _cover(self, covered: QWidget) -> None:
        if self.overlay.isHidden():
            corner = covered.mapTo(self._window, covered.rect().topLeft())
            self.overlay.setGeometry(covered.rect().translated(corner))
            self.overlay.raise_()
            self.overlay.show()
            said = QAccessibleAnnouncementEvent(self.overlay, self.overlay.accessibleName())
            QAccessible.updateAccessibility(said)
