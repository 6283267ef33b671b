"""The benchmark writes a file that others read as GGUF, of the size it says, and the same one every time."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from desktop.cli.bench.bench_model import WORDS, BenchModelShape, bench_model
from desktop.cli.bench.gguf_writer import F32, Value, WrittenTensor, write_gguf
from desktop.errors import ResourceError

TINY = BenchModelShape("tiny", width=64, layers=2, feed_forward=128, heads=4, key_value_heads=2, vocabulary=2_000)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> gguf.GGUFReader:
    return gguf.GGUFReader(bench_model(TINY, tmp_path_factory.mktemp("bench")).path)


def test_every_kind_of_value_reads_back_as_it_was_written(home: Path) -> None:
    values: dict[str, Value] = {
        "general.architecture": "llama",
        "a.number": 7,
        "a.fraction": 0.5,
        "a.flag": True,
        "some.names": ["one", "zwei ü"],
        "some.numbers": [1, -2],
        "some.fractions": [0.25, -1.0],
    }
    write_gguf(home / "x.gguf", values, [WrittenTensor("t", (3,), F32, 12, [np.arange(3, dtype="<f4").tobytes()])])
    read = gguf.GGUFReader(home / "x.gguf")
    assert {key: read.fields[key].contents() for key in values} == values
    assert read.tensors[0].data.tolist() == [0, 1, 2]


def test_a_tensor_of_another_size_than_announced_is_noticed(home: Path) -> None:
    with pytest.raises(ValueError, match="announced"):
        write_gguf(home / "x.gguf", {}, [WrittenTensor("t", (3,), F32, 12, [b"\0" * 8])])


def test_the_tensors_have_the_shape_asked_for(reader: gguf.GGUFReader) -> None:
    shapes = {tensor.name: tuple(int(axis) for axis in tensor.shape) for tensor in reader.tensors}
    assert shapes["token_embd.weight"] == (64, 2_000)
    assert shapes["blk.1.attn_k.weight"] == (64, 32)
    assert shapes["blk.0.ffn_down.weight"] == (128, 64)
    assert len(shapes) == 2 * 9 + 3


def test_the_weights_are_finite_and_keep_activations_near_their_size(reader: gguf.GGUFReader) -> None:
    tensor = next(tensor for tensor in reader.tensors if tensor.name == "blk.0.ffn_gate.weight")
    weights = gguf.dequantize(tensor.data, tensor.tensor_type)
    assert np.isfinite(weights).all()
    out = weights @ np.random.default_rng(0).standard_normal(64)
    assert 0.5 < out.std() < 2


def test_the_vocabulary_is_whole_and_every_prefix_of_a_word_is_in_it(reader: gguf.GGUFReader) -> None:
    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    assert len(pieces) == len(set(pieces)) == 2_000
    for word in WORDS[:1000:100]:
        assert {f"▁{word[:length]}" for length in range(4)} <= set(pieces)


def test_each_word_leads_to_the_next_and_whatever_is_no_word_to_the_first(reader: gguf.GGUFReader) -> None:
    """The blocks add nothing, so that an answer is what these two tensors say."""
    tensors = {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    assert not tensors["blk.0.attn_output.weight"].any()
    assert not tensors["blk.1.ffn_down.weight"].any()
    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    embedded = tensors["token_embd.weight"]
    normed = embedded / np.sqrt(np.mean(embedded**2, axis=1, keepdims=True))
    following = np.argmax(normed @ tensors["output.weight"].T, axis=1)
    words = [word for word in WORDS if f"▁{word}" in pieces]
    assert pieces[following[pieces.index("<|assistant|>")]] == f"▁{words[0]}"
    for index in (0, 1, 100, 500):
        assert pieces[following[pieces.index(f"▁{words[index]}")]] == f"▁{words[index + 1]}"
    assert pieces[following[pieces.index(f"▁{words[-1]}")]] == f"▁{words[0]}"


def test_what_earlier_versions_wrote_is_removed(home: Path) -> None:
    (home / "some-v1.gguf").write_bytes(b"old")
    (home / "other-v1.gguf").write_bytes(b"somebody's")
    bench_model(replace(TINY, name="some-v2"), home)
    assert sorted(path.name for path in home.glob("*.gguf")) == ["other-v1.gguf", "some-v2.gguf"]


def test_the_same_file_is_written_every_time_and_kept(home: Path) -> None:
    first = bench_model(TINY, home / "a")
    written = first.path.stat()
    assert bench_model(TINY, home / "a") == first
    kept = first.path.stat()
    assert (kept.st_ino, kept.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    second = bench_model(TINY, home / "b")
    assert first.sha256 == second.sha256 == hashlib.sha256(second.path.read_bytes()).hexdigest()
    assert [path.name for path in (home / "a").iterdir() if path.suffix == ".gguf"] == ["tiny.gguf"]


def test_somebody_elses_file_of_that_name_is_not_taken_for_the_programs_own(home: Path) -> None:
    own = bench_model(TINY, home)
    right = own.path.read_bytes()
    own.path.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    again = bench_model(TINY, home)
    assert again == own
    assert again.path.read_bytes() == right


def test_a_full_disk_is_noticed_before_anything_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ResourceError, match="1 MB are free"):
        bench_model(TINY, home / "bench")
    assert list((home / "bench").iterdir()) == []
