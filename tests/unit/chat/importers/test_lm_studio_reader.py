"""The conversations of LM Studio."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.lm_studio_reader import LmStudioReader
from desktop.conversation import DocumentPart, ImagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS, ReadExport, export_members, read_export, written, zipped

GARDEN = "conversations/garden/1741000000123.conversation.json"


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(LmStudioReader(), EXPORTS / "lm-studio")


def test_steps_of_an_answer_are_its_parts(read: ReadExport) -> None:
    answer = read.taken[1].messages[2]
    assert answer.parts == (
        ThinkingPart("It looks like basil."),
        ToolCallPart("881", "plant_lookup", '{"leaf":"round"}'),
        ToolResultPart("881", "plant_lookup", (TextPart("basil"),)),
        TextPart("**Basil**.\n```text\nOcimum\n```"),
    )
    assert answer.model is not None
    assert (answer.model.id, answer.model.name) == ("qwen3-4b", "Qwen3 4B")
    assert answer.created_at == 1741000020.0


def test_versions_are_branches_and_the_chosen_one_goes_on(read: ReadExport) -> None:
    question, other, chosen, more, last = read.taken[1].messages
    assert other.parent_id == chosen.parent_id == question.id
    assert more.parent_id == chosen.id
    assert read.taken[1].conversation.leaf_id == last.id
    assert last.parts == (ThinkingPart("Dry soil."), TextPart("Yes."))


def test_attached_files_come_from_the_folder_beside(read: ReadExport) -> None:
    text, image, document = read.taken[1].messages[0].parts
    assert text == TextPart("What grows here? 庭は？")
    assert isinstance(image, ImagePart)
    assert image.name == "bed.png"
    assert isinstance(document, DocumentPart)
    assert document.text == "Bed 3: herbs ☘\n"


def test_heads_and_folders(read: ReadExport) -> None:
    first, second = (each.conversation for each in read.taken)
    assert (second.title, second.pinned, second.system_prompt) == ("Garden 🌿 بستان", True, "You know plants.")
    assert (second.created_at, second.updated_at) == (1741000000.123, 1741000210.0)
    assert [(folder.id, folder.name) for folder in read.folders] == [(second.folder_id, "garden")]
    assert (first.title, first.title_by, first.folder_id) == ("שלום", "first-turn", None)


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“Garden 🌿 بستان”: gone.pdf": "The file is not in the export.",
        "“Garden 🌿 بستان”: citationBlock": "Latchkey does not know content of this kind.",
    }


def test_a_conversation_that_went_on_keeps_its_ids(tmp_path: Path) -> None:
    """There are no ids of messages in these files."""
    chat = msgspec.json.decode(export_members("lm-studio")[GARDEN])
    before = read_export(LmStudioReader(), EXPORTS / "lm-studio" / GARDEN).taken[0]
    chat["name"] = "Another name"
    chat["messages"].append({"versions": [{"role": "user", "content": [{"type": "text", "text": "Thanks."}]}]})
    path = tmp_path / "copy of it.conversation.json"
    path.write_bytes(msgspec.json.encode(chat))
    after = read_export(LmStudioReader(), path).taken[0]
    assert after.conversation.id == before.conversation.id
    assert [message.id for message in before.messages][:2] == [message.id for message in after.messages][:2]
    assert len(after.messages) == len(before.messages) + 1


def test_a_file_outside_the_export_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    message = {"role": "user", "content": [{"type": "file", "fileIdentifier": "../../secret.txt", "name": "a.txt"}]}
    chat = {"createdAt": 1, "messages": [{"versions": [message]}, {"versions": [{"role": "user", "content": "x"}]}]}
    export = written(tmp_path / "export", {"conversations/1.conversation.json": msgspec.json.encode(chat)})
    read = read_export(LmStudioReader(), export)
    assert [message.text for message in read.taken[0].messages] == ["x"]
    assert read.left_out() == {"“x”: a.txt": "The file is not in the export."}


def test_one_damaged_conversation_costs_only_itself(tmp_path: Path) -> None:
    members: dict[str, Any] = export_members("lm-studio")
    members[GARDEN] = members[GARDEN][:-100]
    read = read_export(LmStudioReader(), zipped(tmp_path / "chats.zip", members))
    assert [each.conversation.title for each in read.taken] == ["שלום"]
    assert [(item.what, item.is_damage) for item in read.left] == [(f"chats.zip/{GARDEN}", True)]
