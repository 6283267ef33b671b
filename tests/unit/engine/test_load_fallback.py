"""The steps from fast to cautious, and what is remembered of them."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.fallback_step import next_step
from desktop.engine.fallback_store import (
    FallbackRecord,
    FallbackStore,
    LoadLimits,
    ModelFileIdentity,
    identity_of,
    lower_variant,
    machine_key,
)
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import ComputeDevice, ProbeResult

VARIANTS = ("sapphirerapids", "zen4", "icelake", "skylakex", "haswell", "sandybridge", "sse42", "x64")
FILE = ModelFileIdentity("/models/m.gguf", 10, 20)
NOTHING_EXTRA = {"extra_buffers": False}
PLAIN = {"extra_buffers": False, "flash_attention": "off"}


@pytest.mark.parametrize(
    ("asked", "options", "expected"),
    [
        ({}, {"gpu": True}, {"flash_attention": "off"}),
        ({"flash_attention": "off"}, {"gpu": True}, {"flash_attention": "off", "gpu_layers": 12}),
        ({"gpu_layers": 12}, {"gpu": True}, {"gpu_layers": 12, "extra_buffers": False}),
        ({**PLAIN, "gpu_layers": 12}, {"gpu": True}, {**PLAIN, "gpu_layers": 0}),
        ({**PLAIN, "gpu_layers": 0}, {"gpu": True}, None),
        (
            {**PLAIN, "gpu_layers": 0},
            {"gpu": True, "variants": VARIANTS},
            {**PLAIN, "gpu_layers": 0, "cpu_variant": "zen4"},
        ),
        ({}, {"gpu": True, "lacked_memory": True}, {"gpu_layers": 12}),
        ({"gpu_layers": 12}, {"gpu": True, "lacked_memory": True}, {"gpu_layers": 6}),
        ({"gpu_layers": 3}, {"gpu": True, "lacked_memory": True}, {"gpu_layers": 0}),
        ({"gpu_layers": 0}, {"gpu": True, "lacked_memory": True}, None),
        ({}, {"gpu": False, "lacked_memory": True}, None),
        ({}, {"gpu": False}, NOTHING_EXTRA),
        (NOTHING_EXTRA, {"gpu": False}, PLAIN),
        ({**NOTHING_EXTRA, "flash_attention": "on"}, {"gpu": False}, PLAIN),
        (NOTHING_EXTRA, {"gpu": False, "weights_read": False}, None),
        (PLAIN, {"gpu": False}, None),
        (PLAIN, {"gpu": False, "variants": VARIANTS}, {**PLAIN, "cpu_variant": "zen4"}),
        ({**PLAIN, "cpu_variant": "x64"}, {"gpu": False, "variants": VARIANTS}, None),
    ],
)
def test_the_next_step(asked: dict[str, Any], options: dict[str, Any], expected: dict[str, Any] | None) -> None:
    step = next_step(LoadParams("m", **asked), 24, **options)
    assert (step.params if step else None) == (LoadParams("m", **expected) if expected is not None else None)
    assert step is None or step.notice.endswith(".")


def test_the_plainest_variant_is_reached_in_a_few_steps() -> None:
    taken, now = [], ""
    while (lower := lower_variant(now, VARIANTS)) is not None:
        taken.append(now := lower)
    assert taken[0] == "zen4"
    assert taken[-1] == "x64"
    assert len(taken) <= 5
    assert [VARIANTS.index(name) for name in taken] == sorted(VARIANTS.index(name) for name in taken)
    assert lower_variant("", ()) is None


def test_the_more_cautious_counts() -> None:
    asked = LoadParams("m", cpu_variant="haswell", gpu_layers=10)
    known = LoadLimits(extra_buffers=False, cpu_variant="zen4", gpu_layers=20)
    params = known.applied(asked, VARIANTS)
    assert (params.extra_buffers, params.flash_attention) == (False, "auto")
    assert (params.cpu_variant, params.gpu_layers) == ("haswell", 10)
    assert LoadLimits(cpu_variant="x64").applied(asked, VARIANTS).cpu_variant == "x64"
    assert LoadLimits(cpu_variant="x64").applied(LoadParams("m"), ()).cpu_variant == "", "not of this processor"
    assert LoadLimits(gpu_layers=5).applied(LoadParams("m", gpu_layers=-1), ()).gpu_layers == 5
    assert LoadLimits().applied(LoadParams("m"), VARIANTS) == LoadParams("m")
    joined = LoadLimits(flash_attention=False, gpu_layers=3).joined(known, VARIANTS)
    assert joined == LoadLimits(extra_buffers=False, flash_attention=False, cpu_variant="zen4", gpu_layers=3)


# --- what is remembered ---


def entry(**options: Any) -> FallbackRecord:
    return FallbackRecord(**{"file": FILE, "machine": "here", "caution": LoadLimits(extra_buffers=False), **options})


def test_what_is_kept_is_found_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "data" / "load-fallbacks.json"
    FallbackStore(path).save(entry())
    again = FallbackStore(path)
    assert again.find(FILE, "here") == entry()
    assert again.find(FILE, "elsewhere") is None, "another engine or processor"
    assert again.find(ModelFileIdentity(FILE.path, 11, 20), "here") is None, "the file changed"
    again.save(entry(caution=LoadLimits(flash_attention=False)))
    assert [each.caution for each in [FallbackStore(path).find(FILE, "here")] if each] == [
        LoadLimits(flash_attention=False)
    ]
    again.save(entry(caution=LoadLimits()))
    assert FallbackStore(path).find(FILE, "here") is None, "nothing to be cautious about"


def test_one_file_or_everything_can_be_forgotten(tmp_path: Path) -> None:
    store = FallbackStore(tmp_path / "f.json")
    other = ModelFileIdentity("/models/other.gguf", 1, 1)
    store.save(entry())
    store.save(entry(file=other))
    store.forget(Path(FILE.path))
    assert store.find(FILE, "here") is None
    assert store.find(other, "here") is not None
    store.forget()
    assert store.find(other, "here") is None


def test_it_does_not_grow_without_bound(tmp_path: Path) -> None:
    store = FallbackStore(tmp_path / "f.json")
    for number in range(80):
        store.save(entry(file=ModelFileIdentity(f"/m/{number}", 1, 1), unusable="x" * 100_000, technical="y" * 100_000))
    assert (tmp_path / "f.json").stat().st_size < 1_000_000
    found = store.find(ModelFileIdentity("/m/79", 1, 1), "here")
    assert found is not None
    assert found.technical
    assert store.find(ModelFileIdentity("/m/0", 1, 1), "here") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"version": 2, "entries": []}',
        b'{"version": 1, "entries": [{"file": 3}]}',
        b'{"version": 1, "entries": ' + b"[" * 100_000,
        b" " * 2_000_000,
        json.dumps(
            {"version": 1, "entries": [{"file": {"path": FILE.path, "size": 10, "modified_ns": 20}, "machine": "here",
             "caution": {"cpu_variant": "--cache"}}]}
        ).encode(),
        json.dumps(
            {"version": 1, "entries": [{"file": {"path": FILE.path, "size": 10, "modified_ns": 20}, "machine": "here",
             "caution": {"gpu_layers": -4}}]}
        ).encode(),
    ],
)  # fmt: skip
def test_what_is_damaged_or_foreign_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    store = FallbackStore(path)
    assert store.find(FILE, "here") is None
    store.save(entry())
    assert FallbackStore(path).find(FILE, "here") == entry()


def test_a_folder_that_cannot_be_written_or_a_pipe_in_its_place_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "f.json", tmp_path / "pipe", tmp_path):
        if path.name == "pipe":
            os.mkfifo(path)
        store = FallbackStore(path)
        assert store.find(FILE, "here") is None
        store.save(entry())
        if path.name != "pipe":
            assert store.find(FILE, "here") == entry(), "kept in memory"


def test_what_cannot_be_written_any_more_counts_before_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home went read-only; root, who runs tests in a container, writes there all the same."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    store = FallbackStore(tmp_path / "f.json")
    store.save(entry())
    newer = entry(caution=LoadLimits(flash_attention=False))
    with monkeypatch.context() as read_only:
        read_only.setattr("desktop.engine.fallback_store.write_atomically", refuse)
        store.save(newer)
        assert store.find(FILE, "here") == newer
        store.forget()
        assert store.find(FILE, "here") is None
    store.save(entry())
    FallbackStore(tmp_path / "f.json").save(newer)
    assert store.find(FILE, "here") == newer, "written again: the file counts"


def test_the_machine_is_another_with_another_engine_processor_or_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    probed = ProbeResult("0.5.0", "build", (ComputeDevice("CPU", "cpu", "cpu", 0, 0),), (), "")
    here = machine_key(probed)
    assert machine_key(probed) == here
    keys = {
        machine_key(ProbeResult("0.5.1", "build", probed.devices, (), "")),
        machine_key(
            ProbeResult("0.5.0", "build", (*probed.devices, ComputeDevice("CUDA0", "Card", "gpu", 1, 1)), (), "")
        ),
    }
    with monkeypatch.context() as other:
        other.setattr("desktop.engine.fallback_store.engine_build", lambda: "another build")
        keys.add(machine_key(probed))
    with monkeypatch.context() as other:
        other.setattr("desktop.engine.hardware.cpu_fingerprint", lambda: "another processor")
        keys.add(machine_key(probed))
    assert len(keys) == 4
    assert here not in keys
    other_variant = ProbeResult("0.5.0", "other words", probed.devices, (), "", "haswell", ("zen4", "haswell"))
    assert machine_key(other_variant) == here, "the variant that computes makes no other machine"


def test_a_file_is_known_by_path_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    assert identity_of(path).size == 0
    path.write_bytes(b"1234")
    first = identity_of(path)
    assert first == identity_of(path)
    os.utime(path, (5, 5))
    assert identity_of(path) != first
