"""Adapters (LoRA): put on the model they belong to, admitted and watched like it, and refused where they do not fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.engine.adapter_header import check_adapter_fits, read_adapter
from desktop.engine.gguf_header import read_header
from desktop.engine.load_params import LoadParams, LoraAdapter
from desktop.engine.state_key import state_key
from desktop.engine.worker_messages import ProbeResult
from desktop.errors import EngineError, LicenseError
from desktop.file_stamp import ModelFile, stamp_from_stat
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_adapter import lora_adapter
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Asker

Files = Callable[[str], Path]
Load = Callable[..., Asker]


def said(asker: Asker) -> str:
    return asker.ask("the of and to", max_tokens=24, ignore_eos=True).text


def test_an_adapter_changes_what_the_model_says(load: Load, model_file: Files, tmp_path: Path) -> None:
    path = str(lora_adapter(tmp_path / "adapter.gguf"))
    plain = said(load(model_file("llama")))
    assert said(load(model_file("llama"), adapters=(LoraAdapter(path),))) != plain
    assert said(load(model_file("llama"), adapters=(LoraAdapter(path, 0.0),))) == plain


def test_several_adapters_are_put_on_together(load: Load, model_file: Files, tmp_path: Path) -> None:
    one = lora_adapter(tmp_path / "one.gguf", tensors=["blk.0.attn_q.weight"])
    other = lora_adapter(tmp_path / "other.gguf", tensors=["blk.1.attn_output.weight"])
    both = said(load(model_file("llama"), adapters=(LoraAdapter(str(one)), LoraAdapter(str(other)))))
    assert both != said(load(model_file("llama"), adapters=(LoraAdapter(str(one)),)))
    assert both != said(load(model_file("llama"), adapters=(LoraAdapter(str(other)),)))


# --- the license check ---


class NotingCheck(OpenLoadCheck):
    """Notes what it is asked; refuses the file called `refused`."""

    def __init__(self, refused: str = "") -> None:
        self.admitted: list[str] = []
        self.recorded: list[str] = []
        self.watched: list[str] = []
        self.refused = refused
        super().__init__(
            self._admit,
            record_load=lambda path: self.recorded.append(path.name),
            check_loaded=lambda path: self.watched.append(path.name),
        )

    def _admit(self, path: Path) -> None:
        if path.name == self.refused:
            raise LicenseError("It may not be used.")
        self.admitted.append(path.name)


def test_an_adapter_is_admitted_recorded_and_watched_as_the_model_is(
    make_client: Callable[..., Any], model_file: Files, tmp_path: Path
) -> None:
    check = NotingCheck()
    client = make_client(license_check=check)
    adapter = LoraAdapter(str(lora_adapter(tmp_path / "adapter.gguf")))
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1, adapters=(adapter,)))
    said(Asker(client))
    for noted in (check.admitted, check.recorded, check.watched):
        assert set(noted) == {"llama.gguf", "adapter.gguf"}


def test_an_adapter_that_is_refused_is_not_loaded(
    make_client: Callable[..., Any], model_file: Files, tmp_path: Path
) -> None:
    check = NotingCheck(refused="adapter.gguf")
    adapter = LoraAdapter(str(lora_adapter(tmp_path / "adapter.gguf")))
    with pytest.raises(LicenseError):
        make_client(license_check=check).load_and_wait(
            LoadParams(str(model_file("llama")), threads=1, adapters=(adapter,))
        )
    assert not check.recorded


# --- what does not fit, or is none ---


def test_an_adapter_for_another_architecture_is_refused_in_a_sentence(model_file: Files, tmp_path: Path) -> None:
    adapter = read_adapter(lora_adapter(tmp_path / "adapter.gguf", architecture="qwen2"))
    with pytest.raises(EngineError, match=r"does not fit the model llama\.gguf") as caught:
        check_adapter_fits(adapter, read_header(model_file("llama")))
    assert "qwen2" in caught.value.detail


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"width": 96}, "is of another size"),
        ({"tensors": ["blk.7.attn_q.weight"]}, "has no blk.7.attn_q.weight"),
        ({"tensors": ["blk.0.attn_k.weight"]}, "is of another size"),
        ({"tensors": ["token_embd.weight"]}, "is of another size"),
    ],
)
def test_an_adapter_of_another_shape_is_refused_in_a_sentence(
    load: Load, model_file: Files, tmp_path: Path, options: dict[str, Any], detail: str
) -> None:
    path = str(lora_adapter(tmp_path / "adapter.gguf", **options))
    with pytest.raises(EngineError, match="does not fit") as caught:
        load(model_file("llama"), adapters=(LoraAdapter(path),))
    assert detail in caught.value.detail


def _odd(writer: Any) -> None:
    import numpy as np

    writer.add_tensor("blk.0.attn_v.weight.lora_a", np.zeros((4, 64), np.float32))


def _stranger(writer: Any) -> None:
    import numpy as np

    writer.add_tensor("blk.0.attn_v.weight", np.zeros((4, 64), np.float32))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"metadata": {"general.type": "model"}}, "is not an adapter"),
        ({"metadata": {"general.type": None}}, "is not an adapter"),
        ({"metadata": {"adapter.type": "ia3"}}, "of a kind that the engine does not know"),
        ({"metadata": {"adapter.type": None}}, "damaged"),
        ({"metadata": {"adapter.type": 3}}, "damaged"),
        ({"metadata": {"adapter.lora.alpha": 8}}, "damaged"),
        ({"metadata": {"adapter.lora.alpha": float("nan")}}, "damaged"),
        ({"metadata": {"adapter.alora.invocation_tokens": [3, 4]}}, "activated LoRA"),
        ({"architecture": "no-such"}, "not known to this version"),
        ({"tensors": []}, "damaged"),
        ({"change": _odd}, "damaged"),
        ({"change": _stranger}, "damaged"),
    ],
)
def test_what_would_end_llama_cpp_or_is_no_adapter_is_refused_before(
    tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    path = lora_adapter(tmp_path / "adapter.gguf", **options)
    with pytest.raises(EngineError) as caught:
        read_adapter(path)
    assert told in f"{caught.value.title} {caught.value.detail}"


def test_a_cut_adapter_is_refused(tmp_path: Path) -> None:
    path = lora_adapter(tmp_path / "adapter.gguf")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EngineError, match="incomplete"):
        read_adapter(path)


def test_an_adapter_is_no_model_and_a_model_no_adapter(load: Load, model_file: Files, tmp_path: Path) -> None:
    adapter = lora_adapter(tmp_path / "adapter.gguf")
    with pytest.raises(EngineError, match="is an adapter"):
        load(adapter)
    with pytest.raises(EngineError, match="is not an adapter"):
        load(model_file("llama"), adapters=(LoraAdapter(str(random_model(tmp_path / "other.gguf"))),))


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_scale_that_is_no_number_is_refused(load: Load, model_file: Files, tmp_path: Path, scale: float) -> None:
    path = str(lora_adapter(tmp_path / "adapter.gguf"))
    with pytest.raises(EngineError, match="scale"):
        load(model_file("llama"), adapters=(LoraAdapter(path, scale),))


# --- states ---


def test_states_belong_to_the_adapters_and_their_scales(tmp_path: Path) -> None:
    path = lora_adapter(tmp_path / "adapter.gguf")
    file = ModelFile(str(path), stamp_from_stat(path.stat()), "ab" * 32)
    probed = ProbeResult("0", "", (), (), "none")
    plain = LoadParams("model.gguf")

    def key(*scales: float, **more: Any) -> str:
        adapters = tuple(LoraAdapter(f"{path}{number}", scale) for number, scale in enumerate(scales))
        params = msgspec.structs.replace(plain, adapters=adapters, **more)
        return state_key(params, [], probed, [file] * len(scales))

    keys = [
        key(), key(1.0), key(0.5), key(1.0, 1.0), key(devices=("CUDA1",)), key(split_mode="row"),
        key(tensor_split=(1.0, 3.0)), key(split_mode="none", main_gpu=1),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key(0.5) == key(0.5)
