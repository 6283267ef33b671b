"""`latchkey conversations export`: in which form, where to, and what is never replaced or left half written."""

import errno
import hashlib
import io
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from desktop.chat.export.chat_exporter import ChatExporter, ExportProgress
from desktop.chat.export.export_name import export_name
from desktop.chat.export.export_target import ExportTarget, TargetTakenError
from desktop.chat.export.message_words import ExportSource
from desktop.cli import conversations_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.conversation import Conversation, ImagePart, Message, ModelReference, TextPart
from desktop.errors import NotFoundError, ResourceError, StoppedError
from desktop.paths import find_paths
from desktop.storage.folder_store import FolderStore
from desktop.storage.memory_database import MemoryDatabase
from desktop.storage.whole_conversation import WholeConversation

PNG = b"\x89PNG\r\n\x1a\n and more"


def draw(
    heads: Sequence[Conversation],
    conversations: Iterable[WholeConversation],
    source: ExportSource,
    file: BinaryIO,
) -> None:
    """Stands for Qt."""
    file.write(b"%PDF " + " ".join(whole.conversation.id for whole in conversations).encode())


class Tools(CommandContext):
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO(), draw)


@pytest.fixture
def chats(home: Path) -> None:
    """The conversations a, b and c, each with an answer of the built-in model; the bin holds d."""
    tools = Tools()
    sha = tools.attachments.add(PNG)
    for at, name in enumerate("abcd"):
        image = (ImagePart(sha, "image/png", "cat.png"),) if name == "a" else ()
        tools.conversation_store.add_messages(
            (
                Message(f"q{name}", name, None, "user", (TextPart(f"Hello {name}"), *image), created_at=at + 0.1),
                Message(f"r{name}", name, f"q{name}", "assistant", (TextPart("Hi"),), model=ModelReference("x", "X")),
            ),
            create=Conversation(name, f"Title {name}", "person", at, at, "x"),
        )
    FolderStore(tools.conversation_store.database).delete_conversations(["d"], 9.0)
    tools.close()


def run(*arguments: str) -> Tools:
    tools = Tools()
    try:
        assert conversations_command.run(parser().parse_args(["conversations", "export", *arguments]), tools) == 0
    finally:
        tools.close()
    return tools


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").out.getvalue())


def test_the_suffix_or_the_format_decides(chats: None, tmp_path: Path) -> None:
    for name, begins in (("a.md", b"---\n"), ("a.html", b"<!DOCTYPE"), ("a.json", b"{"), ("a.PDF", b"%PDF a b c")):
        result = told(str(tmp_path / name))
        data = (tmp_path / name).read_bytes()
        assert data.startswith(begins)
        assert (result["conversations"], result["messages"], result["bytes"]) == (3, 6, len(data))
    assert told(str(tmp_path / "page"), "--format", "html")["format"] == "html"
    with pytest.raises(UsageError):
        run(str(tmp_path / "x.docx"))


def test_chosen_ones_come_in_the_order_given(chats: None, tmp_path: Path) -> None:
    assert (
        run(str(tmp_path / "x.pdf"), "c", "a", "c").out.getvalue().startswith("Wrote 2 conversations with 4 messages")
    )
    assert (tmp_path / "x.pdf").read_bytes() == b"%PDF c a"


def test_what_is_not_there_ends_with_3_and_writes_nothing(chats: None, tmp_path: Path) -> None:
    for wanted in ("nobody", "d"):
        with pytest.raises(NotFoundError):
            run(str(tmp_path / "x.html"), "a", wanted)
    with pytest.raises(NotFoundError):
        run(str(tmp_path / "no" / "x.html"))
    assert list(tmp_path.glob("*")) == [tmp_path / "home"] or not any(tmp_path.glob("x*"))


def test_nothing_is_made_where_there_are_no_chats(home: Path, tmp_path: Path) -> None:
    assert told(str(tmp_path / "x.json"))["conversations"] == 0
    with pytest.raises(NotFoundError):
        run(str(tmp_path / "x.html"))
    assert not find_paths().database_file.exists()


def test_a_file_is_replaced_only_where_that_was_said(chats: None, tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    file.write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        run(str(file))
    assert file.read_text() == "mine"
    run(str(file), "--force")
    assert file.read_text().startswith("<!DOCTYPE")


def test_standard_output_gets_the_file_alone(chats: None) -> None:
    tools = run("-", "--format", "json")
    assert len(json.loads(tools.out.getvalue())["conversations"]) == 3
    with pytest.raises(UsageError):
        run("-")
    with pytest.raises(UsageError):
        run("-", "--format", "json", "--json")


def test_images_go_along_and_missing_ones_are_named(chats: None, tmp_path: Path) -> None:
    sha = hashlib.sha256(PNG).hexdigest()
    run(str(tmp_path / "x.json"))
    assert set(json.loads((tmp_path / "x.json").read_text())["attachments"]) == {sha}
    shutil.rmtree(find_paths().attachments)
    result = told(str(tmp_path / "y.json"))
    assert result["missing_images"] == [sha]
    assert "1 image is not here" in run(str(tmp_path / "z.html")).err.getvalue()


def test_the_terms_of_a_model_are_looked_up_where_the_answer_does_not_have_them(chats: None, tmp_path: Path) -> None:
    tools = Tools()
    tools.conversation_store.add_messages(
        (Message("g", "a", "ra", "assistant", (TextPart("x"),), model=ModelReference("latchkey-guide", "Guide")),)
    )
    tools.close()
    run(str(tmp_path / "x.json"), "a")
    *_, answer = json.loads((tmp_path / "x.json").read_text())["conversations"][0]["messages"]
    assert answer["model"]["license"] == "Apache-2.0"


def write(target: ExportTarget, meanwhile: Callable[[], object]) -> None:
    """Write something to `target`; `meanwhile` something happens."""
    with target.open() as file:
        file.write(b"half")
        meanwhile()


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# --- the place -------------------------------------------------------------------------------------------------------

links = pytest.mark.skipif(sys.platform == "win32", reason="needs links")


@links
def test_what_a_link_leads_to_is_never_written(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    link = tmp_path / "link.html"
    link.symlink_to("mine")
    with pytest.raises(TargetTakenError, match="link"), ExportTarget(link).open():
        pass
    with ExportTarget(link, replaces=True).open() as file:
        file.write(b"new")
    assert (link.read_bytes(), link.is_symlink()) == (b"new", False)
    assert (tmp_path / "mine").read_text() == "mine"
    dangling = tmp_path / "dangling.html"
    dangling.symlink_to("nowhere")
    with pytest.raises(TargetTakenError), ExportTarget(dangling).open():
        pass


@links
@pytest.mark.parametrize("name", ["data/latchkey.db", "data/ledger.db", "config/settings.json", "config/new.md"])
def test_nothing_is_written_among_latchkeys_own_files(name: str, chats: None, home: Path, tmp_path: Path) -> None:
    own = home / name
    own.parent.mkdir(exist_ok=True)
    if not own.exists() and "new" not in name:
        own.write_text("{}")
    before = own.read_bytes() if own.exists() else None
    (tmp_path / "linked.md").symlink_to(own)
    (tmp_path / "folder").symlink_to(own.parent)
    places = [own, tmp_path / "folder" / own.name] + ([] if before is None else [tmp_path / "linked.md"])
    for place in places:
        with pytest.raises(ResourceError, match="Latchkey's own"):
            run(str(place), "--format", "md", "--force")
    assert (own.read_bytes() if own.exists() else None) == before


@links
def test_settings_that_lie_elsewhere_are_latchkeys_own_as_well(chats: None, home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "settings.json"
    elsewhere.write_text("{}")
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "settings.json").symlink_to(elsewhere)
    with pytest.raises(ResourceError, match="Latchkey's own"):
        run(str(elsewhere), "--force")
    assert elsewhere.read_text() == "{}"


def test_what_fails_on_the_way_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    file.write_text("former")
    with pytest.raises(ResourceError, match="No space"):
        write(ExportTarget(file, replaces=True), full)
    assert [each.name for each in tmp_path.iterdir()] == ["x.html"]
    assert file.read_text() == "former"


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    with pytest.raises(TargetTakenError):
        write(ExportTarget(file), lambda: file.write_text("theirs"))
    assert [each.name for each in tmp_path.iterdir()] == ["x.html"]
    assert file.read_text() == "theirs"


def test_a_folder_that_vanishes_is_said_in_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    with pytest.raises(ResourceError):
        write(ExportTarget(folder / "x.html"), lambda: shutil.rmtree(folder))
    with pytest.raises(NotFoundError), ExportTarget(folder / "x.html").open():
        pass
    with pytest.raises(ResourceError, match="not a file"), ExportTarget(tmp_path, replaces=True).open():
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_device_is_said_in_a_sentence() -> None:
    with pytest.raises(ResourceError, match="No space"), ExportTarget(Path("/dev/full")).open() as file:
        file.write(b"x" * 100_000)


@links
@pytest.mark.parametrize("form", ["md", "pdf"])
def test_a_pipe_gets_the_bytes(chats: None, tmp_path: Path, form: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    result = told(str(pipe), "--format", form)
    reader.join()
    assert len(read[0]) == result["bytes"] > 0
    assert pipe.is_fifo()


# --- while it goes on ------------------------------------------------------------------------------------------------


def test_one_that_is_stopped_leaves_nothing(chats: None, tmp_path: Path) -> None:
    tools = Tools()
    steps: list[tuple[int, int]] = []
    progress = ExportProgress(lambda done, count: steps.append((done, count)), lambda: len(steps) > 1)
    exporter = ChatExporter(tools.attachments, lambda each: each, paths=tools.paths, generator="L")
    database = tools.conversation_store.database
    with pytest.raises(StoppedError):
        exporter.export(database, None, "html", ExportTarget(tmp_path / "x.html"), progress)
    assert not list(tmp_path.glob("*x*"))
    assert steps == [(0, 3), (1, 3)]
    tools.close()


def test_a_temporary_chat_is_exported_from_memory(home: Path, tmp_path: Path) -> None:
    from desktop.storage.conversation_store import ConversationStore

    database, tools = MemoryDatabase(), Tools()
    ConversationStore(database).add_messages(
        (Message("m", "t", None, "user", (TextPart("secret"),)),), create=Conversation("t")
    )
    exporter = ChatExporter(tools.attachments, lambda each: each, paths=tools.paths, generator="L")
    exporter.export(database, ["t"], "md", ExportTarget(tmp_path / "x.md"))
    assert "secret" in (tmp_path / "x.md").read_text()
    assert not tools.paths.data.exists()
    database.close()
    tools.close()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A title", "A title"),
        ('a/b\\c:d*e?f"g<h>i|j', "a b c d e f g h i j"),
        ("../../etc/passwd", "etc passwd"),
        (".hidden", "hidden"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("\u202egnp.exe\x00\x1b[2J", "gnp.exe[2J"),
        ("line\nbreak\ttab", "line break tab"),
        ("", "Chat"),
        ("...", "Chat"),
        ("😀", "Chat"),
        ("钥匙", "钥匙"),
        ("مفتاح", "مفتاح"),
        ("-rf", "rf"),
        ("\ud800x", "x"),
    ],
)
def test_a_title_becomes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert export_name(title, "Chat") == name


def test_a_long_title_becomes_a_name_that_fits() -> None:
    assert len(export_name("钥" * 1000, "Chat").encode()) <= 120
