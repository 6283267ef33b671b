"""A damaged file of conversations is mended in its place, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.backup import database_repair
from desktop.backup.backup_writer import PersonsData
from desktop.backup.database_repair import repair_database
from desktop.backup.restore import resume_restore
from desktop.errors import IntegrityError, ResourceError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.database_errors import NewerDatabaseError
from tests.fakes.backups import NOW, OpenHome, talk


@pytest.fixture
def damaged(open_home: OpenHome) -> PersonsData:
    """A home of twenty conversations, a page of which is gone."""
    there = open_home("here")
    for at in range(20):
        talk(there, f"chat{at}", 3)
    there.database.truncate_wal()
    there.database.close()
    file = there.paths.database_file
    data = bytearray(file.read_bytes())
    page = data.index(b"Words 5 of chat7") // 4096 * 4096
    data[page : page + 4096] = bytes(4096)
    file.write_bytes(data)
    return open_home("here")


def test_what_can_be_read_takes_its_place_and_the_damaged_file_is_kept(damaged: PersonsData) -> None:
    file = damaged.paths.database_file
    before = file.read_bytes()
    report = repair_database(damaged, NOW)
    assert report is not None
    assert (report.merge.conversations, report.merge.messages + report.salvage.lost) == (20, 120)
    assert report.kept.read_bytes() == before
    assert damaged.database.check() == []
    assert len(ConversationStore(damaged.database).ids()) == 20
    assert not list(file.parent.glob("*.part"))
    assert repair_database(damaged, NOW) is None


def test_the_window_that_met_the_damage_goes_on_with_the_mended_file(damaged: PersonsData) -> None:
    store = ConversationStore(damaged.database)
    with pytest.raises(IntegrityError, match="latchkey restore"):
        _ = [store.branch(chat) for chat in store.ids()]
    repair_database(damaged, NOW)
    damaged.database.open()
    assert len([store.branch(chat) for chat in store.ids()]) == 20


def test_while_another_process_has_it_open_nothing_is_put_in_its_place(damaged: PersonsData) -> None:
    other = Database(damaged.paths.database_file)
    assert len(ConversationStore(other).ids()) == 20
    with pytest.raises(ResourceError, match="open"):
        repair_database(damaged, NOW)
    assert not other.replaced()
    other.close()
    assert repair_database(damaged, NOW) is not None


def test_a_journal_of_the_damaged_file_is_not_replayed_into_the_new_one(damaged: PersonsData) -> None:
    file = damaged.paths.database_file
    journal = file.with_name(f"{file.name}-wal")
    journal.write_bytes(b"7\x7f\x06\x82" + bytes(9000))
    assert repair_database(damaged, NOW) is not None
    assert not journal.exists() or not journal.stat().st_size
    assert damaged.database.check() == []


class Killed(BaseException):
    """In place of a SIGKILL: nothing that follows happens."""


@pytest.mark.parametrize("at", ["replace", "replaced", "_carry_out", "_keep_damaged"])
def test_one_that_was_killed_is_gone_on_with_at_the_next_start(
    at: str, damaged: PersonsData, open_home: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = damaged.paths.database_file
    before = file.read_bytes()
    replace = Path.replace

    def dies(*given: object) -> None:
        raise Killed

    def dies_there(source: Path, target: Path) -> Path:
        if target == file:
            if at == "replaced":
                replace(source, target)
            raise Killed
        return replace(source, target)

    with monkeypatch.context() as patch:
        if at.startswith("replace"):
            patch.setattr(Path, "replace", dies_there)
        else:
            patch.setattr(database_repair, at, dies)
        with pytest.raises(Killed):
            repair_database(damaged, NOW)
    journal = b"7\x7f\x06\x82" + bytes(9000) if at in ("_carry_out", "_keep_damaged") else b""
    if journal:  # of the damaged file: it goes with it
        file.with_name(f"{file.name}-wal").write_bytes(journal)
    again = open_home("here")
    resume_restore(again)
    assert again.database.check() == []
    assert len(ConversationStore(again.database).ids()) == 20
    (kept,) = file.parent.glob("latchkey.damaged-*.db")
    assert kept.read_bytes() == before
    assert not journal or kept.with_name(f"{kept.name}-wal").read_bytes() == journal
    assert not (file.parent / "repaired").exists()


@pytest.mark.parametrize("what", [b"", b"no database " * 1000])
def test_where_nothing_can_be_read_the_file_stays(what: bytes, open_home: OpenHome) -> None:
    here = open_home("here")
    here.paths.data.mkdir(parents=True)
    here.paths.database_file.write_bytes(what)
    if what:
        with pytest.raises(IntegrityError):
            repair_database(here, NOW)
    assert here.paths.database_file.read_bytes() == what


def test_a_newer_one_is_left_alone(open_home: OpenHome, tmp_path: Path) -> None:
    here = open_home("here")
    talk(here, "garden")
    here.database.truncate_wal()
    here.database.close()
    file = here.paths.database_file
    data = bytearray(file.read_bytes())
    data[60:64] = (99).to_bytes(4, "big")
    file.write_bytes(data)
    with pytest.raises(NewerDatabaseError):
        repair_database(here, NOW)
    assert file.read_bytes() == data
