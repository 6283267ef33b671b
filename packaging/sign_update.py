"""Makes the announcement of a version that `latchkey update check` believes.

    python packaging/sign_update.py new-key KEY_FILE
    python packaging/sign_update.py sign KEY_FILE MANIFEST FILE...

The first makes a private key (PEM, mode 0600; keep it off the machine that builds) and prints the public one, which
belongs into `resources/updates.json` of the packaged copy:

    {"address": "https://…/latchkey.json", "keys": ["…"]}

The second takes a manifest without `files` (see desktop/updates/update_manifest.py), fills in name, size and sha256 of
the files named, and writes it anew with its signature beside it.
"""

import base64
import datetime
import hashlib
import os
import sys
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from desktop.updates.update_manifest import SIGNED, UpdateFile, read_manifest  # noqa: E402

_LONGEST = datetime.timedelta(days=400)


def main() -> int:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case ["new-key", key_file]:
            print(new_key(Path(key_file)))
        case ["sign", key_file, manifest, *files]:
            sign(Path(key_file), Path(manifest), [Path(each) for each in files])
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def new_key(file: Path) -> str:
    """Make a private key in `file`, which must not be there; the public key, in base64."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(pem)
    return _public(key)


def sign(key_file: Path, manifest: Path, files: list[Path]) -> None:
    """Complete and sign `manifest`. Raises IntegrityError where Latchkey would not read it."""
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SystemExit(f"{key_file} is no Ed25519 key")
    given = msgspec.json.decode(manifest.read_bytes())
    given["files"] = [UpdateFile(each.name, each.stat().st_size, _sha256(each)) for each in files]
    data = msgspec.json.format(msgspec.json.encode(given), indent=2) + b"\n"
    signature = base64.b64encode(key.sign(SIGNED + data)) + b"\n"
    found = read_manifest(data, signature, [_public(key)])
    if found.expires > found.released + _LONGEST:
        raise SystemExit(f"It would hold until {found.expires}: so long could it be shown in place of a newer one.")
    manifest.write_bytes(data)
    manifest.with_name(f"{manifest.name}.sig").write_bytes(signature)


def _public(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
