"""The chats of GPT4All."""

from pathlib import Path

import pytest

from desktop.chat.importers.gpt4all_reader import Gpt4AllReader
from desktop.chat.importers.qt_data_stream import QtDataError, QtDataStream
from desktop.conversation import DocumentPart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS, ReadExport, read_export, written
from tests.fakes.gpt4all_chat import MAGIC, Item, SubItem, chat_file, int32, rich_chat, string, variant

TALK = [
    Item("Prompt: ", "Guten Tag? 🌍", sources=2),
    Item("Response: ", "こんにちは\n```c\nint x;\n```"),
    Item("Prompt: ", "Bye"),
]


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(Gpt4AllReader(), EXPORTS / "gpt4all" / "gpt4all-5f1c2d3e.chat")


def read_file(folder: Path, data: bytes, name: str = "gpt4all-x.chat") -> ReadExport:
    return read_export(Gpt4AllReader(), written(folder / "export", {name: data}))


def test_the_fixture_is_what_the_writer_writes() -> None:
    assert (EXPORTS / "gpt4all" / "gpt4all-5f1c2d3e.chat").read_bytes() == rich_chat()


@pytest.mark.parametrize("saved", [False, True], ids=["text", "state"])
@pytest.mark.parametrize("version", range(13))
def test_every_version_is_read(version: int, saved: bool, tmp_path: Path) -> None:
    """With the state of a model saved in it, and without."""
    read = read_file(tmp_path, chat_file(version, TALK, title="Grüße 👋", saved=saved))
    (chat,) = read.taken
    assert chat.conversation.title == "Grüße 👋"
    assert chat.conversation.created_at == 1_720_000_000
    assert chat.source_id == "a1b2"
    assert [(message.role, message.text) for message in chat.messages] == [
        ("user", "Guten Tag? 🌍"),
        ("assistant", "こんにちは\n```c\nint x;\n```"),
        ("user", "Bye"),
    ]
    assert [message.model.name for message in chat.messages if message.model] == ["Llama 3 8B Instruct"]
    passages = "“Grüße 👋”: passages of LocalDocs that an answer was made from"
    assert list(read.left_out()) == [passages] * (version >= 3)


def test_thinking_tools_and_files(read: ReadExport) -> None:
    question, answer, _, failed, _, last = read.taken[0].messages
    assert [part.title for part in question.parts if isinstance(part, DocumentPart)] == ["notes.md"]
    assert answer.parts == (
        TextPart("Let me see. "),
        ThinkingPart("Count. 数える。", 1.5),
        ToolCallPart("call-2", "javascript_interpret", '{"code":"6*7","n":3}'),
        ToolResultPart("call-2", "javascript_interpret", (TextPart("42"),)),
        TextPart("It is **42**."),
    )
    assert (failed.status, failed.error) == ("failed", "The answer failed in GPT4All.")
    assert (last.status, last.parts) == ("stopped", (ThinkingPart("Easy."), TextPart("48")))


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“猫 and numbers”: sheet one.xlsx": "Latchkey takes images and text files only.",
        "“猫 and numbers”: passages of LocalDocs that an answer was made from": "Latchkey does not take them.",
        "“猫 and numbers”: a better answer that was proposed": "Latchkey does not know content of this kind.",
    }


def test_a_chat_that_went_on_keeps_its_ids(tmp_path: Path) -> None:
    before = read_file(tmp_path / "a", chat_file(10, TALK[:2])).taken[0]
    after = read_file(tmp_path / "b", chat_file(12, TALK)).taken[0]
    assert after.conversation.id == before.conversation.id
    assert [message.id for message in after.messages[:2]] == [message.id for message in before.messages]


def test_a_file_that_is_cut_gives_its_beginning(tmp_path: Path) -> None:
    data = chat_file(12, TALK)
    read = read_file(tmp_path, data[: data.index("Bye".encode("utf-16-be"))])
    assert len(read.taken[0].messages) == 2
    assert [item.is_damage for item in read.left] == [False, True]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (MAGIC + int32(13) + bytes(50), "A newer GPT4All wrote it."),
        (MAGIC + int32(-1) + bytes(50), "It is no chat of GPT4All."),
        (MAGIC + int32(12) + bytes(9), "It is damaged and cannot be read."),
        (MAGIC + int32(12) + bytes(8) + b"\x7f\xff\xff\xff" + bytes(99), "It is damaged and cannot be read."),
        (b"", "It is no chat of GPT4All."),
    ],
)
def test_what_is_no_chat_is_named_and_others_come_in(data: bytes, why: str, tmp_path: Path) -> None:
    members = {"gpt4all-1.chat": data, "gpt4all-2.chat": chat_file(12, TALK)}
    read = read_export(Gpt4AllReader(), written(tmp_path / "export", members))
    assert len(read.taken) == 1
    assert read.left_out()["export/gpt4all-1.chat"] == why


def test_parts_within_parts_end_somewhere(tmp_path: Path) -> None:
    inner = SubItem("Text: ", "deep")
    for _ in range(50):
        inner = SubItem("Response: ", items=[inner])
    read = read_file(tmp_path, chat_file(12, [TALK[0], Item("Response: ", "x", items=[inner])]))
    assert len(read.taken[0].messages) == 1


def test_halves_of_characters_and_odd_lengths(tmp_path: Path) -> None:
    read = read_file(tmp_path, chat_file(12, [Item("Prompt: ", "a\ud83db")]))
    assert read.taken[0].messages[0].text == "a\ufffdb"
    assert QtDataStream(b"\0\0\0\3\0a\0").string() == "a\ufffd"
    assert QtDataStream(string(None)).string() == ""
    assert QtDataStream(variant(True) + variant(7) + variant("é")).variant() is True
    for data in (b"\0\0\0\x63", b"\0\0\0\x63\0abc", b"\0\0\0\5a"):
        with pytest.raises(QtDataError):
            QtDataStream(data).variant()
