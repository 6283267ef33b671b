"""A real worker that raises a signal at a stage of its work, unless it was loaded cautiously enough.

python crashing_worker.py FAULT… --in … : each FAULT is "stage:signal:unless", as `Fault.argument` writes it. The signal
is raised with its default action, as a bad kernel would: the process dies of it.
"""

import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
STAGES = ("probe", "load", "warm-up", "template", "prefill", "decode")
VARIANTS = ("best", "middle", "lower", "x64")


@dataclass(frozen=True)
class Fault:
    """Die by `signal_name` at `stage`.

    `unless` is what keeps it from that: "never"; "extra-buffers" or "flash-attention" where they are off;
    "variant=NAME" where that is the CPU variant; "lower-variant" where it is not the best; "once" after the first
    death. `decode` dies at the `at_token`th generated token and at each one after it, when they were told.
    """

    stage: str
    signal_name: str = "SIGSEGV"
    unless: str = "extra-buffers"
    at_token: int = 5

    @property
    def argument(self) -> str:
        return f"{self.stage}:{self.signal_name}:{self.at_token}:{self.unless}"


def command(*faults: Fault, variants: bool = False) -> list[str]:
    """The command of such a worker. With `variants` it claims to have the CPU variants `VARIANTS`."""
    script = str(Path(__file__).resolve())
    words = [fault.argument for fault in faults] + ["+"] * variants
    if any(fault.unless == "once" for fault in faults):
        words.append("died=" + tempfile.mkstemp(prefix="latchkey-died-")[1])
    return [sys.executable, "-I", "-X", "utf8", script, *words]


def main() -> None:
    sys.path.insert(0, str(TOP))
    from desktop.engine.worker import llama_api
    from desktop.engine.worker.loaded_model import LoadedModel
    from desktop.engine.worker.prompt_builder import PromptBuilder
    from desktop.engine.worker.scheduler import Scheduler
    from desktop.engine.worker.worker_loop import WorkerLoop, run

    split = sys.argv.index("--in")
    words, arguments = sys.argv[1:split], sys.argv[split:]
    variant = arguments[arguments.index("--cpu-variant") + 1] if "--cpu-variant" in arguments else ""
    if "+" in words:
        words.remove("+")
        variant = VARIANTS[-1] if variant == "plainest" else variant if variant in VARIANTS else VARIANTS[0]
        start = llama_api.start_backends

        def start_as_claimed(cpu_variant: str = "") -> str:
            start()
            llama_api.cpu_variants = lambda: VARIANTS  # type: ignore[assignment]
            return variant

        llama_api.start_backends = start_as_claimed
    faults, died = [], -1
    for word in words:
        if word.startswith("died="):
            died = os.open(word.removeprefix("died="), os.O_RDWR)  # confined, it opens nothing to write any more
            continue
        stage, name, at, unless = word.split(":", 3)
        faults.append(Fault(stage, name, unless, int(at)))
    loaded: list[Any] = []

    def averted(fault: Fault) -> bool:
        kind, _, value = fault.unless.partition("=")
        if kind == "once":
            there = os.fstat(died).st_size > 0
            os.write(died, b"x")
            return there
        if kind == "variant":
            return variant == value
        if kind == "lower-variant":
            return variant not in ("", VARIANTS[0])
        if not loaded:
            return False
        off = {"never": False, "extra-buffers": not loaded[0].extra_buffers}
        return bool({**off, "flash-attention": loaded[0].flash_attention == "off"}[kind])

    def die(stage: str, token: int = 0) -> None:
        for fault in faults:
            if fault.stage == stage and (not token or token >= fault.at_token) and not averted(fault):
                os.write(2, f"crashing_worker: {fault.signal_name} at {stage}\n".encode())
                if fault.signal_name == "assert":
                    llama_api._library("ggml-base").ggml_abort(b"/build/machine/kernel.c", 7, b"nothing works")
                os.kill(os.getpid(), getattr(signal, fault.signal_name))
                signal.pause()

    def dying(owner: Any, name: str, stage: str) -> None:
        original = getattr(owner, name)

        def method(self: Any, *rest: Any) -> Any:
            die(stage)
            return original(self, *rest)

        setattr(owner, name, method)

    load, compute = WorkerLoop._load, Scheduler._compute

    def note_load(self: Any, request: Any) -> None:
        loaded.append(request.params)
        die("load")
        load(self, request)

    def note_compute(self: Any) -> Any:
        for answer in self._running:
            if answer.reading:
                die("prefill")
                continue
            if any(fault.stage == "decode" and answer._generated >= fault.at_token for fault in faults):
                answer._batcher.finish([], None)  # so that it is told for certain
            die("decode", answer._generated)
        return compute(self)

    WorkerLoop._load, Scheduler._compute = note_load, note_compute  # type: ignore[method-assign]
    dying(WorkerLoop, "_probe", "probe")
    dying(LoadedModel, "warm_up", "warm-up")
    dying(PromptBuilder, "make", "template")
    run(arguments)


if __name__ == "__main__":
    main()
