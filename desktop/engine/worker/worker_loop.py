"""The worker's two threads: A works off requests one after another, B reads them and answers what cannot wait."""

import argparse
import contextlib
import ctypes
import os
import queue
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop.confinement.process_confinement import (
    confine_calls,
    confine_files,
    confinement_summary,
    limit_file_size,
)
from desktop.engine import hardware
from desktop.engine.embedding_messages import EmbedRequest
from desktop.engine.engine_errors import bug_event, failure_event, library_unusable
from desktop.engine.frames import FrameError, FrameReader, FrameWriter
from desktop.engine.worker import llama_api
from desktop.engine.worker.admitted_files import AdmittedFiles, FileChangedError
from desktop.engine.worker.cancellation import Cancellation
from desktop.engine.worker.draft_model import DraftModel
from desktop.engine.worker.embedder import Embedder
from desktop.engine.worker.llama_api import LlamaLog
from desktop.engine.worker.loaded_model import LoadCancelledError, LoadedModel
from desktop.engine.worker.picture_encoder import PictureEncoder
from desktop.engine.worker.prompt_cache import context_key
from desktop.engine.worker.scheduler import Scheduler
from desktop.engine.worker.state_file import StateFile
from desktop.engine.worker_log import PLUGIN_MARK
from desktop.engine.worker_messages import (
    CancelRequest,
    ForgetRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelDescribed,
    ModelFileChanged,
    ModelReady,
    Ping,
    Pong,
    ProbeRequest,
    ProbeResult,
    ProjectorLoading,
    Request,
    RequestFailed,
    SaveStateRequest,
    Shutdown,
    TokenizeRequest,
    TokenizeResult,
)
from desktop.errors import EngineError, UserError
from desktop.translation import tr, use_language

_PROGRESS_S = 0.05
_MOST_HELPERS = 3


class _AppGoneError(Exception):
    """The app is gone: the pipe is closed."""


class WorkerLoop:
    """One worker. `serve` never returns: the process ends with the pipe."""

    def __init__(
        self,
        reader: "FrameReader[Request]",
        writer: FrameWriter,
        log: LlamaLog,
        cpu_variant: str = "",
        drivers_folder: Path | None = None,
        state_file: int | None = None,
        most_state_bytes: int = 0,
        gpu_problems: tuple[str, ...] = (),
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._log = log
        self._drivers_folder = drivers_folder
        self._state_file, self._most_state_bytes = state_file, most_state_bytes
        self._cores = hardware.usable_cores()
        self._features = hardware.cpu_features()
        self._cpu_variant = cpu_variant
        self._cpu_variants = llama_api.cpu_variants()
        self._gpu_problems = gpu_problems
        self._gpu = llama_api.has_gpu()
        self._confinement = confine_calls(gpu=self._gpu)
        self._jobs: queue.SimpleQueue[tuple[Request, float]] = queue.SimpleQueue()
        self._cancellation = Cancellation()
        self._admitted = AdmittedFiles(())
        self._model: LoadedModel | None = None
        self._scheduler: Scheduler | None = None
        self._embedder: Embedder | None = None

    def serve(self) -> None:
        """One thread until a model is to be loaded, as Landlock asks; two and more from then on."""
        first = self._serve_alone()
        self._admitted = AdmittedFiles((*first.files, *first.draft_files, *first.adapter_files, *first.projector_files))
        self._confine()
        self._jobs.put((first, time.perf_counter()))
        threading.Thread(target=self._read, name="pipe", daemon=True).start()
        while True:
            if self._jobs.empty() and self._scheduler is not None and self._scheduler.busy:
                self._step(self._scheduler)
            else:
                self._handle(*self._jobs.get())

    def _serve_alone(self) -> LoadRequest:
        """Answer what needs no model, until the first Load."""
        while True:
            request = self._next_request()
            match request:
                case LoadRequest():
                    return request
                case Ping(id=number):
                    self._send(Pong(number))
                case CancelRequest():
                    pass
                case _:
                    self._handle(request, time.perf_counter())

    def _confine(self) -> None:
        """Give up all files but the model's own."""
        if self._gpu and self._drivers_folder is not None:
            with contextlib.suppress(OSError):
                self._drivers_folder.mkdir(parents=True, exist_ok=True)
        if self._state_file is not None and not self._gpu:  # whose drivers write files of their own
            limit_file_size(self._most_state_bytes)
        opened = self._admitted.descriptors
        files = confine_files(opened, gpu=self._gpu, drivers_folder=self._drivers_folder)
        self._confinement = confinement_summary(files, self._confinement)

    def _next_request(self) -> Request:
        """The next request; ends the process where there is none."""
        try:
            request = self._reader.read()
        except (FrameError, OSError) as error:
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
                case CancelRequest(id=number):
                    self._cancellation.cancel(number)
                case _:
                    self._jobs.put((request, time.perf_counter()))

    # --- thread A ---

    def _send(self, event: Any) -> None:
        try:
            self._writer.write(event)
        except OSError as error:
            raise _AppGoneError from error

    def _handle(self, request: Request, arrived: float) -> None:
        number = 0 if isinstance(request, LoadRequest) else getattr(request, "id", 0)
        self._cancellation.begin(number)
        try:
            match request:
                case ProbeRequest():
                    self._probe()
                case LoadRequest():
                    self._load(request)
                case GenerateRequest():
                    self._ready_scheduler().add(request, arrived)
                    return  # it ends with its answer
                case EmbedRequest():
                    self._send(self._ready_embedder().embed(request))
                case SaveStateRequest():
                    self._ready_scheduler().save_state(request)
                case ForgetRequest(conversation) if self._scheduler is not None:
                    self._scheduler.forget(conversation)
                case TokenizeRequest():
                    assert self._model is not None
                    tokens = self._model.tokenizer.tokenize(request.text, special=False)
                    self._send(TokenizeResult(number, tuple(tokens)))
                case _:
                    pass
        except _AppGoneError:
            os._exit(0)
        except LoadCancelledError:
            self._send(failure_event(0, EngineError(tr("Loading was cancelled."))))
        except FileChangedError as error:
            self._send(ModelFileChanged(error.number))
        except UserError as error:
            self._send(failure_event(number, error))
        except Exception as error:  # noqa: BLE001 - a bug is told with its traceback, and the worker lives on
            self._send(_bug(error)(number))
        self._cancellation.end(number)

    def _step(self, scheduler: Scheduler) -> None:
        """Compute once for all answers that are being generated."""
        try:
            scheduler.step()
        except _AppGoneError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - as above
            scheduler.fail(_bug(error))

    def _probe(self) -> None:
        found = ProbeResult(
            llama_cpp=llama_api.version(),
            build=llama_api.build(),
            devices=llama_api.devices(),
            cpu_features=self._features,
            confinement=self._confinement,
            cpu_variant=self._cpu_variant,
            cpu_variants=self._cpu_variants,
            gpu_problems=self._gpu_problems,
        )
        os.write(2, f"\n{PLUGIN_MARK}\n".encode())  # drivers were asked all that they are asked before a model is known
        self._send(found)

    def _ready_scheduler(self) -> Scheduler:
        if self._embedder is not None:
            raise EngineError(tr("This is an embedding model: it cannot chat."), remedy=tr("Choose a chat model."))
        if self._scheduler is None:
            raise EngineError(tr("No model is loaded."), remedy=tr("Choose a model first."))
        return self._scheduler

    def _ready_embedder(self) -> Embedder:
        if self._embedder is None:
            raise EngineError(tr("This model was loaded to answer, not to give vectors."))
        return self._embedder

    def _load(self, request: LoadRequest) -> None:
        begun = time.perf_counter()
        if self._model is not None:
            raise EngineError(tr("This worker holds a model already."))
        last_sent = 0.0

        def progress(fraction: float) -> bool:
            nonlocal last_sent
            now = time.perf_counter()
            if now - last_sent >= _PROGRESS_S or fraction >= 1:
                last_sent = now
                self._send(LoadProgress(min(max(fraction, 0.0), 1.0)))
            return not self._cancellation.pending

        threading.Thread(target=_import_ahead, name="imports", daemon=True).start()
        names, count = self._admitted.names(), len(request.files)
        rest = count + len(request.draft_files)
        last = rest + len(request.adapter_files)
        files, draft_files, adapter_files = names[:count], names[count:rest], names[rest:last]
        self._model = LoadedModel(
            request.params,
            self._cores,
            self._log,
            self._cancellation.flag,
            progress,
            self._confinement,
            files,
            adapter_files,
            next(iter(names[last:]), ""),
            lambda: self._send(ProjectorLoading()),
        )
        try:
            self._model.warm_up()
            if request.params.embedding:
                self._embedder = Embedder(self._model, self._cancellation.flag)
            else:
                self._scheduler = self._make_scheduler(self._model, draft_files, request.state_key)
        except BaseException:
            self._model.close()
            self._model = None
            raise
        self._send(ModelReady(self._model.info, time.perf_counter() - begun))
        if self._scheduler is not None:
            self._scheduler.prepare()
            self._send(ModelDescribed(self._scheduler.info))

    def _make_scheduler(self, model: LoadedModel, draft_files: tuple[str, ...], state_key: str) -> Scheduler:
        flag, kept = self._cancellation.flag, None
        draft = DraftModel(draft_files, model, self._log, flag) if draft_files else None
        if self._state_file is not None and state_key:
            helpers = min(model.every_thread - 1, _MOST_HELPERS)
            kept = StateFile(self._state_file, context_key(model, state_key), helpers)
        encoder = PictureEncoder(model.projector) if model.projector is not None else None
        return Scheduler(model, self._send, self._cancellation, draft, kept, encoder)


def _bug(error: Exception) -> Callable[[int], RequestFailed]:
    """What tells of a bug, given the id of a request; its traceback goes to the log."""
    trace = traceback.format_exc()
    sys.stderr.write(trace)
    if isinstance(error, AttributeError) and isinstance(error.obj, types.ModuleType | ctypes.CDLL):
        return lambda number: failure_event(number, library_unusable(str(error), trace))
    return lambda number: bug_event(number, error, trace)


def _import_ahead() -> None:
    """Import while llama.cpp reads the file what the first prompt needs."""
    import desktop.engine.worker.chat_template  # noqa: F401


def _adopt(number: int, flags: int) -> int:
    """A descriptor from what the app handed over: a descriptor itself, or on Windows a handle."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(number, flags)
    return number


def run(arguments: list[str]) -> None:
    """Be a worker until the pipe closes. Raises ImportError where llama.cpp is missing or of another version."""
    parser = argparse.ArgumentParser(prog="latchkey-engine")
    parser.add_argument("--in", dest="input", type=int, required=True)
    parser.add_argument("--out", dest="output", type=int, required=True)
    parser.add_argument("--cpu-variant", default="")
    parser.add_argument("--no-gpus", action="store_true")
    parser.add_argument("--drivers-folder", default="")
    parser.add_argument("--state-file", type=int)
    parser.add_argument("--state-bytes", type=int, default=0)
    parser.add_argument("--translations", default="")
    parser.add_argument("--language", default="")
    options = parser.parse_args(arguments)
    reader: FrameReader[Request] = FrameReader(_adopt(options.input, os.O_RDONLY), Request)
    writer = FrameWriter(_adopt(options.output, os.O_WRONLY))
    if options.translations:  # read now: afterwards no file is
        use_language(Path(options.translations), options.language or None)
    drivers_folder = Path(options.drivers_folder) if options.drivers_folder else None
    state_file = _adopt(options.state_file, os.O_RDWR) if options.state_file is not None else None
    log = LlamaLog()
    try:
        log.start()
        cpu_variant = llama_api.start_backends(options.cpu_variant)
        gpu_problems = () if options.no_gpus else llama_api.start_gpus()
        state_bytes = options.state_bytes
        worker = WorkerLoop(reader, writer, log, cpu_variant, drivers_folder, state_file, state_bytes, gpu_problems)
    except (AttributeError, OSError) as error:
        raise ImportError(f"{type(error).__name__}: {error}") from error
    worker.serve()
