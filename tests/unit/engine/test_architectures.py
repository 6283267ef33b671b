"""The list of architectures is llama.cpp's own: each name is known to the library, and others are not."""

import ctypes
from pathlib import Path

import gguf
import pytest

from desktop.engine.architectures import EMBEDDING, KNOWN, OTHER_PARTS
from desktop.engine.worker import native


@pytest.fixture(scope="module")
def log() -> native.NativeLog:
    log = native.NativeLog()
    log.start()
    return log


def library_knows(name: str, folder: Path, log: native.NativeLog) -> bool:
    """Ask llama.cpp to load a file of that architecture with nothing else in it."""
    path = folder / "m.gguf"
    writer = gguf.GGUFWriter(path, name)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    log.complaints.clear()
    params = native.llama.llama_model_default_params()
    params.vocab_only = True
    handle = native.llama.llama_model_load_from_file(str(path).encode(), params)
    assert not handle
    return not any("unknown model architecture" in line for line in log.complaints)


def test_every_name_is_known_to_the_library(tmp_path: Path, log: native.NativeLog) -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    assert not [name for name in sorted(KNOWN) if not library_knows(name, tmp_path, log)]


def test_every_name_that_converters_write_is_listed(tmp_path: Path, log: native.NativeLog) -> None:
    written = set(gguf.MODEL_ARCH_NAMES.values()) - KNOWN
    assert not [name for name in sorted(written) if library_knows(name, tmp_path, log)]


def test_another_name_is_not_known(tmp_path: Path, log: native.NativeLog) -> None:
    assert not library_knows("xyz", tmp_path, log)


def test_what_cannot_chat_is_listed_under_known_names() -> None:
    assert EMBEDDING <= KNOWN
    assert OTHER_PARTS <= KNOWN
