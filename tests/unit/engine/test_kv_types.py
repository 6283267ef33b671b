"""Loaded with quantized keys and values, without mapping, with a template of one's own: a real worker each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import LoadEvent, ModelReady
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Asker, wait_until

Loader = Callable[..., Asker]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heads of 64 values, as quantized types take blocks of 32."""
    return random_model(tmp_path_factory.mktemp("kv") / "wide.gguf", width=256, layers=2)


def log_of(folder: Path) -> str:
    return "".join(file.read_text(errors="replace") for file in (folder / "logs").iterdir())


def test_keys_and_values_are_kept_in_the_types_asked_for(tmp_path: Path, wide: Path, load: Loader) -> None:
    asker = load(wide, key_type="q8_0", value_type="q4_0", use_mmap=False, context_length=512)
    assert asker.ask("hello there", max_tokens=4).end.generated_tokens == 4
    log = log_of(tmp_path)
    assert "K (q8_0)" in log
    assert "V (q4_0)" in log
    assert "CPU_Mapped" not in log, "the file was read, not mapped"


def test_half_precision_is_the_same_whichever_way_the_file_is_read(wide: Path, load: Loader) -> None:
    texts = {
        load(wide, context_length=512, **how).ask("hello there", max_tokens=12, ignore_eos=True).text
        for how in ({}, {"use_mmap": False}, {"use_mlock": True})
    }
    assert len(texts) == 1


def test_heads_too_small_for_a_type_are_told_and_not_called_a_lack_of_memory(
    model_file: Callable[[str], Path], load: Loader
) -> None:
    with pytest.raises(EngineError, match="its heads are too small") as caught:
        load(model_file("llama"), value_type="q8_0")
    assert "f16" in caught.value.remedy


def test_a_contradiction_is_refused_before_anything_is_loaded(wide: Path, make_client: Callable[..., Any]) -> None:
    client = make_client()
    with pytest.raises(EngineError, match="while flash attention is off"):
        client.load_and_wait(LoadParams(str(wide), value_type="q8_0", flash_attention="off"))
    assert client.state == "empty"


def test_a_context_that_was_lowered_is_told(wide: Path, make_client: Callable[..., Any]) -> None:
    client = make_client()
    events: list[LoadEvent] = []
    client.load(LoadParams(str(wide), context_length=2_000_000, threads=1), events.append)
    wait_until(lambda: client.model is not None and isinstance(events[-1], ModelReady))
    ready = events[-1]
    assert isinstance(ready, ModelReady)
    assert client.model is not None
    assert client.model.context_length == 4096
    assert ready.notice == "The context has 4,096 tokens, not the 2,000,000 asked for: the model was made for no more."


def test_a_template_of_ones_own_counts_before_that_of_the_file(wide: Path, load: Loader) -> None:
    plain = load(wide).ask("x", max_tokens=1).end.prompt_tokens
    own = "{% for message in messages %}{{ message.content }}{{ message.content }}{% endfor %}"
    assert load(wide, own_template=own).ask("x", max_tokens=1).end.prompt_tokens < plain
