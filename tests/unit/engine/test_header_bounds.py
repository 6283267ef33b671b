"""How much memory a header may take, and which files beside a model count as its parts."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.gguf_header import read_header
from desktop.engine.gguf_reader import GgufFile, read_gguf
from desktop.engine.load_params import LoadParams
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import children, impostor

MB = 1 << 20
UINT8, FLOAT64, STRING, ARRAY = 0, 12, 8, 9


READ = """
import resource, sys
from pathlib import Path
from desktop.engine.gguf_reader import read_gguf
from desktop.errors import EngineError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_gguf(Path(sys.argv[1]))
    told = ""
except EngineError as error:
    told = str(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, told)
"""


def peak(path: Path) -> tuple[str, float]:
    """Read a header in a process of its own: what is wrong with it, and how many MB that took at most."""
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    most, _, told = done.stdout.strip().partition(" ")
    return told, float(most)


def header(path: Path, *entries: tuple[str, int, Iterator[bytes]]) -> Path:
    """A GGUF file of metadata alone; an entry's bytes come in pieces, so that no test holds them all."""
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)))
        for key, kind, pieces in entries:
            file.write(struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind))
            file.writelines(pieces)
    return path


def text(size: int, begin: str = "") -> Iterator[bytes]:
    yield struct.pack("<Q", size)
    yield begin.encode()
    rest = size - len(begin.encode())
    for _ in range(0, rest, MB):
        yield b"a" * min(MB, rest)
        rest -= min(MB, rest)


def texts(count: int, size: int, *, alike: bool = False) -> Iterator[bytes]:
    yield struct.pack("<IQ", STRING, count)
    for number in range(count):
        yield struct.pack("<Q", size) + (0 if alike else number).to_bytes(4, "little") * (size // 4)


def numbers(kind: int, width: int, count: int) -> Iterator[bytes]:
    yield struct.pack("<IQ", kind, count)
    yield bytes(range(256)) * (count * width // 256)


def test_what_real_files_say_is_read_whole(tmp_path: Path) -> None:
    """The largest vocabularies have 262,144 tokens; some files carry a tokenizer of 20 MB as one text besides."""
    path = header(
        tmp_path / "m.gguf",
        ("general.name", STRING, text(40)),
        ("tokenizer.ggml.tokens", ARRAY, texts(262_144, 8)),
        ("tokenizer.ggml.scores", ARRAY, numbers(6, 4, 262_144)),
        ("tokenizer.ggml.merges", ARRAY, texts(524_288, 12)),
        ("tokenizer.huggingface.json", STRING, text(20 * MB)),
        ("tokenizer.chat_template", STRING, text(30_000)),
    )
    told, most = peak(path)
    assert told == ""
    assert most < 64
    template = read_gguf(path).metadata["tokenizer.chat_template"]
    assert isinstance(template, str)
    assert len(template) == 30_000


@pytest.mark.parametrize(
    "entries",
    [
        [("general.name", STRING, text(60 * MB, "\U0001f600")), ("general.author", STRING, text(60 * MB, "\u4e00"))],
        [(f"general.{number}", STRING, text(MB, "\U0001f600")) for number in range(100)],
        [(f"general.{number}", STRING, text(60_000)) for number in range(1500)],
        [("k" * 65_000 + str(number), UINT8, iter([b"\0"])) for number in range(1500)],
        [(f"a.{number}", ARRAY, numbers(UINT8, 1, 1024)) for number in range(15_000)],
        [(f"a.{number}", ARRAY, numbers(FLOAT64, 8, 1024)) for number in range(10_000)],
        [(f"a.{number}", ARRAY, texts(1000, 4)) for number in range(5_000)],
        [("tokenizer.ggml.tokens", ARRAY, texts(100, MB))],
        [("tokenizer.ggml.tokens", ARRAY, texts(990_000, 4))],
    ],
    ids=["wide", "long texts", "many texts", "keys", "bytes", "numbers", "lists", "long tokens", "tokens"],
)
def test_a_header_takes_little_memory_whatever_it_holds(
    tmp_path: Path, entries: list[tuple[str, int, Iterator[bytes]]]
) -> None:
    _, most = peak(header(tmp_path / "m.gguf", *entries))
    assert most < 96


def test_a_header_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    many = header(tmp_path / "m.gguf", *((f"a.{number}", STRING, text(50 * MB)) for number in range(3)))
    with pytest.raises(EngineError, match="larger than 128 MB"):
        read_gguf(many)
    tokens = header(tmp_path / "t.gguf", ("tokenizer.ggml.tokens", ARRAY, texts(1_000_001, 4)))
    with pytest.raises(EngineError, match="claims 1,000,001 entries"):
        read_gguf(tokens)


def test_a_token_that_comes_twice_is_still_named(tmp_path: Path) -> None:
    gguf: GgufFile = read_gguf(header(tmp_path / "m.gguf", ("tokenizer.ggml.tokens", ARRAY, texts(9, 4, alike=True))))
    tokens = gguf.metadata["tokenizer.ggml.tokens"]
    assert getattr(tokens, "repeated", None) == "\0\0\0\0"


# --- parts ---


def split(folder: Path, count: int = 2) -> list[Path]:
    made = [folder / f"m-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    for index, path in enumerate(made):
        random_model(path, metadata={"split.count": count, "split.no": index, "split.tensors.count": 42})
    return made


@pytest.mark.parametrize("what", ["secret", "other model", "first", "itself", "pipe", "device", "folder", "nothing"])
def test_what_merely_lies_there_under_a_parts_name_is_no_part(tmp_path: Path, what: str) -> None:
    first, second = split(tmp_path)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    targets = {
        "secret": secret,
        "other model": random_model(tmp_path / "other.gguf"),
        "first": first,
        "itself": second,
        "device": Path("/dev/zero"),
        "folder": tmp_path,
        "nothing": tmp_path / "none",
    }
    second.unlink()
    if what == "pipe":
        os.mkfifo(second)
    else:
        second.symlink_to(targets[what])
    with pytest.raises(EngineError):
        read_header(first)


def test_parts_that_are_links_to_what_they_say_are_taken(tmp_path: Path) -> None:
    """As in the Hub's cache, where every name leads to a file that is named by its hash."""
    blobs, names = tmp_path / "blobs", tmp_path / "names"
    blobs.mkdir()
    names.mkdir()
    for number, path in enumerate(split(blobs)):
        hidden = path.rename(blobs / str(number))
        (names / path.name).symlink_to(hidden)
    assert len(read_header(names / "m-00001-of-00002.gguf").files) == 2


def test_a_worker_may_open_the_files_that_were_looked_at_and_no_others(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, make_client: Callable[..., EngineClient]
) -> None:
    """A third file beside them stays closed."""
    folder = tmp_path_factory.mktemp("models")
    first, second = split(folder)
    third = random_model(folder / "m-00003-of-00002.gguf")
    attempt = f"""
                told = []
                for path in {[str(first), str(second), str(third)]!r}:
                    try:
                        told.append(open(path, "rb").read(4).decode())
                    except OSError as error:
                        told.append(type(error).__name__)
                from desktop.engine.engine_errors import failure_event
                from desktop.errors import EngineError
                self._send(failure_event(0, EngineError(self._confinement + " " + " ".join(told))))
    """
    client = make_client(executable=impostor(tmp_path, attempt))
    with pytest.raises(EngineError) as caught:
        client.load_and_wait(LoadParams(str(first)))
    if not caught.value.title.startswith("landlock+"):
        pytest.skip(f"this kernel confines less: {caught.value.title}")
    assert caught.value.title == "landlock+seccomp GGUF GGUF PermissionError"
    client.close()
    assert not children()
