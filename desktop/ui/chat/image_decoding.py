"""Images of messages, from their bytes: hostile input, of which a few raster formats are read, within bounds.

Called off the main thread.
"""

from PySide6.QtCore import QBuffer, QByteArray, QIODeviceBase, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader

from desktop.errors import UserError
from desktop.image_format import image_format
from desktop.translation import tr

MOST_PIXELS = 100_000_000
_ALLOCATION_MIB = 512  # 100 megapixels at four bytes each, and room to scale them


class UnreadableImageError(UserError):
    """The bytes are no image that is shown here."""


def image_size(data: bytes) -> QSize:
    """How large the image in `data` says that it is, upright, in pixels; an invalid size where it does not. Nothing of
    it is decoded."""
    found = image_format(data)
    if found is None:
        return QSize()
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODeviceBase.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(found.name.encode()))
    reader.setAutoDetectImageFormat(False)
    size = reader.size()
    turned = reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90
    return size.transposed() if turned and size.isValid() else size


def decode_image(data: bytes, most: QSize) -> QImage:
    """The image in `data`, upright, and made smaller where it is larger than `most` pixels. Of an animation the first
    picture. UnreadableImageError where it is none, is damaged, or has more than 100 megapixels."""
    found = image_format(data)
    if found is None:
        raise UnreadableImageError(
            tr("This image cannot be shown."), tr("It is no PNG, JPEG, GIF, WebP or BMP."), tr("Save it to look at it.")
        )
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODeviceBase.OpenModeFlag.ReadOnly)
    # Never by what Qt finds in it: its other readers draw what a text says (SVG) and follow what it names.
    QImageReader.setAllocationLimit(_ALLOCATION_MIB)
    reader = QImageReader(buffer, QByteArray(found.name.encode()))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and size.width() * size.height() > MOST_PIXELS:
        raise UnreadableImageError(
            tr("This image is too large to be shown."),
            tr("It has {width} × {height} pixels; {most} megapixels are read.").format(
                width=size.width(), height=size.height(), most=MOST_PIXELS // 1_000_000
            ),
            tr("Save it to look at it."),
        )
    if size.isValid() and found.name == "jpeg" and (size.width() > most.width() or size.height() > most.height()):
        longest = max(most.width(), most.height())  # on its side or not, it is at least as large as wanted
        reader.setScaledSize(size.scaled(longest, longest, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    if image.isNull():
        raise UnreadableImageError(
            tr("This image is damaged."),
            tr("Its format is {name}.").format(name=found.suffix),
            tr("Save it to look at it."),
        )
    if image.width() > most.width() or image.height() > most.height():
        image = image.scaled(most, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return image
