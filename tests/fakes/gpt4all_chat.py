"""Chat files as GPT4All writes them: QDataStream in the order of Chat::serialize and ChatItem::serialize, for each
version of the format."""

import struct
from dataclasses import dataclass, field
from typing import Any

MAGIC = b"\xf5\xd5\x53\xcc"


def int32(value: int) -> bytes:
    return struct.pack(">i", value)


def int64(value: int) -> bytes:
    return struct.pack(">q", value)


def boolean(value: bool) -> bytes:
    return struct.pack(">b", value)


def string(text: str | None) -> bytes:
    if text is None:
        return b"\xff\xff\xff\xff"
    data = text.encode("utf-16-be", "surrogatepass")
    return struct.pack(">I", len(data)) + data


def byte_array(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def variant(value: Any) -> bytes:
    kind, data = (
        (1, boolean(value))
        if isinstance(value, bool)
        else (2, int32(value))
        if isinstance(value, int)
        else (10, string(value))
    )
    return struct.pack(">Ib", kind, 0) + data


@dataclass
class SubItem:
    name: str
    value: str = ""
    items: list["SubItem"] = field(default_factory=list)
    thinking_ms: int = 0
    tool: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    result: str = ""
    error: int = 0

    def data(self) -> bytes:
        made = string(self.name) + string(self.value)
        if self.name == "ToolCall: ":
            made += string(self.tool) + int64(len(self.params))
            made += b"".join(string(name) + int32(0) + variant(value) for name, value in self.params.items())
            made += string(self.result) + int32(self.error) + string("")
        elif self.name == "Think: ":
            made += int32(self.thinking_ms)
        return made + int64(len(self.items)) + b"".join(item.data() for item in self.items)


@dataclass
class Item:
    name: str
    value: str
    sources: int = 0
    files: list[tuple[str, bytes]] = field(default_factory=list)
    items: list[SubItem] = field(default_factory=list)
    is_error: bool = False
    stopped: bool = False
    better: str = ""

    def data(self, version: int) -> bytes:
        made = int32(0) if version < 12 else b""
        made += string(self.name) + string(self.value)
        made += string(None) if version < 10 else b""
        made += string(self.better) + boolean(False) + boolean(self.stopped) + boolean(False) + boolean(False)
        if version >= 11 and self.name == "Response: ":
            made += boolean(self.is_error)
        if version >= 8:
            made += int64(self.sources)
            for number in range(self.sources):
                made += b"".join(map(string, ("docs", "/docs", "a.txt", "A", "", "", f"passage {number}"))) + 3 * int32(
                    -1
                )
        elif version >= 3:
            made += string("1. In a.txt. [Context](context://1)" if self.sources else "")
            made += int32(self.sources) + self.sources * string("passage")
        if version >= 10:
            made += int64(len(self.files)) + b"".join(
                byte_array(url.encode()) + byte_array(data) for url, data in self.files
            )
        if version >= 12:
            made += int64(len(self.items)) + b"".join(item.data() for item in self.items)
        return made


def state(version: int, saved: bool) -> bytes:
    """What ChatLLM wrote of a model's state, until version 11."""
    if version >= 11:
        return b""
    made = boolean(saved) if version >= 6 else b""
    made += int32(1) + int32(0) if version >= 2 else b""
    made += string("the last answer") + string("name") + int32(7)
    if saved or version < 6:
        made += int32(0) if version < 4 else b""
        made += int32(3) + (int32(2048) if version >= 7 else b"")
        made += int64(2) + bytes(8) if version < 9 else b""
        made += int64(3) + bytes(12) + byte_array(b"\0\0\0\4compressed")
    return made


def chat_file(
    version: int, items: list[Item], *, title: str = "Chat", saved: bool = False, chat_id: str = "a1b2"
) -> bytes:
    """A whole file; of version 0 one without a head."""
    made = MAGIC + int32(version) if version else b""
    made += int64(1_720_000_000) + string(chat_id) + string(title) + string(None) + string("Llama 3 8B Instruct")
    made += int32(1) + string("docs") if version >= 3 else b""
    return made + state(version, saved) + int32(len(items)) + b"".join(item.data(version) for item in items)


def rich_chat() -> bytes:
    """One of version 12 with all that such a file can hold."""
    answer = [
        SubItem(
            "Response: ",
            items=[
                SubItem("Text: ", "Let me see. "),
                SubItem("Think: ", "<think>Count. 数える。</think>", thinking_ms=1500),
            ],
        ),
        SubItem(
            "Response: ",
            items=[
                SubItem(
                    "ToolCall: ",
                    "<tool>code</tool>",
                    tool="javascript_interpret",
                    params={"code": "6*7", "n": 3},
                    result="42",
                )
            ],
        ),
        SubItem("ToolResponse: ", "42"),
    ]
    return chat_file(
        12,
        [
            Item(
                "Prompt: ",
                "ما هو 6×7؟ 🐈",
                sources=2,
                files=[
                    ("file:///home/ada/sheet%20one.xlsx", b"PK"),
                    ("file:///home/ada/notes.md", "# ノート".encode()),
                ],
            ),
            Item("Response: ", "It is **42**.", items=answer),
            Item("Prompt: ", "And 6×8?"),
            Item("Response: ", "", is_error=True, better="48"),
            Item("Prompt: ", "Well?"),
            Item("Response: ", "<think>\nEasy.\n</think>\n\n48", stopped=True),
        ],
        title="猫 and numbers",
    )
