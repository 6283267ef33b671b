"""One worker process as the app sees it: started, spoken to, watched, ended. Knows nothing of models or answers."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.engine.framing import FrameReader, FrameWriter, FramingError
from desktop.engine.messages import Event, Request
from desktop.engine.nativelog import NativeLog
from desktop.engine.orders import Workplace
from desktop.translation import tr

# What a worker needs of the environment. Nothing else reaches it: no tokens, no proxies, no Python settings.
_KEPT = frozenset(
    ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "WINDIR")
) | frozenset(("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "COMSPEC", "PATHEXT"))
_KEPT_PREFIXES = ("CUDA_", "GGML_", "LLAMA_", "OMP_", "GOMP_", "HIP_", "HSA_", "ROCR_", "VK_", "MESA_", "NVIDIA_")
# How often OpenMP's threads look for the others before they sleep. With the usual 300,000 they hold the cores against
# the very thread they wait for as soon as anything else runs: on two busy cores 1 token/s in place of 20. With 2,000
# they do not, and alone on the machine they are as fast.
_SPIN = "2000"
_END_S = 2.0


@dataclass(frozen=True)
class WorkerGone:
    """The worker's pipe ended: its process is dead or dying."""


Received = Event | WorkerGone


def default_command() -> tuple[str, ...]:
    """How a worker is started from a checkout, from an installed wheel, and from a frozen executable."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--engine-worker")
    main = Path(__file__).with_name("worker") / "__main__.py"
    return (sys.executable, "-I", "-X", "utf8", str(main))


class WorkerProcess:
    """A worker. `receive` is called with each of its events, and once with WorkerGone, on a thread of this class.

    Raises OSError where no process can be started.
    """

    def __init__(self, workplace: Workplace, receive: Callable[[Received], None]) -> None:
        self._receive = receive
        self._ended_by_us = ""
        to_worker = os.pipe()
        from_worker = os.pipe()
        native = os.pipe()
        ours = (to_worker[1], from_worker[0], native[0])
        try:
            self._process = _spawn(workplace, to_worker[0], from_worker[1], native[1])
        except BaseException:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in (to_worker[0], from_worker[1], native[1]):
                os.close(descriptor)
        self.log = NativeLog(native[0], workplace.logs)
        self._writer = FrameWriter(to_worker[1])
        self._reader: FrameReader[Event] = FrameReader(from_worker[0], Event)
        self._to_send: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._send_all, name="engine-writer", daemon=True).start()
        threading.Thread(target=self._read_all, name="engine-reader", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, request: Request) -> None:
        """Send soon; where the worker is gone, WorkerGone tells."""
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

    @property
    def crashed(self) -> bool:
        """Whether it ended by a fault of its own: an assert, a bad access, an exit code; not by SIGKILL or by us."""
        code = self._process.returncode
        return not self._ended_by_us and code not in (None, 0, -getattr(signal, "SIGKILL", 9), -signal.SIGTERM)

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
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        if name == "SIGKILL":
            return tr("it was ended from outside (SIGKILL), as happens when memory runs out")
        return tr("it was ended by the signal {name}").format(name=name)

    def _send_all(self) -> None:
        with suppress(OSError, FramingError):
            while (request := self._to_send.get()) is not None:
                self._writer.write(request)
        self._writer.close()

    def _read_all(self) -> None:
        try:
            while (event := self._reader.read()) is not None:
                self._receive(event)
        except (FramingError, OSError) as error:
            self.kill(tr("it spoke unintelligibly ({error})").format(error=error))
        self._reader.close()
        self._to_send.put(None)
        self._receive(WorkerGone())


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _KEPT or name.upper().startswith(_KEPT_PREFIXES)
    }
    kept["GGML_NO_BACKTRACE"] = "1"
    if not kept.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        kept["GOMP_SPINCOUNT"] = _SPIN
    return kept


def _spawn(workplace: Workplace, input_: int, output: int, native: int) -> "subprocess.Popen[bytes]":
    """Start the process with the two pipes inherited, and nothing else but its standard streams."""
    extra: dict[str, Any]
    if sys.platform == "win32":
        import msvcrt

        handles = [msvcrt.get_osfhandle(input_), msvcrt.get_osfhandle(output)]
        for handle in handles:
            os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles})
        extra = {"startupinfo": startup, "creationflags": subprocess.CREATE_NO_WINDOW}
        numbers = handles
    else:
        extra = {"pass_fds": (input_, output)}
        numbers = [input_, output]
    arguments = ["--in", str(numbers[0]), "--out", str(numbers[1]), "--cache", str(workplace.cache)]
    return subprocess.Popen(
        [*workplace.command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=native,
        stderr=native,
        env=_environment(),
        **extra,
    )
