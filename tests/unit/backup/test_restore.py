"""A backup in another home, and in one that has things already: nothing here is lost, and nothing is made up."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from desktop.backup import restore as restore_module
from desktop.backup.backup_folder import MOST_BEFORE_RESTORE, BackupFolder
from desktop.backup.backup_writer import PersonsData, write_backup
from desktop.backup.restore import RestoreReport, restore_backup, resume_restore
from desktop.backup.restore_stage import RestoreChoices, RestoreStage
from desktop.backup.restore_text import report_sentences
from desktop.conversation import Conversation
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.licenses.restored_records import original_of, restored_ranges
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import MessageSearch
from tests.fakes.backups import NOW, OpenHome, furnish, rewrite, said, talk
from tests.fakes.ledgers import RECORDS, TEXTS, acknowledged, fill

ALL = RestoreChoices(settings=True)


def restore(data: PersonsData, file: Path, choices: RestoreChoices = RestoreChoices()) -> RestoreReport:  # noqa: B008
    return restore_backup(data, file, choices, now=NOW + 1000)


@pytest.fixture
def backup(open_home: OpenHome, tmp_path: Path) -> Path:
    data = open_home("here")
    furnish(data)
    return write_backup(data, tmp_path / "b.zip", now=NOW).file


def texts(data: PersonsData, conversation_id: str) -> list[str]:
    return [message.text for message in ConversationStore(data.database).branch(conversation_id)]


def heads(data: PersonsData) -> dict[str, Conversation]:
    store = ConversationStore(data.database)
    return {each: store.conversation(each) for each in store.ids()}


def everything(home: Path) -> dict[str, bytes]:
    """Every file of a home but the database's own journals, locks and logs."""
    left_out = (".db-wal", ".db-shm", ".lock")
    return {
        str(each.relative_to(home)): each.read_bytes()
        for each in sorted(home.rglob("*"))
        if each.is_file() and not each.name.endswith(left_out)
    }


# --- an empty home ---------------------------------------------------------------------------------------------------


def test_a_new_home_has_everything_afterwards(open_home: OpenHome, backup: Path) -> None:
    there, here = open_home("here"), open_home("new")
    report = restore(here, backup)
    assert heads(here) == heads(there)
    for conversation_id in heads(there):
        assert texts(here, conversation_id) == texts(there, conversation_id)
    assert FolderStore(here.database).folders() == FolderStore(there.database).folders()
    assert list(here.attachments.ids()) == list(there.attachments.ids())
    for name in ("settings.json", "presets.json"):
        assert (here.paths.config / name).read_bytes() == (there.paths.config / name).read_bytes()
    assert json.loads((here.paths.data / "drafts.json").read_text()) == {"": "Dear Sir"}
    assert (report.merge.conversations, report.merge.messages, report.merge.folders) == (2, 11, 1)
    assert (report.problems, report.safety, report.created) == ([], None, NOW)
    assert not (here.paths.data / "restoring").exists()
    assert here.database.check() == []


def test_its_words_are_found(open_home: OpenHome, backup: Path) -> None:
    here = open_home("new")
    restore(here, backup)
    assert {hit.message_id for hit in MessageSearch(here.database).search("garden")} >= {"garden-0", "garden-5"}


def test_a_second_time_adds_nothing(open_home: OpenHome, backup: Path) -> None:
    here = open_home("new")
    restore(here, backup)
    before, records = heads(here), here.ledger.records()
    report = restore(here, backup)
    assert (report.merge.conversations, report.merge.messages, report.merge.unchanged) == (0, 0, 2)
    assert (report.ledger.added, report.ledger.known) == (0, RECORDS)
    assert (report.files, report.safety, report.changed) == ([], None, False)
    assert heads(here) == before
    assert here.ledger.records() == records


# --- a home that has things ------------------------------------------------------------------------------------------


def test_what_is_here_stays_as_it_is(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    talk(here, "mine")
    talk(here, "garden", 3, title="My own title", pinned=False)
    here.paths.config.mkdir(parents=True, exist_ok=True)
    (here.paths.config / "settings.json").write_text('{"theme": "light"}')
    report = restore(here, backup)
    assert set(heads(here)) == {"mine", "garden", "house"}
    assert (heads(here)["garden"].title, heads(here)["garden"].pinned) == ("My own title", False)
    assert (report.merge.conversations, report.merge.unchanged, report.kept) == (1, 1, ["settings.json"])
    assert json.loads((here.paths.config / "settings.json").read_text()) == {"theme": "light"}


def test_messages_that_are_missing_here_are_added_and_shown(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    talk(here, "garden", 1)
    report = restore(here, backup)
    assert texts(here, "garden") == [f"Words {at} of garden" for at in range(6)]
    assert (report.merge.extended, report.merge.conversations) == (1, 1)


def test_a_longer_conversation_here_loses_nothing(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    talk(here, "garden", 5)
    restore(here, backup)
    assert texts(here, "garden") == [f"Words {at} of garden" for at in range(10)]


def test_a_branch_that_is_missing_here_comes_beside_the_one_shown(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    talk(there, "garden", 2)
    talk(here, "garden", 1)
    own = msgspec.structs.replace(said("garden", range(2, 3))[0], id="mine")
    ConversationStore(here.database).add_message(own)
    write_backup(there, tmp_path / "b.zip")
    restore(here, tmp_path / "b.zip")
    store = ConversationStore(here.database)
    assert [message.id for message in store.branch("garden")] == ["garden-0", "garden-1", "mine"]
    assert set(store.siblings("mine")) == {"mine", "garden-2"}
    assert [message.id for message in store.branch("garden", "garden-3")][-1] == "garden-3"


def test_what_lies_in_the_bin_here_stays_there_and_is_told(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    talk(here, "house")
    FolderStore(here.database).delete_conversations(["house"], NOW)
    report = restore(here, backup)
    assert "house" not in heads(here)
    assert report.merge.in_bin == 1


def test_what_was_in_the_bin_there_is_in_the_bin_for_its_time(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    talk(there, "old")
    FolderStore(there.database).delete_conversations(["old"], NOW - 40 * 86_400)
    write_backup(there, tmp_path / "b.zip")
    restore(here, tmp_path / "b.zip")
    store = ConversationStore(here.database)
    store.purge(NOW + 1000 - 30 * 86_400)
    assert store.conversation("old").deleted_at == NOW + 1000


def test_an_answer_that_was_being_written_is_one_that_was_stopped(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    talk(there, "garden")
    with there.database.write() as connection:
        connection.execute("UPDATE messages SET status = 'streaming', writer = '1 2.0' WHERE id = 'garden-3'")
    write_backup(there, tmp_path / "b.zip")
    restore(here, tmp_path / "b.zip")
    assert ConversationStore(here.database).message("garden-3").status == "stopped"


def test_settings_are_restored_where_the_person_says_so_and_the_former_are_kept(
    open_home: OpenHome, backup: Path
) -> None:
    here = open_home("other")
    here.paths.config.mkdir(parents=True)
    (here.paths.config / "settings.json").write_text('{"theme": "light"}')
    report = restore(here, backup, ALL)
    assert json.loads((here.paths.config / "settings.json").read_text())["to_come"] == 7
    (aside,) = report.aside
    assert json.loads((here.paths.config / aside).read_text()) == {"theme": "light"}


def test_to_replace_is_to_have_exactly_what_was_there_and_can_be_undone(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    talk(here, "mine")
    talk(here, "garden", 5)
    report = restore(here, backup, RestoreChoices(replace=True))
    assert set(heads(here)) == {"garden", "house"}
    assert len(texts(here, "garden")) == 6
    assert report.safety is not None
    restore(here, report.safety, RestoreChoices(replace=True))
    assert set(heads(here)) == {"garden", "mine"}
    assert len(texts(here, "garden")) == 10
    assert here.database.check() == []


def test_the_backup_that_is_restored_stays_though_it_is_the_oldest_one(open_home: OpenHome) -> None:
    here = open_home("other")
    folder = BackupFolder(here.paths.backups)
    talk(here, "mine")
    files = [folder.add(here, "before-restore", NOW + at).file for at in range(MOST_BEFORE_RESTORE)]
    talk(here, "later")
    report = restore(here, files[0], RestoreChoices(replace=True))
    assert set(heads(here)) == {"mine"}
    assert report.safety is not None
    assert files[0].exists()


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_is_history_that_holds_and_counts_for_nothing(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    here.ledger.append(acknowledged(here.ledger, "mine", "MIT"))
    before = here.ledger.records()
    report = restore(here, backup)
    records = here.ledger.records()
    assert records[: len(before)] == before
    assert [record.event for record in records[len(before) :]] == ["restored"] * RECORDS
    told = [original_of(record) for record in records[len(before) :]]
    assert [each.record for each in told if each is not None] == open_home("here").ledger.records()
    assert all(each is not None and each.held and each.intact for each in told)
    assert here.ledger.check().ok
    assert [each.record.model for each in here.ledger.state().acknowledgements()] == ["mine"]
    assert here.ledger.text(records[len(before)].text_sha256) == TEXTS[0]
    assert (report.ledger.acknowledged, report.ledger.held) == (4, True)


def test_a_ledger_that_was_forged_in_a_backup_accepts_nothing(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    def forge(members: dict[str, bytes]) -> None:
        members["ledger.json"] = members["ledger.json"].replace(b"Ada Lovelace", b"Eve Lovelace")

    rewrite(backup, tmp_path / "forged.zip", forge)
    here = open_home("other")
    report = restore(here, tmp_path / "forged.zip")
    assert not report.ledger.held
    assert here.ledger.state().acknowledgements() == ()
    assert here.ledger.check().ok
    (part,) = [each for each in restored_ranges(here.ledger.records()) if each.intact][-1:]
    assert not part.held


def test_a_ledger_that_went_from_home_to_home_is_not_told_twice(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    first, second = open_home("here"), open_home("second")
    restore(second, backup)
    fill(second.ledger)
    back = write_backup(second, tmp_path / "back.zip").file
    assert restore(first, back).ledger.added == RECORDS
    third = open_home("third")
    assert restore(third, back).ledger.added == 2 * RECORDS
    assert restore(third, backup).ledger.added == 0


def test_what_the_ledger_is_in_a_backup_stops_nothing_else(open_home: OpenHome, backup: Path, tmp_path: Path) -> None:
    rewrite(backup, tmp_path / "x.zip", lambda members: members.update({"ledger.json": b"{ no ledger"}))
    here = open_home("other")
    report = restore(here, tmp_path / "x.zip")
    assert set(heads(here)) == {"garden", "house"}
    assert len(report.problems) == 1
    assert here.ledger.records() == []


def test_where_the_ledger_here_does_not_hold_nothing_is_added_to_it(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    here.ledger.append(acknowledged(here.ledger, "mine", "MIT"))
    here.ledger.close()
    connection = sqlite3.connect(here.paths.ledger_file)
    connection.execute("DROP TRIGGER ledger_keeps_what_it_says")
    connection.execute("UPDATE ledger SET person = 'Eve' WHERE seq = 1")
    connection.commit()
    connection.close()
    again = open_home("other")
    report = restore(again, backup)
    assert set(heads(again)) == {"garden", "house"}
    assert "does not hold" in report.problems[0]
    assert len(again.ledger.records()) == 1


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_backup_changes_nothing(open_home: OpenHome, backup: Path, tmp_path: Path) -> None:
    here = open_home("other")
    furnish(here)
    here.database.close()
    (tmp_path / "cut.zip").write_bytes(backup.read_bytes()[:-10])
    (tmp_path / "empty.zip").touch()
    before = everything(tmp_path / "other")
    for file in ("cut.zip", "empty.zip"):
        with pytest.raises(IntegrityError):
            restore(here, tmp_path / file)
    with pytest.raises(NotFoundError):
        restore(here, tmp_path / "gone.zip")
    os.mkfifo(tmp_path / "pipe.zip")
    for special in (tmp_path / "pipe.zip", tmp_path):
        with pytest.raises(ResourceError):
            restore(here, special)
    assert everything(tmp_path / "other") == before


FORGED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a trigger": lambda c: c.execute("CREATE TRIGGER x AFTER INSERT ON tags BEGIN DELETE FROM messages; END"),
    "a view": lambda c: c.execute("CREATE VIEW x AS SELECT 1"),
    "an index that computes": lambda c: c.execute("CREATE INDEX x ON messages (abs(number))"),
    "no schema": lambda c: c.execute("PRAGMA user_version = 0"),
    "another program's mark": lambda c: c.execute("PRAGMA application_id = 7"),
    "a trigger that is called as a table of words": lambda connection: connection.execute(
        "CREATE TRIGGER message_words_more AFTER INSERT ON messages BEGIN DELETE FROM messages; END"
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_database_that_latchkey_did_not_write_is_refused(
    kind: str, open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    def forge(members: dict[str, bytes]) -> None:
        file = tmp_path / "forged.db"
        file.write_bytes(members["conversations.db"])
        connection = sqlite3.connect(file)
        FORGED[kind](connection)
        connection.commit()
        connection.close()
        members["conversations.db"] = file.read_bytes()

    rewrite(backup, tmp_path / "x.zip", forge)
    here = open_home("other")
    with pytest.raises(IntegrityError, match="damaged"):
        restore(here, tmp_path / "x.zip")
    assert not here.paths.database_file.exists()


def test_words_are_kept_where_only_what_stands_beside_them_cannot_be_read(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    def damage(members: dict[str, bytes]) -> None:
        file = tmp_path / "damaged.db"
        file.write_bytes(members["conversations.db"])
        connection = sqlite3.connect(file)
        connection.execute("UPDATE conversations SET options = '{\"sampl' WHERE id = 'house'")
        connection.execute("UPDATE messages SET timing = '{\"prompt', sampling = '{\"seed\":7}' WHERE id = 'garden-1'")
        connection.execute("UPDATE messages SET record = 'x' WHERE id = 'garden-3'")
        connection.commit()
        connection.close()
        members["conversations.db"] = file.read_bytes()

    rewrite(backup, tmp_path / "x.zip", damage)
    here = open_home("other")
    report = restore(here, tmp_path / "x.zip")
    assert set(heads(here)) == {"garden", "house"}
    assert texts(here, "garden") == [f"Words {at} of garden" for at in range(6)]
    assert ConversationStore(here.database).message("garden-1").sampling == {"seed": 7}
    assert (report.merge.in_part, report.merge.unreadable) == (3, 0)
    assert any("Of 3 entries" in sentence for sentence in report_sentences(report))


def damaged_database(backup: Path, target: Path, *statements: str) -> Path:
    """A backup whose conversations were changed by these statements."""

    def damage(members: dict[str, bytes]) -> None:
        file = target.with_suffix(".db")
        file.write_bytes(members["conversations.db"])
        with closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        members["conversations.db"] = file.read_bytes()

    rewrite(backup, target, damage)
    return target


@pytest.mark.parametrize(
    ("damage", "title", "updated"),
    [
        ("created_at = 9e999", "About house", NOW + 3),
        ("updated_at = 'never'", "About house", NOW),
        ("created_at = x'00', updated_at = 'never'", "About house", NOW),
        ("title = x'ff00'", "", NOW + 3),
        ("system_prompt = x'ff00', pinned = 'no', model_id = 7, archived_at = 'x'", "About house", NOW + 3),
    ],
)
def test_a_conversation_is_kept_where_only_its_head_cannot_be_read(
    damage: str, title: str, updated: float, open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    file = damaged_database(backup, tmp_path / "x.zip", f"UPDATE conversations SET {damage} WHERE id = 'house'")
    here = open_home("other")
    report = restore(here, file)
    assert texts(here, "house")[:4] == [f"Words {at} of house" for at in range(4)]
    head = heads(here)["house"]
    assert (head.title, head.created_at, head.updated_at) == (title, NOW, updated)
    assert (report.merge.in_part, report.merge.unreadable) == (1, 0)


def test_a_conversation_of_which_no_time_can_be_read_stands_at_the_end(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    damage = "UPDATE conversations SET created_at = 'x', updated_at = 'y' WHERE id = 'house'"
    file = damaged_database(
        backup, tmp_path / "x.zip", "UPDATE messages SET created_at = 'x' WHERE conversation_id = 'house'", damage
    )
    here = open_home("other")
    restore(here, file)
    assert (heads(here)["house"].created_at, heads(here)["house"].updated_at) == (0.0, 0.0)


def test_a_message_whose_id_another_conversation_has_is_counted_and_named(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    here = open_home("other")
    talk(here, "mine")
    taken = msgspec.structs.replace(said("mine", range(3, 4))[0], id="house-1", parent_id="mine-3")
    ConversationStore(here.database).add_message(taken)
    report = restore(here, backup)
    assert report.merge.taken_ids == ["house-1"]
    assert texts(here, "house")[:3] == [f"Words {at} of house" for at in (0, 2, 3)]
    assert ConversationStore(here.database).message("house-1").conversation_id == "mine"
    assert any("house-1" in sentence for sentence in report_sentences(report))


def test_an_image_that_is_damaged_here_is_replaced_by_the_good_one(open_home: OpenHome, backup: Path) -> None:
    here = open_home("here")
    (sha256,) = here.attachments.ids()
    good = here.attachments.read(sha256)
    here.attachments.path(sha256).write_bytes(b"noise")
    restore(here, backup)
    assert here.attachments.read(sha256) == good


def test_values_that_could_not_be_shown_are_left_out(open_home: OpenHome, backup: Path, tmp_path: Path) -> None:
    def forge(members: dict[str, bytes]) -> None:
        file = tmp_path / "forged.db"
        file.write_bytes(members["conversations.db"])
        connection = sqlite3.connect(file)
        connection.execute("UPDATE messages SET created_at = 9e999 WHERE id = 'garden-1'")
        connection.execute("UPDATE messages SET parts = '[{\"type\": 7}]' WHERE id = 'garden-2'")
        connection.execute("UPDATE messages SET parent_id = 'house-0' WHERE id = 'garden-4'")
        connection.execute("UPDATE conversations SET updated_at = 'never' WHERE id = 'house'")
        connection.execute("UPDATE conversations SET leaf_id = 'nowhere' WHERE id = 'garden'")
        connection.commit()
        connection.close()
        members["conversations.db"] = file.read_bytes()

    rewrite(backup, tmp_path / "x.zip", forge)
    here = open_home("other")
    report = restore(here, tmp_path / "x.zip")
    assert set(heads(here)) == {"garden", "house"}
    assert texts(here, "garden") == [f"Words {at} of garden" for at in (0, 3, 4, 5)]
    assert (report.merge.unreadable, report.merge.in_part) == (2, 1)
    assert here.database.check() == []


def test_an_older_schema_is_brought_up_to_date_and_a_newer_one_refused(
    open_home: OpenHome, backup: Path, tmp_path: Path
) -> None:
    databases = Path(__file__).parents[2] / "data" / "databases"
    for version in (1, 2, 3):
        old = (databases / f"version-{version}.db").read_bytes()
        rewrite(backup, tmp_path / "x.zip", lambda members, old=old: members.update({"conversations.db": old}))  # type: ignore[misc]
        here = open_home(f"version-{version}")
        restore(here, tmp_path / "x.zip")
        assert heads(here)
        assert here.database.check() == []

    def newer(members: dict[str, bytes]) -> None:
        data = bytearray(members["conversations.db"])
        data[60:64] = (99).to_bytes(4, "big")
        members["conversations.db"] = bytes(data)

    rewrite(backup, tmp_path / "x.zip", newer)
    with pytest.raises(IntegrityError):
        restore(open_home("other"), tmp_path / "x.zip")


def test_a_disk_that_fills_up_leaves_what_was_here(
    open_home: OpenHome, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = open_home("other")
    talk(here, "mine")

    def full(*given: object, **more: object) -> object:
        raise ResourceError("The disk is full.")

    monkeypatch.setattr(restore_module, "merge_conversations", full)
    with pytest.raises(ResourceError):
        restore(here, backup)
    monkeypatch.undo()
    assert set(heads(here)) == {"mine"}
    assert not (here.paths.config / "settings.json").exists()
    assert here.ledger.records() == []
    assert not (here.paths.data / "restoring").exists()
    assert resume_restore(here) is None


def test_present_conversations_that_are_damaged_come_first(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    here.paths.data.mkdir(parents=True)
    here.paths.database_file.write_bytes(b"SQLite format 3\x00" + bytes(4000))
    with pytest.raises(IntegrityError, match="latchkey restore"):
        restore(here, backup)
    assert not (here.paths.data / "restoring.part").exists()


def test_one_process_restores_at_a_time(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    inner: list[UserError] = []

    def meanwhile(work: Callable[[], object]) -> object:
        with pytest.raises(ResourceError) as refused:
            restore(open_home("other"), backup)
        inner.append(refused.value)
        return work()

    restore_backup(here, backup, RestoreChoices(), in_turn=meanwhile)  # type: ignore[arg-type]
    assert len(inner) == 1
    assert set(heads(here)) == {"garden", "house"}


# --- a process that is killed ----------------------------------------------------------------------------------------


class Killed(BaseException):
    """In place of a SIGKILL: nothing that follows happens."""


@pytest.mark.parametrize("after", ["decide", "merge", "files", "ledger"])
def test_a_restore_that_was_decided_is_finished_at_the_next_start(
    after: str, open_home: OpenHome, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = open_home("other")
    talk(here, "mine")

    def dies(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RestoreStage, "clear", lambda self: None)
        name = {"decide": "_carry_out", "merge": "_restore_files", "files": "_restore_ledger"}.get(after)
        if name is not None:
            patch.setattr(restore_module, name, dies)
        else:
            patch.setattr(RestoreStage, "clear", lambda self: dies() if self.folder.exists() else None)
        with pytest.raises(Killed):
            restore(here, backup)
    again = open_home("other")
    assert resume_restore(again) is not None
    assert set(heads(again)) == {"garden", "house", "mine"}
    assert [record.event for record in again.ledger.records()] == ["restored"] * RECORDS
    assert (again.paths.config / "settings.json").exists()
    assert not (again.paths.data / "restoring").exists()
    assert resume_restore(again) is None


def test_what_was_here_before_a_restore_that_was_killed_can_be_had_again(
    open_home: OpenHome, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = open_home("other")
    talk(here, "mine")

    def dies(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RestoreStage, "clear", lambda self: dies() if self.folder.exists() else None)
        with pytest.raises(Killed):
            restore(here, backup)
    again = open_home("other")
    report = resume_restore(again)
    assert report is not None
    assert report.safety is not None
    restore(again, report.safety, RestoreChoices(replace=True))
    assert set(heads(again)) == {"mine"}


@pytest.mark.parametrize("step", ["_merge", "_restore_files", "_restore_ledger"])
def test_a_bug_in_a_restore_that_goes_on_does_not_come_back_at_every_start(
    step: str, open_home: OpenHome, backup: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = open_home("other")
    talk(here, "mine")

    def dies(*given: object) -> None:
        raise Killed

    def fails(*given: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(restore_module, "_carry_out", dies)
        with pytest.raises(Killed):
            restore(here, backup)
    monkeypatch.setattr(restore_module, step, fails)
    again = open_home("other")
    assert resume_restore(again) is None
    assert "ZeroDivisionError" in caplog.text
    assert "mine" in heads(again)
    (aside,) = again.paths.data.glob("restoring.failed-*")
    assert (aside / "conversations.db").exists()
    caplog.clear()
    assert resume_restore(again) is None
    assert not caplog.records


def test_what_was_not_decided_is_forgotten(open_home: OpenHome, backup: Path) -> None:
    here = open_home("other")
    stage = RestoreStage(here.paths)
    stage.fill(backup, NOW, RestoreChoices(), lambda done, total: None)
    assert resume_restore(here) is None
    assert not here.paths.database_file.exists()
    restore(here, backup)
    assert not (here.paths.data / "restoring.part").exists()


def test_settings_that_a_newer_version_wrote_are_restored(open_home: OpenHome, backup: Path, tmp_path: Path) -> None:
    """Whatever this version cannot use of them is kept as it is."""
    here, newer = open_home("other"), b'{"theme": "pink", "threads": 3}'
    rewrite(backup, tmp_path / "newer.zip", lambda members: members.update({"config/settings.json": newer}))
    report = restore(here, tmp_path / "newer.zip", ALL)
    assert report.problems == []
    assert (here.paths.config / "settings.json").read_bytes() == newer


# --- database files --------------------------------------------------------------------------------------------------


def test_a_database_alone_can_be_restored_too(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    furnish(there)
    there.database.close()
    talk(here, "mine")
    report = restore(here, there.paths.database_file)
    assert set(heads(here)) == {"garden", "house", "mine"}
    assert (report.created, report.plan.salvaged) == (None, {})


def test_of_a_damaged_database_what_can_be_read_is_restored(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    for at in range(20):
        talk(there, f"chat{at}", 3)
    there.database.truncate_wal()
    there.database.close()
    data = bytearray(there.paths.database_file.read_bytes())
    damaged = data.index(b"Words 5 of chat7")
    page = damaged // 4096 * 4096
    data[page : page + 4096] = bytes(4096)
    (tmp_path / "damaged.db").write_bytes(data)
    report = restore(here, tmp_path / "damaged.db")
    kept = sum(len(texts(here, each)) for each in heads(here))
    assert len(heads(here)) == 20
    assert 40 < kept < 120
    assert report.plan.salvaged["lost"] == 120 - kept
    assert here.database.check() == []


def test_a_newer_database_is_not_salvaged(open_home: OpenHome, tmp_path: Path) -> None:
    there, here = open_home("here"), open_home("other")
    talk(there, "garden")
    there.database.truncate_wal()
    there.database.close()
    data = bytearray(there.paths.database_file.read_bytes())
    data[60:64] = (99).to_bytes(4, "big")
    (tmp_path / "newer.db").write_bytes(data)
    with pytest.raises(IntegrityError, match="newer"):
        restore(here, tmp_path / "newer.db")


def test_a_memory_of_the_work_is_not_kept(open_home: OpenHome, backup: Path) -> None:
    """The safety copy is what was here; the stage and its copies are gone."""
    here = open_home("other")
    talk(here, "mine")
    report = restore(here, backup)
    left = {each.name for each in here.paths.data.iterdir()}
    assert left <= {
        *("latchkey.db", "latchkey.db-wal", "latchkey.db-shm", "ledger.db", "ledger.db-wal", "ledger.db-shm"),
        *("attachments", "backups", "drafts.json", ".restore.lock"),
    }
    assert report.safety is not None
    assert [each.name for each in (here.paths.data / "backups").iterdir()] == [report.safety.name]
    database = Database(here.paths.database_file)
    database.close()
