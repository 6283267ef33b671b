"""Menus in the window's own look."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from desktop.ui.theme.theme import Theme

_RADIUS = 8
_CUT_RADIUS = 4


class _CutMenu(QMenu):
    """A menu whose corners are cut off: an X server without a compositor shows see-through corners in black."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), _CUT_RADIUS, _CUT_RADIUS)
        self.setMask(QRegion(outline.toFillPolygon().toPolygon()))


def make_menu(theme: Theme, parent: QWidget) -> QMenu:
    """An empty menu; it takes the theme's colors as they are now."""
    cut = QGuiApplication.platformName() == "xcb"
    menu = _CutMenu(parent) if cut else QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    menu.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint)
    menu.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, not cut)
    menu.setFont(theme.font("normal"))
    tokens, radius = theme.tokens, _CUT_RADIUS if cut else _RADIUS
    menu.setStyleSheet(
        f"QMenu {{ background: {tokens.field}; border: 1px solid {tokens.line}; padding: 4px; }}"
        f"QMenu {{ border-radius: {radius}px; }}"
        f"QMenu::item {{ color: {tokens.text}; padding: 6px 28px 6px 10px; border-radius: 5px; }}"
        f"QMenu::item:selected {{ background: {tokens.selected}; }}"
        f"QMenu::item:disabled {{ color: {tokens.faint}; background: transparent; }}"
        f"QMenu::separator {{ height: 1px; background: {tokens.line}; margin: 4px 6px; }}"
        "QMenu::icon { padding-left: 8px; }"
        "QMenu::indicator { width: 14px; height: 14px; left: 6px; }"
    )
    return menu
