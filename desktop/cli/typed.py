"""What a person typed or piped in, as text that can be written anywhere."""

import codecs

_MARKED = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def clean(text: str) -> str:
    """`text` with the bytes that are no UTF-8 read as `decoded` does: Python keeps them as lone surrogates, which
    nothing could write."""
    try:
        return decoded(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a character of a broken paste
        return text.encode("utf-8", "replace").decode()


def decoded(data: bytes) -> str:
    """The text of bytes whose encoding nobody names: what a byte order mark says, else UTF-8.

    A byte that is none is read as Windows-1252, which Latin-1 is part of: the text of a program or a file of an older
    system is then whole.
    """
    for mark, encoding in _MARKED:
        if data.startswith(mark):
            return data[len(mark) if encoding == "utf-8" else 0 :].decode(encoding, "replace")
    text = data.decode("utf-8", "surrogateescape")
    return "".join(map(_western, text)) if not text.isascii() else text


def _western(sign: str) -> str:
    if not "\udc80" <= sign <= "\udcff":
        return sign
    byte = bytes([ord(sign) - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:  # the five bytes that Windows-1252 leaves free
        return byte.decode("latin-1")
