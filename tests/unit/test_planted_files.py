"""Files of Latchkey's own that something else wrote: deep JSON, pipes and links end in an error or count as nothing."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.catalog.catalog_file import read_catalog
from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.token_store import TokenIndex
from desktop.credentials.vault import open_vault_key
from desktop.engine.fallback_store import FallbackStore, ModelFileIdentity
from desktop.engine.gguf_header import read_header
from desktop.engine.kernel_check import KernelStore
from desktop.errors import UserError
from desktop.hub.transfer.sidecar import RemoteIdentity, ServedVersion, Sidecar, read_sidecar
from desktop.library.download_records import DownloadRecords
from desktop.library.file_hashes import FileHashes
from desktop.library.hub_records import HubRecords
from desktop.library.installed_models import InstalledModels
from desktop.storage.database import APPLICATION_ID, inspect_header
from desktop.storage.database_errors import DatabaseErrors, conversation_error_texts
from desktop.ui.chat.composer_drafts import ComposerDrafts

DEEP = b'{"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
WANTED = RemoteIdentity("a/b", "c" * 40, "x.gguf", 1000, "", "etag")
# Each reads one file in `folder`, given its name; a UserError is an answer, and so is nothing.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "imports": ("model-00000000.json", lambda folder: InstalledModels(folder).all()),
    "hub": ("0" * 32 + ".json", lambda folder: HubRecords(folder).all()),
    "downloads": ("0123456789.json", lambda folder: DownloadRecords(folder).all()),
    "load fallbacks": (
        "f.json",
        lambda folder: FallbackStore(folder / "f.json").find(ModelFileIdentity("x", 1, 1), "m"),
    ),
    "engine test": ("engine-test.json", lambda folder: KernelStore(folder / "engine-test.json").find("b", "c")),
    "drafts": ("drafts.json", lambda folder: ComposerDrafts(folder / "drafts.json").get("x")),
    "token places": ("token-places.json", lambda folder: TokenIndex(folder / "token-places.json").entries()),
    "ledger key": ("ledger-key.json", lambda folder: FileKeyStore(folder).key()),
    "ledger anchor": ("ledger-anchor.json", lambda folder: FileKeyStore(folder).anchor()),
    "hashes": ("hashes.json", lambda folder: FileHashes(folder).cached(Path(__file__))),
    "sidecar": ("x.part.state", lambda folder: read_sidecar(folder / "x.part.state", WANTED, 1000)),
    "own catalog": ("models.toml", lambda folder: read_catalog(folder / "models.toml")),
    "model file": ("x.gguf", lambda folder: read_header(folder / "x.gguf")),
    "database": (
        "latchkey.db",
        lambda folder: inspect_header(
            DatabaseErrors(folder / "latchkey.db", conversation_error_texts), APPLICATION_ID, 1
        ),
    ),
}


def plant(path: Path, kind: str) -> None:
    if kind == "deep JSON":
        path.write_bytes(DEEP)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to an endless device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        with path.open("wb") as file:
            file.write(b" ")
            file.truncate(1 << 40)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["deep JSON", "pipe", "link to an endless device", "folder", "endless"])
@pytest.mark.parametrize("reader", READERS)
def test_whatever_lies_there_reading_it_ends_without_a_bug(home: Path, reader: str, kind: str) -> None:
    name, read = READERS[reader]
    plant(home / name, kind)
    with contextlib.suppress(UserError):
        read(home)


def test_a_vault_of_deep_json_is_a_damaged_vault() -> None:
    with pytest.raises(UserError, match="damaged"):
        open_vault_key(DEEP, "a passphrase")


def test_a_sidecar_is_not_written_through_a_planted_link(home: Path) -> None:
    precious = home / "precious"
    precious.write_bytes(b"mine")
    (home / "x.part.state.new").symlink_to(precious)
    sidecar = Sidecar(home / "x.part.state", WANTED)
    sidecar.begin((), ServedVersion())
    sidecar.close()
    assert precious.read_bytes() == b"mine"
    assert read_sidecar(home / "x.part.state", WANTED, 0) is not None
