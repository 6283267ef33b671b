"""Files of Latchkey's own that something else wrote: deep JSON, pipes and links end in an error or count as nothing."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.catalog.reading import read_catalog
from desktop.credentials.file_keeper import FileKeeper
from desktop.credentials.token_index import TokenIndex
from desktop.credentials.vault import key_of
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.header import read_header
from desktop.engine.kernel_store import KernelStore
from desktop.engine.load_fallback import FileIdentity
from desktop.errors import UserError
from desktop.hub.transfer.sidecar import Identity, Served, Sidecar, read_sidecar
from desktop.library.download_records import DownloadRecords
from desktop.library.hashes import FileHashes
from desktop.library.imported import ImportedModels
from desktop.library.known import KnownModels
from desktop.storage.failures import Failures, conversations_wording
from desktop.storage.inspection import APPLICATION_ID, inspect
from desktop.ui.chat.drafts import Drafts

DEEP = b'{"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
WANTED = Identity("a/b", "c" * 40, "x.gguf", 1000, "", "etag")
# Each reads one file in `folder`, given its name; a UserError is an answer, and so is nothing.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "imports": ("model-00000000.json", lambda folder: ImportedModels(folder).all()),
    "hub": ("0" * 32 + ".json", lambda folder: KnownModels(folder).all()),
    "downloads": ("0123456789.json", lambda folder: DownloadRecords(folder).all()),
    "load fallbacks": ("f.json", lambda folder: FallbackStore(folder / "f.json").find(FileIdentity("x", 1, 1), "m")),
    "engine test": ("engine-test.json", lambda folder: KernelStore(folder / "engine-test.json").find("b", "c")),
    "drafts": ("drafts.json", lambda folder: Drafts(folder / "drafts.json").get("x")),
    "token places": ("token-places.json", lambda folder: TokenIndex(folder / "token-places.json").entries()),
    "ledger key": ("ledger-key.json", lambda folder: FileKeeper(folder).key()),
    "ledger anchor": ("ledger-anchor.json", lambda folder: FileKeeper(folder).anchor()),
    "hashes": ("hashes.json", lambda folder: FileHashes(folder).cached(Path(__file__))),
    "sidecar": ("x.part.state", lambda folder: read_sidecar(folder / "x.part.state", WANTED, 1000)),
    "own catalog": ("models.toml", lambda folder: read_catalog(folder / "models.toml")),
    "model file": ("x.gguf", lambda folder: read_header(folder / "x.gguf")),
    "database": (
        "latchkey.db",
        lambda folder: inspect(Failures(folder / "latchkey.db", conversations_wording), APPLICATION_ID, 1),
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
        key_of(DEEP, "a passphrase")


def test_a_sidecar_is_not_written_through_a_planted_link(home: Path) -> None:
    precious = home / "precious"
    precious.write_bytes(b"mine")
    (home / "x.part.state.new").symlink_to(precious)
    sidecar = Sidecar(home / "x.part.state", WANTED)
    sidecar.begin((), Served())
    sidecar.close()
    assert precious.read_bytes() == b"mine"
    assert read_sidecar(home / "x.part.state", WANTED, 0) is not None
