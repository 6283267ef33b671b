"""Exports of llama.cpp's web UI: both forms, branches, thinking, tools, images; and what is left out."""

from __future__ import annotations

import zipfile
from pathlib import Path

from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.llama_ui_reader import LlamaUiReader
from desktop.conversation import DocumentPart, ImagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from tests.fakes.exports import EXPORTS

LINES = EXPORTS / "llama-ui" / "2026-01-01_conv_6f1c_the_cat.jsonl"
FORMER = EXPORTS / "llama-ui" / "former.json"


def read(path: Path) -> tuple[list[ImportedConversation], list[SkippedItem]]:
    with ExportFiles(path) as files:
        reader = LlamaUiReader()
        assert next(each.app for each in all_readers() if each.recognizes(files)) == reader.app
        items = list(reader.read(files))
    return (
        [each for each in items if isinstance(each, ImportedConversation)],
        [each for each in items if isinstance(each, SkippedItem)],
    )


def test_a_tree_comes_with_all_that_it_holds() -> None:
    (cat,), left = read(LINES)
    head = cat.conversation
    assert (head.title, head.system_prompt, head.pinned, cat.source_id) == (
        "The cat 🐈",
        "Answer briefly.",
        True,
        "6f1c",
    )
    by_text = {message.text: message for message in cat.messages}
    asked, first, second = by_text["What is in the picture?"], by_text["A cat."], by_text["Eine Katze."]
    assert asked.parent_id is None
    assert first.parent_id == second.parent_id == asked.id
    image, notes, _ = asked.parts
    assert isinstance(image, ImagePart)
    assert (image.media_type, image.name, cat.attachments[0].sha256) == ("image/png", "cat.png", image.sha256)
    assert notes == DocumentPart("notes.txt", "A cat 🐈.")
    assert first.parts == (ThinkingPart("Whiskers…"), TextPart("A cat."))
    assert first.model is not None
    assert first.timing is not None
    assert (first.model.id, first.timing.generated_tokens, first.timing.tokens_per_s) == ("Qwen3-4B-Q4_K_M", 12, 20.0)
    called, end = by_text[""], by_text["Nine years."]
    assert called.parts == (
        ToolCallPart("call_1", "lookup", '{"who":"cat"}'),
        ToolResultPart("call_1", "lookup", (TextPart("9 years"),)),
    )
    assert end.parent_id == called.id
    assert head.leaf_id == end.id
    assert [each.what for each in left] == ["The cat 🐈"] * 2
    assert "meow.mp3" in left[0].why
    assert "narrator" in left[1].why


def test_the_former_export_gives_the_same_messages() -> None:
    (newer,), _ = read(LINES)
    former, left = read(FORMER)
    assert [message.parts for message in former[0].messages] == [message.parts for message in newer.messages]
    assert [message.id for message in former[0].messages] == [message.id for message in newer.messages]
    assert former[1].messages == ()
    assert left[-1].why == "It holds no conversation."


def test_a_zip_of_sessions_is_read_and_a_damaged_line_costs_itself(tmp_path: Path) -> None:
    lines = LINES.read_text(encoding="utf-8").split("\n")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.writestr("one.jsonl", "\n".join([*lines[:4], "{broken", *lines[4:]]))
        file.writestr("two.jsonl", "\n".join(lines).replace("6f1c", "7a2d"))
    taken, left = read(tmp_path / "all.zip")
    assert [len(each.messages) for each in taken] == [6, 6]
    assert len({each.conversation.id for each in taken}) == 2
    assert left[0].what == "all.zip/one.jsonl, line 5"
