"""What a document is: told by how its bytes begin, then by what it holds, and by its name where both are plain text."""

import io
import re
import zipfile

from desktop.documents.native_formats import is_pdf, is_zipped
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader.zip_bounds import read_member
from desktop.documents.reader_messages import MediaType, ReadingProblem
from desktop.image_format import image_format

PDF: MediaType = "application/pdf"
ODT: MediaType = "application/vnd.oasis.opendocument.text"
DOCX: MediaType = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: MediaType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGED: frozenset[MediaType] = frozenset((PDF, XLSX))

_REFUSED: tuple[tuple[bytes, ReadingProblem], ...] = (
    (b"{\\rtf", "rich-text"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\0", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\x7fELF", "binary"),
    (b"MZ\x90\0", "binary"),
)
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_BY_SUFFIX: dict[str, MediaType] = {
    ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".tab": "text/tab-separated-values",
    ".md": "text/markdown", ".markdown": "text/markdown", ".htm": "text/html", ".html": "text/html",
    ".xhtml": "text/html", ".eml": "message/rfc822",
}  # fmt: skip
# Content types of the main part: such documents may hold others, whole.
_WORD = re.compile(rb"wordprocessingml\.(document|template)\.main\+xml|ms-word\.\w+\.macroEnabled\w*\.main\+xml")
_WORKBOOK = re.compile(rb"spreadsheetml\.(sheet|template)\.main\+xml|ms-excel\.\w+\.macroEnabled\.main\+xml")
_PRESENTATION = re.compile(rb"presentationml\.\w+\.main\+xml|ms-powerpoint\.\w+\.macroEnabled\.main\+xml")
_HTML = re.compile(rb"(?is)(?:\xef\xbb\xbf)?\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_MAIL = re.compile(rb"(?i)(?:received|return-path|delivered-to|mime-version|message-id|dkim-signature):")


def document_format(data: bytes, suffix: str) -> MediaType:
    """What the file is of which `data` is the content and `suffix` the end of its name, in small letters.

    Raises RefusedFileError where it is of a format that is not read.
    """
    if is_pdf(data):
        return PDF
    if is_zipped(data):
        return _zipped_format(data)
    if data.startswith(_COMPOUND_FILE):
        raise RefusedFileError("office-encrypted" if _ENCRYPTED_PACKAGE in data else "old-office")
    for beginning, problem in _REFUSED:
        if data.startswith(beginning):
            raise RefusedFileError(problem)
    if image_format(data) is not None and b"\0" in data[:4096]:  # "BM" begins a picture, and words
        raise RefusedFileError("image")
    if data[257:262] == b"ustar":
        raise RefusedFileError("archive")
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if not suffix:
        if _HTML.match(data[:4096]):
            return "text/html"
        if _MAIL.match(data[:100]):
            return "message/rfc822"
    return "text/plain"


def _zipped_format(data: bytes) -> MediaType:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = frozenset(archive.namelist())
            kind = read_member(archive, "mimetype", 200) if "mimetype" in names else b""
            types = read_member(archive, "[Content_Types].xml", 1 << 20) if "[Content_Types].xml" in names else b""
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise RefusedFileError("damaged") from error
    if kind.startswith(b"application/vnd.oasis.opendocument.text"):
        return ODT
    if _WORD.search(types):
        return DOCX
    if _WORKBOOK.search(types):
        return XLSX
    if b"opendocument.presentation" in kind or _PRESENTATION.search(types):
        raise RefusedFileError("presentation")
    if kind or types:
        raise RefusedFileError("other-office")
    raise RefusedFileError("archive")
