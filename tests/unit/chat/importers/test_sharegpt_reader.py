"""ShareGPT's turns and OpenAI's messages, in JSON and in lines."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.sharegpt_reader import ShareGptReader
from desktop.conversation import ImagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart

PNG = b"\x89PNG\r\n\x1a\n and so on"
SHARED = {
    "id": "identity_0",
    "conversations": [
        {"from": "system", "value": "Be kind."},
        {"from": "human", "value": "Who are you?"},
        {"from": "gpt", "value": "A model."},
    ],
}
OPENAI = {
    "title": "Tools",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look "},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "input_audio", "input_audio": {}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "model": "some/model",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "1", "name": "add", "content": "2"},
        {"role": "assistant", "content": "Two."},
        {"role": "narrator", "content": "Later…"},
        "no message",
    ],
}


def read(path: Path) -> tuple[list[ImportedConversation], list[SkippedItem]]:
    with ExportFiles(path) as files:
        assert next(each.app for each in all_readers() if each.recognizes(files)) == "ShareGPT"
        items = list(ShareGptReader().read(files))
    return (
        [each for each in items if isinstance(each, ImportedConversation)],
        [each for each in items if isinstance(each, SkippedItem)],
    )


def written(path: Path, value: Any, *, lines: bool = False) -> Path:
    path.write_text("\n".join(map(json.dumps, value)) if lines else json.dumps(value, indent=1), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
def test_both_forms_are_read_from_lists_and_lines(tmp_path: Path, name: str) -> None:
    (shared, tools), left = read(written(tmp_path / name, [SHARED, OPENAI], lines=name != "a.json"))
    assert [(each.role, each.text) for each in shared.messages] == [
        ("user", "Who are you?"),
        ("assistant", "A model."),
    ]
    assert shared.conversation.system_prompt == "Be kind."
    assert shared.messages[1].parent_id == shared.messages[0].id
    look, called, end = tools.messages
    assert look.parts[0] == TextPart("Look ")
    assert isinstance(look.parts[1], ImagePart)
    assert tools.attachments[0].data == PNG
    assert called.parts == (
        ThinkingPart("Hm."),
        ToolCallPart("1", "add", '{"a":1}'),
        ToolResultPart("1", "add", (TextPart("2"),)),
    )
    assert called.model is not None
    assert (called.model.id, end.text, tools.conversation.title) == ("some/model", "Two.", "Tools")
    assert [each.what for each in left] == [f"{name}, conversation 2"] * 4
    assert all(each.why.endswith(".") for each in left)


def test_one_conversation_alone_is_read(tmp_path: Path) -> None:
    for value in (SHARED, OPENAI["messages"]):
        taken, _ = read(written(tmp_path / "a.json", value))
        assert len(taken) == 1


def test_rows_of_the_same_number_are_not_taken_for_one(tmp_path: Path) -> None:
    """Each file counts from 0 on."""
    rows = [
        {"id": 0, "conversations": [{"from": "human", "value": text}, {"from": "gpt", "value": "Yes."}]}
        for text in "ab"
    ]
    (one, two), _ = read(written(tmp_path / "a.json", rows))
    assert one.conversation.id != two.conversation.id
    again, _ = read(written(tmp_path / "b.json", rows[:1]))
    assert again[0] == one


def test_one_that_went_on_keeps_the_ids_it_had(tmp_path: Path) -> None:
    longer = {**SHARED, "conversations": [*SHARED["conversations"], {"from": "human", "value": "More."}]}
    (one,), _ = read(written(tmp_path / "a.json", [SHARED]))
    (two,), _ = read(written(tmp_path / "a.json", [longer]))
    assert two.conversation.id == one.conversation.id
    assert two.messages[:2] == one.messages


def test_what_is_damaged_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([json.dumps(SHARED), "{broken", '{"messages": 5}', "null", json.dumps(OPENAI)]))
    taken, left = read(path)
    assert len(taken) == 2
    assert [each.what for each in left[:3]] == [f"a.jsonl, conversation {number}" for number in (2, 3, 4)]
