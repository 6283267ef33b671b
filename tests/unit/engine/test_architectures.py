"""The list of architectures is llama.cpp's own: each name is known to the library, and others are not."""

import ctypes
from pathlib import Path

import gguf
import pytest

from desktop.engine.unsupported_file import EMBEDDING_ARCHITECTURES, KNOWN_ARCHITECTURES, OTHER_PARTS
from desktop.engine.worker import llama_api


@pytest.fixture(scope="module")
def log() -> llama_api.LlamaLog:
    log = llama_api.LlamaLog()
    log.start()
    return log


def library_knows(name: str, folder: Path, log: llama_api.LlamaLog) -> bool:
    """Ask llama.cpp to load a file of that architecture with nothing else in it."""
    path = folder / "m.gguf"
    writer = gguf.GGUFWriter(path, name)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    log.complaints.clear()
    params = llama_api.llama.llama_model_default_params()
    params.vocab_only = True
    handle = llama_api.llama.llama_model_load_from_file(str(path).encode(), params)
    assert not handle
    return not any("unknown model architecture" in line for line in log.complaints)


def test_every_name_is_known_to_the_library(tmp_path: Path, log: llama_api.LlamaLog) -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    assert not [name for name in sorted(KNOWN_ARCHITECTURES) if not library_knows(name, tmp_path, log)]


def test_every_name_that_converters_write_is_listed(tmp_path: Path, log: llama_api.LlamaLog) -> None:
    written = set(gguf.MODEL_ARCH_NAMES.values()) - KNOWN_ARCHITECTURES
    assert not [name for name in sorted(written) if library_knows(name, tmp_path, log)]


def test_another_name_is_not_known(tmp_path: Path, log: llama_api.LlamaLog) -> None:
    assert not library_knows("xyz", tmp_path, log)


def test_what_cannot_chat_is_listed_under_known_names() -> None:
    assert EMBEDDING_ARCHITECTURES <= KNOWN_ARCHITECTURES
    assert OTHER_PARTS <= KNOWN_ARCHITECTURES
