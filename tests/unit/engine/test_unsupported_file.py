"""A GGUF file that another program alone can use is told as what it is, not as damaged or to be downloaded again."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from desktop.engine.gguf_header import read_header
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import random_model


def refusal(path: Path) -> EngineError:
    with pytest.raises(EngineError) as caught:
        read_header(path)
    said = f"{caught.value.title} {caught.value.detail} {caught.value.remedy}"
    assert "damaged" not in said
    assert "ownload" not in said
    return caught.value


def adding(*names: str) -> Any:
    """What adds small tensors of these names to a model."""

    def change(writer: gguf.GGUFWriter) -> None:
        for name in names:
            writer.add_tensor(name, np.zeros((4, 32), np.float32))

    return change


def bare(path: Path, architecture: str | None, *names: str, **metadata: Any) -> Path:
    """A file of these tensors alone, with next to no metadata."""
    writer = gguf.GGUFWriter(path, architecture or "removed")
    if architecture is None:
        writer.kv_data[0].pop("general.architecture")
    for key, value in metadata.items():
        writer.add_string(key.replace("__", "."), value)
    adding(*names)(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def with_type(path: Path, number: int, name: str = "blk.0.attn_q.weight") -> Path:
    """The same file, one tensor of which is of a type of that number."""
    data = path.read_bytes()
    at = data.index(len(name).to_bytes(8, "little") + name.encode()) + 8 + len(name) + 4 + 2 * 8
    path.write_bytes(data[:at] + number.to_bytes(4, "little") + data[at + 4 :])
    return path


OLLAMA = {
    "eyes in the same file": {"change": adding("v.patch_embd.weight", "v.blk.0.attn_q.weight")},
    "a projector in it": {"change": adding("mm.input_projection.weight")},
    "ears in it": {"change": adding("a.blk.0.attn_q.weight")},
    "metadata of eyes": {"metadata": {"llama.vision.block_count": 1}},
    "metadata of eyes in gemma3": {"architecture": "gemma3", "metadata": {"gemma3.vision.image_size": 896}},
    "gptoss": {"metadata": {"general.architecture": "gptoss"}},
    "mllama": {"metadata": {"general.architecture": "mllama"}},
    "qwen25vl": {"metadata": {"general.architecture": "qwen25vl"}},
    "gpt-oss in names of Ollama's": {
        "metadata": {"general.architecture": "gpt-oss"},
        "change": adding("blk.0.attn_out.weight"),
    },
    "sinks without an ending": {"metadata": {"general.architecture": "gpt-oss"}, "change": adding("blk.0.attn_sinks")},
}


@pytest.mark.parametrize("name", OLLAMA)
def test_what_ollamas_own_engine_reads_alone(tmp_path: Path, name: str) -> None:
    error = refusal(random_model(tmp_path / "m.gguf", **OLLAMA[name]))
    assert "Ollama's own engine" in error.title
    assert "elsewhere" in error.remedy


def test_a_type_that_ollama_gave_another_meaning_is_ollamas(tmp_path: Path) -> None:
    path = random_model(tmp_path / "m.gguf", metadata={"general.architecture": "gptoss"})
    assert "Ollama's own engine" in refusal(with_type(path, 4)).title


@pytest.mark.parametrize(
    ("number", "architecture", "said", "leads_on"),
    [
        (36, "bitnet", "bitnet.cpp", "TQ1_0"),
        (36, "bitnet-b1.58", "bitnet.cpp", "TQ1_0"),
        (31, "llama", "Q4_0_4_4", "Q4_0"),
        (137, "llama", "ik_llama.cpp", "Q4_K_M"),
        (152, "llama", "ik_llama.cpp", "Q4_K_M"),
        (60, "llama", "newer", "Update Latchkey"),
    ],
)
def test_quantizations_that_this_engine_does_not_read(
    tmp_path: Path, number: int, architecture: str, said: str, leads_on: str
) -> None:
    path = random_model(tmp_path / "m.gguf", metadata={"general.architecture": architecture})
    error = refusal(with_type(path, number))
    assert said in error.title
    assert leads_on in error.remedy


PICTURES = ("model.diffusion_model.input_blocks.0.0.weight", "double_blocks.0.img_attn.proj.weight",
            "joint_blocks.0.x_block.attn.qkv.weight", "first_stage_model.decoder.conv_in.weight")  # fmt: skip


@pytest.mark.parametrize("tensor", PICTURES)
@pytest.mark.parametrize("architecture", [None, "flux"])
def test_models_that_make_pictures(tmp_path: Path, tensor: str, architecture: str | None) -> None:
    error = refusal(bare(tmp_path / "m.gguf", architecture, tensor))
    assert "pictures" in error.title
    assert "stable-diffusion.cpp" in error.remedy


@pytest.mark.parametrize("architecture", ["sd1", "sdxl", "sd3", "wan", "qwen_image", "ltxv", "pig"])
def test_models_that_make_pictures_by_their_architecture(tmp_path: Path, architecture: str) -> None:
    assert "pictures" in refusal(bare(tmp_path / "m.gguf", architecture, "x")).title


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"general.architecture": "bert"}, "embedding"),
        ({"llama.pooling_type": 3}, "embedding"),
        ({"llama.pooling_type": 4}, "reranker"),
        ({"general.architecture": "whisper"}, "speech into text"),
        ({"general.architecture": "kokoro"}, "speech model"),
        ({"general.architecture": "wavtokenizer-dec"}, "belongs to another model"),
        ({"general.architecture": "clip"}, "is a projector"),
        ({"general.type": "mmproj"}, "is a projector"),
        ({"general.type": "adapter"}, "adapter"),
        ({"general.type": "imatrix"}, "importance matrix"),
        ({"general.architecture": "controlvector"}, "control vector"),
    ],
)
def test_what_cannot_chat(tmp_path: Path, metadata: dict[str, Any], said: str) -> None:
    assert said in refusal(random_model(tmp_path / "m.gguf", metadata=metadata)).title


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (("direction.1", "direction.2"), "control vector"),
        (("blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_b"), "adapter"),
        (("blk.0.attn_q.weight.in_sum2", "blk.0.attn_q.weight.counts"), "importance matrix"),
    ],
)
def test_parts_of_models_are_told_by_their_tensors(tmp_path: Path, tensors: tuple[str, ...], said: str) -> None:
    assert said in refusal(bare(tmp_path / "m.gguf", None, *tensors)).title


def test_an_architecture_that_nobody_knows_is_named(tmp_path: Path) -> None:
    error = refusal(random_model(tmp_path / "m.gguf", metadata={"general.architecture": "brand-new"}))
    assert "brand-new" in error.title


def test_a_model_without_pooling_is_a_chat_model(tmp_path: Path) -> None:
    assert read_header(random_model(tmp_path / "m.gguf", metadata={"llama.pooling_type": 0})).architecture == "llama"
