"""Fields and times of JSON that other programs wrote, and what of a damaged file is read."""

from pathlib import Path
from typing import Any

import pytest

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import as_name, decoded, exported_objects, json_text, key_paths, seconds
from desktop.chat.importers.imported_conversation import SkippedItem
from desktop.errors import IntegrityError
from tests.fakes.exports import written

NO_TIMES: list[Any] = [
    *(None, True, "", "soon", -5, float("nan"), float("inf"), "nan", 10**400, [], {}),
    *("9999-99-99", "0001-01-01T00:00:00+14:00", "1" * 5000, 1e300),
]
NAMES: list[Any] = ["a", 7, None, True, 1.5, [], 10**30]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1700000000, 1.7e9),
        (1700000000.5, 1700000000.5),
        (1700000000500, 1700000000.5),
        (1700000000500000, 1700000000.5),
        (1700000000500000000, 1700000000.5),
        ("1700000000500", 1700000000.5),
        ("2023-11-14T22:13:20Z", 1.7e9),
        ("2023-11-14T22:13:20.500+00:00", 1700000000.5),
        ("2023-11-14T23:13:20+01:00", 1.7e9),
        ("2023-11-14 22:13:20", 1.7e9),
    ],
)
def test_times(value: Any, time: float) -> None:
    assert seconds(value) == time


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:20])
def test_what_is_no_time(value: Any) -> None:
    assert seconds(value) == 0.0


def test_names() -> None:
    assert list(map(as_name, NAMES)) == ["a", "7", "", "", "", "", ""]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, '{"a":1}'),
        ('{"a": 1}', '{"a": 1}'),
        ("print(1)", '{"input":"print(1)"}'),
        ("[1]", '{"input":"[1]"}'),
        ("", "{}"),
        (None, "{}"),
    ],
)
def test_arguments_are_json(value: Any, text: str) -> None:
    assert json_text(value) == text


def test_json_that_other_parsers_refuse() -> None:
    assert decoded(b'["\\ud83d", "\xff"]') == ["\ufffd", "\ufffd"]
    assert str(decoded(b"[NaN, Infinity]")) == "[nan, inf]"
    for damaged in (b"", b"{", b"[1,]", b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            decoded(damaged)


def test_keys_of_the_beginning() -> None:
    head = b'\xef\xbb\xbf [{"a": {"b": [{"c": 1}], "d\\"e": "{\\"f\\": 1}"}, "g": [[{"h": 0}]]}, {"i'
    assert key_paths(head) == {"[].a", "[].a.b", "[].a.b[].c", '[].a.d\\"e', "[].g", "[].g[][].h"}
    assert not key_paths(b"no JSON")
    assert not key_paths(b'"a": 1')


def test_a_damaged_entry_costs_only_itself(tmp_path: Path) -> None:
    data = b'[{"a": 1}, {"a": nonsense}, 5, {"a": "\xff"}, {"a": NaN}, {"a": 2}, {"a": 3'
    with ExportFiles(written(tmp_path / "export", {"x.json": data})) as files:
        found = list(exported_objects(files, ["x.json"]))
    values = [each["a"] for each in found if isinstance(each, dict)]
    assert [str(value) for value in values] == ["1", "\ufffd", "nan", "2"]
    left = [(each.what, each.is_damage) for each in found if isinstance(each, SkippedItem)]
    assert left == [("export/x.json, entry 2", False), ("export/x.json, entry 3", False), ("export/x.json", True)]


@pytest.mark.parametrize("data", [b"", b"{", b"nonsense", b"[", b'[{"a": 1'])
def test_a_file_of_which_nothing_can_be_read_is_an_error(data: bytes, tmp_path: Path) -> None:
    with ExportFiles(written(tmp_path / "export", {"x.json": data})) as files, pytest.raises(IntegrityError):
        list(exported_objects(files, ["x.json"]))
