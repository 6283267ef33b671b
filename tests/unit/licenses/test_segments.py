"""A keyring that does not open: the ledger goes on under a new key, and nothing is laundered on the way."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.keyring_key_store import KeyringKeyStore
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import IntegrityError
from desktop.licenses.export import verify_export, write_export
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.storage.ledger_store import LedgerStore
from tests.fakes.ledgers import TEXTS, acknowledged, clock, edit, file_of, rows
from tests.unit.credentials.test_ledger_key_stores import Keyring

Open = Callable[..., Ledger]


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


@pytest.fixture
def opened(home: Path, keyring: Keyring) -> Iterator[Open]:
    """Opens the ledger as another process would, over the one keyring; `session=None` is one without any keyring."""
    with ExitStack() as closing:

        def open_ledger(session: Keyring | None = keyring) -> Ledger:
            keeper = KeyringKeyStore(file_of(home), FileKeyStore(home / "config"), find=lambda: session, patience_s=0.2)
            ledger = Ledger(LedgerStore(file_of(home)), keeper, app_version="0.1.0", os_user="ada", clock=clock())
            closing.callback(ledger.close)
            return ledger

        yield open_ledger


def shut(keyring: Keyring) -> None:
    keyring.error = RuntimeError("Failed to unlock the collection!")


def unlock(keyring: Keyring) -> None:
    keyring.error = None


def accept(ledger: Ledger, model: str) -> None:
    ledger.append(acknowledged(ledger, model, "MIT"))


def standing(ledger: Ledger, model: str) -> str:
    found = ledger.state().acknowledgement(model, "MIT")
    return found.status if found is not None else "missing"


def with_segment(opened: Open, keyring: Keyring) -> Ledger:
    """Three records in the keyring's segment, then a new one as it does not open."""
    first = opened()
    accept(first, "dolly")
    accept(first, "alpaca")
    first.append(LedgerEvent(event="revoked", model="alpaca"))
    shut(keyring)
    ledger = opened()
    ledger.begin_segment()
    return ledger


# --- going on --------------------------------------------------------------------------------------------------------


def test_a_new_segment_leaves_what_was_recorded_and_counts_nothing_of_it(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    check = ledger.check()
    assert (check.ok, check.records, check.sealed_by) == (True, 4, "file")
    assert [(each.first, each.last, each.sealed, each.counts) for each in check.segments] == [
        (1, 3, False, False),
        (4, 4, True, True),
    ]
    assert [record.event for record in ledger.records()] == ["acknowledged", "acknowledged", "revoked", "segment-begun"]
    assert (standing(ledger, "dolly"), standing(ledger, "alpaca")) == ("missing", "missing")
    accept(ledger, "dolly")
    assert standing(opened(), "dolly") == "in-force"


def test_a_ledger_goes_on_under_the_key_in_its_file_without_a_question_to_the_keyring(
    home: Path, opened: Open, keyring: Keyring
) -> None:
    with_segment(opened, keyring)
    keyring.error, keyring.needs_acknowledgement = None, threading.Event()
    keeper = KeyringKeyStore(file_of(home), FileKeyStore(home / "config"), find=lambda: keyring, patience_s=600)
    ledger = Ledger(LedgerStore(file_of(home)), keeper, app_version="1", os_user="ada")
    accept(ledger, "dolly")
    assert ledger.check().ok
    assert standing(ledger, "dolly") == "in-force"
    ledger.close()
    keyring.needs_acknowledgement.set()


def test_a_key_in_its_file_is_used_beside_a_keyring_that_never_answers(home: Path, opened: Open) -> None:
    accept(opened(None), "dolly")
    silent = Keyring()
    silent.needs_acknowledgement = threading.Event()
    ledger = opened(silent)
    assert standing(ledger, "dolly") == "in-force"
    assert ledger.check().ok
    silent.needs_acknowledgement.set()


def test_nothing_is_begun_where_the_key_opens(opened: Open, keyring: Keyring) -> None:
    ledger = opened()
    with pytest.raises(IntegrityError, match="no new segment"):
        ledger.begin_segment()
    accept(ledger, "dolly")
    with pytest.raises(IntegrityError, match="no new segment"):
        ledger.begin_segment()
    assert standing(ledger, "dolly") == "in-force"
    shut(keyring)
    other = opened()
    other.begin_segment()
    with pytest.raises(IntegrityError, match="no new segment"):
        other.begin_segment()
    assert len(other.records()) == 2


def test_a_first_acceptance_behind_a_keyring_that_does_not_open(opened: Open, keyring: Keyring) -> None:
    shut(keyring)
    ledger = opened()
    with pytest.raises(LedgerKeyLockedError, match="new-segment"):
        accept(ledger, "dolly")
    ledger.begin_segment()
    accept(ledger, "dolly")
    (marked,) = ledger.check().marked
    assert "not known" in marked.reason
    assert standing(opened(), "dolly") == "in-force"


def test_a_session_without_the_keyring_goes_on_as_well(opened: Open, keyring: Keyring) -> None:
    accept(opened(), "dolly")
    over_ssh = opened(None)
    with pytest.raises(LedgerKeyLockedError, match="new-segment"):
        over_ssh.state()
    over_ssh.begin_segment()
    assert standing(over_ssh, "dolly") == "missing"
    accept(over_ssh, "dolly")
    assert standing(opened(None), "dolly") == "in-force"


def test_a_lost_key_in_a_file_is_gone_past_in_the_same_way(home: Path, opened: Open) -> None:
    accept(opened(None), "dolly")
    (home / "config" / "ledger-key.json").unlink()
    ledger = opened(None)
    assert ledger.check().kind == "key-lost"
    ledger.begin_segment()
    check = ledger.check()
    assert (check.ok, [each.sealed for each in check.segments]) == (True, [False, True])
    assert standing(ledger, "dolly") == "missing"


def test_a_damaged_file_is_kept_aside(home: Path, opened: Open, keyring: Keyring) -> None:
    ledger = opened()
    accept(ledger, "dolly")
    ledger.close()
    for suffix in ("-wal", "-shm"):
        file_of(home).with_name(f"ledger.db{suffix}").unlink(missing_ok=True)
    file_of(home).write_bytes(b"no database at all" * 300)
    shut(keyring)
    again = opened()
    again.begin_segment()
    assert again.check().ok
    assert len(list((home / "data").glob("ledger.set-aside-*"))) == 1


# --- the keyring opens again -----------------------------------------------------------------------------------------


def test_what_the_keyring_sealed_counts_again_once_it_opens(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    accept(ledger, "pythia")
    unlock(keyring)
    back = opened()
    assert standing(back, "dolly") == "in-force"
    check = back.check()
    assert check.ok
    assert [(each.sealed, each.counts) for each in check.segments] == [(True, True), (True, False)]
    assert standing(back, "pythia") == "missing"  # the key in the file could have been anybody's


def test_what_was_revoked_in_between_stays_revoked(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    ledger.append(LedgerEvent(event="revoked", model="dolly"))
    unlock(keyring)
    assert (standing(opened(), "dolly"), standing(opened(), "alpaca")) == ("revoked", "revoked")


def test_an_acceptance_beside_the_keyring_undoes_no_revocation(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    accept(ledger, "alpaca")
    assert standing(ledger, "alpaca") == "in-force"
    unlock(keyring)
    assert standing(opened(), "alpaca") == "revoked"


def test_the_ledger_goes_back_to_the_keyring_with_its_next_record(opened: Open, keyring: Keyring) -> None:
    with_segment(opened, keyring)
    unlock(keyring)
    back = opened()
    assert back.state().check.ok
    accept(back, "pythia")
    assert [record.event for record in back.records()][3:] == ["segment-begun", "segment-begun", "acknowledged"]
    check = opened().check()
    assert (check.ok, check.sealed_by) == (True, "keyring")
    assert (standing(opened(), "pythia"), standing(opened(), "dolly")) == ("in-force", "in-force")
    shut(keyring)
    with pytest.raises(LedgerKeyLockedError):
        opened().state()
    again = opened()
    again.begin_segment()
    assert standing(again, "pythia") == "missing"
    unlock(keyring)
    assert (standing(opened(), "pythia"), standing(opened(), "alpaca")) == ("in-force", "revoked")


def test_a_process_that_is_open_meanwhile_sees_the_keyring_open(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    before = ledger.stamp()
    assert standing(ledger, "dolly") == "missing"
    unlock(keyring)
    ledger.retry_key()
    ledger.check()
    assert standing(ledger, "dolly") == "in-force"
    assert ledger.stamp() != before


def test_keys_in_the_file_verify_what_they_sealed_after_others_took_their_place(opened: Open, keyring: Keyring) -> None:
    with_segment(opened, keyring)
    for model in ("pythia", "vicuna"):
        unlock(keyring)
        back = opened()
        back.check()
        accept(back, model)
        shut(keyring)
        opened().begin_segment()
    unlock(keyring)
    check = opened().check()
    assert check.ok
    assert [(each.sealed, each.counts) for each in check.segments] == [(True, True), (True, False)] * 3


# --- nothing is laundered --------------------------------------------------------------------------------------------


def test_a_ledger_made_anew_under_a_key_in_a_file_is_found_out(home: Path, opened: Open, keyring: Keyring) -> None:
    accept(opened(), "dolly")
    for file in (home / "data").iterdir():
        file.unlink()
    accept(opened(None), "llama")  # as somebody does who writes to the files, and has no keyring
    ledger = opened()
    check = ledger.check()
    assert (check.ok, check.kind) == (False, "seal")
    assert "nothing in it is sealed" in check.reason
    assert standing(ledger, "llama") == "missing"
    accept_afresh = acknowledged(ledger, "dolly", "MIT")
    ledger.append(accept_afresh, afresh=True)
    check = opened().check()
    assert (check.ok, check.sealed_by) == (True, "keyring")
    assert (standing(opened(), "llama"), standing(opened(), "dolly")) == ("missing", "in-force")


def test_records_left_out_before_a_new_segment_are_missed(home: Path, opened: Open, keyring: Keyring) -> None:
    ledger = opened()
    accept(ledger, "dolly")
    ledger.close()
    shutil.copytree(home / "data", home / "older")
    again = opened()
    again.append(LedgerEvent(event="revoked", model="dolly"))
    again.close()
    shutil.rmtree(home / "data")
    (home / "older").rename(home / "data")
    shut(keyring)
    opened().begin_segment()
    assert standing(opened(), "dolly") == "missing"
    unlock(keyring)
    check = opened().check()
    assert (check.ok, check.kind, check.first_bad) == (False, "shortened", 2)
    assert standing(opened(), "dolly") == "missing"


def revoke_in_a_segment_and_put_the_older_copy_back(home: Path, opened: Open, keyring: Keyring) -> None:
    """Accept, go on in a new segment, revoke there, and bring back the data from before; the keyring stays shut."""
    ledger = opened()
    accept(ledger, "dolly")
    ledger.close()
    shutil.copytree(home / "data", home / "older")
    shut(keyring)
    segment = opened()
    segment.begin_segment()
    segment.append(LedgerEvent(event="revoked", model="dolly"))
    segment.close()
    shutil.rmtree(home / "data")
    (home / "older").rename(home / "data")


def test_a_segment_cannot_be_dropped_to_be_rid_of_what_it_revoked(home: Path, opened: Open, keyring: Keyring) -> None:
    revoke_in_a_segment_and_put_the_older_copy_back(home, opened, keyring)
    again = opened()
    again.begin_segment()  # once more, from before
    check = again.check()
    assert "3 was written already" in check.marked[0].reason
    again.close()
    unlock(keyring)
    assert standing(opened(), "dolly") == "missing"


def test_an_older_copy_beside_an_open_keyring_is_missed_by_what_the_file_remembers(
    home: Path, opened: Open, keyring: Keyring
) -> None:
    revoke_in_a_segment_and_put_the_older_copy_back(home, opened, keyring)
    unlock(keyring)
    check = opened().check()
    assert (check.ok, check.kind) == (False, "shortened")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM segment_seals",
        "UPDATE segment_seals SET mac = 'ff'",
        "UPDATE segment_seals SET seq = 2",
        "UPDATE segment_seals SET kept_in = 'file'",
        "UPDATE segment_seals SET key_id = 'other'",
        "INSERT INTO segment_seals SELECT 2, seq, hash, key_id, kept_in, 'ff' FROM segment_seals",
    ],
)
def test_a_seal_of_an_older_segment_that_was_changed_is_found_once_the_keyring_opens(
    home: Path, opened: Open, keyring: Keyring, statement: str
) -> None:
    with_segment(opened, keyring).close()
    edit(home, statement)
    ledger = opened()
    assert not ledger.check().segments[0].sealed
    assert standing(ledger, "dolly") == "missing"
    unlock(keyring)
    check = opened().check()
    assert (check.ok, check.kind) == (False, "seal")


@pytest.mark.parametrize("seq", [1, 3, 4])
def test_a_record_of_any_segment_that_was_changed_is_found(
    home: Path, opened: Open, keyring: Keyring, seq: int
) -> None:
    with_segment(opened, keyring).close()
    edit(home, f"UPDATE ledger SET person = 'Somebody' WHERE seq = {seq}")
    check = opened().check()
    assert (check.ok, check.first_bad) == (False, seq)


def test_the_segment_cannot_be_hidden(home: Path, opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    accept(ledger, "dolly")
    ledger.close()
    edit(home, "DELETE FROM ledger WHERE seq = 4")
    assert not opened().check().ok


def test_an_older_segment_that_does_not_hold_is_marked_and_not_believed(
    home: Path, opened: Open, keyring: Keyring
) -> None:
    ledger = opened()
    accept(ledger, "dolly")
    ledger.append(LedgerEvent(event="revoked", model="dolly"))
    ledger.close()
    edit(home, "DELETE FROM ledger WHERE seq = 2")
    shut(keyring)
    opened().begin_segment()
    check = opened().check()
    assert (check.ok, check.segments, len(check.marked)) == (True, (), 1)
    assert "cut or restored" in check.marked[0].reason
    unlock(keyring)
    check = opened().check()
    assert not check.ok
    assert standing(opened(), "dolly") == "missing"


def test_a_key_of_another_machine_opens_nothing(home: Path, opened: Open, tmp_path: Path) -> None:
    accept(opened(None), "dolly")
    FileKeyStore(tmp_path / "elsewhere").make_key()
    shutil.copy(tmp_path / "elsewhere" / "ledger-key.json", home / "config" / "ledger-key.json")
    check = opened(None).check()
    assert (check.ok, check.kind) == (False, "key-lost")


def test_a_stray_key_in_the_file_does_not_stand_in_for_the_keyrings(home: Path, opened: Open, keyring: Keyring) -> None:
    accept(opened(), "dolly")
    FileKeyStore(home / "config").make_key()
    assert standing(opened(), "dolly") == "in-force"
    shut(keyring)
    with pytest.raises(LedgerKeyLockedError):
        opened().state()


def sealed_in(home: Path) -> str:
    """The seal as it lies in the file, as SQL writes its values."""
    connection = sqlite3.connect(file_of(home))
    (row,) = connection.execute("SELECT seq, hash, key_id, kept_in, mac FROM seal")
    connection.close()
    return ", ".join(repr(each) for each in row)


def begun_anew_under_a_key_in_a_file(home: Path, opened: Open) -> None:
    """As somebody does who writes to the files and has no keyring: the right way on, without any need for it."""
    stranger = opened(None)
    edit(home, "UPDATE seal SET hash = 'ff'")  # so that what is there is marked
    stranger.begin_segment()
    accept(stranger, "llama")
    stranger.close()


def test_a_chain_begun_anew_beside_the_keyring_counts_nothing_of_it_once_that_opens(
    home: Path, opened: Open, keyring: Keyring
) -> None:
    ledger = opened()
    accept(ledger, "dolly")
    ledger.append(LedgerEvent(event="revoked", model="llama"))
    ledger.close()
    seal = sealed_in(home)
    begun_anew_under_a_key_in_a_file(home, opened)
    edit(home, "DELETE FROM segment_seals", f"INSERT INTO segment_seals VALUES (1, {seal})")
    again = opened()
    assert standing(again, "llama") == "missing"
    (segment,) = again.check().segments
    assert (segment.sealed, segment.counts) == (True, False)
    accept(again, "dolly")
    assert (standing(opened(), "dolly"), standing(opened(), "llama")) == ("in-force", "missing")


def test_a_ledger_made_anew_counts_at_no_moment_beside_a_keyring_that_opens_slowly(
    home: Path, opened: Open, keyring: Keyring
) -> None:
    accept(opened(), "dolly")
    for file in (home / "data").iterdir():
        file.unlink()
    accept(opened(None), "llama")
    keyring.needs_acknowledgement = threading.Event()
    threading.Timer(0.1, keyring.needs_acknowledgement.set).start()
    assert standing(opened(), "llama") == "missing"


# --- gone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_keyring", [True, False])
@pytest.mark.parametrize("anchor", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
def test_a_ledger_that_is_gone_is_missed(
    home: Path, opened: Open, keyring: Keyring, in_keyring: bool, anchor: bool, emptied: bool
) -> None:
    session = keyring if in_keyring else None
    ledger = opened(session)
    accept(ledger, "dolly")
    ledger.close()
    if emptied:
        edit(home, "DELETE FROM ledger", "DELETE FROM seal")
    else:
        shutil.rmtree(home / "data")
    if not anchor:
        for name in [name for name in keyring.secrets if name[1].endswith("-anchor")]:
            del keyring.secrets[name]
        (home / "config" / "ledger-anchor.json").unlink(missing_ok=True)
    check = opened(session).check()
    assert (check.ok, check.kind) == (False, "shortened")
    assert "gone" in check.reason


def test_a_key_made_by_a_process_that_died_before_the_first_record_is_no_ledger(home: Path, opened: Open) -> None:
    FileKeyStore(home / "config").make_key()
    assert opened(None).check().ok


# --- crashes and races -----------------------------------------------------------------------------------------------


def test_a_process_that_dies_before_the_segment_is_written_leaves_the_old_one(
    home: Path, opened: Open, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(opened(), "dolly")
    shut(keyring)
    with monkeypatch.context() as patch:
        patch.setattr(
            "desktop.storage.ledger_store.LedgerWriteTransaction.set_seal",
            lambda *_: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with pytest.raises(KeyboardInterrupt):
            opened().begin_segment()
    assert (home / "config" / "ledger-key.json").exists()
    with pytest.raises(LedgerKeyLockedError):
        opened().state()
    unlock(keyring)
    assert standing(opened(), "dolly") == "in-force"
    shut(keyring)
    opened().begin_segment()
    assert opened().check().ok


_BEGIN = """
import sys
from pathlib import Path
from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.keyring_key_store import KeyringKeyStore
from desktop.errors import IntegrityError
from desktop.licenses.ledger import Ledger
from desktop.storage.ledger_store import LedgerStore
home = Path(sys.argv[1])
keeper = KeyringKeyStore(home / "data" / "ledger.db", FileKeyStore(home / "config"), find=lambda: None)
ledger = Ledger(LedgerStore(home / "data" / "ledger.db"), keeper, app_version="1", os_user="ada")
sys.stdin.read(1)
try:
    print(ledger.begin_segment().seq)
except IntegrityError as error:
    print("there already")
ledger.close()
"""


def test_of_two_processes_at_once_one_begins_the_segment(home: Path, opened: Open) -> None:
    first = opened()
    accept(first, "dolly")
    first.close()
    command = [sys.executable, "-c", _BEGIN, str(home)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for each in both:
        assert each.stdin is not None
        each.stdin.write("x")
        each.stdin.flush()
    said = [each.communicate(timeout=120) for each in both]
    assert {out.strip() for out, _ in said} <= {"2", "there already"}, said
    assert [row["event"] for row in rows(home)] == ["acknowledged", "segment-begun"]
    check = opened(None).check()
    assert (check.ok, check.records) == (True, 2)


# --- exports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["json", "html", "csv", "cdx.json"])
def test_every_export_shows_that_a_segment_began(tmp_path: Path, opened: Open, keyring: Keyring, suffix: str) -> None:
    ledger = with_segment(opened, keyring)
    found = ledger.snapshot()
    file = tmp_path / f"ledger.{suffix}"
    write_export(file, found.records, found.texts, found.check, app_version="1")
    text = file.read_text()
    if suffix == "json":
        said = json.loads(text)["check"]["segments"]
        assert [(each["first"], each["last"], each["sealed"]) for each in said] == [(1, 3, False), (4, 4, True)]
        check = verify_export(file)
        assert check.ok
        assert [(each.first, each.last, each.sealed) for each in check.segments] == [(1, 3, False), (4, 4, False)]
    elif suffix == "cdx.json":
        assert "1-3" in text
        assert "dolly" not in json.dumps(json.loads(text)["components"])
    else:
        assert "segment-begun" in text
    if suffix == "html":
        assert "Records 1 to 3 are unsealed" in text
        assert "in force" not in text


# --- the file itself -------------------------------------------------------------------------------------------------


def test_the_database_keeps_the_seals_of_segments(home: Path, opened: Open, keyring: Keyring) -> None:
    with_segment(opened, keyring).close()
    connection = sqlite3.connect(file_of(home))
    for statement in (
        "DELETE FROM segment_seals",
        "UPDATE segment_seals SET mac = ''",
        "INSERT INTO segment_seals VALUES (5, 1, '', '', '', '')",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()


def test_texts_of_an_older_segment_stay(opened: Open, keyring: Keyring) -> None:
    ledger = with_segment(opened, keyring)
    assert ledger.text(ledger.records()[0].text_sha256) == TEXTS[0]
