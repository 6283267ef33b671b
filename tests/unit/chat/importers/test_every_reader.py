"""What holds for the readers of all programs: whose export they take, ids, and exports of whatever shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.chatgpt_reader import ChatGptReader
from desktop.chat.importers.claude_reader import ClaudeReader
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.gpt4all_reader import Gpt4AllReader
from desktop.chat.importers.imported_conversation import ConversationReader, ImportedConversation
from desktop.chat.importers.jan_reader import JanReader
from desktop.chat.importers.lm_studio_reader import LmStudioReader
from desktop.chat.importers.open_webui_reader import OpenWebUiReader
from desktop.conversation import ImagePart, TextPart, ThinkingPart, ToolCallPart
from desktop.errors import IntegrityError, UserError
from desktop.storage.conversation_rows import message_from_row, message_row
from tests.fakes.exports import EXPORTS, ReadExport, export_members, read_export, written, zipped
from tests.fakes.gpt4all_chat import Item, chat_file

READERS: dict[str, ConversationReader] = {
    "chatgpt": ChatGptReader(),
    "claude": ClaudeReader(),
    "gpt4all": Gpt4AllReader(),
    "jan": JanReader(),
    "lm-studio": LmStudioReader(),
    "open-webui": OpenWebUiReader(),
}
JSON_APPS = [app for app in READERS if app != "gpt4all"]
MISSING = object()
STRANGE: list[Any] = [
    MISSING,
    None,
    True,
    -7,
    1e308,
    10**15,
    "",
    "x",
    "2025-13-45T99:00",
    [],
    [[]],
    {},
    {"x": 1},
    ["x", None],
]


def check(read: ReadExport) -> None:
    """What an importer relies on, whatever the export was like."""
    for each in read.taken:
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
        assert head.folder_id is None or head.folder_id in {folder.id for folder in read.folders}
    for item in read.left:
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


def recognized_by(path: Path, readers: Iterable[ConversationReader] = tuple(READERS.values())) -> list[str]:
    with ExportFiles(path) as files:
        return [reader.app for reader in readers if reader.recognizes(files)]


@pytest.mark.parametrize("app", READERS)
def test_a_reader_takes_its_own_export_and_no_other(app: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "export.zip", export_members(app))
    for path in (EXPORTS / app, archive):
        assert recognized_by(path) == [READERS[app].app]
        assert recognized_by(path, all_readers())[:1] == [READERS[app].app]
    read, packed = read_export(READERS[app], EXPORTS / app), read_export(READERS[app], archive)
    assert read.taken == packed.taken
    assert len(read.left) == len(packed.left)


@pytest.mark.parametrize("app", READERS)
def test_a_single_file_of_an_export_is_known_as_well(app: str) -> None:
    paths = [path for path in sorted((EXPORTS / app).rglob("*")) if path.is_file()]
    endings = ("conversations.json", ".chat", ".jsonl", ".conversation.json")
    for path in [path for path in paths if path.name.endswith(endings)] or paths:
        assert recognized_by(path) == [READERS[app].app]
        read = read_export(READERS[app], path)
        check(read)
        assert read.taken


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
def test_what_is_no_export_is_known_by_nobody(members: dict[str, bytes], tmp_path: Path) -> None:
    assert not recognized_by(written(tmp_path / "export", members))


# --- nothing twice ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", READERS)
def test_the_same_export_gives_the_same_ids_again(app: str) -> None:
    first = read_export(READERS[app], EXPORTS / app)
    check(first)
    assert first == read_export(READERS[app], EXPORTS / app)
    assert len({each.conversation.id for each in first.taken}) == len(first.taken)
    assert all(each.source_id for each in first.taken)


@pytest.mark.parametrize("app", READERS)
def test_every_app_gives_what_it_had(app: str) -> None:
    """Other scripts and emoji, thinking, calls of tools: each fixture has them."""
    taken = read_export(READERS[app], EXPORTS / app).taken
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


def read_each_shape(app: str, kinds: int, folder: Path) -> None:
    """Read the export of `app`, for each value in it, with `kinds` others of STRANGE in its place, or without it. What
    else is in the export comes in as it did."""
    members = export_members(app)
    export = written(folder, members)
    whole = {each.conversation.id: each for each in read_export(READERS[app], export).taken}
    turn = 0
    for name, value, encoded in documents(app):
        holder = {"": value}
        for path in [("", *path) for path in places(value)]:
            inner: Any = holder
            for key in path[:-1]:
                inner = inner[key]
            before = list(inner.items()) if isinstance(inner, dict) else list(inner)
            for _kind in range(kinds):
                turn += 1
                inner[path[-1]] = STRANGE[turn % len(STRANGE)]
                if inner[path[-1]] is MISSING:
                    inner.pop(path[-1])
                (export / name).write_bytes(encoded(holder.get("")))
                inner.clear()
                inner.update(before) if isinstance(inner, dict) else inner.extend(before)
                try:
                    read = read_export(READERS[app], export)
                except UserError:
                    assert len(path) < 3, path
                    continue
                others = [each for each in read.taken if each != whole.get(each.conversation.id)]
                check(ReadExport(others, read.left, read.folders))
                assert len(read.taken) - len(others) >= len(whole) - 1 or len(path) < 3, (name, path)
        (export / name).write_bytes(members[name])


@pytest.mark.parametrize("app", JSON_APPS)
def test_no_shape_of_an_export_makes_a_reader_fail(app: str, tmp_path: Path) -> None:
    read_each_shape(app, 1, tmp_path / "export")


@pytest.mark.soak
@pytest.mark.parametrize("app", JSON_APPS)
def test_no_shape_at_all_makes_a_reader_fail(app: str, tmp_path: Path) -> None:
    read_each_shape(app, len(STRANGE), tmp_path / "export")


@pytest.mark.parametrize("app", READERS)
def test_a_file_that_is_cut_gives_what_is_whole(app: str, tmp_path: Path) -> None:
    members = export_members(app)
    export = written(tmp_path / "export", members)
    name = max(members, key=lambda each: len(members[each]) if not each.endswith(".png") else 0)
    counts = []
    for size in range(0, len(members[name]), max(1, len(members[name]) // 100)):
        (export / name).write_bytes(members[name][:size])
        try:
            read = read_export(READERS[app], export)
        except IntegrityError:
            read = ReadExport()
        check(read)
        assert not read.taken or app == "jan" or any(item.is_damage for item in read.left)  # lines end anywhere
        counts.append(sum(len(each.messages) for each in read.taken))
    assert counts == sorted(counts)
    assert counts[-1] > counts[0] or app == "lm-studio"  # a conversation is a file there


def test_no_byte_of_a_chat_of_gpt4all_makes_its_reader_fail(tmp_path: Path) -> None:
    name, data = next(iter(export_members("gpt4all").items()))
    path = tmp_path / name
    for at in range(0, len(data), 2):
        path.write_bytes(data[:at] + bytes([(0x00, 0x7F, 0xFF)[at % 3]]) + data[at + 1 :])
        check(read_export(READERS["gpt4all"], path))


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
def test_a_chain_of_ten_thousand_messages_comes_in_whole(app: str, tmp_path: Path) -> None:
    read = read_export(READERS[app], written(tmp_path / "export", long_export(app)))
    assert not read.left
    assert [depth(each) for each in read.taken] == [LONG]
    assert [message.text for message in read.taken[0].messages] == [str(number) for number in range(LONG)]
