"""What holds for the readers of all programs: whose export they take, ids, and exports of whatever shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.chatgpt_reader import ChatGptReader
from desktop.chat.importers.claude_reader import ClaudeReader
from desktop.chat.importers.gpt4all_reader import Gpt4AllReader
from desktop.chat.importers.imported_conversation import ConversationReader, ImportedConversation, SkippedItem
from desktop.chat.importers.jan_reader import JanReader
from desktop.chat.importers.lm_studio_reader import LmStudioReader
from desktop.chat.importers.open_webui_reader import OpenWebUiReader
from desktop.conversation import ImagePart, TextPart, ThinkingPart, ToolCallPart
from desktop.errors import IntegrityError, UserError
from desktop.storage.conversation_rows import message_from_row, message_row
from tests.fakes.gpt4all_chat import Item, chat_file
from tests.fakes.held_files import HeldFiles, export_members, read_export

READERS: dict[str, ConversationReader] = {
    "chatgpt": ChatGptReader(),
    "claude": ClaudeReader(),
    "gpt4all": Gpt4AllReader(),
    "jan": JanReader(),
    "lm-studio": LmStudioReader(),
    "open-webui": OpenWebUiReader(),
}
JSON_APPS = [app for app in READERS if app != "gpt4all"]
STRANGE: list[Any] = [None, True, -7, 1e308, 10**15, "", "x", "2025-13-45T99:00", [], [[]], {}, {"x": 1}, ["x", None]]


def check(taken: list[ImportedConversation], left: list[SkippedItem]) -> None:
    """What an importer relies on, whatever the export was like."""
    for each in taken:
        head, known = each.conversation, set[str]()
        for message in each.messages:
            assert len(message.id) == 32
            assert message.id not in known
            assert message.conversation_id == head.id
            assert message.parent_id is None or message.parent_id in known
            assert message.role in ("user", "assistant")
            assert message.parts or message.error
            assert math.isfinite(message.created_at)
            known.add(message.id)
            row = message_row(message)
            assert message_from_row(tuple(row.values())).parts == message.parts
        assert each.messages
        assert head.leaf_id in known
        assert head.title
        assert all(math.isfinite(time) and time >= 0 for time in (head.created_at, head.updated_at))
        images = {part.sha256 for message in each.messages for part in message.parts if isinstance(part, ImagePart)}
        assert images <= {attachment.sha256 for attachment in each.attachments}
    for item in left:
        assert item.what.isprintable()
        assert len(item.what) < 500
        assert item.why.endswith(".")


def depth(each: ImportedConversation) -> int:
    parents = {message.id: message.parent_id for message in each.messages}
    at, found = each.conversation.leaf_id, 0
    while at is not None:
        at, found = parents[at], found + 1
    return found


# --- whose export it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", READERS)
def test_a_reader_takes_its_own_export_and_no_other(app: str) -> None:
    files = HeldFiles(export_members(app))
    assert [name for name, reader in READERS.items() if reader.recognizes(files)] == [app]


@pytest.mark.parametrize("app", READERS)
def test_a_single_file_of_an_export_is_known_as_well(app: str) -> None:
    members = export_members(app)
    whole = {name for name in members if name.endswith(("conversations.json", ".chat", ".jsonl", ".conversation.json"))}
    for name in whole or set(members):
        alone = {name.rpartition("/")[2]: members[name]}
        assert [each for each, reader in READERS.items() if reader.recognizes(HeldFiles(alone))] == [app]
        taken, left = read_export(READERS[app], alone)
        check(taken, left)
        assert taken


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"conversations.json": b""},
        {"conversations.json": b"null"},
        {"conversations.json": b"[" * 100_000},
        {"conversations.json": b'{"a":' * 100_000},
        {"conversations.json": b'["mapping", "chat_messages"]'},
        {"conversations.json": b'[{"title": "mapping", "messages": []}]'},
        {"notes.txt": b"mapping chat_messages history currentId"},
        {"gpt4all-x.chat": b"\xf5\xd5\x53\xcc"},
        {"gpt4all-x.chat": bytes(16)},
        {"thread.json": b"{}", "messages.jsonl": b"\n"},
        {"__MACOSX/._conversations.json": b'[{"mapping": {}}]'},
    ],
    ids=lambda members: next(iter(members), "nothing"),
)
def test_what_is_no_export_is_known_by_nobody(members: dict[str, bytes]) -> None:
    assert not [app for app, reader in READERS.items() if reader.recognizes(HeldFiles(members))]


# --- nothing twice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", READERS)
def test_the_same_export_gives_the_same_ids_again(app: str) -> None:
    first, left = read_export(READERS[app], export_members(app))
    check(first, left)
    assert (first, left) == read_export(READERS[app], export_members(app))
    assert len({each.conversation.id for each in first}) == len(first)


@pytest.mark.parametrize("app", READERS)
def test_every_app_gives_what_it_had(app: str) -> None:
    """Other scripts and emoji, thinking, calls of tools: each fixture has them."""
    taken, _left = read_export(READERS[app], export_members(app))
    parts = [part for each in taken for message in each.messages for part in message.parts]
    text = "".join(part.text for part in parts if isinstance(part, TextPart | ThinkingPart))
    assert any("\u3040" <= sign <= "\u9fff" for sign in text)
    assert any(isinstance(part, ThinkingPart) for part in parts)
    assert any(isinstance(part, ToolCallPart) for part in parts)
    assert all(message.model for each in taken for message in each.messages if message.role == "assistant") or (
        app == "claude"  # its export does not say
    )


# --- exports of whatever shape ---------------------------------------------------------------------------------------


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each value inside `value`, and of itself."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def documents(app: str) -> Iterator[tuple[str, Any, Callable[[Any], bytes]]]:
    """The JSON files of an export with their values, and how such a value becomes a file again."""
    for name, data in export_members(app).items():
        if name.endswith(".jsonl"):
            lines = [msgspec.json.decode(line) for line in data.splitlines()]
            yield (
                name,
                lines,
                lambda value: msgspec.json.Encoder().encode_lines(value if isinstance(value, list) else [value]),
            )
        elif name.endswith(("conversations.json", ".conversation.json", "thread.json")) or "export" in name:
            yield name, msgspec.json.decode(data), msgspec.json.encode


def read_each_shape(app: str, kinds: int) -> None:
    """Read the export of `app` once for each value in it and `kinds` of STRANGE in its place, and once without it. What
    else is in the export comes in as it did."""
    members = export_members(app)
    whole = {each.conversation.id: each for each in read_export(READERS[app], members)[0]}
    turn = 0
    for name, value, encoded in documents(app):
        holder = {"": value}
        for path in [("", *path) for path in places(value)]:
            inner: Any = holder
            for key in path[:-1]:
                inner = inner[key]
            before = list(inner.items()) if isinstance(inner, dict) else list(inner)
            for kind in range(kinds + 1):
                turn += 1
                if kind == kinds:
                    inner.pop(path[-1])
                else:
                    inner[path[-1]] = STRANGE[turn % len(STRANGE)]
                data = encoded(holder.get(""))
                inner.clear()
                inner.update(before) if isinstance(inner, dict) else inner.extend(before)
                try:
                    taken, left = read_export(READERS[app], {**members, name: data})
                except UserError:
                    assert len(path) < 3, (path, data)
                    continue
                others = [each for each in taken if each != whole.get(each.conversation.id)]
                check(others, left)
                assert len(taken) - len(others) >= len(whole) - 1 or len(path) < 3, (name, path, data)


@pytest.mark.parametrize("app", JSON_APPS)
def test_no_shape_of_an_export_makes_a_reader_fail(app: str) -> None:
    read_each_shape(app, 1)


@pytest.mark.soak
@pytest.mark.parametrize("app", JSON_APPS)
def test_no_shape_at_all_makes_a_reader_fail(app: str) -> None:
    read_each_shape(app, len(STRANGE))


@pytest.mark.parametrize("app", READERS)
def test_a_file_that_is_cut_gives_what_is_whole(app: str) -> None:
    members = export_members(app)
    name = max(members, key=lambda each: len(members[each]) if not each.endswith(".png") else 0)
    counts = []
    for size in range(0, len(members[name]), max(1, len(members[name]) // 150)):
        try:
            taken, left = read_export(READERS[app], {**members, name: members[name][:size]})
        except IntegrityError:
            taken, left = [], []
        check(taken, left)
        counts.append(sum(len(each.messages) for each in taken))
    assert counts == sorted(counts) or app == "chatgpt"  # the branch of an answer that is cut joins the one before it
    assert counts[-1] > counts[0] or app == "lm-studio"  # a conversation is a file there


def test_no_byte_of_a_chat_of_gpt4all_makes_its_reader_fail() -> None:
    name, data = next(iter(export_members("gpt4all").items()))
    for at in range(len(data)):
        new = (0x00, 0x7F, 0xFF)[at % 3]
        taken, left = read_export(READERS["gpt4all"], {name: data[:at] + bytes([new]) + data[at + 1 :]})
        check(taken, left)


# --- large ones ------------------------------------------------------------------------------------------------------

LONG = 10_000


def long_export(app: str) -> dict[str, bytes]:
    """One conversation of LONG messages, one below the other."""
    roles, numbers = ("user", "assistant"), range(LONG)
    value: Any
    said: list[Any]
    match app:
        case "chatgpt":
            nodes = {
                str(n): {
                    "parent": str(n - 1) if n else None,
                    "message": {"author": {"role": roles[n % 2]}, "content": {"parts": [f"{n}"]}},
                }
                for n in numbers
            }
            name, value = "conversations.json", [{"mapping": nodes, "current_node": str(LONG - 1)}]
        case "claude":
            said = [
                {
                    "uuid": str(n),
                    "sender": ("human", "assistant")[n % 2],
                    "text": f"{n}",
                    "parent_message_uuid": str(n - 1),
                }
                for n in numbers
            ]
            name, value = "conversations.json", [{"chat_messages": said}]
        case "open-webui":
            tree = {str(n): {"parentId": str(n - 1), "role": roles[n % 2], "content": f"{n}"} for n in numbers}
            name, value = "chats.json", [{"chat": {"history": {"messages": tree, "currentId": str(LONG - 1)}}}]
        case "lm-studio":
            said = [
                {"versions": [{"role": roles[n % 2], "content": [{"type": "text", "text": f"{n}"}]}]} for n in numbers
            ]
            name, value = "1.conversation.json", {"messages": said}
        case "jan":
            lines = [
                {
                    "id": f"{n}",
                    "thread_id": "t",
                    "role": roles[n % 2],
                    "content": [{"type": "text", "text": {"value": f"{n}"}}],
                }
                for n in numbers
            ]
            return {"messages.jsonl": msgspec.json.Encoder().encode_lines(lines)}
        case _:
            items = [Item(("Prompt: ", "Response: ")[n % 2], f"{n}") for n in numbers]
            return {"gpt4all-1.chat": chat_file(12, items)}
    return {name: msgspec.json.encode(value)}


@pytest.mark.parametrize("app", READERS)
def test_a_chain_of_ten_thousand_messages_comes_in_whole(app: str) -> None:
    taken, left = read_export(READERS[app], long_export(app))
    assert not left
    assert [depth(each) for each in taken] == [LONG]
    assert [message.text for message in taken[0].messages] == [str(number) for number in range(LONG)]
