"""The worker's two threads: A works off requests one after another, B reads them and answers what cannot wait."""

import argparse
import contextlib
import ctypes
import glob
import os
import queue
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from desktop.engine import hardware
from desktop.engine.failures import failed
from desktop.engine.framing import FrameReader, FrameWriter, FramingError
from desktop.engine.messages import (
    Cancel,
    Failed,
    Generate,
    Load,
    LoadProgress,
    Ping,
    Pong,
    Probe,
    Probed,
    Ready,
    Request,
    Shutdown,
    Tokenize,
    Tokenized,
)
from desktop.engine.worker import native
from desktop.engine.worker.confinement import confine_calls, confine_files, own_files
from desktop.engine.worker.generating import Generator
from desktop.engine.worker.loading import LoadCancelledError, Model
from desktop.engine.worker.native import NativeLog
from desktop.engine.worker.outbox import Outbox
from desktop.errors import EngineError, UserError
from desktop.translation import tr

_PROGRESS_S = 0.05
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


class _GoneError(Exception):
    """The app is gone: the pipe is closed."""


class Worker:
    """One worker. `serve` never returns: the process ends with the pipe."""

    def __init__(self, reader: "FrameReader[Request]", writer: FrameWriter, log: NativeLog, cache: Path | None) -> None:
        self._reader = reader
        self._writer = writer
        self._log = log
        self._cache = cache
        self._cores = hardware.usable_cores()
        self._features = hardware.cpu_features()
        self._gpu = native.has_gpu()
        self._confinement = tr("none: a GPU is in use") if self._gpu else confine_calls()
        self._jobs: queue.SimpleQueue[tuple[Request, float]] = queue.SimpleQueue()
        self._flag = (ctypes.c_uint8 * 2)()
        self._lock = threading.Lock()
        self._current: int | None = None
        self._cancelled: set[int] = set()
        self._model: Model | None = None
        self._generator: Generator | None = None

    def serve(self) -> None:
        """One thread until a model is to be loaded, as Landlock asks; two and more from then on."""
        first = self._serve_alone()
        self._confine(first.params.model_path)
        self._jobs.put((first, time.perf_counter()))
        threading.Thread(target=self._read, name="pipe", daemon=True).start()
        while True:
            request, arrived = self._jobs.get()
            self._handle(request, arrived)

    def _serve_alone(self) -> Load:
        """Answer what needs no model, until the first Load."""
        while True:
            request = self._next_request()
            match request:
                case Load():
                    return request
                case Ping(id=number):
                    self._send(Pong(number))
                case Cancel():
                    pass
                case _:
                    self._handle(request, time.perf_counter())

    def _confine(self, model_path: str) -> None:
        """Give up all files but the model's own."""
        if self._gpu:
            return
        writable = [self._cache] if self._cache is not None else []
        files = confine_files([*own_files(), *_model_files(Path(model_path))], writable)
        self._confinement = (
            "landlock+seccomp"
            if (files, self._confinement) == ("landlock", "seccomp")
            else (f"{files}; {self._confinement}")
        )

    def _next_request(self) -> Request:
        """The next request; ends the process where there is none."""
        try:
            request = self._reader.read()
        except (FramingError, OSError) as error:
            os.write(2, f"latchkey: the pipe failed: {error}\n".encode())
            request = None
        if request is None or isinstance(request, Shutdown):
            os._exit(0)
        return request

    # --- thread B ---

    def _read(self) -> None:
        while True:
            request = self._next_request()
            match request:
                case Ping(id=number):
                    with contextlib.suppress(OSError):
                        self._writer.write(Pong(number))
                case Cancel(id=number):
                    self._cancel(number)
                case _:
                    self._jobs.put((request, time.perf_counter()))

    def _cancel(self, number: int) -> None:
        with self._lock:
            self._cancelled.add(number)
            if self._current == number:
                self._flag[0] = 1

    # --- thread A ---

    def _begin(self, number: int) -> None:
        """From now on a cancel of `number` sets the flag; one that came before has set it."""
        with self._lock:
            self._current = number
            self._flag[0] = 1 if number in self._cancelled else 0

    def _end(self) -> None:
        with self._lock:
            if self._current is not None:
                self._cancelled.discard(self._current)
            self._current = None
            self._flag[0] = 0

    def _send(self, event: Any) -> None:
        try:
            self._writer.write(event)
        except OSError as error:
            raise _GoneError from error

    def _handle(self, request: Request, arrived: float) -> None:
        number = 0 if isinstance(request, Load) else getattr(request, "id", 0)
        self._begin(number)
        try:
            match request:
                case Probe():
                    self._probe()
                case Load():
                    self._load(request)
                case Generate():
                    self._ready_generator().answer(request, arrived)
                case Tokenize():
                    self._ready_generator()
                    assert self._model is not None
                    tokens = self._model.tokenizer.tokenize(request.text, special=False)
                    self._send(Tokenized(number, tuple(tokens)))
                case _:
                    pass
        except _GoneError:
            os._exit(0)
        except LoadCancelledError:
            self._send(failed(0, EngineError(tr("Loading was cancelled."))))
        except UserError as error:
            self._send(failed(number, error))
        except Exception as error:  # noqa: BLE001 - a bug is told with its traceback, and the worker lives on
            trace = traceback.format_exc()
            sys.stderr.write(trace)
            title = tr("The engine met an error of its own.")
            self._send(Failed(number, "bug", title, f"{type(error).__name__}: {error}", technical=trace))
            if self._generator is not None:
                self._generator.forget()
        finally:
            self._end()

    def _probe(self) -> None:
        self._send(
            Probed(
                llama_cpp=native.version(),
                build=native.build(),
                devices=native.devices(),
                cpu_features=self._features,
                confinement=self._confinement,
            )
        )

    def _ready_generator(self) -> Generator:
        if self._generator is None:
            raise EngineError(tr("No model is loaded."), remedy=tr("Choose a model first."))
        return self._generator

    def _load(self, request: Load) -> None:
        begun = time.perf_counter()
        if self._model is not None:
            raise EngineError(tr("This worker holds a model already."))
        told = 0.0

        def progress(fraction: float) -> bool:
            nonlocal told
            now = time.perf_counter()
            if now - told >= _PROGRESS_S or fraction >= 1:
                told = now
                self._send(LoadProgress(min(max(fraction, 0.0), 1.0)))
            return not self._flag[0]

        threading.Thread(target=_import_ahead, name="imports", daemon=True).start()
        self._model = Model(request.params, self._cores, self._log, self._flag, progress, self._confinement)
        try:
            self._model.warm_up()
            self._generator = Generator(self._model, self._send, Outbox(self._send), self._flag)
        except BaseException:
            self._model.close()
            self._model = None
            raise
        self._send(Ready(self._model.info, time.perf_counter() - begun))
        self._generator.prepare()


def _model_files(path: Path) -> list[Path]:
    """The file, or all parts of a split model."""
    return (
        [path, *path.parent.glob(f"{glob.escape(path.name[:-20])}-*-of-*.gguf")] if _SPLIT.search(path.name) else [path]
    )


def _import_ahead() -> None:
    """Import while llama.cpp reads the file what the first prompt needs."""
    import desktop.engine.worker.template  # noqa: F401


def _adopt(number: int, flags: int) -> int:
    """A descriptor from what the app handed over: a descriptor itself, or on Windows a handle."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(number, flags)
    return number


def run(arguments: list[str]) -> None:
    """Be a worker until the pipe closes."""
    parser = argparse.ArgumentParser(prog="latchkey-engine")
    parser.add_argument("--in", dest="input", type=int, required=True)
    parser.add_argument("--out", dest="output", type=int, required=True)
    parser.add_argument("--cache", default="")
    options = parser.parse_args(arguments)
    reader: FrameReader[Request] = FrameReader(_adopt(options.input, os.O_RDONLY), Request)
    writer = FrameWriter(_adopt(options.output, os.O_WRONLY))
    cache = Path(options.cache) if options.cache else None
    if cache is not None:
        with contextlib.suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
    log = NativeLog()
    log.start()
    native.start_backends()
    Worker(reader, writer, log, cache).serve()
