"""What a model file says is read quickly and never trusted: each unsound file ends in one clear sentence."""

import math
import os
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest

from desktop.engine.gguf_header import read_header
from desktop.engine.gguf_reader import TENSOR_TYPES
from desktop.errors import EngineError, NotFoundError
from tests.fakes.tiny_gguf import bpe_vocabulary, random_model, spm_vocabulary


@pytest.fixture
def sound(model_file: Callable[[str], Path]) -> Path:
    return model_file("llama")


def refusal(path: Path) -> str:
    """The sentences a file is refused with."""
    with pytest.raises(EngineError) as caught:
        read_header(path)
    assert caught.value.title.endswith(".")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- sound files ---


def test_a_sound_file_is_described(tmp_path: Path) -> None:
    path = random_model(
        tmp_path / "m.gguf",
        context_length=2048,
        metadata={
            "general.license": "llama3.2",
            "general.license.link": "https://example.org/license",
            "general.base_model.count": 2,
            "general.base_model.0.name": "Base",
            "general.base_model.0.organization": "Org",
            "general.base_model.1.repo_url": "https://huggingface.co/org/other",
            "general.file_type": 15,
            "general.tags": ["chat", "tiny"],
        },
    )
    header = read_header(path)
    assert (header.architecture, header.name, header.license) == ("llama", "Tiny random", "llama3.2")
    assert header.license_link == "https://example.org/license"
    assert header.base_models == ("Org/Base", "org/other")
    assert header.quantization == "Q4_K_M"
    assert header.context_length == 2048
    assert header.block_count == 2
    assert header.vocab_size == len(spm_vocabulary().tokens)
    assert header.has_template
    assert header.file_size == path.stat().st_size
    assert header.parameters == sum(math.prod(tensor.dimensions) for tensor in header.tensors)
    assert header.metadata["general.tags"] == ("chat", "tiny")


def test_the_quantization_is_named_after_most_bytes_where_the_file_does_not_say(sound: Path) -> None:
    assert read_header(sound).quantization == "F32"


@pytest.mark.parametrize("name", ["llama", "bpe", "gemma3", "mamba"])
def test_every_kind_of_sound_file_passes(model_file: Callable[[str], Path], name: str) -> None:
    header = read_header(model_file(name))
    assert header.tensors
    assert header.estimate_memory(4096) > header.file_size


def test_tensor_sizes_are_ggmls_own() -> None:
    known = {member.value: gguf.GGML_QUANT_SIZES[member] for member in gguf.GGMLQuantizationType}
    assert known.items() >= {9: (32, 40)}.items()
    for number, (name, block, size) in TENSOR_TYPES.items():
        if number in known and name != "Q8_1":  # gguf-py counts Q8_1's two scales as floats; ggml has them as halves
            assert (block, size) == known[number], name


def test_a_large_vocabulary_costs_little_memory_and_no_hang(tmp_path: Path) -> None:
    vocabulary = bpe_vocabulary("qwen2", filler=152_000)
    vocabulary.merges += [f"filler{index} x" for index in range(150_000)]
    path = random_model(tmp_path / "big.gguf", architecture="qwen2", vocabulary=vocabulary, width=4, layers=1)
    started = time.process_time()
    assert read_header(path).vocab_size > 152_000
    assert time.process_time() - started < 2


def test_split_files_are_counted_together(tmp_path: Path, sound: Path) -> None:
    first, second = tmp_path / "m-00001-of-00002.gguf", tmp_path / "m-00002-of-00002.gguf"
    random_model(first, metadata={"split.count": 2, "split.no": 0, "split.tensors.count": 42})
    random_model(second, metadata={"split.count": 2, "split.no": 1, "split.tensors.count": 42})
    header = read_header(first)
    assert header.files == (first, second)
    assert header.file_size == first.stat().st_size + second.stat().st_size
    assert "later part" in refusal(second)
    assert "Open m-00001-of-00002.gguf" in refusal(second)
    second.unlink()
    assert "1 of them are missing" in refusal(first)
    assert "m-00002-of-00002.gguf" in refusal(first)


# --- what is no GGUF ---

NOT_MODELS = {
    "empty": (b"", "The file is empty"),
    "html": (b"<!DOCTYPE html><html><head><title>Sign in</title>", "web page"),
    "html after blanks": (b"\n\n  <html lang=en>", "web page"),
    "safetensors": (struct.pack("<Q", 40) + b'{"__metadata__":{"format":"pt"}}', "safetensors"),
    "pytorch": (b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl", "PyTorch"),
    "zip": (b"PK\x03\x04" + b"\0" * 26 + b"readme.txt", "ZIP"),
    "gzip": (b"\x1f\x8b\x08" + b"\0" * 20, "archive"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 99\n", "Git LFS pointer"),
    "xet": (b"# xet version 0\nfilesize = 3\nhash = 'abc'\n", "Xet pointer"),
    "json": (b'{"architectures": ["LlamaForCausalLM"]}', "JSON"),
    "text": (b"Dear diary,\n", "text file"),
    "zeros": (bytes(4096), "zeros"),
    "old ggml": (b"tjgg" + bytes(40), "older format"),
    "noise": (bytes(range(128, 256)) * 3, "first bytes"),
    "picture": (b"\x89PNG\r\n\x1a\n", "picture"),
    "llamafile": (b"MZqFpD='\n" + b"\0" * 60, "llamafile"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "ONNX"),
    "old imatrix": (struct.pack("<ii", 2, 12) + b"blk.0.attn_q" + b"\0" * 40, "importance matrix"),
    "tensorflow lite": (b"\x1c\0\0\0TFL3" + b"\0" * 40, "TensorFlow Lite"),
    "tar": (b"model.gguf" + b"\0" * 247 + b"ustar\x0000", "archive"),
}


@pytest.mark.parametrize("name", NOT_MODELS)
def test_what_is_no_gguf_is_called_by_its_name(tmp_path: Path, name: str) -> None:
    content, expected = NOT_MODELS[name]
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert "is not a model file" in refusal(path)
    assert expected in refusal(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.gguf")
    assert "is not a regular file" in refusal(tmp_path / "m.gguf")
    assert "is not a regular file" in refusal(Path("/dev/zero"))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        read_header(tmp_path / "nothing.gguf")
    assert "is a folder" in refusal(tmp_path)


# --- damaged bytes ---


def patched(sound: Path, target: Path, at: int, data: bytes) -> Path:
    content = bytearray(sound.read_bytes())
    content[at : at + len(data)] = data
    target.write_bytes(content)
    return target


PATCHES = {
    "big-endian": (4, struct.pack(">I", 3), "big-endian"),
    "version 1": (4, struct.pack("<I", 1), "version 1"),
    "version 9": (4, struct.pack("<I", 9), "version 9"),
    "tensors": (8, struct.pack("<Q", 1 << 62), "tensors"),
    "tensors a few too many": (8, struct.pack("<Q", 22), ""),
    "metadata": (16, struct.pack("<Q", 1 << 62), "metadata entries"),
    "key length": (24, struct.pack("<Q", 1 << 62), "where none can be"),
}


@pytest.mark.parametrize("name", PATCHES)
def test_damaged_beginnings(tmp_path: Path, sound: Path, name: str) -> None:
    at, data, expected = PATCHES[name]
    assert expected in refusal(patched(sound, tmp_path / "m.gguf", at, data))


def test_truncated_anywhere_in_the_header(tmp_path: Path, sound: Path) -> None:
    content = sound.read_bytes()
    end = read_header(sound).file_size - sum(tensor.size for tensor in read_header(sound).tensors)
    path = tmp_path / "m.gguf"
    for length in range(4, end - 64, 997):
        path.write_bytes(content[:length])
        assert re.search("incomplete|damaged", refusal(path)), length


@pytest.mark.parametrize("missing", [1, 1000, 300_000])
def test_missing_tensor_data_is_counted(tmp_path: Path, sound: Path, missing: int) -> None:
    content = sound.read_bytes()
    end = len(content.rstrip(b"\0")) if missing == 0 else len(content)
    path = tmp_path / "m.gguf"
    path.write_bytes(content[: end - missing])
    assert f"The file is {missing:,} bytes short" in refusal(path)


def test_random_damage_never_hangs_or_raises_anything_else(tmp_path: Path, sound: Path) -> None:
    import random

    rng = random.Random(3)
    content = sound.read_bytes()
    path = tmp_path / "m.gguf"
    for _ in range(300):
        damaged = bytearray(content[:40_000])
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(4, len(damaged))] = rng.randrange(256)
        path.write_bytes(bytes(damaged) + content[40_000:])
        try:
            read_header(path)
        except EngineError as error:
            assert error.title  # noqa: PT017 - either outcome is right; nothing else may come out


# --- hostile metadata ---

HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    **{
        f"alignment {value}": ({"general.alignment": value}, f"alignment is {value}")
        for value in (0, 1, 8, 16, 33, 48, 1 << 30)
    },
    "alignment text": ({"general.alignment": "32"}, "alignment"),
    **{
        f"block_count {value}": ({"llama.block_count": value}, "block_count is")
        for value in (0, 513, 65_536, (1 << 32) - 1)
    },
    "block_count missing": ({"llama.block_count": None}, "does not say its block_count"),
    "block_count text": ({"llama.block_count": "two"}, "llama.block_count should be a whole number"),
    "block_count float": ({"llama.block_count": 2.0}, "llama.block_count should be a whole number"),
    "block_count list": ({"llama.block_count": [2, 2]}, "llama.block_count should be a whole number"),
    **{
        f"epsilon {value}": ({"llama.attention.layer_norm_rms_epsilon": value}, "epsilon is")
        for value in (math.nan, math.inf, -math.inf, 0.0, -1e-5, 10.0)
    },
    "epsilon text": ({"llama.attention.layer_norm_rms_epsilon": "small"}, "should be a number"),
    "epsilon whole": ({"llama.attention.layer_norm_rms_epsilon": 1}, "should be a number"),
    "rope nan": ({"llama.rope.freq_base": math.nan}, "rope.freq_base is nan"),
    "context 0": ({"llama.context_length": 0}, "context_length is 0"),
    "context absurd": ({"llama.context_length": 2_000_000_000}, "context_length is 2000000000"),
    "context missing": ({"llama.context_length": None}, "does not say its context_length"),
    "embedding 0": ({"llama.embedding_length": 0}, "embedding_length is 0"),
    "embedding huge": ({"llama.embedding_length": 1 << 31}, "embedding_length is"),
    "heads 0": ({"llama.attention.head_count": 0}, "head_count is 0"),
    "heads do not divide": ({"llama.attention.head_count": 7}, "head_count is"),
    "heads huge": ({"llama.attention.head_count": 1 << 31}, "head_count is"),
    "shared heads 0": ({"llama.attention.head_count_kv": 0}, "head_count_kv is"),
    "shared heads do not divide": ({"llama.attention.head_count_kv": 3}, "head_count_kv is"),
    "shared heads more": ({"llama.attention.head_count_kv": 8}, "head_count_kv is"),
    "experts": ({"llama.expert_count": 100_000}, "expert_count is"),
    "no expert used": ({"llama.expert_count": 8}, "expert_used_count is 0"),
    "more experts used than there are": (
        {"llama.expert_count": 8, "llama.expert_used_count": 9},
        "expert_used_count is 9",
    ),
    "experts used where there are none": ({"llama.expert_used_count": 2}, "expert_used_count is 2"),
    "extra layers": ({"llama.nextn_predict_layers": 7}, "nextn_predict_layers is 7"),
    "rope scaling": ({"llama.rope.scaling.type": "x"}, "rope.scaling.type is x"),
    "key length": ({"llama.attention.key_length": 0}, "key_length is 0"),
    "no architecture": ({"general.architecture": None}, "architecture"),
    "architecture number": ({"general.architecture": 5}, "general.architecture should be a text"),
    "unknown architecture": ({"general.architecture": "xyz"}, "architecture, xyz, is not known"),
    "embedding model": ({"general.architecture": "nomic-bert"}, "cannot chat"),
    "projector": ({"general.architecture": "clip"}, "lets another model see"),
    "adapter": ({"general.type": "adapter"}, "adapter (LoRA)"),
    "no tokenizer": ({"tokenizer.ggml.model": None}, "carries no vocabulary"),
    "tokenizer none": ({"tokenizer.ggml.model": "no_vocab"}, "carries no vocabulary"),
    "no tokens": ({"tokenizer.ggml.tokens": None}, "carries no vocabulary"),
    "tokens numbers": ({"tokenizer.ggml.tokens": [1, 2, 3]}, "should be texts"),
    "scores too few": ({"tokenizer.ggml.scores": [0.0, 1.0]}, "does not fit the vocabulary"),
    "template number": ({"tokenizer.chat_template": 7}, "should be a text"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_metadata_is_refused_by_name(tmp_path: Path, name: str) -> None:
    metadata, expected = HOSTILE[name]
    assert expected in refusal(random_model(tmp_path / "m.gguf", metadata=metadata))


def test_a_token_that_comes_twice(tmp_path: Path) -> None:
    vocabulary = spm_vocabulary()
    vocabulary.tokens[300] = vocabulary.tokens[290]
    path = random_model(tmp_path / "m.gguf", vocabulary=vocabulary)
    assert f"holds a token twice: {vocabulary.tokens[290]}" in refusal(path)


def tensor_info_at(path: Path, name: str) -> int:
    """Where the entry of tensor `name` has its dimensions' count."""
    content = path.read_bytes()
    return content.index(struct.pack("<Q", len(name)) + name.encode()) + 8 + len(name)


TENSOR_PATCHES = {
    "dimensions": (0, struct.pack("<I", 9), "has 9 dimensions"),
    "negative": (4, struct.pack("<q", -64), "impossible dimensions"),
    "zero": (4, struct.pack("<q", 0), "impossible dimensions"),
    "overflow": (4, struct.pack("<qq", 1 << 62, 1 << 62), "impossible dimensions"),
    "unknown type": (20, struct.pack("<I", 99), "unknown type 99"),
    "removed type": (20, struct.pack("<I", 31), "Q4_0_4_4"),
    "unaligned": (24, struct.pack("<Q", 17), "not aligned"),
    "overlap": (24, struct.pack("<Q", 32), "overlaps"),
    "far": (24, struct.pack("<Q", 1 << 62), "overlaps another or leaves a gap"),
}


@pytest.mark.parametrize("name", TENSOR_PATCHES)
def test_unsound_tensors(tmp_path: Path, sound: Path, name: str) -> None:
    offset, data, expected = TENSOR_PATCHES[name]
    at = tensor_info_at(sound, "blk.0.attn_q.weight")
    assert expected in refusal(patched(sound, tmp_path / "m.gguf", at + offset, data))


def test_two_tensors_of_one_name(tmp_path: Path, sound: Path) -> None:
    content = sound.read_bytes().replace(b"blk.1.attn_q.weight", b"blk.0.attn_q.weight")
    (tmp_path / "m.gguf").write_bytes(content)
    assert "two tensors named blk.0.attn_q.weight" in refusal(tmp_path / "m.gguf")


def test_a_file_of_metadata_alone_is_no_model(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(64)
    writer.add_block_count(1)
    writer.add_head_count(4)
    spm_vocabulary().write(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert "no weights" in refusal(tmp_path / "m.gguf")
