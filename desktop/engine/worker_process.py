"""Worker processes as the app sees them: started with their environment, connected by pipes, ended.

Knows nothing of models or answers. `WorkerSupervisor` holds the engine's one worker.
"""

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.child_process_command import ENGINE_WORKER, child_process_command
from desktop.confinement.isolated_process import ENVIRONMENT_NAMES, start_isolated
from desktop.engine import engine_errors
from desktop.engine.frames import EventReader, FrameError, FrameWriter, PipeEndedError
from desktop.engine.prompt_cache_folder import PromptCacheFolder, ScratchFile, StateCopied
from desktop.engine.worker_log import WorkerLog
from desktop.engine.worker_messages import Event, Request
from desktop.translation import language_in_use, tr

# What computing takes besides what every process gets.
_ENVIRONMENT_PREFIXES = (
    "CUDA_",
    "GGML_",
    "LLAMA_",
    "OMP_",
    "GOMP_",
    "HIP_",
    "HSA_",
    "ROCR_",
    "VK_",
    "MESA_",
    "NVIDIA_",
)
# Threads of a confined worker pin themselves to no processors, and libgomp ends a process in which they cannot.
_PINNING = frozenset(("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"))
# Where drivers of GPUs keep compiled programs: CUDA, NVIDIA's Vulkan and OpenGL, Mesa.
_DRIVERS_CACHES = ("CUDA_CACHE_PATH", "__GL_SHADER_DISK_CACHE_PATH", "MESA_SHADER_CACHE_DIR")
_END_S = 2.0
ExitKind = Literal["crash", "killed", "exit", "ended"]
# How a kernel that computes wrongly, or an assertion, ends a process: signals, and what Windows has in their place
# (NTSTATUS errors; 3 is what its C library's abort() exits with).
CRASH_SIGNALS = frozenset(("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT", "SIGTRAP"))
_WINDOWS_ERROR, _WINDOWS_ABORT = 0xC0000000, 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerSetup:
    """How workers are started, and where things lie: the command, the folder of logs and that of caches, and the prompt
    cache on the disk, None for none. `uses_gpus` is asked at each start whether drivers of GPUs are started as well."""

    command: tuple[str, ...]
    logs: Path
    cache: Path
    prompt_cache: PromptCacheFolder | None = None
    uses_gpus: Callable[[], bool] = lambda: True

    @property
    def drivers_folder(self) -> Path:
        """What drivers of GPUs write, where one computes. It is the only thing that a worker does; nothing reads it."""
        return self.cache / "gpu-drivers"


@dataclass(frozen=True)
class PipeClosed:
    """The worker's pipe ended: its process is dead or dying."""


WorkerEvent = Event | PipeClosed | StateCopied


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended: a "crash" of its own, "killed" from outside, by an "exit" code, or "ended" by the app.

    `cpu_variant` is what it was started with, "" for the best. `reason` is a sentence's end, `technical` its last
    native lines, `library_error` what was wrong with llama.cpp's libraries, or "". `plugin` is that for a GPU which it
    was starting, or "".
    """

    kind: ExitKind
    reason: str
    technical: str
    cpu_variant: str = ""
    library_error: str = ""
    plugin: str = ""


def default_worker_command() -> tuple[str, ...]:
    """How a worker is started from a checkout, from an installed wheel, and from a frozen executable."""
    return child_process_command(ENGINE_WORKER, Path(__file__).with_name("worker") / "__main__.py")


class WorkerProcess:
    """A worker. `receive` is called with each of its events, and once with PipeClosed, on a thread of this class.

    It computes with llama.cpp's `cpu_variant`, "" for the best. `scratch` is the file that it writes states to and
    reads them from, None where there is none. Raises OSError where no process can be started.
    """

    def __init__(self, workplace: WorkerSetup, receive: Callable[[WorkerEvent], None], cpu_variant: str = "") -> None:
        self._receive = receive
        self._cpu_variant = cpu_variant
        self._ended_by_us = ""
        self.scratch = workplace.prompt_cache.open_scratch() if workplace.prompt_cache is not None else None
        to_worker = os.pipe()
        from_worker = os.pipe()
        native = os.pipe()
        ours = (to_worker[1], from_worker[0], native[0])
        try:
            self._process = _spawn(workplace, to_worker[0], from_worker[1], native[1], cpu_variant, self.scratch)
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in (to_worker[0], from_worker[1], native[1]):
                os.close(descriptor)
        self.log = WorkerLog(native[0], workplace.logs)
        self._writer = FrameWriter(to_worker[1])
        self._reader = EventReader(from_worker[0])
        self._to_send: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._send_all, name="engine-writer", daemon=True).start()
        threading.Thread(target=self._read_all, name="engine-reader", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, request: Request) -> None:
        """Send soon; where the worker is gone, PipeClosed tells."""
        self._to_send.put(request)

    def kill(self, why: str) -> None:
        """End the process now. `why` becomes the reason of its death."""
        self._ended_by_us = self._ended_by_us or why
        with suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        """Close the pipe, at which a worker leaves by itself, and make sure that it does."""
        self._ended_by_us = self._ended_by_us or tr("it was asked to")
        self._to_send.put(None)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill("")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)

    def wait(self) -> None:
        """Wait for the dead process, ending it where only its pipe is closed."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill(tr("it closed its pipe"))
            self._process.wait()

    def exit(self) -> WorkerExit:
        """How it ended; call `wait` first."""
        tail, library_error, plugin = self.log.tail(), self.log.library_error(), self.log.plugin()
        return WorkerExit(self._kind(), self.reason(), tail, self._cpu_variant, library_error, plugin)

    def _kind(self) -> ExitKind:
        code = self._process.returncode
        if self._ended_by_us or code is None:
            return "ended"
        if "bad_alloc" in self.log.assertion():
            return "killed"  # memory ran out: no fault of what computes
        if code < 0:
            return "crash" if _signal_name(-code) in CRASH_SIGNALS else "killed"
        windows = sys.platform == "win32" and (code >= _WINDOWS_ERROR or code == _WINDOWS_ABORT)
        return "crash" if windows else "exit"

    def reason(self) -> str:
        """Why it ended, as a sentence's end: "it was ended by SIGKILL (…)"."""
        if self._ended_by_us:
            return self._ended_by_us
        assertion = self.log.assertion()
        if assertion:
            return tr("it gave up with: {text}").format(text=assertion[:300])
        code = self._process.returncode
        if code is None:
            return tr("it does not answer")
        if code >= 0:
            return tr("it ended with exit code {code}").format(code=code)
        name = _signal_name(-code)
        if name == "SIGKILL":
            return tr("it was ended from outside (SIGKILL), as happens when memory runs out")
        return tr("it was ended by the signal {name}").format(name=name)

    def _send_all(self) -> None:
        with suppress(OSError, FrameError):
            while (request := self._to_send.get()) is not None:
                self._writer.write(request)
        self._writer.close()

    def _read_all(self) -> None:
        try:
            while (event := self._reader.read()) is not None:
                self._receive(event)
        except PipeEndedError:
            pass  # it died while it wrote: how is found out as where it died between two messages
        except (FrameError, OSError) as error:
            self.kill(tr("it spoke unintelligibly ({error})").format(error=error))
        self._reader.close()
        self._to_send.put(None)
        self._receive(PipeClosed())


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def worker_environment() -> dict[str, str]:
    """What a process that computes gets of this one's environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name.upper() in ENVIRONMENT_NAMES or name.upper().startswith(_ENVIRONMENT_PREFIXES))
        and name.upper() not in _PINNING
    }
    kept["GGML_NO_BACKTRACE"] = "1"
    return kept


def _spawn(
    workplace: WorkerSetup, input_: int, output: int, native: int, cpu_variant: str, scratch: ScratchFile | None
) -> "subprocess.Popen[bytes]":
    """Start the process with the two pipes, the scratch file and its standard streams inherited, and nothing else."""
    inherited = [input_, output] + ([scratch.descriptor] if scratch is not None else [])

    def command(numbers: Sequence[int]) -> list[str]:
        arguments = ["--in", str(numbers[0]), "--out", str(numbers[1])]
        arguments += ["--drivers-folder", str(workplace.drivers_folder)]
        if scratch is not None and workplace.prompt_cache is not None:
            arguments += ["--state-file", str(numbers[2]), "--state-bytes", str(workplace.prompt_cache.budget())]
        if cpu_variant:
            arguments += ["--cpu-variant", cpu_variant]
        if not workplace.uses_gpus():
            arguments += ["--no-gpus"]
        if (language := language_in_use()) is not None:
            arguments += ["--translations", str(language[0]), "--language", language[1] or ""]
        return [*workplace.command, *arguments]

    caches = dict.fromkeys(_DRIVERS_CACHES, str(workplace.drivers_folder))
    return start_isolated(command, inherited, native, {**worker_environment(), **caches})


class WorkerSupervisor:
    """`worker` is the process, or None. `used` says that it was given a model: it takes no second one.

    `cpu_variant` is what the worker was started with, "" for the best.

    `receive` is called with a worker and each of its events, on a thread of that worker.
    """

    def __init__(self, workplace: WorkerSetup, receive: Callable[[WorkerProcess, WorkerEvent], None]) -> None:
        self.worker: WorkerProcess | None = None
        self.used = False
        self.cpu_variant = ""
        self._workplace = workplace
        self._receive = receive

    def start(self, cpu_variant: str = "") -> WorkerProcess:
        """The worker, started with that CPU variant where there is none. Raises EngineError where it cannot be."""
        if self.worker is None:
            made: list[WorkerProcess] = []
            known = threading.Event()

            def receive(event: WorkerEvent) -> None:
                known.wait()
                self._receive(made[0], event)

            try:
                made.append(WorkerProcess(self._workplace, receive, cpu_variant))
            except OSError as error:
                raise engine_errors.worker_not_started(error) from error
            known.set()
            self.worker, self.used, self.cpu_variant = made[0], False, cpu_variant
        return self.worker

    def detach(self) -> WorkerProcess | None:
        """Let go of the worker, dead or alive, without ending it."""
        worker, self.worker, self.used = self.worker, None, False
        return worker

    def reap(self) -> WorkerExit:
        """How the worker ended, whose pipe is closed; the slot is empty then."""
        worker = self.detach()
        assert worker is not None
        worker.wait()
        death = worker.exit()
        _log.warning("engine: the worker (process %s) is gone: %s", worker.pid, death.reason)
        return death

    def end(self, kill_because: str = "") -> None:
        """End the worker; at once, with a reason, or as soon as it has seen that nobody needs it."""
        worker = self.detach()
        if worker is not None:
            if kill_because:
                worker.kill(kill_because)
            worker.end()
