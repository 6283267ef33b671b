"""The data export of ChatGPT."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.chatgpt_reader import ChatGptReader
from desktop.conversation import DocumentPart, ImagePart, Message, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS, ReadExport, export_members, read_export, written


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(ChatGptReader(), EXPORTS / "chatgpt")


def shown(read: ReadExport, number: int) -> list[Message]:
    """The branch shown, root first."""
    each = read.taken[number]
    by_id = {message.id: message for message in each.messages}
    at, path = each.conversation.leaf_id, list[Message]()
    while at is not None:
        path.insert(0, by_id[at])
        at = path[0].parent_id
    return path


def chat_of(folder: Path, *messages: dict[str, Any], **more: Any) -> ReadExport:
    """A conversation of these messages one below the other."""
    nodes = {
        str(number): {"id": str(number), "parent": str(number - 1), "children": [], "message": message}
        for number, message in enumerate(messages)
    }
    chat = {"id": "c", "title": "T", "mapping": nodes, "current_node": str(len(messages) - 1), **more}
    return read_export(ChatGptReader(), written(folder / "export", {"conversations.json": msgspec.json.encode([chat])}))


def said(role: str, *parts: Any, **more: Any) -> dict[str, Any]:
    return {"author": {"role": role}, "content": {"content_type": "text", "parts": list(parts)}, **more}


def test_an_answer_of_many_nodes_is_one_message(read: ReadExport) -> None:
    path = shown(read, 0)
    assert [message.role for message in path] == ["user", "assistant"] * 3
    thinking, text = path[1].parts
    assert thinking == ThinkingPart("**Choosing flour**\n\nRye wakes a starter sooner.\n\nThen a long rest.", 4.0)
    assert isinstance(text, TextPart)
    assert "([bread.example](https://bread.example/))" in text.text
    assert "```python\nwater = 0.7 * flour\n```" in text.text
    assert path[3].parts == (
        ToolCallPart("c2", "python", '{"input":"print(3 * 850)"}'),
        ToolResultPart("c2", "python", (TextPart("2550"),)),
        TextPart("They weigh **2550 g**."),
    )
    assert [message.model.id for message in path if message.model] == ["gpt-5-thinking"] * 3


def test_the_answer_that_was_replaced_is_a_branch(read: ReadExport) -> None:
    first, *others = read.taken[0].messages
    replaced, answer = (message for message in others if message.parent_id == first.id)
    assert replaced.text == "اخلط الدقيق والماء."
    assert answer.thinking


def test_images_and_texts_of_the_archive_come_along(read: ReadExport) -> None:
    question = shown(read, 0)[2]
    image, text, notes = question.parts
    assert isinstance(image, ImagePart)
    assert (image.name, image.media_type) == ("loaf.png", "image/png")
    assert text == TextPart("How many grams are 3 of these loaves?")
    assert isinstance(notes, DocumentPart)
    assert (notes.title, notes.text) == ("notes.txt", "One loaf is 850 g — naïve, だいたい.\n")
    drawn = [part for part in shown(read, 0)[5].parts if isinstance(part, ImagePart)]
    data = {attachment.sha256: attachment.data for attachment in read.taken[0].attachments}
    members = export_members("chatgpt")
    assert data[image.sha256] == members["file-Loaf01-loaf.png"]
    assert data[drawn[0].sha256] == members["file_000000002dfe-sanitized.png"]


def test_what_was_said_comes_where_it_was_heard_and_a_canvas_as_text(read: ReadExport) -> None:
    question, answer = shown(read, 0)[4:6]
    assert question.text == "Draw me a loaf."
    assert "# Sourdough\n\nFlour, water, salt." in answer.text
    assert "Successfully created" not in repr(answer)
    assert answer.status == "stopped"


def test_what_is_hidden_there_stays_hidden_but_for_ones_own_instructions(read: ReadExport) -> None:
    head = read.taken[0].conversation
    assert head.system_prompt == "I bake.\n\nBe brief."
    assert "An inner note." not in repr(read.taken[0].messages)
    assert head.leaf_id == shown(read, 0)[-1].id


def test_heads(read: ReadExport) -> None:
    first, second = (each.conversation for each in read.taken)
    assert (first.title, first.title_by, first.created_at) == ("خبز 🍞 sourdough", "person", 1740000000.0)
    assert (first.pinned, first.archived_at) == (False, None)
    assert (second.title_by, second.pinned, second.archived_at) == ("first-turn", True, 1700000003.0)
    assert read.taken[1].source_id == "c-2"


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“خبز 🍞 sourdough”: paper.pdf": "The file is not in the export.",
        "“خبز 🍞 sourdough”: a recording": "Latchkey does not take audio or video.",
        "“خبز 🍞 sourdough”: a hidden message": "ChatGPT does not show it either.",
        "“Name three ports”: super_widget": "Latchkey does not know content of this kind.",
        "“Nothing was said”: the conversation": "There is no message in it.",
        "The folder of 1 conversation": "The names of folders are not in the export.",
        "message_feedback.json, user.json": "Latchkey takes the conversations of this export, and nothing else.",
    }


def test_an_export_in_parts_comes_as_a_whole(tmp_path: Path) -> None:
    chats = msgspec.json.decode(export_members("chatgpt")["conversations.json"])
    parts = {f"conversations-{n:03}.json": msgspec.json.encode([chat]) for n, chat in enumerate(chats)}
    whole = read_export(ChatGptReader(), EXPORTS / "chatgpt").taken
    files = {name: data for name, data in export_members("chatgpt").items() if name.startswith("file")}
    assert read_export(ChatGptReader(), written(tmp_path / "export", parts | files)).taken == whole
    parts["conversations-001.json"] = b"["
    damaged = read_export(ChatGptReader(), written(tmp_path / "other", parts | files))
    assert damaged.taken == whole[:1]
    assert [item.what for item in damaged.left if item.is_damage] == ["other/conversations-001.json"]


def test_a_later_export_extends_a_conversation(tmp_path: Path) -> None:
    before = chat_of(tmp_path / "a", said("user", "One?"), said("assistant", "1"))
    after = chat_of(tmp_path / "b", said("user", "One?"), said("assistant", "1"), said("user", "Two?"))
    assert after.taken[0].conversation.id == before.taken[0].conversation.id
    assert [message.id for message in after.taken[0].messages][:2] == [
        message.id for message in before.taken[0].messages
    ]


def test_links_that_lead_in_circles_or_nowhere_lose_no_message(tmp_path: Path) -> None:
    nodes = {
        "a": {"parent": "b", "message": said("user", "a")},
        "b": {"parent": "a", "message": said("assistant", "b")},
        "c": {"parent": "c", "message": said("user", "c")},
        "d": {"parent": "nowhere", "message": said("user", "d")},
        "e": {"parent": "f", "message": None},
        "f": {"parent": "e", "message": None},
        "g": {"parent": "f", "message": said("user", "g")},
    }
    read = chat_of(tmp_path, mapping=nodes, current_node="e")
    assert {message.text for message in read.taken[0].messages} == set("abcdg")


def test_a_call_with_arguments_in_json_keeps_them(tmp_path: Path) -> None:
    code = {"content_type": "code", "language": "json", "text": '{"q": "ports"}'}
    failed = {"content_type": "system_error", "name": "Timeout", "text": "No answer."}
    read = chat_of(
        tmp_path,
        {"author": {"role": "assistant"}, "recipient": "web.run", "content": code},
        {"author": {"role": "tool", "name": "web.run"}, "content": failed},
    )
    assert read.taken[0].messages[0].parts == (
        ToolCallPart("0", "web.run", '{"q": "ports"}'),
        ToolResultPart("0", "web.run", (TextPart("Timeout\nNo answer."),), is_error=True),
    )


@pytest.mark.parametrize(
    "pointer", ["sediment://../../../etc/passwd", "file-service://file-", "https://x.example/a.png"]
)
def test_an_image_is_taken_from_the_export_alone(tmp_path: Path, pointer: str) -> None:
    part = {"content_type": "image_asset_pointer", "asset_pointer": pointer}
    read = chat_of(tmp_path, said("user", part, "What is it?"))
    assert read.taken[0].messages[0].parts == (TextPart("What is it?"),)
    assert list(read.left_out().values()) == ["The file is not in the export."]
