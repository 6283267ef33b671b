"""The chain by itself, over values: what an export of the ledger can be given, too."""

import json

import msgspec
import pytest

from desktop.licenses.ledger_chain import GENESIS, canonical_json, chain_digest, chain_record, check_chain, record_hash
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord
from desktop.storage.ledger_store import RECORD_COLUMNS


def chain(count: int, begin: LedgerRecord | None = None) -> list[LedgerRecord]:
    """So many records, each after the one before it."""
    records: list[LedgerRecord] = []
    previous = begin
    for _ in range(count):
        previous = follow(previous, LedgerEvent(event="loaded", model="a"))
        records.append(previous)
    return records


def follow(
    before: LedgerRecord | None, fact: LedgerEvent, time: str = "2026-01-01T00:00:00.000Z", previous: str = ""
) -> LedgerRecord:
    return chain_record(
        fact,
        seq=before.seq + 1 if before else 1,
        time=time,
        os_user="ada",
        app_version="1",
        previous=previous or (before.hash if before else GENESIS),
    )


def test_canonical_json_is_what_any_language_can_make_again() -> None:
    """For every character there is: the encoder that is quick gives the same as Python's own."""
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    values: dict[str, str | int] = {"seq": 12, "b": every, "a": 'ä\n\x00"\\/\u2028'}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_json(values) == text.encode()


def test_a_hash_covers_every_field_but_itself() -> None:
    (record,) = chain(1)
    for field in msgspec.structs.fields(LedgerRecord):
        other = 7 if field.name == "seq" else "x"
        changed = msgspec.structs.replace(record, **{field.name: other})
        assert (record_hash(changed) == record.hash) == (field.name == "hash"), field.name


def test_the_file_has_a_column_for_every_field() -> None:
    assert LedgerRecord.__struct_fields__ == RECORD_COLUMNS


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_an_untouched_chain_holds(count: int) -> None:
    check = check_chain(chain(count))
    assert (check.ok, check.records, check.first_bad, check.reason) == (True, count, None, "")


@pytest.mark.parametrize(
    ("order", "first_bad"),
    [
        ([0, 1, 3, 4], 3),
        ([1, 2, 3], 1),
        ([0, 2, 1, 3], 2),
        ([0, 1, 1, 2], 2),
        ([0, 1, 2, 1, 3], 2),
        ([0, 1, 2, 0], 1),
        ([4, 3, 2, 1, 0], 1),
    ],
)
def test_gaps_swaps_and_doubles_are_named(order: list[int], first_bad: int) -> None:
    records = chain(5)
    check = check_chain([records[at] for at in order])
    assert (check.ok, check.first_bad) == (False, first_bad)
    assert str(first_bad) in check.reason


@pytest.mark.parametrize("seq", [0, -1, 2, 2**70, True, "1", 1.0, None])
def test_a_first_record_with_another_number_is_found(seq: object) -> None:
    (record,) = chain(1)
    changed = msgspec.structs.replace(record, seq=seq)
    assert not check_chain([changed]).ok
    assert not check_chain([changed, *restarted(chain(2))[1:]]).ok


@pytest.mark.parametrize("value", [b"ada", 1, None, 1.5, ["ada"], "\ud800"])
def test_a_field_of_another_kind_is_found(value: object) -> None:
    records = chain(3)
    records[1] = msgspec.structs.replace(records[1], person=value)
    check = check_chain(records)
    assert (check.ok, check.first_bad) == (False, 2)
    assert not check_chain([*records[:2], *restarted(chain(3))[2:]]).ok


def test_an_unknown_event_is_found_though_its_hash_is_right() -> None:
    first, *_ = chain(1)
    odd = follow(first, LedgerEvent(event="blessed"))  # type: ignore[arg-type]
    check = check_chain([first, odd, *chain(2, odd)])
    assert (check.ok, check.first_bad) == (False, 2)
    assert "blessed" in check.reason


def test_a_record_that_was_replaced_is_told_from_the_one_after_it() -> None:
    records = chain(5)
    replaced = follow(records[1], LedgerEvent(event="loaded", model="b"))
    assert check_chain([*records[:2], replaced, *records[3:]]).first_bad == 3
    astray = follow(records[1], LedgerEvent(event="loaded", model="a"), previous="e" * 64)
    assert check_chain([*records[:2], astray, *records[3:]]).first_bad == 3


def test_a_clock_that_went_back_is_told_and_no_fault() -> None:
    records = chain(2)
    records.append(follow(records[-1], LedgerEvent(event="loaded"), time="2025-12-31T00:00:00.000Z"))
    records.append(follow(records[-1], LedgerEvent(event="loaded"), time="2025-12-31T00:00:01.000Z"))
    check = check_chain(records)
    assert check.ok
    assert check.clock_back == (3,)


# --- begun anew ------------------------------------------------------------------------------------------------------


def restarted(records: list[LedgerRecord], note: str = "Broken.") -> list[LedgerRecord]:
    """The same, marked, and two more records behind them."""
    begin = follow(
        records[-1] if records else None, LedgerEvent(event="restarted", note=note), previous=chain_digest(records)
    )
    return [*records, begin, *chain(2, begin)]


def broken() -> list[LedgerRecord]:
    records = chain(4)
    records[1] = msgspec.structs.replace(records[1], model="b")
    return records


def test_marked_records_may_be_wrong_but_not_change() -> None:
    records = restarted(broken())
    check = check_chain(records)
    assert check.ok
    assert check.trusted == 4
    (mark,) = check.marked
    assert (mark.first, mark.last, mark.reason, mark.time) == (1, 4, "Broken.", records[4].time)
    records[0] = msgspec.structs.replace(records[0], note="x")
    assert check_chain(records).first_bad == 1


def test_a_record_may_be_missing_before_the_mark_but_none_since() -> None:
    records = restarted([*chain(5)[:2], *chain(5)[3:]])
    assert check_chain(records).ok
    assert check_chain(records[1:]).first_bad == 1
    del records[3]
    assert not check_chain(records).ok


def test_marks_follow_each_other() -> None:
    twice = restarted(restarted(broken(), "First."), "Second.")
    check = check_chain(twice)
    assert check.ok
    assert [(mark.first, mark.last, mark.reason) for mark in check.marked] == [(1, 4, "First."), (5, 7, "Second.")]


def test_a_ledger_begun_anew_from_nothing_marks_nothing() -> None:
    check = check_chain(restarted([]))
    assert check.ok
    assert [(mark.first, mark.last) for mark in check.marked] == [(0, 0)]


def test_a_restart_that_marks_something_else_is_found() -> None:
    records = chain(3)
    forged = follow(records[-1], LedgerEvent(event="restarted"), previous=chain_digest(chain(2)))
    assert check_chain([*records, forged]).first_bad == 4
    in_line = follow(records[-1], LedgerEvent(event="restarted"))
    assert check_chain([*records, in_line, *chain(2, in_line)]).first_bad == 4


def test_a_restart_whose_own_hash_is_wrong_marks_nothing() -> None:
    records = restarted(broken())
    records[4] = msgspec.structs.replace(records[4], note="Nothing was wrong.")
    check = check_chain(records)
    assert (check.ok, check.first_bad, check.marked) == (False, 2, ())
