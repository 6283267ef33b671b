"""What goes into a backup, what never does, and that there is never half of one."""

from __future__ import annotations

import errno
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from desktop.backup import backup_writer
from desktop.backup.backup_reader import BackupReader, open_backup
from desktop.backup.backup_writer import write_backup
from desktop.errors import IntegrityError, NotFoundError, ResourceError, StoppedError
from tests.fakes.backups import NOW, OpenHome, furnish


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_it_holds_everything_of_a_persons_and_says_so(open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    image = furnish(data)
    written = write_backup(data, tmp_path / "b.zip", now=NOW)
    assert sorted(members(tmp_path / "b.zip")) == sorted(
        [
            "conversations.db",
            "ledger.json",
            "config/settings.json",
            "config/presets.json",
            "drafts.json",
            f"attachments/{image}",
            "manifest.json",
        ]
    )
    counts = written.manifest.counts
    assert (counts.conversations, counts.messages, counts.folders) == (2, 11, 1)
    assert (counts.attachments, counts.ledger_records) == (1, 12)
    assert (written.manifest.left_out, written.size) == ((), (tmp_path / "b.zip").stat().st_size)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    assert not [each for each in data.paths.data.iterdir() if each.name.startswith(".backup-")]


def test_nothing_that_opens_a_door_is_in_it(open_home: OpenHome, tmp_path: Path) -> None:
    """Tokens, their vault and index, the ledger's key, a proxy's password, the log of requests."""
    data = open_home("here")
    furnish(data)
    secrets = [b"hf_aTokenOfMine", b"vault-inside", b"token-place-inside", b"s3cret-proxy", b"asked-for-inside"]
    config, database = data.paths.config, data.paths.network_file
    (config / "tokens.vault").write_bytes(secrets[0] + secrets[1])
    (config / "token-places.json").write_bytes(secrets[2])
    database.write_bytes(secrets[4])
    settings = {"proxy": "http://ada:s3cret-proxy@proxy.example:8080", "theme": "dark"}
    (config / "settings.json").write_text(json.dumps(settings))
    key = json.loads((config / "ledger-key.json").read_text())
    secrets += [str(value).encode() for value in key.values() if isinstance(value, str) and len(value) > 20]
    write_backup(data, tmp_path / "b.zip")
    found = members(tmp_path / "b.zip")
    whole = (tmp_path / "b.zip").read_bytes() + b"".join(found.values())
    assert len(secrets) > 5
    assert not [secret for secret in secrets if secret in whole]
    assert json.loads(found["config/settings.json"]) == {"proxy": "http://proxy.example:8080", "theme": "dark"}


def test_an_erased_message_is_not_in_it(open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    furnish(data)
    with data.database.write() as connection:
        connection.execute("UPDATE messages SET text = 'xyzzy-erased' WHERE id = 'garden-5'")
    with data.database.write() as connection:
        connection.execute("UPDATE conversations SET leaf_id = NULL")
        connection.execute("DELETE FROM messages WHERE id = 'garden-5'")
    write_backup(data, tmp_path / "b.zip")
    assert b"xyzzy-erased" not in members(tmp_path / "b.zip")["conversations.db"]


@pytest.mark.parametrize("name", ["data/latchkey.db", "data/ledger.db", "config/settings.json"])
def test_it_takes_the_place_of_nothing_that_is_to_be_in_it(name: str, open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    furnish(data)
    data.database.truncate_wal()
    own = tmp_path / "here" / name
    before = own.read_bytes()
    (tmp_path / "link.zip").symlink_to(own)
    for target in (own, tmp_path / "link.zip"):
        with pytest.raises(ResourceError, match="Latchkey's own"):
            write_backup(data, target, overwrite=True)
    assert own.read_bytes() == before


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    furnish(data)
    target = tmp_path / "b.zip"
    target.write_text("mine")
    with pytest.raises(ResourceError, match="there already"):
        write_backup(data, target)
    assert target.read_text() == "mine"
    write_backup(data, target, overwrite=True)
    with open_backup(target) as backup:
        backup.verify()


def test_nothing_is_written_through_a_link(open_home: OpenHome, tmp_path: Path) -> None:
    """As for exports: a link is refused, and with --force the backup takes its place; what it led to stays."""
    data = open_home("here")
    furnish(data)
    (tmp_path / "mine").write_text("mine")
    for leads_to in ("mine", "nowhere"):
        link = tmp_path / f"{leads_to}.zip"
        link.symlink_to(tmp_path / leads_to)
        with pytest.raises(ResourceError, match="link"):
            write_backup(data, link)
        assert link.is_symlink()
        write_backup(data, link, overwrite=True)
        assert not link.is_symlink()
        with open_backup(link) as backup:
            backup.verify()
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_where_no_file_can_be_nothing_is_written(kind: str, open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    furnish(data)
    target = tmp_path / "b.zip"
    if kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    else:
        target = tmp_path / "gone" / "b.zip"
    with pytest.raises(NotFoundError if kind == "missing" else ResourceError):
        write_backup(data, target, overwrite=True)
    assert not list(tmp_path.glob(".latchkey-*"))


def test_a_disk_that_is_too_small_is_told_before(
    open_home: OpenHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_home("here")
    furnish(data)
    monkeypatch.setattr(backup_writer, "free_space", lambda folder: 1000)
    with pytest.raises(ResourceError, match="no room"):
        write_backup(data, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("stops", [OSError(errno.ENOSPC, "No space left on device"), StoppedError()])
def test_what_ends_on_the_way_leaves_what_was_there(stops: Exception, open_home: OpenHome, tmp_path: Path) -> None:
    """A disk that fills up, and a program that ends."""
    data = open_home("here")
    furnish(data)
    target = tmp_path / "b.zip"
    target.write_text("former")

    def progress(done: int, total: int) -> None:
        if done > total // 4:
            raise stops

    with pytest.raises(ResourceError if isinstance(stops, OSError) else StoppedError):
        write_backup(data, target, overwrite=True, progress=progress)
    assert target.read_text() == "former"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    assert [each.name for each in data.paths.data.iterdir() if each.name.startswith(".backup")] == []


def test_a_disk_that_gives_back_other_bytes_is_found(
    open_home: OpenHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_home("here")
    furnish(data)

    class Flipped(BackupReader):
        def verify(self, progress: object = None) -> None:
            raise IntegrityError("it differs")

    monkeypatch.setattr(backup_writer, "BackupReader", Flipped)
    with pytest.raises(ResourceError, match="other bytes"):
        write_backup(data, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_what_cannot_be_read_is_left_out_and_named(open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    image = furnish(data)
    (data.paths.config / "settings.json").write_text("{ no json")
    data.attachments.path(image).write_bytes(b"another picture")
    data.ledger.close()
    data.paths.ledger_file.write_bytes(b"no ledger at all" * 100)
    left_out = write_backup(data, tmp_path / "b.zip").manifest.left_out
    assert len(left_out) == 3
    assert all(any(word in sentence for sentence in left_out) for word in ("settings.json", "attachment", "ledger"))
    assert set(members(tmp_path / "b.zip")) == {
        "conversations.db",
        "config/presets.json",
        "drafts.json",
        "manifest.json",
    }


def test_damaged_conversations_make_no_backup(open_home: OpenHome, tmp_path: Path) -> None:
    data = open_home("here")
    furnish(data)
    data.database.close()
    data.paths.database_file.write_bytes(b"damaged")
    again = open_home("here")
    with pytest.raises(IntegrityError):
        write_backup(again, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
