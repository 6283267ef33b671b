"""Where the window stands and how wide its sidebar is, from one run to the next."""

from typing import Any

from PySide6.QtCore import QByteArray, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QMainWindow, QWidget

from desktop.settings import Settings
from desktop.ui.parts.page import Splitter
from desktop.ui.sidebar.sidebar import WIDTH

_SIZE = QSize(1280, 800)
_FRAME = QSize(8, 40)
"""What a desktop draws around a window; it says how much only when the window is shown."""
_STEP = 32


def restore_geometry(window: QMainWindow, split: Splitter, settings: Settings) -> bool:
    """Give `window` the place it had and the sidebar, at the left of `split`, its width; whether it is shown at all."""
    geometry = settings.window_geometry
    if not geometry or not window.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore"))):
        window.resize(_SIZE.boundedTo(window.screen().availableSize() - _FRAME))
    width = settings.sidebar_width
    # Sizes are shared out at the width it has when they are set.
    split.resize(window.size())
    show_sidebar(window, split, width if width > 0 else WIDTH)
    return width >= 0


def stand_beside(window: QWidget, other: QWidget) -> None:
    """Have `window` be as large as `other`, a little below and beside it, within the screen."""
    window.setWindowState(Qt.WindowState.WindowNoState)
    screen = other.screen().availableGeometry()
    size = other.normalGeometry().size() if other.isMaximized() or other.isFullScreen() else other.size()
    size = size.boundedTo(screen.size() - _FRAME)
    corner = other.pos() + QPoint(_STEP, _STEP)
    if not screen.contains(QRect(corner, size)):
        corner = screen.topLeft()
    window.resize(size)
    window.move(corner)


def show_sidebar(window: QMainWindow, split: Splitter, width: int = WIDTH) -> None:
    """Give the sidebar `width`."""
    split.setSizes([width, max(window.width() - width, 1)])


def changed_geometry(
    window: QMainWindow, split: Splitter, settings: Settings, *, sidebar_shown: bool
) -> dict[str, Any]:
    """The settings from which `restore_geometry` makes the window as it is now; empty where they say so already."""
    geometry = bytes(window.saveGeometry().toBase64().data()).decode("ascii")
    width = split.sizes()[0] if sidebar_shown else 0
    changes = {"window_geometry": geometry, "sidebar_width": width or -1}
    return changes if any(getattr(settings, name) != value for name, value in changes.items()) else {}
