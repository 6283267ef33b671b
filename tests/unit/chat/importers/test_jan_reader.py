"""The conversations of Jan."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.imported_conversation import ImportedConversation
from desktop.chat.importers.jan_reader import JanReader
from desktop.conversation import DocumentPart, ImagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS, ReadExport, export_members, read_export, written


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(JanReader(), EXPORTS / "jan")


def thread(read: ReadExport, source_id: str) -> ImportedConversation:
    return next(each for each in read.taken if each.source_id == source_id)


def test_a_thread_of_0_5(read: ReadExport) -> None:
    old = thread(read, "th-05")
    assert old.conversation.title == "Maße 📏"
    assert old.messages[1].parts == (ThinkingPart("Einfach."), TextPart("100 cm."))
    assert (old.messages[3].status, old.messages[3].error) == ("failed", "Out of memory")
    assert [message.model.id for message in old.messages if message.model] == ["llama3.2-1b-instruct"] * 2


def test_a_thread_of_0_7(read: ReadExport) -> None:
    newer = thread(read, "th-07")
    question, answer, _, other, _, last = newer.messages
    document, text, image = question.parts
    assert (document, text) == (DocumentPart("map.txt", "Tokyo: 35.7 N"), TextPart("東京の天気は？"))
    assert isinstance(image, ImagePart)
    assert answer.parts == (
        ThinkingPart("Look it up."),
        ToolCallPart("tc1", "weather", '{"city":"東京"}'),
        ToolResultPart("tc1", "weather", (TextPart("rain, 18"),)),
        TextPart("雨です。"),
    )
    assert other.parts == (
        ToolCallPart("tc2", "weather", '{"city": "Oslo"}'),
        ToolResultPart("tc2", "weather", (TextPart("snow"),)),
        image,
        TextPart("Here."),
    )
    assert last.status == "stopped"
    assert newer.conversation.pinned
    assert newer.conversation.system_prompt == "Be exact."
    assert question.created_at == 1755000001.234
    assert [(folder.id, folder.name) for folder in read.folders] == [(newer.conversation.folder_id, "Weather")]


def test_a_thread_of_0_8_is_a_tree_of_which_the_active_branch_is_shown(read: ReadExport) -> None:
    newest = thread(read, "th-08")
    texts = {message.id: message.text for message in newest.messages}
    links = {
        message.text: None if message.parent_id is None else texts[message.parent_id] for message in newest.messages
    }
    assert links == {
        "Pick a fruit.": None,
        "Fig.": "Pick a fruit.",
        "Plum.": "Pick a fruit.",
        "Another?": "Fig.",
        "Quince.": "Another?",
        "Pick a nut.": None,
        "Hazel.": "Pick a nut.",  # it had lost its link
    }
    assert texts[newest.conversation.leaf_id or ""] == "Quince."
    answer = next(message for message in newest.messages if message.text == "Quince.")
    assert answer.parts[:2] == (
        ToolCallPart("tc9", "fruits", "{}"),
        ToolResultPart("tc9", "fruits", (TextPart("list of fruit"),)),
    )


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“Maße 📏”: plan.pdf": "The file is not in the export.",
        "“天気 ☔”: atlas.pdf": "The file is not in the export.",
    }


def test_a_damaged_line_costs_only_itself(tmp_path: Path) -> None:
    members = export_members("jan")
    name = "threads/th-07/messages.jsonl"
    lines = members[name].splitlines()
    lines[2] = lines[2][:50]
    members[name] = b"\r\n".join([*lines, b"\xff\xfe nonsense"])
    members["threads/th-05/thread.json"] = b"{"
    read = read_export(JanReader(), written(tmp_path / "export", members))
    assert len(thread(read, "th-07").messages) == 5
    assert len(thread(read, "th-05").messages) == 4
    assert read.left_out()["“天気 ☔”: a message and 1 more"] == "It is damaged and cannot be read."
    assert [item.what for item in read.left if item.is_damage] == ["export/threads/th-05/thread.json"]


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    def message(key: str, parent: str | None, child: str) -> dict[str, Any]:
        meta = {"parentId": parent, "activeChildId": child}
        return {
            "id": key,
            "thread_id": "t",
            "role": "user",
            "content": [{"type": "text", "text": key}],
            "metadata": meta,
        }

    lines = [message("a", None, "b"), message("b", "a", "c"), message("c", "b", "b"), message("d", "d", "d")]
    path = tmp_path / "messages.jsonl"
    path.write_bytes(msgspec.json.Encoder().encode_lines(lines))
    (found,) = read_export(JanReader(), path).taken
    assert {message.text for message in found.messages} == {"a", "b", "c", "d"}
    assert next(message.text for message in found.messages if message.id == found.conversation.leaf_id) == "c"
