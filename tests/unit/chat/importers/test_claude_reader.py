"""The data export of Claude."""

from pathlib import Path

import msgspec
import pytest

from desktop.chat.importers.claude_reader import ClaudeReader
from desktop.conversation import DocumentPart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS, ReadExport, export_members, read_export, written


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(ClaudeReader(), EXPORTS / "claude")


def test_thinking_tools_and_text_keep_their_order(read: ReadExport) -> None:
    answer = read.taken[0].messages[2]
    thinking, *rest = answer.parts
    assert thinking == ThinkingPart("Which clef? 低音部。", 3.5)
    assert rest[:3] == [
        TextPart("I look it up."),
        ToolCallPart("toolu_01", "web_search", '{"query":"C major scale"}'),
        ToolResultPart("toolu_01", "web_search", (TextPart("Scales\nhttps://scales.example/"), TextPart("C D E F"))),
    ]
    assert rest[3:] == [
        TextPart(
            "It has seven notes, as [Scales](https://scales.example/) says.\n\n"
            '**scale.py**\n\n```python\nNOTES = "CDEFGAB"\n```\n\nDone.'
        )
    ]


def test_branches_hang_where_they_did_and_the_newest_is_shown(read: ReadExport) -> None:
    first = read.taken[0]
    texts = {message.id: message.text for message in first.messages}
    question = first.messages[0]
    below = [message for message in first.messages if message.parent_id == question.id]
    assert [message.text[:9] for message in below] == ["First try", "I look it"]
    assert texts[first.conversation.leaf_id or ""] == "```\nC D E\n```"


def test_the_text_of_attachments_is_there(read: ReadExport) -> None:
    scale, pasted, text = read.taken[0].messages[0].parts
    assert scale == DocumentPart("scale.md", "# C D E")
    assert pasted == DocumentPart("Pasted text", "pasted words")
    assert text == TextPart("Write a scale. לילה טוב")


def test_an_old_export_without_blocks_is_a_line_of_messages(read: ReadExport) -> None:
    old = read.taken[1]
    assert [message.text for message in old.messages] == ["Old export, no blocks?", "None."]
    assert old.messages[1].parent_id == old.messages[0].id
    assert old.conversation.created_at == 1698919200.0
    assert old.conversation.title_by == "first-turn"


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“Étude in C 🎹”: score.png": "The file is not in the export.",
        "“Étude in C 🎹”: Thanks": "Latchkey does not take audio or video.",
        "“Étude in C 🎹”: hologram": "Latchkey does not know content of this kind.",
        "“Empty”: the conversation": "There is no message in it.",
        "memories.json, projects.json, users.json": (
            "Latchkey takes the conversations of this export, and nothing else."
        ),
    }


def test_the_leaf_that_the_export_names_is_shown(tmp_path: Path) -> None:
    chats = msgspec.json.decode(export_members("claude")["conversations.json"])
    chats[0]["current_leaf_message_uuid"] = "m2"
    read = read_export(ClaudeReader(), written(tmp_path, {"conversations.json": msgspec.json.encode(chats)}))
    assert read.taken[0].conversation.leaf_id == read.taken[0].messages[1].id


def test_one_conversation_by_itself_is_read(tmp_path: Path) -> None:
    chats = msgspec.json.decode(export_members("claude")["conversations.json"])
    path = tmp_path / "étude.json"
    path.write_bytes(b"\xef\xbb\xbf" + msgspec.json.encode(chats[0]))
    assert read_export(ClaudeReader(), path).taken == read_export(ClaudeReader(), EXPORTS / "claude").taken[:1]
