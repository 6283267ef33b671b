"""The signed announcement of a version: what it says, and whether it is to be believed.

Two files lie beside each other: the manifest, JSON in UTF-8, and under the same name with `.sig` the base64 of its
Ed25519 signature (RFC 8032), over `SIGNED` followed by the manifest's bytes. `packaging/sign_update.py` makes both.
"""

import base64
import binascii
import datetime
import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from desktop.errors import IntegrityError
from desktop.network.url import parse_url
from desktop.safe_text import escape_controls, one_line
from desktop.translation import tr

SIGNED = b"Latchkey update manifest 1\n"
"""What stands before the manifest when it is signed, so that no signature of another kind of file passes for one."""
LARGEST_MANIFEST = 64 << 10
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}", re.ASCII)
_BEFORE = re.compile(r"[-._]?(dev|a|b|c|rc|alpha|beta|pre)", re.IGNORECASE)

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class UpdateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the version: its name, its size in bytes, and its sha256 in hexadecimal digits."""

    name: _Line
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class UpdateManifest(msgspec.Struct, frozen=True):
    """A version: where it can be had (`page`, https), what is new in it, its files. `sequence` grows with every
    manifest, so that an old one is known; after the day `expires` it says nothing any more."""

    sequence: Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]
    version: Annotated[str, msgspec.Meta(max_length=30)]
    released: datetime.date
    expires: datetime.date
    page: Annotated[str, msgspec.Meta(pattern="^https://", max_length=1000)]
    notes: Annotated[str, msgspec.Meta(max_length=8000)] = ""
    files: Annotated[tuple[UpdateFile, ...], msgspec.Meta(max_length=100)] = ()


def read_manifest(data: bytes, signature: bytes, keys: Iterable[str]) -> UpdateManifest:
    """The manifest in `data`, whose `signature` is by one of `keys` (base64 of Ed25519 public keys). Its texts are safe
    to show. Raises IntegrityError where it is not, or is no manifest."""
    if not _is_signed(data, signature, keys):
        raise IntegrityError(
            tr("What the updates' address answered is not signed by Latchkey's publisher, so it was not believed."),
            "",
            tr("Look at Latchkey's page yourself, and try again later."),
        )
    try:
        found = msgspec.json.decode(data, type=UpdateManifest)
        version_of(found.version)
        page = parse_url(found.page)
        if page.scheme != "https":
            raise ValueError("the page is not at an https address")
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            tr("What the publisher says of updates cannot be read by this version of Latchkey."),
            "",
            tr("Look at Latchkey's page yourself."),
            technical=str(error),
        ) from None
    files = tuple(msgspec.structs.replace(each, name=one_line(each.name)) for each in found.files)
    return msgspec.structs.replace(found, notes=escape_controls(found.notes), page=page.url, files=files)


def version_of(text: str) -> tuple[int, ...]:
    """A version such as 0.10.1 as five numbers that can be compared; 0.10 and 0.10.0 are one. Raises ValueError."""
    if _VERSION.fullmatch(text) is None:
        raise ValueError(f"no version: {text!r}")
    return (*[*map(int, text.split(".")), 0, 0][:4], 0)


def own_version(text: str) -> tuple[int, ...]:
    """The same for the version of a copy, which whoever packaged it may have marked: 0.2.0+deb1 is 0.2.0, and
    0.2.0.dev3 and 0.2.0rc1 come before it. One that begins with no version is older than all."""
    found = _VERSION.match(text)
    if found is None:
        return ()
    before = _BEFORE.match(text, found.end()) is not None
    return (*version_of(found.group())[:4], -1 if before else 0)


def _is_signed(data: bytes, signature: bytes, keys: Iterable[str]) -> bool:
    try:
        raw = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(raw, SIGNED + data)
        except (InvalidSignature, binascii.Error, ValueError):
            continue
        return True
    return False
