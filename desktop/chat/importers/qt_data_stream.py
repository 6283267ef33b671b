"""Values in the order in which Qt's QDataStream wrote them (format Qt_6_2, big-endian), read within the data that there
is: doc.qt.io/qt-6/datastreamformat.html."""

import struct
from mmap import mmap
from typing import Any

_NULL = 0xFFFFFFFF
_INTEGERS = {2: ">i", 3: ">I", 4: ">q", 5: ">Q", 6: ">d", 38: ">f"}
_BOOL, _MAP, _LIST, _STRING, _BYTES = 1, 8, 9, 10, 12
_DEEPEST = 16


class QtDataError(ValueError):
    """The data ends too early, or holds something that is not read here."""


class QtDataStream:
    """Reads `data` from its beginning; `at` is the place of what comes next. All methods raise QtDataError."""

    def __init__(self, data: bytes | mmap) -> None:
        self._data = memoryview(data)
        self.at = 0

    def skip(self, size: int) -> memoryview:
        """The next `size` bytes."""
        if not 0 <= size <= len(self._data) - self.at:
            raise QtDataError("the data ends too early")
        self.at += size
        return self._data[self.at - size : self.at]

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self.skip(struct.calcsize(layout)))[0]

    def int32(self) -> int:
        """A qint32 or int."""
        return int(self._number(">i"))

    def uint32(self) -> int:
        """A quint32."""
        return int(self._number(">I"))

    def int64(self) -> int:
        """A qint64 or qsizetype."""
        return int(self._number(">q"))

    def boolean(self) -> bool:
        """A bool."""
        return bool(self._number(">b"))

    def byte_array(self) -> bytes:
        """A QByteArray or a QUrl; a null one is empty."""
        size = self.uint32()
        return b"" if size == _NULL else bytes(self.skip(size))

    def skip_byte_array(self) -> None:
        """Leave out a QByteArray."""
        size = self.uint32()
        self.skip(0 if size == _NULL else size)

    def string(self) -> str:
        """A QString; a null one is empty. Halves of surrogate pairs become U+FFFD."""
        size = self.uint32()
        return "" if size == _NULL else str(self.skip(size), "utf-16-be", "replace")

    def strings(self) -> list[str]:
        """A QList<QString>."""
        return [self.string() for _number in range(self._count())]

    def _count(self) -> int:
        count = self.uint32()
        if count > len(self._data) - self.at:
            raise QtDataError("more entries than bytes")
        return count

    def variant(self, depth: int = 0) -> Any:
        """A QVariant that holds a truth value, a number, a text, bytes (as text), or a list or a map of such."""
        kind = self.uint32()
        is_null = self.boolean()
        value: Any
        if depth > _DEEPEST:
            raise QtDataError("too deep")
        if kind in _INTEGERS:
            value = self._number(_INTEGERS[kind])
        elif kind == _BOOL:
            value = self.boolean()
        elif kind == _STRING:
            value = self.string()
        elif kind == _BYTES:
            value = self.byte_array().decode(errors="replace")
        elif kind == _LIST:
            value = [self.variant(depth + 1) for _number in range(self._count())]
        elif kind == _MAP:
            value = {self.string(): self.variant(depth + 1) for _number in range(self._count())}
        elif kind == 0:
            value = self.string()  # an invalid one is followed by a null text
        else:
            raise QtDataError(f"a QVariant of type {kind}")
        return None if is_null or kind == 0 else value
