"""Reading in a process of its own: what comes of a file, and what does not come of one that is made to do harm."""

import contextlib
import hashlib
import io
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from PIL import Image

from desktop.documents import document_reader, document_source
from desktop.documents.document_reader import DocumentReader, ReceivedPages
from desktop.documents.document_source import OpenedFileSource
from desktop.documents.reader_messages import DATA_SIZE, ImageDecoded, PageText, ReaderReady, ReadingNote
from desktop.documents.reader_process import ReaderProcess
from desktop.documents.reader_watch import ReaderLimits
from desktop.documents.reading_words import note_text, refusal_error
from desktop.errors import NotFoundError, PasswordNeededError, StoppedError, UnreadableFileError, UserError
from tests.fakes.document_files import pdf
from tests.fakes.reader_impostor import reader_command

Readers = Callable[..., DocumentReader]


@pytest.fixture
def make_reader(tmp_path: Path) -> Iterator[Readers]:
    """A reader; one that does as told when a document is not called .txt."""
    made: list[DocumentReader] = []

    def make(on_document: str = "", command: tuple[str, ...] = (), **limits: float) -> DocumentReader:
        if on_document:
            command = reader_command(tmp_path, on_document)
        made.append(DocumentReader(tmp_path / "logs", command=command or None, limits=ReaderLimits(**limits)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def readers() -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it may have ended just now
            found += [each] if "reader" in " ".join(each.cmdline()) else []
    return found


@pytest.mark.parametrize("command", [(), (sys.executable, "-m", "desktop", "--document-reader")])
def test_texts_are_read_by_one_process_and_every_other_file_by_its_own(
    make_reader: Readers, tmp_path: Path, command: tuple[str, ...]
) -> None:
    reader = make_reader(command=command)
    long = ("ä" * 999 + "\n") * 2500
    content = reader.read_bytes(long.encode(), "a.md")
    assert (content.media_type, content.pages[0].text, content.paged) == ("text/markdown", long, False)
    (process,) = readers()
    assert reader.read_bytes(b"other", "b.html").pages[0].text == "other"
    assert readers() == [process]
    data, told = pdf(["one", "two"], password="pw"), []
    with pytest.raises(PasswordNeededError) as needed:
        reader.read_bytes(data, "a.pdf")
    assert readers() == []
    with pytest.raises(PasswordNeededError) as wrong:
        reader.read_bytes(data, "a.pdf", password="other")
    assert (needed.value.wrong, wrong.value.wrong) == (False, True)
    file = tmp_path / "na\u202eme\udcff.pdf"
    file.write_bytes(data)
    content = reader.read(file, password="pw", on_progress=lambda done, total: told.append((done, total)))
    assert [(page.number, page.text) for page in content.pages] == [(1, "one"), (2, "two")]
    assert (content.sha256, content.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (content.name, content.paged, told) == ("na\\u202eme\\udcff.pdf", True, [(1, 2), (2, 2)])
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), (255, 0, 0)).save(picture, "PNG")
    image = reader.read_image(picture.getvalue(), longest_side=30)
    assert (image.width, image.height, image.original_width, image.rgb) == (30, 20, 300, b"\xff\0\0" * 600)
    with pytest.raises(UnreadableFileError, match="no picture"):
        reader.read_image(b"words", longest_side=30)
    assert readers() == []


def test_what_is_no_file_is_told(make_reader: Readers, tmp_path: Path) -> None:
    reader = make_reader()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(2 << 30)
    for path, kind, words in (
        (tmp_path, UnreadableFileError, "is a folder"),
        (tmp_path / "fifo", UnreadableFileError, "is no file"),
        (Path("/dev/zero"), UnreadableFileError, "is no file"),
        (tmp_path / "dangling", NotFoundError, "is not there"),
        (tmp_path / "none.pdf", NotFoundError, "is not there"),
        (tmp_path / "loop", UnreadableFileError, "cannot be read"),
        (tmp_path / "a\0b", UnreadableFileError, "cannot be read"),
        (tmp_path / "huge", UnreadableFileError, "too large: 2"),
    ):
        with pytest.raises(kind, match=words) as caught:
            reader.read(path)
        assert caught.value.remedy
    assert readers() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_bytes(b"b" * 2 * DATA_SIZE), "changed"),
        (lambda file: os.truncate(file, DATA_SIZE), "changed"),
        (lambda file: file.with_name("other").replace(file), "changed"),
        (lambda file: file.unlink(), "vanished"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_told(
    tmp_path: Path, change: Callable[[Path], object], words: str
) -> None:
    file = tmp_path / "a.txt"
    for each in (file, tmp_path / "other"):
        each.write_bytes(b"a" * 2 * DATA_SIZE)
    source = OpenedFileSource(file)
    chunks = source.chunks()
    next(chunks)
    change(file)
    with pytest.raises(UnreadableFileError, match=words):
        list(chunks)
    source.close()


def test_a_change_is_told_by_the_reader_too(
    make_reader: Readers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("words")
    reader = make_reader()
    monkeypatch.setattr(document_source, "stamp_at", lambda path: None)
    with pytest.raises(UnreadableFileError, match="vanished"):
        reader.read(file)
    monkeypatch.undo()
    assert reader.read(file).pages[0].text == "words"


# --- files made to do harm ---

HARM = {
    "dies": ("os.abort()", "ended over it"),
    "says nothing that is a message": ("raw(b'words')", "ended over it"),
    "says too long a thing": ("os.write(int(sys.argv[-1]), b'\\xff' * 8); time.sleep(60)", "ended over it"),
    "another first page": ("send(PageText(2, 'a'))", "ended over it"),
    "pages backwards": ("[send(PageText(number, 'a')) for number in (1, 2, 1)]", "ended over it"),
    "notes that are none": ("raw({'type': 'read', 'media_type': 'text/plain', 'paged': False, 'notes': ['a']})",
                            "ended over it"),
    "a format that is none": ("raw({'type': 'read', 'media_type': 'text/evil', 'paged': False})", "ended over it"),
    "a picture": ("raw({'type': 'image', 'width': 1, 'height': 1, 'rgb': b'', 'original_width': 1, "
                  "'original_height': 1}); os._exit(0)", "ended over it"),
    "any error": ("raise KeyError(data.decode())", "damaged"),
    "grows": ("kept = bytearray(400 << 20); kept[::4096] = b'a' * (100 << 10); time.sleep(60)", "too much memory"),
    "takes all memory": ("bytearray(8 << 30)", "too much memory"),
    "computes for ever": ("while True: pass", "took too long"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
def test_a_file_costs_nothing_but_itself(make_reader: Readers, tmp_path: Path, harm: str) -> None:
    code, words = HARM[harm]
    reader = make_reader(code, memory=256 << 20, silent_cpu=0.5)
    with pytest.raises(UnreadableFileError) as caught:
        reader.read_bytes(b"words of the document", "a.bad")
    assert words in str(caught.value)
    assert "words of the document" not in caught.value.technical
    assert reader.read_bytes(b"another", "b.txt").pages[0].text == "another"
    reader.close()
    assert "words of the document" not in "".join(log.read_text() for log in (tmp_path / "logs").iterdir())


def test_more_text_than_there_may_be_is_not_taken(make_reader: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_reader, "MOST_CHARACTERS", 1000)
    reader = make_reader("[send(PageText(1, 'a' * 100)) for _ in range(100)]")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        reader.read_bytes(b"a file", "a.bad")


@pytest.mark.parametrize("piece", ["", "語"])
def test_a_page_in_countless_pieces_takes_no_more_memory_than_its_text(piece: str) -> None:
    pages = ReceivedPages()
    tracemalloc.start()
    try:
        for _ in range(100_000):
            pages.take(PageText(1, msgspec.json.decode(f'"{piece}"')))
        assert tracemalloc.get_traced_memory()[0] < 600_000
    finally:
        tracemalloc.stop()
    assert pages.finished()[0].text == piece * 100_000


def test_answers_that_nobody_asked_for_wait_in_the_pipe(tmp_path: Path) -> None:
    """A reader that a document took over cannot fill the app's memory."""
    image = (
        "{'type': 'image', 'width': 1, 'height': 1, 'rgb': bytes(5 << 20), 'original_width': 1, 'original_height': 1}"
    )
    flood = f"raw({{'type': 'ready', 'confinement': 'none'}}); [raw({image}) for _ in range(4)]; os._exit(0)"
    process = ReaderProcess(reader_command(tmp_path, "pass", flood), tmp_path / "logs")
    try:
        assert isinstance(process.event(30), ReaderReady)
        with contextlib.suppress(psutil.TimeoutExpired):
            psutil.Process(process.pid).wait(0.5)
        assert process.is_alive()
        for _ in range(4):
            assert isinstance(process.event(30), ImageDecoded)
    finally:
        process.kill()


def test_an_answer_before_the_file_was_taken_is_none(
    make_reader: Readers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_reader, "_HANDED_OVER_S", 0.1)
    answer = "raw({'type': 'read', 'media_type': 'text/plain', 'paged': False})"
    early = f"reader_loop.ReaderLoop._file = lambda self, size: {answer} or time.sleep(60)"
    reader = make_reader(command=reader_command(tmp_path, "pass", early))
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        reader.read_bytes(bytes(8 << 20), "a.txt")


def test_cancelling_ends_reading_whatever_the_reader_does(make_reader: Readers) -> None:
    reader = make_reader("send(PageText(1, 'a'))\nwhile True: pass")
    wanted = threading.Event()
    with pytest.raises(StoppedError):
        reader.read_bytes(b"a", "a.bad", is_cancelled=wanted.is_set, on_progress=lambda done, total: wanted.set())
    assert readers() == []
    assert reader.read_bytes(b"another", "b.txt").pages[0].text == "another"


def test_a_third_file_waits_for_one_of_two_processes_and_can_be_cancelled(make_reader: Readers) -> None:
    reader = make_reader("send(PageText(1, 'a'))\nwhile True: time.sleep(1)")
    begun = threading.Semaphore(0)
    ends: list[str] = []

    def read() -> None:
        try:
            reader.read_bytes(b"a", "a.bad", on_progress=lambda done, total: begun.release())
        except StoppedError:
            ends.append("stopped")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=30)
    assert len(readers()) == 2
    with pytest.raises(StoppedError):
        reader.read_bytes(b"a", "c.txt", is_cancelled=lambda: True)
    reader.close()
    for thread in threads:
        thread.join(30)
    assert (ends, readers()) == (["stopped", "stopped"], [])


def test_a_process_ends_that_has_no_work_or_became_large(make_reader: Readers) -> None:
    reader = make_reader(idle=0.05)
    reader.read_bytes(b"a", "a.txt")
    deadline = time.monotonic() + 30
    while readers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert readers() == []
    large = make_reader(kept_memory=1)
    large.read_bytes(b"a", "a.txt")
    assert readers() == []


def test_a_reader_that_cannot_start_is_told(make_reader: Readers) -> None:
    for command in (("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")):
        with pytest.raises(UserError, match="cannot be started"):
            make_reader(command=command).read_bytes(b"a", "a.txt")


def test_what_a_reader_says_is_shown_in_one_safe_line() -> None:
    evil = "\x1b[31m\u202e\nname"
    note = note_text(ReadingNote("attachments", 1, (evil,)))
    error = refusal_error("a.pdf", "library-missing", evil)
    assert all(sign not in f"{note}{error}{error.technical}" for sign in "\x1b\u202e\n")
