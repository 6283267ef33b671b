"""A system without any font: letters are drawn all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SHOW = """\
from PySide6.QtGui import QFontInfo, QRawFont, QGuiApplication
from desktop.ui.system.process_events import qt_application
application = qt_application(["latchkey"])
raw = QRawFont.fromFont(QGuiApplication.font())
print(QFontInfo(QGuiApplication.font()).family(), raw.familyName())
"""
_NO_FONTS = '<?xml version="1.0"?><fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir></fontconfig>'


@pytest.mark.skipif(sys.platform != "linux", reason="fonts come from fontconfig here")
def test_without_a_font_of_the_system_one_comes_along(tmp_path: Path) -> None:
    settings = tmp_path / "fonts.conf"
    settings.write_text(_NO_FONTS.format(folder=tmp_path / "none"))
    ended = subprocess.run(
        [sys.executable, "-c", _SHOW],
        env={**os.environ, "FONTCONFIG_FILE": str(settings), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout == "DejaVu Sans DejaVu Sans\n"
