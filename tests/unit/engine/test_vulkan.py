"""Layers on a GPU, for correctness and never for speed: llama.cpp's Vulkan backend on a software driver.

Needs the plug-in that `sh packaging/bundle/gpu_plugin.sh vulkan` builds ($LATCHKEY_TEST_VULKAN names another file), and
Mesa's llvmpipe; skipped without them. `make soak` runs it.
"""

import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.gguf_header import read_header
from desktop.engine.load_params import LoadParams
from desktop.engine.memory_estimate import cache_bytes
from desktop.engine.worker_messages import LoadEvent, ModelReady, RequestFailed
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Answer, Asker, kill_worker, wait_until

TOP = Path(__file__).resolve().parents[3]
PLUGIN = Path(os.environ.get("LATCHKEY_TEST_VULKAN") or TOP / "build" / "plugins" / "libggml-vulkan.so")


def _has_loader() -> bool:
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    return True


pytestmark = [
    pytest.mark.soak,  # the driver compiles each shader for the processor: a minute for each worker
    pytest.mark.skipif(
        not PLUGIN.is_file() or not _has_loader(),
        reason="there is no Vulkan backend here: packaging/bundle/gpu_plugin.sh builds it",
    ),
]
Clients = Callable[..., EngineClient]


@pytest.fixture(autouse=True)
def software_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A software device is ignored unless it is named by its number."""
    monkeypatch.setenv("GGML_BACKEND_PATH", str(PLUGIN))
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the driver compiled, for the workers of all tests here."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("vulkan") / "m.gguf", width=256, layers=4)


def load(client: EngineClient, path: Path, **params: Any) -> tuple[Asker, ModelReady]:
    """Load, and give the notice with it."""
    events: list[LoadEvent] = []
    params = {"threads": 1, "context_length": 512, **params}
    client.load(LoadParams(str(path), **params), events.append)
    wait_until(lambda: bool(events) and isinstance(events[-1], ModelReady | RequestFailed), 300)
    assert isinstance(events[-1], ModelReady), events[-1]
    return Asker(client), events[-1]


def answer(asker: Asker) -> str:
    return asker.ask("the house of the people", max_tokens=12, ignore_eos=True).text


@pytest.fixture
def client(make_client: Clients, compiled: Path) -> EngineClient:
    return make_client(cache=compiled)


@pytest.fixture(scope="module")
def expected(model: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The answer that the processor gives."""
    folder = tmp_path_factory.mktemp("cpu")
    client = EngineClient(license_check=OpenLoadCheck(), logs=folder / "logs", cache=folder / "cache")
    try:
        return answer(load(client, model, gpu_layers=0)[0])
    finally:
        client.close()


def alike(one: str, other: str) -> bool:
    """Whether two answers begin alike: further on, near ties of random weights may be decided otherwise."""
    return one[:20] == other[:20]


def test_all_layers_on_the_gpu_in_a_confined_worker(client: EngineClient, model: Path, expected: str) -> None:
    asker, ready = load(client, model)
    assert (ready.info.gpu_layers, ready.info.devices, ready.notice) == (5, ("Vulkan0",), "")
    assert ready.info.confinement in ("landlock+seccomp", "no landlock: this kernel does not have it; seccomp")
    assert alike(answer(asker), expected)


def test_some_layers_on_the_gpu(client: EngineClient, model: Path, expected: str) -> None:
    asker, ready = load(client, model, gpu_layers=2)
    assert (ready.info.gpu_layers, ready.info.devices) == (2, ("Vulkan0",))
    assert alike(answer(asker), expected)


def test_a_quantized_cache_on_the_gpu(client: EngineClient, model: Path) -> None:
    asker, ready = load(client, model, key_type="q8_0", value_type="q8_0", devices=("Vulkan0",))
    assert ready.info.gpu_layers == 5
    assert answer(asker)


def test_a_cache_larger_than_the_gpu_is_found_out_before_it_is_taken(client: EngineClient, tmp_path: Path) -> None:
    """All layers are asked for, so nothing is fitted: llama.cpp says on trial what they would take."""
    path = random_model(tmp_path / "long.gguf", width=256, layers=32, context_length=16 << 20)
    memory = client.probe_and_wait().devices
    (gpu,) = (device for device in memory if device.name == "Vulkan0")
    each = cache_bytes(read_header(path).shape, 4096) / 4096
    length = int(gpu.memory_total * 1.2 / each)
    _, ready = load(client, path, gpu_layers=-1, context_length=length, batch_tokens=32)
    assert ready.notice == "The GPU has too little memory for 33 layers, so it now runs with 16."
    assert ready.info.gpu_layers == 16


def test_a_driver_that_refuses_memory_leads_to_the_processor(
    client: EngineClient, model: Path, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GGML_VK_FORCE_MAX_BUFFER_SIZE", "65536")
    asker, ready = load(client, model)
    assert ready.notice.endswith("so the model now runs on the processor.")
    assert (ready.info.gpu_layers, ready.info.devices) == (0, ("CPU",))
    assert alike(answer(asker), expected)


def test_a_gpu_that_is_gone_at_the_next_start_is_told(
    client: EngineClient, model: Path, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "")
    asker, ready = load(client, model, devices=("Vulkan0",))
    assert ready.notice == "The GPU Vulkan0 is not here now, so the model runs on the processor."
    assert alike(answer(asker), expected)


def test_an_answer_goes_on_where_the_driver_ends_the_worker(client: EngineClient, model: Path, expected: str) -> None:
    """A device that is lost is an exception of C++ that nobody catches: SIGABRT."""
    asker, _ = load(client, model)
    whole = Answer()
    for event in asker.client.answer(asker.request("the house of the people", max_tokens=12, ignore_eos=True)):
        first = not whole.text
        whole.take(event)
        if first and whole.text:
            kill_worker(signal.SIGABRT)
    assert alike(whole.text, expected)
    assert whole.end.generated_tokens == 12
    assert whole.end.notice.startswith("The engine stopped while it used flash attention")
