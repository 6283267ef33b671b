"""Plug-ins for GPUs that are of another release, damaged, or whose driver crashes, exits or hangs: models run on the
processor, and that is told once."""

import functools
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.load_params import LoadParams
from desktop.engine.worker.gpu_plugins import gpu_plugins, start_plugins
from desktop.engine.worker_messages import LoadEvent, ModelReady, RequestFailed
from desktop.engine.worker_watchdog import WorkerTimeouts
from tests.fakes.gpu_plugin import compile_plugin
from tests.unit.engine.conftest import Asker, children, wait_until

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Compiles one, as `compile_plugin` does."""
    return functools.partial(compile_plugin, tmp_path_factory.mktemp("plugins"))


def damaged(path: Path, name: str, size: int) -> Path:
    """The first `size` bytes of `path` in a file of their own."""
    made = path.with_name(name)
    made.write_bytes(path.read_bytes()[:size])
    return made


def packed(path: Path) -> Path:
    made = path.with_name(f"{path.name}.xz")
    made.write_bytes(lzma.compress(path.read_bytes()))
    return made


@pytest.mark.parametrize(
    ("make", "taken", "said"),
    [
        (lambda plugin: plugin("right"), True, None),
        (lambda plugin: packed(plugin("packed")), True, None),
        (lambda plugin: plugin("older", release="0.3.1"), False, "another version of Latchkey"),
        (lambda plugin: packed(plugin("packed-older", release="0.3.1")), False, "another version of Latchkey"),
        (lambda plugin: plugin("silent", release=""), False, "another version of Latchkey"),
        (lambda plugin: plugin("without-driver", libraries=("libcuda.so.99",)), False, None),
        (lambda plugin: packed(plugin("packed-without", libraries=("libcuda.so.99",))), False, None),
        (lambda plugin: plugin("without-toolkit", libraries=("libcublas.so.99",)), False, "libcublas.so.99"),
        (lambda plugin: damaged(plugin("whole"), "libggml-empty.so", 0), False, "cannot be loaded"),
        (lambda plugin: damaged(plugin("whole"), "libggml-head.so", 200), False, "cannot be loaded"),
        (lambda plugin: damaged(packed(plugin("whole")), "libggml-half.so.xz", 900), False, "it is damaged"),
        (lambda plugin: damaged(plugin("whole"), "libggml-no-archive.so.xz", 900), False, "cannot be loaded"),
    ],
)
def test_only_a_plug_in_of_this_release_is_started(
    plugin: Make, make: Callable[[Make], Path], taken: bool, said: str | None
) -> None:
    started: list[bytes] = []
    path = make(plugin)
    problems = start_plugins([path], Path("/nowhere"), started.append)
    assert bool(started) is taken
    assert len(problems) == (said is not None)
    if said is not None:
        assert said in problems[0]
        assert path.name in problems[0]


@pytest.mark.parametrize(
    ("release", "packaged", "taken"), [("", False, True), ("", True, False), ("0.3.1", False, False)]
)
def test_what_was_compiled_with_llama_cpp_need_not_say_its_release(
    plugin: Make, release: str, packaged: bool, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.frozen", packaged, raising=False)
    started: list[bytes] = []
    beside = plugin(f"beside-{release}-{packaged}", release=release)
    assert (start_plugins([beside], beside.parent, started.append) == ()) is taken
    assert bool(started) is taken


def test_vulkan_is_left_out_where_another_plug_in_computes(plugin: Make) -> None:
    started: list[bytes] = []

    def load(file: bytes) -> int:
        started.append(file)
        return 1

    cards = [plugin("cuda"), plugin("vulkan-too")]
    start_plugins(cards, Path("/nowhere"), load)
    start_plugins(
        cards, Path("/nowhere"), started.append
    )  # which gives None, as ggml does where a plug-in has no backend
    assert [Path(file.decode()).stem for file in started] == ["libggml-cuda", "libggml-cuda", "libggml-vulkan-too"]


@pytest.mark.parametrize(
    ("device", "asked", "found"), [("dri/renderD128", False, True), ("dri/card0", False, False), ("", True, True)]
)
def test_a_machine_without_a_gpu_starts_no_driver(
    device: str, asked: bool, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libggml-vulkan.so.xz").touch()
    dev = tmp_path / "dev"
    (dev / device).mkdir(parents=True)
    real = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, name: real(dev if self == Path("/dev") else self, name))
    monkeypatch.delenv("GGML_BACKEND_PATH", raising=False)
    monkeypatch.delenv("GGML_VK_VISIBLE_DEVICES", raising=False)
    if asked:
        monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    assert [path.name for path in gpu_plugins(tmp_path)] == (["libggml-vulkan.so.xz"] if found else [])


def loaded(client: EngineClient, path: Path) -> str:
    """Load, and give what is told of how."""
    events: list[LoadEvent] = []
    client.load(LoadParams(str(path), threads=1), events.append)
    wait_until(lambda: bool(events) and isinstance(events[-1], ModelReady | RequestFailed), 60)
    assert isinstance(events[-1], ModelReady), events[-1]
    return events[-1].notice


def starts_gpus() -> bool:
    """Whether the worker that runs was told to start drivers."""
    (process,) = children()
    return b"--no-gpus" not in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")


@pytest.mark.parametrize(
    ("name", "body"),
    [("crashes", "*(volatile int *)0 = 1;"), ("exits", "exit(0);"), ("hangs", "for (;;) pause();")],
)
def test_a_driver_that_ends_the_engine_is_told_once_and_left_alone(
    name: str,
    body: str,
    plugin: Make,
    make_client: Callable[..., EngineClient],
    model_file: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GGML_BACKEND_PATH", str(plugin(name, body=body)))
    model, file = model_file("llama"), tmp_path / "fallbacks.json"
    timeouts = WorkerTimeouts(ping_after=3.0, gone_after=1.0) if name == "hangs" else None
    client = make_client(fallbacks=FallbackStore(file), timeouts=timeouts)
    told = loaded(client, model)
    assert f"the driver of the graphics card stopped the engine (libggml-{name}.so)" in told
    assert Asker(client).ask("Hello", max_tokens=2).end.generated_tokens == 2
    client.close()

    store = FallbackStore(file)
    other = make_client(fallbacks=store)
    assert loaded(other, model) == ""
    assert not starts_gpus()
    other.close()

    store.forget()  # as the engine test does
    monkeypatch.setenv("GGML_BACKEND_PATH", str(plugin("mended")))
    again = make_client(fallbacks=store)
    assert loaded(again, model) == ""
    assert starts_gpus()


def test_a_driver_that_crashed_is_tried_again_once_its_plug_in_is_another(
    plugin: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_client: Callable[..., EngineClient]
) -> None:
    monkeypatch.setenv("GGML_BACKEND_PATH", str(plugin("broken", body="abort();")))
    store = FallbackStore(tmp_path / "fallbacks.json")
    probed = make_client(fallbacks=store).probe_and_wait()
    assert [device.kind for device in probed.devices] == ["cpu"]
    failure = store.driver_failure()
    assert failure is not None
    assert failure.plugin == "libggml-broken.so"
    assert "SIGABRT" in failure.reason
    monkeypatch.setenv("GGML_BACKEND_PATH", str(plugin("mended-since")))
    assert store.driver_failure() is None
