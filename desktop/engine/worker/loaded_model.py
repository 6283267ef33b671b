"""A model made ready: file to weights to context, with llama.cpp's reasons for a refusal turned into one sentence."""

import ctypes
import itertools
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from desktop.engine import hardware
from desktop.engine.load_params import MOST_OUTPUTS, SPARE_SEQUENCES, LoadParams
from desktop.engine.load_params_check import GPU_KINDS
from desktop.engine.message_bounds import LONGEST_WORDS
from desktop.engine.worker import llama_api
from desktop.engine.worker.answer_marks import TAG_STYLES
from desktop.engine.worker.attention_tiles import AttentionTiles
from desktop.engine.worker.batch_threads import BatchThreads
from desktop.engine.worker.embedder import prepare_embedding
from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.engine.worker.lora_adapters import put_on_adapters
from desktop.engine.worker.memory_breakdown import check_free_memory, memory_breakdown
from desktop.engine.worker.model_params import FLASH_ATTENTION, READ, ModelParams, context_refused, set_cache_types
from desktop.engine.worker.projector import Projector
from desktop.engine.worker.thread_tuner import ThreadTuner
from desktop.engine.worker.tokenizer import Tokenizer
from desktop.engine.worker_messages import ModelInfo
from desktop.errors import EngineError, ResourceError
from desktop.translation import tr

MOST_PARALLEL = 64
_LARGEST_UBATCH, _LARGEST_PICTURE = 512, 2048  # tokens; a picture's where it is read as one
_MROPE_TYPES = (8, 40)  # enum llama_rope_type
_ABORTED = 2
_QUICK_TOKEN_S = 0.010
_TRIALS = 5
_NEVER = 1e9
_WORTH_ANOTHER_THREAD = 0.95
_BETWEEN_TOKENS_S = 0.0005


class LoadCancelledError(Exception):
    """The person stopped the loading."""


def cancel_function() -> Any:
    """A C function for llama.cpp's abort callback that gives non-zero once the byte it is handed is set.

    libc's `strlen` over a two-byte buffer: it is asked some 245 times per token, far too often for Python.
    """
    libc = ctypes.CDLL("msvcrt" if ctypes.sizeof(ctypes.c_wchar) == 2 else None)
    return ctypes.cast(libc.strlen, llama.ggml_abort_callback)


class LoadedModel:
    """A loaded model with its context. Everything is owned here; `close` frees it.

    `cores` is how many threads to compute with where `params` does not say. `cancel` is the two-byte buffer that stops
    a running computation when its first byte is set. `files` are the names to open its files by, in their order; () for
    the one in `params` and those that llama.cpp finds beside it; `adapter_files` those to open its adapters by.
    """

    def __init__(
        self,
        params: LoadParams,
        cores: int,
        log: LlamaLog,
        cancel: Any,
        on_progress: Callable[[float], bool],
        confinement: str,
        files: Sequence[str] = (),
        adapter_files: Sequence[str] = (),
        projector_file: str = "",
        on_projector: Callable[[], None] = lambda: None,
    ) -> None:
        self._files = tuple(files)
        self._log = log
        self._cancel = cancel
        self._on_progress = on_progress
        self.path = params.model_path
        self._devices = params.devices
        self._threads_asked = params.threads is not None
        self.embedding = params.embedding
        self.threads = self.every_thread = max(1, params.threads or cores)
        self._single_threads = self._more_threads = self.every_thread
        self.thread_tuner: ThreadTuner | None = None
        self.batch_threads: BatchThreads | None = None
        self.gpu = llama_api.has_gpu()
        self.gpu_layers = (-1 if params.gpu_layers is None else params.gpu_layers) if self.gpu else 0
        self.prompt_cache_bytes = params.prompt_cache_bytes
        self.parallel = min(max(params.parallel, 1), MOST_PARALLEL)
        self.batch_tokens = min(max(params.batch_tokens, 32), 4096)
        self.projector: Projector | None = None
        self._check_memory(params)
        self.handle = self._load(params)
        self.mrope = llama.llama_model_rope_type(self.handle) in _MROPE_TYPES
        self.window = int(llama.llama_model_n_swa(self.handle))
        self.recurrent = self._is_recurrent()
        rolls_back = not (self.mrope or self.window or self.recurrent or self.gpu_layers)
        self.tiles = AttentionTiles.of(params, self.handle, rolls_back=rolls_back)
        try:
            if projector_file:
                on_projector()
                self.projector = self._load_projector(params, projector_file)
            self.context = self._make_context(params)
            put_on_adapters(self.handle, self.context, params.adapters, adapter_files, log)
        except BaseException:
            llama.llama_model_free(self.handle)
            raise
        self.batch_tokens = min(self.batch_tokens, int(llama.llama_n_batch(self.context)))  # less in a short context
        self.whole_pictures = self.projector is not None and self.projector.whole
        self.picture_tokens = int((llama.llama_n_ubatch if self.whole_pictures else llama.llama_n_batch)(self.context))
        self.memory = llama.llama_get_memory(self.context)
        self.context_length = int(llama.llama_n_ctx(self.context))
        self.tokenizer = Tokenizer(self.handle)
        own = llama_api.metadata(self.handle, "tokenizer.chat_template") or ""
        self.template = params.own_template or own or params.chat_template
        self.has_own_template = bool(params.own_template or own)
        self.stops = params.stops
        self.info = self._describe(confinement)

    def warm_up(self) -> None:
        """Compute a little and forget it: pages the weights in, starts the compute threads, counts how many serve.

        Raises LoadCancelledError, EngineError.
        """
        seconds = self._compute_one()
        if not self._threads_asked:
            if seconds < _QUICK_TOKEN_S and not self.embedding:  # texts are read with all of them
                self._choose_threads()
            if self.every_thread > 1:
                self.thread_tuner = ThreadTuner(self.every_thread, self.threads, self._set_threads)
                self.batch_threads = BatchThreads(self.every_thread, self._set_batch_threads)
        llama.llama_memory_clear(self.memory, True)

    def _choose_threads(self) -> None:
        """Take as many threads for one token as make it quickest: in small models, waiting for others costs more.

        Between trials is a pause, as there is between tokens: threads that have gone to sleep have to be woken. The
        prompt is read with all of them in any case.
        """
        best = _NEVER
        for count in dict.fromkeys((1, max(1, self.every_thread // 2), self.every_thread)):
            self._set_threads(count)
            seconds = sorted(self._compute_one() for _ in range(_TRIALS))[_TRIALS // 2]
            if seconds < best * _WORTH_ANOTHER_THREAD:
                best, self.threads = seconds, count
        self._set_threads(self.threads)
        self.info = msgspec.structs.replace(self.info, threads=self.threads)

    def _set_threads(self, count: int) -> None:
        """Compute single tokens with `count` threads."""
        self._single_threads = count
        llama.llama_set_n_threads(self.context, count, self._more_threads)

    def _set_batch_threads(self, count: int) -> None:
        """Compute more tokens than one with `count` threads."""
        self._more_threads = count
        llama.llama_set_n_threads(self.context, self._single_threads, count)

    def _compute_one(self) -> float:
        """Seconds that one token takes."""
        token = (llama.llama_token * 1)(max(self.tokenizer.bos, 0))
        time.sleep(_BETWEEN_TOKENS_S)
        begun = time.perf_counter()
        result = llama.llama_decode(self.context, llama.llama_batch_get_one(token, 1))
        llama.llama_synchronize(self.context)
        if result == _ABORTED:
            raise LoadCancelledError
        if result != 0:
            raise EngineError(
                tr("The model could not be started."),
                tr("Its first computation failed ({reason}).").format(reason=self._log.last_error("") or result),
                tr("Choose another model."),
            )
        return time.perf_counter() - begun

    def close(self) -> None:
        llama.llama_free(self.context)
        llama.llama_model_free(self.handle)

    def _check_memory(self, asked: LoadParams) -> None:
        """Raises ResourceError where there is too little memory: found out before any of it is taken, with a GPU and
        where the file is more than half of what is free."""
        free = hardware.available_memory()
        size = sum(Path(name).stat().st_size for name in self._files or (asked.model_path,))
        if not self.gpu_layers and (free is None or 2 * size < free):
            return
        self.handle = self._load(asked, no_alloc=True)
        try:
            context = self._make_context(asked)
            needs = memory_breakdown(context)
            llama.llama_free(context)
        finally:
            llama.llama_model_free(self.handle)
        check_free_memory(needs)

    def _load(self, asked: LoadParams, *, no_alloc: bool = False) -> Any:
        made = ModelParams(asked, self.gpu_layers)
        params = made.params
        params.no_alloc = no_alloc
        if no_alloc:
            params.load_mode = READ
        stopped = False

        def progress(fraction: float, _: object) -> bool:
            nonlocal stopped
            if not self._on_progress(0.0 if no_alloc else fraction):
                stopped = True
            return not stopped

        callback = llama.llama_progress_callback(progress)
        params.progress_callback = callback
        names = [name.encode("utf-8", "surrogateescape") for name in self._files or (asked.model_path,)]
        if len(names) == 1:
            handle = llama.llama_model_load_from_file(names[0], params)
        else:
            handle = llama.llama_model_load_from_splits((ctypes.c_char_p * len(names))(*names), len(names), params)
        if handle:
            return handle
        if stopped:
            raise LoadCancelledError
        raise self._refusal(Path(asked.model_path))

    def _load_projector(self, asked: LoadParams, name: str) -> Projector:
        made = Projector(
            name,
            asked.projector,
            self.handle,
            threads=self.every_thread,
            gpu=bool(self.gpu_layers),
            flash=FLASH_ATTENTION[asked.flash_attention],
            log=self._log,
        )
        if made.whole:  # such a picture is computed in one batch
            self.batch_tokens = max(self.batch_tokens, min(made.largest_piece(), _LARGEST_PICTURE))
        return made

    def _refusal(self, path: Path) -> EngineError | ResourceError:
        """Why llama.cpp did not take the file, from its log."""
        technical = "\n".join(self._log.complaints)
        unknown = re.search(r"(unknown|unsupported) model architecture: '([^']*)'", technical)
        if unknown:
            title = (
                tr("This model's architecture, {name}, is not known to this version of the engine.")
                if unknown.group(1) == "unknown"
                else tr("The engine knows this model's architecture, {name}, by name only, and cannot run it.")
            )
            return EngineError(
                title.format(name=unknown.group(2)[:60]),
                remedy=tr("Update Latchkey, or choose another model."),
                technical=technical,
            )
        if re.search(r"unable to allocate|failed to allocate|out of memory", technical, re.IGNORECASE):
            return ResourceError(
                tr("There is not enough memory for this model."),
                remedy=tr("Choose a smaller model or quantization, or close other programs."),
                technical=technical,
            )
        reason = self._log.last_error("error loading model: ", "failed to load", "error") or tr("no reason given")
        reason = reason.removeprefix("error loading model: ")
        return EngineError(
            tr("{file} could not be loaded.").format(file=path.name),
            tr("The engine says: {reason}.").format(reason=reason.rstrip(".")[:300]),
            tr("Download the file again, or choose another model."),
            technical=technical,
        )

    def _is_recurrent(self) -> bool:
        return bool(llama.llama_model_is_recurrent(self.handle) or llama.llama_model_is_hybrid(self.handle))

    @property
    def sequences(self) -> int:
        """How many sequences the context has: one for each answer at once, and some for branches of a conversation,
        which share its cells. They would cost memory where each sequence has a window or a state."""
        costly = llama.llama_model_n_swa(self.handle) or self._is_recurrent()
        return self.parallel + (0 if costly else SPARE_SEQUENCES)

    def _make_context(self, asked: LoadParams) -> Any:
        params = llama.llama_context_default_params()
        trained = llama.llama_model_n_ctx_train(self.handle)
        params.n_ctx = asked.context_length or min(trained, 8192)
        params.n_batch = self.batch_tokens
        whole = self.projector is not None and self.projector.whole
        params.n_ubatch = min(self.batch_tokens, _LARGEST_PICTURE if whole else _LARGEST_UBATCH)
        params.n_seq_max = self.sequences
        params.kv_unified = True
        params.n_outputs_max = max(self.sequences, MOST_OUTPUTS)
        params.n_threads = params.n_threads_batch = self.threads
        params.flash_attn_type = FLASH_ATTENTION[asked.flash_attention]
        set_cache_types(params, asked)
        params.swa_full = False
        params.no_perf = True
        if asked.embedding:
            prepare_embedding(params)
        self._abort = cancel_function()
        params.abort_callback = self._abort
        params.abort_callback_data = ctypes.addressof(self._cancel)
        context = llama.llama_init_from_model(self.handle, params)
        if not context:
            raise context_refused(asked, params.n_ctx, self._log)
        return context

    def _metadata_text(self, key: str) -> str:
        """What the file says under `key`, as much as a message takes."""
        return (llama_api.metadata(self.handle, key) or "")[:LONGEST_WORDS]

    def _describe(self, confinement: str) -> ModelInfo:
        description = ctypes.create_string_buffer(256)
        llama.llama_model_desc(self.handle, description, 256)
        layers = llama.llama_model_n_layer(self.handle)
        offloaded = layers + 1 if self.gpu_layers < 0 else min(self.gpu_layers, layers + 1)
        devices = llama_api.devices()
        on_gpu = [
            each.name for each in devices if each.kind in GPU_KINDS and each.name in (self._devices or (each.name,))
        ]
        used = on_gpu if offloaded else [each.name for each in devices if each.kind == "cpu"]
        return ModelInfo(
            name=self._metadata_text("general.name"),
            architecture=self._metadata_text("general.architecture"),
            license=self._metadata_text("general.license"),
            description=description.value.decode("utf-8", "replace"),
            parameters=llama.llama_model_n_params(self.handle),
            size=llama.llama_model_size(self.handle),
            context_length=self.context_length,
            trained_context_length=llama.llama_model_n_ctx_train(self.handle),
            has_template=bool(self.template),
            threads=self.threads,
            gpu_layers=offloaded,
            devices=tuple(used),
            engine=f"llama.cpp {llama_api.version()}",
            confinement=confinement,
            embedding_length=llama.llama_model_n_embd_out(self.handle) if self.embedding else 0,
            pictures=self.projector.cost() if self.projector is not None else None,
            thinks=any(style.closes in self.template for style in TAG_STYLES) or self.tokenizer.has_thinking_marks(),
        )


def common_prefix(one: list[int], other: list[int]) -> int:
    """How many tokens at the beginning are the same."""
    if one[: len(other)] == other[: len(one)]:
        return min(len(one), len(other))
    return next(index for index, (a, b) in enumerate(itertools.zip_longest(one, other)) if a != b)
