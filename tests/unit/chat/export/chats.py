"""Chats to export: one with everything in it, and what others would like to smuggle through."""

from desktop.chat.export.message_words import ExportSource
from desktop.conversation import (
    Conversation,
    ImagePart,
    Message,
    ModelReference,
    SummaryPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.storage.whole_conversation import WholeConversation

PNG = b"\x89PNG\r\n\x1a\n and more"
SHA = "ab" * 32
LLAMA = ModelReference("llama", "Llama 3.2", "12" * 32, "LicenseRef-Llama-3.2", "Built with Llama")
GUIDE = ModelReference("guide", "Latchkey Guide", "34" * 32, "Apache-2.0")
_NAMES = (
    *("page", "line", "line_strong", "text", "muted", "faint", "link", "soft", "code", "inline_code", "find"),
    *("warn_text", "keyword", "string", "number", "comment", "function"),
)
COLORS = {theme: dict.fromkeys(_NAMES, "#123456") for theme in ("light", "dark")}
HOSTILE = (
    "<script>alert(1)</script>\n\n</div></article><img src=x onerror=alert(1)>\n\n[x](javascript:alert(1)) "
    "![i](https://evil.example/t.png) <b onclick=alert(1)>b</b>\n\n<!-- open\n\n<details>"
)


def source(**files: bytes) -> ExportSource:
    """What exporters have beside the chats; the files by their sha256."""
    return ExportSource(files.get, "Latchkey 0.1.0", 1764576000.0, COLORS, (LLAMA, GUIDE))


def answer(text: str, model: ModelReference | None = LLAMA, **fields: object) -> WholeConversation:
    """A chat of one question and one answer."""
    question = Message("q", "c", None, "user", (TextPart("What?"),), created_at=1764576000.0)
    said = Message("a", "c", "q", "assistant", (TextPart(text),), model=model, created_at=1764576001.0, **fields)  # type: ignore[arg-type]
    return WholeConversation(Conversation("c", "A title", leaf_id="a"), (question, said))


def branched() -> WholeConversation:
    """Three answers to the first question, of which the second is shown; two that go on; all kinds of parts."""
    parts = (
        ThinkingPart("Let me **think**.", 1.5),
        TextPart("The second."),
        ImagePart(SHA, "image/png", "cat.png"),
        ToolCallPart("1", "weather", '{"city":"Köln"}'),
        ToolResultPart("1", "weather", (TextPart("rain"),)),
        SummaryPart("They greeted.", 2),
    )
    messages = (
        Message("q", "c", None, "user", (TextPart("Hello <you> & you"),)),
        Message("a1", "c", "q", "assistant", (TextPart("The first."),), model=GUIDE),
        Message("a2", "c", "q", "assistant", parts, model=LLAMA),
        Message("a3", "c", "q", "assistant", (TextPart("The third."),), "stopped", model=GUIDE),
        Message("q1", "c", "a1", "user", (TextPart("Under the first."),)),
        Message("q2", "c", "a2", "user", (TextPart("Under the second."),)),
        Message("r1", "c", "q1", "assistant", (TextPart("One more."),), model=GUIDE),
        Message("r2", "c", "q1", "assistant", (TextPart("And one beside it."),), model=GUIDE),
        Message("r3", "c", "q2", "assistant", (TextPart("Not reached."),), model=GUIDE),
    )
    return WholeConversation(Conversation("c", "Branches", leaf_id="q2", system_prompt="Be kind."), messages)
