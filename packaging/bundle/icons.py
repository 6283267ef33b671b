"""Writes the app's icon, drawn from its SVG, in the sizes and formats that systems ask for.

    python packaging/bundle/icons.py FOLDER

FOLDER gets latchkey.svg, latchkey-SIZE.png for every size that hicolor has, latchkey.ico (Windows) and latchkey.icns
(macOS).
"""

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).resolve().parents[2] / "resources" / "icons" / "latchkey.svg"
SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
_ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)


def write_icons(folder: Path) -> None:
    """Write all of them into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SOURCE, folder / "latchkey.svg")
    for pixels in SIZES:
        drawn_icon(pixels).save(folder / f"latchkey-{pixels}.png", optimize=True)
    largest = drawn_icon(256)
    others = [drawn_icon(pixels) for pixels in _ICO_SIZES if pixels != 256]
    largest.save(folder / "latchkey.ico", sizes=[(each, each) for each in _ICO_SIZES], append_images=others)
    drawn_icon(1024).save(folder / "latchkey.icns", append_images=[drawn_icon(each) for each in (16, 32, 64, 128, 256)])


def drawn_icon(pixels: int) -> Image.Image:
    """The icon, `pixels` wide and high, on nothing."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    picture = QImage(pixels, pixels, QImage.Format.Format_ARGB32)
    picture.fill(0)
    painter = QPainter(picture)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload] # the stubs know the format as bytes only
    return Image.open(io.BytesIO(bytes(data.data()))).convert("RGBA")


if __name__ == "__main__":
    write_icons(Path(sys.argv[1]))
