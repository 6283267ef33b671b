"""Calls of tools in exports for people: who was called with what, on whose word, and what came of it."""

from desktop.chat.answer_record_text import record_lines
from desktop.chat.export.chat_html import chats_as_html
from desktop.chat.export.chat_markdown import chats_as_markdown
from desktop.conversation import (
    AnswerRecord,
    Conversation,
    Message,
    NotePart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.storage.whole_conversation import WholeConversation
from tests.unit.chat.export.chats import HOSTILE, LLAMA, source

PARTS = (
    NotePart("The tool server “dead” does not answer."),
    ToolCallPart("1", "far__look", '{"place":"Rome"}', "far", "look", '{"place":"Oslo"}'),
    ToolCallPart("2", "send", "{", "far", "send"),
    ToolResultPart("1", "far__look", (TextPart(HOSTILE),), False, "done", "chat", 1.25, 2048, 1764576000.0),
    ToolResultPart("2", "send", (TextPart("The user did not allow this call."),), True, "denied", "person"),
    TextPart("Done."),
)
SAID = (
    "The tool server “dead” does not answer.",
    "Calls the tool look of far",
    "The model had written other arguments",
    "The tool far__look answers (allowed for this chat, 2025-12-01 ",
    "1.2 s, 2.0 kB)",
    "The tool send was not called (you did not allow it)",
)


def test_calls_stand_in_every_export_for_people_and_in_the_record() -> None:
    question = Message("q", "c", None, "user", (TextPart("Rome?"),))
    answer = Message("a", "c", "q", "assistant", PARTS, model=LLAMA, record=AnswerRecord("llama.cpp"))
    whole = WholeConversation(Conversation("c", "A title", leaf_id="a"), (question, answer))
    markdown = b"".join(chats_as_markdown([whole.conversation], [whole], source())).decode()
    html = b"".join(chats_as_html([whole.conversation], [whole], source())).decode()
    record = "\n".join(f"{name}: {said}" for name, said in record_lines(answer))
    for written in (markdown, html):
        plain = written.replace("\\", "").replace("&quot;", '"')
        for each in SAID:
            assert each in plain, each
        assert plain.index("Oslo") < plain.index("other arguments") < plain.index('"Rome"')
    assert "<script>alert" not in html
    for each in SAID[1:]:
        assert each in record, each
