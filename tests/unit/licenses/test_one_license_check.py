"""There is one license check: no code loads a model any other way than through the dispatcher, which asks it."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[3] / "desktop"


def files_with(pattern: str) -> set[str]:
    found = re.compile(pattern)
    return {str(path.relative_to(TOP)) for path in TOP.rglob("*.py") if found.search(path.read_text(encoding="utf-8"))}


def test_only_an_admitted_attempt_makes_the_message_that_loads_a_model() -> None:
    assert files_with(r"(?<!case )(?<!class )\bLoadRequest\(") == {"engine/load_fallback.py"}
    source = (TOP / "engine" / "load_fallback.py").read_text(encoding="utf-8")
    begin = source[source.index("def begin(") : source.index("def path(")]
    assert begin.index("read_header(path") < begin.index("license_check.admit(path") < begin.index("attempt = cls(")
    assert begin.index("license_check.admit(attempt.draft_path") < begin.index("draft_admitted =")
    assert files_with(r"\bLoadAttempt\(|\bLoadAttempt\.begin\(") == {"engine/model_load.py"}


def test_only_the_dispatcher_starts_and_speaks_to_a_worker() -> None:
    assert files_with(r"(?<!class )\bWorkerProcess\(") == {"engine/worker_process.py"}
    assert files_with(r"\bWorkerSupervisor\(") == {"engine/watched_worker.py"}
    assert files_with(r"(?<!class )\bWatchedWorker\(|(?<!class )\bModelLoad\(") == {"engine/dispatcher.py"}
    assert files_with(r"\bDispatcher\(") == {"engine/engine_client.py"}


def test_llama_cpp_loads_a_model_within_the_worker_and_for_the_measure_it_is_held_against() -> None:
    loads = files_with(r"llama_model_load_from_(?:file|splits)|llama_load_model_from_file|\bLlama\(")
    drafts = "engine/worker/draft_model.py"
    assert loads == {"engine/worker/loaded_model.py", drafts, "engine/worker/baseline.py"}
    assert files_with(r"(?<!class )\bDraftModel\(") == {"engine/worker/worker_loop.py"}
    worker = (TOP / "engine" / "worker" / "worker_loop.py").read_text(encoding="utf-8")
    assert worker.index("names, count = self._admitted.names()") < worker.index("DraftModel(draft_files")
    assert files_with(r"\bbaseline\.py\b") == {"cli/bench/engine_benchmark.py"}
    source = (TOP / "cli" / "bench" / "engine_benchmark.py").read_text(encoding="utf-8")
    started = source[source.index("class BareLoopProcess") :]
    assert started.index("license_check.admit(model)") < started.index("subprocess.Popen(")


def test_every_engine_is_built_with_the_license_check_of_the_services() -> None:
    """Those who build one pass that of `build_library_services`, the only place that makes one."""
    builders = files_with(r"\bEngineClient\(") - {"engine/engine_client.py"}
    for name in builders:
        source = (TOP / name).read_text(encoding="utf-8")
        for call in re.findall(r"\bEngineClient\(([^)]*)", source):
            assert "license_check=" in call, name
    assert files_with(r"\bLicenseCheck\(") == {"library/library_services.py"}
    assert files_with(r"\bBenchLicenseCheck\(") == {
        "cli/bench/bench_command.py",
        "cli/bench/window_bench_setup.py",
    }
    makers = files_with(r"(?<!def )\bbuild_library_services\(")
    assert makers >= {"cli/command_context.py", "ui/program.py"}


def test_one_place_records_an_acknowledgement_and_only_window_and_command_call_it() -> None:
    assert files_with(r"ledger_event\(\s*\"acknowledged\"|event=\"acknowledged\"") == {"licenses/acknowledgements.py"}
    callers = files_with(r"acknowledgements\.accept\(")
    assert callers
    assert {name.split("/")[0] for name in callers} <= {"cli", "ui"}
