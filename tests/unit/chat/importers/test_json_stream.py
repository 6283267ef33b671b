"""Large JSON, one value after another: whatever its encoding, wherever the pieces end, whole or not."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable

import pytest

from desktop.chat.importers import json_stream
from desktop.chat.importers.json_stream import MalformedJsonError, decode_json, json_lines, json_values, repaired

LIST = [{"a": [1, {"b": 'x]}\\"['}, [[]], [[1], {"c": {}}]], "u": "ä\u2028🔑"}, 'str"ing', 12.5, None, True, [], {}]
OBJECT = {"format": "x", "list": LIST, "one": {"k": LIST, "l": {}}, "none": [], "n": -1e3}


def steps(data: bytes, size: int) -> Callable[[int], bytes]:
    file = io.BytesIO(data)
    return lambda wanted: file.read(min(wanted, size))


def read(data: bytes, *expanded: str, size: int = 1 << 20) -> list[tuple[str, object]]:
    return [(key, json.loads(value)) for key, value in json_values(steps(data, size), *expanded)]


@pytest.mark.parametrize("size", [4, 5, 7, 64, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("indent", [None, 1])
def test_the_values_of_a_list_come_one_by_one(
    monkeypatch: pytest.MonkeyPatch, encoding: str, size: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", 4)
    data = json.dumps(LIST, ensure_ascii=False, indent=indent).encode(encoding)
    assert [value for _, value in read(data, size=size)] == LIST


def test_members_come_with_their_keys_and_those_named_value_by_value() -> None:
    data = json.dumps(OBJECT, indent=2).encode()
    assert read(data) == list(OBJECT.items())
    assert read(data, "list", "one", "none", "n") == [
        ("format", "x"),
        *(("list", each) for each in LIST),
        ("one", {"k": LIST}),
        ("one", {"l": {}}),
        ("n", -1e3),
    ]


@pytest.mark.parametrize("document", [LIST, OBJECT])
def test_a_document_that_is_cut_gives_what_is_whole_and_says_so(document: object) -> None:
    data = json.dumps(document).encode()
    whole = read(data, "list")
    for cut in range(len(data)):
        given: list[tuple[str, bytes]] = []
        with pytest.raises(MalformedJsonError):
            given.extend(json_values(steps(data[:cut], 1 << 20), "list"))
        # A number that ends with the file may have gone on.
        assert [(key, json.loads(value)) for key, value in given[:-1]] == whole[: max(len(given) - 1, 0)]


@pytest.mark.parametrize(
    "data",
    [b"", b"  ", b"x", b"12", b'"text"', b"[1 2]", b"[,]", b'{"a" 1}', b'{"a":1 "b":2}', b"{1:2}", b"{]", b"\x00"],
)
def test_what_is_no_document_says_so(data: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        read(data)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"[" * 600 + b"]" * 600 + b"]"])
def test_what_is_too_deep_is_said_and_does_not_take_long(data: bytes) -> None:
    with pytest.raises(MalformedJsonError, match="deep"):
        read(data)


def test_a_value_or_a_line_that_is_too_large_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LARGEST_VALUE", 5_000)
    monkeypatch.setattr(json_stream, "_PIECE", 100)
    asked = []

    def endless(size: int) -> bytes:
        asked.append(size)
        return b'["' + b"x" * size if len(asked) == 1 else b"x" * size

    for use in (json_values, json_lines):
        asked.clear()
        with pytest.raises(MalformedJsonError, match="large"):
            list(use(endless))
        assert sum(asked) < 50_000


def test_a_list_of_very_many_values_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_MOST_VALUES", 100)
    assert len(read(b"[" + b"0," * 99 + b"0]")) == 100
    for data in (b"[" + b"0," * 100 + b"0]", b"{" + b",".join(b'"%d":0' % n for n in range(101)) + b"}"):
        with pytest.raises(MalformedJsonError, match="many"):
            read(data)


def test_lines_come_without_blank_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", 8)
    data = '{"a":"ä"}\r\n\n  \n[1]\n{"last":true}'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        lines = [json.loads(line) for line in json_lines(io.BytesIO(data.encode(encoding)).read)]
        assert lines == [{"a": "ä"}, [1], {"last": True}]


def test_broken_characters_are_repaired_and_all_else_stays() -> None:
    sound = rb'"\ud83d\ude00 \n \\ud83d \u00e9 caf\u00e9"'
    assert repaired(sound) == (sound, False)
    assert decode_json(repaired(rb'"\ud83d x \ude00 \ud83d\ud83d\ude00"')[0], str) == "\ufffd x \ufffd \ufffd😀"
    assert repaired(b'"\xffa\xe4"') == ('"\ufffda\ufffd"'.encode(), True)
    assert decode_json(rb'{"half": "\ud83d"}', dict) == {"half": "\ufffd"}


def test_no_bytes_at_all_make_it_fail() -> None:
    chosen = random.Random(7)
    for _ in range(5_000):
        data = bytes(chosen.choice(b'[]{}",:\\u1 a\xff') for _ in range(chosen.randint(0, 30)))
        try:
            for _, value in json_values(steps(data, chosen.choice((1, 100))), "a"):
                decode_json(value, object)
        except MalformedJsonError:
            pass
