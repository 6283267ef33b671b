"""What loading a model takes: the buffers that llama.cpp reports, and what a real worker then holds."""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.worker import llama_api
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.model_params import set_cache_types
from desktop.engine.worker.tokenizer import Tokenizer
from desktop.engine.worker_messages import GenerateRequest, PromptPrepared
from tests.fakes.load_checks import OpenLoadCheck

_BUFFER = re.compile(r"(\S+)\s+(model|KV|RS|compute|output)\s+buffer size\s*=\s*([\d.]+) MiB")
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ ")
_lines: list[str] = []
# llama.cpp keeps a pointer to it for as long as the process lives.
_listen = llama.llama_log_callback(lambda _level, text, _data: _lines.append(text.decode("utf-8", "replace")))


@dataclass(frozen=True)
class Reported:
    """llama.cpp's buffers in bytes. `reordered` are weights copied into another order, in `weights` once more."""

    weights: int
    reordered: int
    cache: int
    compute: int


@dataclass(frozen=True)
class Taken:
    """What a worker held in bytes after an answer, how many tokens it had read, and what llama.cpp reported.

    Pages of the file that were only read to reorder the weights in them are left out.
    """

    held: int
    tokens: int
    reported: Reported
    file: int

    @property
    def buffers(self) -> int:
        """Weights, once, and llama.cpp's other buffers, whether used to their end or not."""
        weights = self.file if self.reported.reordered else self.reported.weights
        return weights + self.reported.cache + self.reported.compute


def llama_reports(
    path: Path, lengths: Sequence[int], *, flash: bool = True, parallel: int = 1, like: LoadParams | None = None
) -> list[Reported]:
    """llama.cpp's buffers for contexts of these lengths, made as the worker makes them for so many answers at once;
    with the types of the KV cache that `like` has. Weights stay in the file's order, whatever the processor."""
    llama.llama_log_set(_listen, None)
    _lines.clear()
    loading_params = llama.llama_model_default_params()
    loading_params.use_extra_bufts = False
    model = llama.llama_model_load_from_file(str(path).encode(), loading_params)
    assert model, "".join(_lines)
    loading, found = "".join(_lines), []
    try:
        for length in lengths:
            _lines.clear()
            params = llama.llama_context_default_params()
            params.n_ctx, params.n_batch, params.n_ubatch = length, 512, 512
            params.n_threads = params.n_threads_batch = 1
            params.n_seq_max, params.kv_unified, params.n_outputs_max = parallel, True, 16
            params.flash_attn_type, params.swa_full = (-1 if flash else 0), False
            set_cache_types(params, like or LoadParams(str(path)))
            context = llama.llama_init_from_model(model, params)
            assert context, "".join(_lines)
            llama.llama_free(context)
            found.append(_parsed(loading + "".join(_lines)))
    finally:
        llama.llama_model_free(model)
    return found


def take(path: Path, length: int, *, fill: float = 0.95) -> Taken:
    """Load the model into a worker with a context of `length` tokens and have it read `fill` of that."""
    with tempfile.TemporaryDirectory() as folder:
        logs, others = Path(folder) / "logs", _children()
        client = EngineClient(license_check=OpenLoadCheck(), logs=logs, cache=Path(folder) / "cache")
        try:
            client.load_and_wait(LoadParams(str(path), context_length=length, threads=1))
            (worker,) = _children() - others
            tokens = _read_much(client, int(length * fill))
            held, pages = _resident(worker), _mapped(worker, path)
        finally:
            client.close()
        newest = max(
            logs.iterdir(), key=lambda file: file.stat().st_mtime_ns
        )  # of the worker that it was loaded in at last
        reported = _parsed(newest.read_text(errors="replace"))
    return Taken(held - min(reported.reordered, pages), tokens, reported, path.stat().st_size)


def taken_in_full(path: Path, length: int, short: Taken) -> int:
    """What a worker comes to with that context once it is used up, in bytes.

    Of long contexts only the beginning is read, which leaves a part of the buffers untouched. So what is not in the
    buffers is taken from a `short` context that was used up.
    """
    taken = take(path, length, fill=min(600 / length, 0.9))
    return max(taken.held, taken.buffers + short.held - short.buffers)


def tokens_of(path: Path, text: str) -> list[int]:
    """`text` in tokens of the model in the file `path`, of which only the vocabulary is read."""
    llama.llama_log_set(_listen, None)
    parameters = llama.llama_model_default_params()
    parameters.vocab_only = True
    model = llama.llama_model_load_from_file(str(path).encode(), parameters)
    assert model, "".join(_lines)
    try:
        return Tokenizer(model).tokenize(text, special=False)
    finally:
        llama.llama_model_free(model)


def _read_much(client: EngineClient, tokens: int) -> int:
    """Have it read about so many tokens; how many there were."""
    turn = ChatMessage.from_text("user", "the of and " * (tokens // 3))
    read = 0
    for event in client.answer(
        GenerateRequest(
            client.next_id(),
            (turn,),
            GenerationOptions(SamplingParams(temperature=0), max_tokens=2, ignore_eos=True, raw_prompt=True),
        )
    ):
        if isinstance(event, PromptPrepared):
            read = event.prompt_tokens
    return read


def _parsed(log: str) -> Reported:
    sizes = {"weights": 0.0, "reordered": 0.0, "cache": 0.0, "compute": 0.0}
    for buffer, kind, size in _BUFFER.findall(log):
        part = {"model": "weights", "KV": "cache", "RS": "cache"}.get(kind, "compute")
        sizes[part] += float(size) * (1 << 20)
        if "REPACK" in buffer or "AMX" in buffer:
            sizes["reordered"] += float(size) * (1 << 20)
    return Reported(**{part: int(size) for part, size in sizes.items()})


def _children() -> set[int]:
    """This process's living children that are workers."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_worker(entry)}


def _is_worker(entry: Path) -> bool:
    try:
        state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        return int(parent) == os.getpid() and state != "Z" and b"worker" in (entry / "cmdline").read_bytes()
    except OSError:
        return False


def _resident(process: int) -> int:
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Rss:"))


def _mapped(process: int, path: Path) -> int:
    """Resident bytes of the file."""
    total, here = 0, False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        if _MAPPING.match(line):
            here = line.endswith(str(path))
        elif here and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


llama_api.start_backends()
