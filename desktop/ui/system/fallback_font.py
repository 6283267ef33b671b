"""A font for a system that has none: Qt would draw boxes."""

import importlib.util
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QGuiApplication


def provide_font() -> None:
    """Take DejaVu Sans, which comes with the library that draws formulas, where the system has no font at all."""
    if QFontInfo(QGuiApplication.font()).family():  # fontconfig lists names even where nothing stands behind them
        return
    library = importlib.util.find_spec("ziafont")
    if library is None or library.origin is None:
        return
    number = QFontDatabase.addApplicationFont(str(Path(library.origin).parent / "fonts" / "DejaVuSans.ttf"))
    if families := QFontDatabase.applicationFontFamilies(number):
        font = QFont(QGuiApplication.font())
        font.setFamily(families[0])
        QGuiApplication.setFont(font)
