"""The theme in force: colors, fonts and icons, passed to every widget by constructor.

It follows the system's light or dark choice unless the settings override it, and changes while the window is open:
`changed` is emitted after the application's palette and font were replaced.
"""

import logging
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from desktop.ui.theme.design_tokens import DesignTokens, read_tokens

_log = logging.getLogger(__name__)
_ROLES = {
    QPalette.ColorRole.Window: "page",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "sidebar",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "faint",
    QPalette.ColorRole.Button: "field",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "bad_text",
    QPalette.ColorRole.ToolTipBase: "field",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Accent: "accent",
    QPalette.ColorRole.Link: "link",
    QPalette.ColorRole.LinkVisited: "link",
    QPalette.ColorRole.Light: "field",
    QPalette.ColorRole.Midlight: "hover",
    QPalette.ColorRole.Mid: "line",
    QPalette.ColorRole.Dark: "line_strong",
    QPalette.ColorRole.Shadow: "line_strong",
}
Size = Literal["small", "normal", "reading", "title"]
_SCALES: dict[str, float] = {"small": 0.9, "normal": 1.0, "reading": 1.06, "title": 1.42}
_SMALLEST_SYSTEM_FONT_PT = 10.0
_FAMILY = "Inter"
_SHOWN_AS_WRITTEN = ("calt", "liga", "dlig")
"""Font features that are off: they make an arrow of `->` and a times sign of the x in 1920x1080. Letters that must be
joined (Arabic, Indic and Khmer scripts) are joined by others, `clig` among them."""


def palette_of(tokens: DesignTokens) -> QPalette:
    """The QPalette made of the colors of `tokens`."""
    palette = QPalette()
    for role, token in _ROLES.items():
        palette.setColor(role, QColor(getattr(tokens, token)))
    faint = QColor(tokens.faint)
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, faint)
    return palette


class Theme(QObject):
    """Colors (`tokens`), fonts (`font`, `mono`) and icons (`pixmap`)."""

    changed = Signal()

    def __init__(self, resources: Path, choice: str = "system", text_scale: float = 1.0) -> None:
        super().__init__()
        self._styles, self._icons = resources / "style", resources / "icons"
        self._choice, self._scale = choice, text_scale
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        self._fonts: dict[tuple[str, bool], QFont] = {}
        self._base = self._system_font()
        self.tokens: DesignTokens = read_tokens(self._styles, self._wanted())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)
        self._apply()

    def choose(self, choice: str, text_scale: float) -> None:
        """Take theme "system", "light" or "dark" and multiply all text by `text_scale`, at once."""
        if (choice, text_scale) == (self._choice, self._scale):
            return
        self._choice, self._scale = choice, text_scale
        self._refresh()

    def color(self, name: str) -> QColor:
        """The color of one token."""
        return QColor(getattr(self.tokens, name))

    def font(self, size: Size = "normal", bold: bool = False) -> QFont:
        """The window's font in one of its sizes; `bold` is semi-bold."""
        font = self._fonts.get((size, bold))
        if font is None:
            font = QFont(self._base)
            font.setPointSizeF(self._points(size))
            if bold:
                font.setWeight(QFont.Weight.DemiBold)
            self._fonts[size, bold] = font
        return QFont(font)

    def mono(self, size: Size = "normal") -> QFont:
        """The system's font of fixed width, a little smaller than the text beside it."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        _show_as_written(font)
        font.setPointSizeF(self._points(size) * 0.94)
        font.setHintingPreference(self._base.hintingPreference())
        return font

    def pixmap(self, name: str, color: str, size: int, ratio: float) -> QPixmap:
        """Icon `name` in the color of token `color`, `size` pixels square at device pixel ratio `ratio`."""
        value = getattr(self.tokens, color)
        key = (name, value, size, ratio)
        found = self._pixmaps.get(key)
        if found is None:
            found = self._pixmaps[key] = self._draw(name, value, size, ratio)
        return found

    def icon_size(self) -> int:
        """The side of an icon beside normal text, in pixels."""
        return max(12, round(self._points("normal") * 1.2))

    def _draw(self, name: str, color: str, size: int, ratio: float) -> QPixmap:
        # Only now: the window's first paint should not wait for the SVG module where nothing needs it.
        from PySide6.QtSvg import QSvgRenderer

        side = round(size * ratio)
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        try:
            source = (self._icons / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", color)
        except OSError as error:  # removed while it was open; an exception while Qt paints ends the process
            _log.warning("no icon: %s", error)
            source = "<svg xmlns='http://www.w3.org/2000/svg'/>"
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        QSvgRenderer(source.encode()).render(painter, QRectF(0, 0, side, side))
        painter.end()
        image.setDevicePixelRatio(ratio)
        return QPixmap.fromImage(image)

    def _points(self, size: str) -> float:
        return self._base.pointSizeF() * _SCALES[size] * self._scale

    def _system_font(self) -> QFont:
        font = QFont(QGuiApplication.font())
        if font.pointSizeF() < _SMALLEST_SYSTEM_FONT_PT:
            font.setPointSizeF(_SMALLEST_SYSTEM_FONT_PT)
        preferred = QFont(_FAMILY)
        if QFontInfo(preferred).family() == _FAMILY:
            font.setFamilies([_FAMILY, *font.families()])
        # Without hinting glyphs keep their shapes and distances at every scale.
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        _show_as_written(font)
        return font

    def _wanted(self) -> str:
        if self._choice in ("light", "dark"):
            return self._choice
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"

    def _system_changed(self) -> None:
        if self._choice == "system" and self._wanted() != self.tokens.name:
            self._refresh()

    def _refresh(self) -> None:
        self.tokens = read_tokens(self._styles, self._wanted())
        self._fonts.clear()
        self._apply()
        self.changed.emit()

    def _apply(self) -> None:
        QApplication.setPalette(palette_of(self.tokens))
        QApplication.setFont(self.font("normal"))


def _show_as_written(font: QFont) -> None:
    for feature in _SHOWN_AS_WRITTEN:
        font.setFeature(QFont.Tag(feature), 0)
