"""Which characters the bytes of a text file stand for."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass

from desktop.documents.reader.refused_file import RefusedFileError

_CHUNK = 1 << 20
_SAMPLE = 1 << 16
_MARKS = (  # the longer ones first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes({*range(32)} - {7, 8, 9, 10, 11, 12, 13, 27})
_MOST_CONTROLS = 0.02
_SOUND_PER_BROKEN = 10  # so many characters of UTF-8 to one wrong byte, and the text is UTF-8 with wrong bytes
# What texts are found in. Of those that fit equally well the first is taken; rarer ones would win over it by chance.
_GUESSED = (
    "cp1252", "cp1250", "cp1255", "cp1251", "cp1253", "cp1254", "cp1256", "cp1257", "cp874", "koi8_r", "cp866",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
)  # fmt: skip
_LAST_RESORT = "cp1252"  # what most of it is, and read so a byte cannot spoil the others


@dataclass(frozen=True)
class TextEncoding:
    """An encoding by Python's name. `guessed`: neither a mark nor the bytes themselves prove it. `broken`: some bytes
    are no text in it."""

    name: str
    guessed: bool = False
    broken: bool = False


def text_encoding(data: bytes) -> TextEncoding:
    """The encoding of `data`. Raises RefusedFileError where it is no text."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return TextEncoding(name, broken=not _is_sound(data, name))
    sample = data[:_SAMPLE]
    if b"\0" in sample:
        return _without_mark(sample)
    if len(sample.translate(None, _CONTROLS)) < len(sample) * (1 - _MOST_CONTROLS):
        raise RefusedFileError("binary")
    if _is_sound(data, "utf-8"):
        return TextEncoding("utf-8")
    text = sample.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(sign > "\x7f" for sign in text) - wrong >= wrong * _SOUND_PER_BROKEN:
        return TextEncoding("utf-8", broken=True)
    return TextEncoding(_guess(sample), guessed=True)


def decoded(data: bytes, encoding: TextEncoding) -> Iterator[str]:
    """The text of `data` in pieces, with line feeds alone between lines. Bytes that are none become U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding.name)("replace")
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    for start in range(0, len(data), _CHUNK):
        yield lines.decode(data[start : start + _CHUNK])
    yield lines.decode(b"", final=True)


def _is_sound(data: bytes, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(sample: bytes) -> TextEncoding:
    """UTF-16 by where its zeros stand: in most scripts every second byte is one, and in each of them at the spaces."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = sample[: len(sample) // 2 * 2].decode(name, "replace")
    unfit = sum((sign < " " and sign not in "\t\n\r\f") or sign == "\ufffd" for sign in text)
    if min(even, odd) > max(even, odd) // 100 or unfit > len(text) // 100:
        raise RefusedFileError("binary")
    return TextEncoding(name, guessed=True)


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=list(_GUESSED))
    best = matches.best()
    if best is None:
        return _LAST_RESORT
    likely: set[str] = set()
    for match in matches:
        if (match.chaos, match.coherence) == (best.chaos, best.coherence):
            likely.update(match.could_be_from_charset)
    return next((name for name in _GUESSED if name in likely), best.encoding)
