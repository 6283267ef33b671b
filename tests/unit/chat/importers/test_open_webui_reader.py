"""The chats of Open WebUI."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.open_webui_reader import OpenWebUiReader
from desktop.conversation import (
    DocumentPart,
    ImagePart,
    MessagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from tests.fakes.exports import EXPORTS, ReadExport, read_export


@pytest.fixture(scope="module")
def read() -> ReadExport:
    return read_export(OpenWebUiReader(), EXPORTS / "open-webui")


def answer_of(folder: Path, content: Any, **more: Any) -> tuple[MessagePart, ...]:
    """The parts of an answer with this content."""
    message = {"role": "assistant", "content": content, "parentId": None, **more}
    path = folder / "chat.json"
    path.write_bytes(msgspec.json.encode([{"chat": {"history": {"messages": {"a": message}, "currentId": "a"}}}]))
    taken = read_export(OpenWebUiReader(), path).taken
    return taken[0].messages[0].parts if taken else ()


def test_thinking_and_calls_come_out_of_the_text(read: ReadExport) -> None:
    answer = next(message for message in read.taken[0].messages if message.text == "It is **21 °C**.")
    assert answer.parts == (
        ThinkingPart("Porto is \n<by the sea>.", 3.0),
        ToolCallPart("call_1", "get_weather", '{"city": "Porto"}'),
        ToolResultPart("call_1", "get_weather", (TextPart('{"deg": 21}'),)),
        TextPart("It is **21 °C**."),
    )
    assert answer.model is not None
    assert (answer.model.id, answer.model.name) == ("llama3.1:8b", "Llama 3.1")


def test_a_newer_answer_is_read_from_its_list(read: ReadExport) -> None:
    answer = next(message for message in read.taken[0].messages if message.text == "Three.")
    assert answer.parts == (
        ThinkingPart("Use code.", 2.0),
        ToolCallPart("fc1", "add", '{"a": 1, "b": 2}'),
        ToolResultPart("fc1", "add", (TextPart("3"),)),
        ToolCallPart("call-3", "code_interpreter", '{"code":"print(1+2)","language":"python"}'),
        ToolResultPart("call-3", "code_interpreter", (TextPart("3"),)),
        TextPart("Three."),
    )


def test_answers_of_two_models_are_branches(read: ReadExport) -> None:
    question = next(message for message in read.taken[0].messages if message.text.startswith("Wie warm"))
    below = [message for message in read.taken[0].messages if message.parent_id == question.id]
    assert [message.model.id for message in below if message.model] == ["llama3.1:8b", "qwen3:4b"]
    assert below[1].parts == (ThinkingPart("Seaside."), TextPart("Warm."))


def test_images_and_texts_are_there(read: ReadExport) -> None:
    question = next(message for message in read.taken[0].messages if message.text.startswith("Wie warm"))
    image, document, _text = question.parts
    assert isinstance(image, ImagePart)
    assert image.name == "sea.png"
    assert document == DocumentPart("notes.md", "# Porto", "text/markdown")
    assert [attachment.sha256 for attachment in read.taken[0].attachments] == [image.sha256]


def test_heads(read: ReadExport) -> None:
    first, second = (each.conversation for each in read.taken)
    assert (first.system_prompt, first.pinned, first.tags) == ("Answer in German.", True, ("travel", "weather"))
    assert (second.system_prompt, second.archived_at, second.tags) == ("Be old.", 1700000009.0, ("old",))
    last = next(message for message in read.taken[0].messages if message.id == first.leaf_id)
    assert (last.status, last.error) == ("failed", "Model not found")


def test_what_is_left_out_is_named(read: ReadExport) -> None:
    assert read.left_out() == {
        "“Porto ☀️”: /api/v1/files/9/content": "The file is not in the export.",
        "“Porto ☀️”: song.mp3": "Latchkey does not take audio or video.",
        "“Porto ☀️”: sources that an answer cites": "Latchkey does not take them.",
        "The folder of 1 conversation": "The names of folders are not in the export.",
    }


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("<details>\n<summary>More</summary>\nx\n</details>", ("<details>\n<summary>More</summary>\nx\n</details>",)),
        ('Cut <details type="reasoning" done="false">\n> I', ('Cut <details type="reasoning" done="false">\n> I',)),
        ('<details type="other" a="b">x</details>', ('<details type="other" a="b">x</details>',)),
        ("I write <think> in a text.</think>", ("I write <think> in a text.</think>",)),
    ],
)
def test_a_text_that_only_looks_like_it_stays_text(tmp_path: Path, content: str, parts: tuple[str, ...]) -> None:
    assert answer_of(tmp_path, content) == tuple(map(TextPart, parts))


def test_a_program_that_was_run_is_a_call(tmp_path: Path) -> None:
    output = "{&quot;stdout&quot;: &quot;3&quot;}"
    content = (
        f'Sum:\n<details type="code_interpreter" done="true" output="{output}">\n<summary>Analyzed</summary>\n'
        "```python\nprint(1 &lt; 2)\n```\n</details>\nDone."
    )
    assert answer_of(tmp_path, content) == (
        TextPart("Sum:"),
        ToolCallPart("call-1", "code_interpreter", '{"code":"print(1 < 2)","language":"python"}'),
        ToolResultPart("call-1", "code_interpreter", (TextPart("3"),)),
        TextPart("Done."),
    )


def test_many_openings_without_an_end_are_read_once(tmp_path: Path) -> None:
    """Were each of them looked for to the end of the text, this would take many minutes."""
    content = '<details type="reasoning">' * 50_000
    assert answer_of(tmp_path, content) == (TextPart(content),)
    assert len(answer_of(tmp_path, "<think></think>" * 50_000 + "x")) == 1
    assert answer_of(tmp_path, f'<details type="reasoning">{"<summary>" * 50_000}</details>y')[-1] == TextPart("y")
