"""What a projector says of itself, and faults of it: told in one sentence, or survived by a model that then sees
nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from desktop.engine.gguf_header import read_header
from desktop.engine.load_params import LoadParams
from desktop.engine.projector_header import check_projector, find_projector, read_projector
from desktop.engine.state_key import state_key
from desktop.engine.worker_messages import ProbeResult
from desktop.errors import EngineError
from desktop.file_stamp import ModelFile, stamp_from_stat
from tests.fakes.tiny_gguf import random_model
from tests.fakes.tiny_projector import tiny_projector
from tests.unit.engine.conftest import Asker
from tests.unit.engine.test_lora_adapters import NotingCheck

pytestmark = pytest.mark.usefixtures("forked_workers")
Load = Callable[..., Asker]
Files = Callable[[str], Path]


def test_a_projector_says_what_it_is_and_which_models_it_fits(tmp_path: Path) -> None:
    header = read_projector(tiny_projector(tmp_path / "mmproj.gguf"))
    assert (header.kind, header.sees, header.hears, header.name) == ("mlp", True, False, "Tiny projector")
    assert header.quantization == "F32"
    assert header.memory > header.file_size == (tmp_path / "mmproj.gguf").stat().st_size
    fitting = read_header(random_model(tmp_path / "fits.gguf"))
    other = read_header(random_model(tmp_path / "other.gguf", width=256))
    check_projector(header, fitting)
    assert header.fits(fitting)
    with pytest.raises(EngineError, match="does not fit"):
        check_projector(header, other)
    with pytest.raises(EngineError, match="no projector"):
        read_projector(fitting.path)
    hearing = read_projector(tiny_projector(tmp_path / "a.gguf", metadata=HEARING))
    with pytest.raises(EngineError, match="hear, not see"):
        check_projector(hearing, fitting)
    assert find_projector(tmp_path / "a.gguf") is None
    assert find_projector(tmp_path / "nothing.gguf") is None


HEARING = {"clip.has_vision_encoder": False, "clip.has_audio_encoder": True}
FAULTS: tuple[dict[str, Any], ...] = (
    {"clip.vision.patch_size": 0},
    {"clip.vision.image_size": 1 << 20},
    {"clip.vision.image_size": "large"},
    {"clip.vision.block_count": 100_000},
    {"clip.vision.attention.head_count": 0},
    {"clip.vision.attention.head_count": 3},
    {"clip.vision.embedding_length": None},
    {"clip.vision.attention.layer_norm_epsilon": float("nan")},
    {"clip.vision.attention.layer_norm_epsilon": 1},
    {"clip.vision.image_mean": [0.5]},
    {"clip.vision.image_std": [0.5, float("inf"), 0.5]},
    {"clip.vision.image_std": ["a", "b", "c"]},
    {"clip.has_vision_encoder": 1},
    {"clip.projector_type": 7},
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.items())))
def test_a_fault_that_would_end_the_engine_is_told(tmp_path: Path, fault: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="damaged") as caught:
        read_projector(tiny_projector(tmp_path / "mmproj.gguf", metadata=fault))
    assert caught.value.detail


def test_what_llama_cpp_finds_wrong_with_a_projector_is_told_and_another_can_be_loaded(
    make_client: Callable[..., Any], model_file: Files, tmp_path: Path
) -> None:
    client = make_client()

    def load(projector: Path) -> None:
        client.load_and_wait(LoadParams(str(model_file("llama")), threads=1, projector=str(projector)))

    for name, changes, sentence in (
        ("kind", {"clip.projector_type": "future"}, "could not be loaded"),
        ("tensors", {"clip.vision.block_count": 9}, "could not be loaded"),
    ):
        with pytest.raises(EngineError, match=sentence) as caught:
            load(tiny_projector(tmp_path / f"{name}.gguf", metadata=changes))
        assert name in caught.value.title
    load(tiny_projector(tmp_path / "sound.gguf"))
    assert client.model.sees_images


def test_a_projector_that_ends_the_engine_costs_only_itself(
    make_client: Callable[..., Any], model_file: Files, tmp_path: Path
) -> None:
    def swap(writer: gguf.GGUFWriter) -> None:  # a matrix that multiplies with nothing here: an assert of ggml's
        for tensors in writer.tensors:
            tensors["mm.0.weight"].shape = (32, 64)
            tensors["mm.0.weight"].tensor = np.zeros((32, 64), np.float32)

    hostile = tiny_projector(tmp_path / "hostile.gguf", change=swap)
    check = NotingCheck()
    client = make_client(license_check=check)
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1, projector=str(hostile)))
    assert not client.model.sees_images
    assert check.admitted == ["llama.gguf", "hostile.gguf", "llama.gguf"], "it was loaded again, once"
    assert Asker(client).ask("the of", max_tokens=4, ignore_eos=True).text


def test_a_projector_is_admitted_recorded_and_watched_as_the_model_is(
    make_client: Callable[..., Any], model_file: Files, tmp_path: Path
) -> None:
    check = NotingCheck()
    projector = tiny_projector(tmp_path / "mmproj.gguf")
    client = make_client(license_check=check)
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1, projector=str(projector)))
    Asker(client).ask("the of", max_tokens=2)
    for noted in (check.admitted, check.recorded, check.watched):
        assert set(noted) == {"llama.gguf", "mmproj.gguf"}


def test_a_saved_state_belongs_to_the_projector_too(tmp_path: Path) -> None:
    files = []
    for seed in (1, 2):
        path = tiny_projector(tmp_path / f"{seed}.gguf", seed=seed)
        files.append(ModelFile(str(path), stamp_from_stat(path.stat())))
    probed = ProbeResult("1", "build", (), (), "")
    keys = {state_key(LoadParams("m.gguf"), (), probed, (), each) for each in ((), files[:1], files[1:])}
    assert len(keys) == 3
