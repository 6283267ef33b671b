"""The baseline of the engine benchmark: llama.cpp's own C functions in the barest loop, in a process of its own.

`python -m desktop.engine.worker.baseline FILE THREADS GPU_LAYERS CONTEXT [CORE …]` loads the file, bound to these cores
where any are named, and prints one JSON value when ready. For each line `{"prompt": P, "tokens": N}` on standard input
it reads P random tokens as a prompt, then decodes N tokens greedily, and prints `{"prompt_s": …, "decode_s": …}`:
seconds for the prompt with its first token, and for the N - 1 tokens after it. With `"sequences": S` these are S
prompts, read one after another, whose tokens are then decoded together. No template, no text, no stop strings, no
messages.
"""

import ctypes
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from desktop.engine.worker.llama_api import llama, start_backends, start_gpus
from desktop.engine.worker.token_batch import TokenBatch

_BATCH = 512
_MOST_SEQUENCES = 4


class BaselineDecoder:
    """A model and a context, as llama.cpp's defaults have them, but that it takes four sequences."""

    def __init__(self, path: str, threads: int, gpu_layers: int, context_length: int) -> None:
        model_params = llama.llama_model_default_params()
        model_params.n_gpu_layers = gpu_layers
        self._model = llama.llama_model_load_from_file(path.encode(), model_params)
        if not self._model:
            raise SystemExit(f"{path} could not be loaded")
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context_length, _BATCH, _BATCH
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max, params.kv_unified = _MOST_SEQUENCES, True
        self._context = llama.llama_init_from_model(self._model, params)
        if not self._context:
            raise SystemExit("no context could be made")
        self._memory = llama.llama_get_memory(self._context)
        self._sampler = llama.llama_sampler_init_greedy()
        self._vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self._model))
        self._random = random.Random(1)
        self._together = TokenBatch(_BATCH)

    def measure(self, prompt: int, tokens: int) -> dict[str, float]:
        """Seconds for `prompt` tokens of prompt with the first token after it, and for the others of `tokens`."""
        llama.llama_memory_clear(self._memory, False)
        read = self._some_tokens(prompt)
        started = time.perf_counter()
        for start in range(0, prompt, _BATCH):
            self._decode(read[start : start + _BATCH])
        token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        first = time.perf_counter()
        for _ in range(tokens - 1):
            self._decode([token])
            token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        return {"prompt_s": first - started, "decode_s": time.perf_counter() - first}

    def measure_together(self, prompt: int, tokens: int, sequences: int) -> dict[str, float]:
        """The same of so many sequences at once."""
        llama.llama_memory_clear(self._memory, False)
        batch = self._together
        chosen: list[int] = []
        started = time.perf_counter()
        for sequence in range(sequences):
            batch.clear()
            self._compute(batch, [batch.add(self._some_tokens(prompt), 0, sequence, 1)], chosen)
        first = time.perf_counter()
        for position in range(prompt, prompt + tokens - 1):
            batch.clear()
            last, chosen = chosen, []
            places = [batch.add([token], position, sequence, 1) for sequence, token in enumerate(last)]
            self._compute(batch, places, chosen)
        return {"prompt_s": first - started, "decode_s": time.perf_counter() - first}

    def _compute(self, batch: TokenBatch, outputs: list[int], chosen: list[int]) -> None:
        """Compute `batch`, and add to `chosen` the token at each of the `outputs`."""
        if llama.llama_decode(self._context, batch.struct) != 0:
            raise SystemExit("decoding failed")
        chosen += [llama.llama_sampler_sample(self._sampler, self._context, place) for place in outputs]

    def _some_tokens(self, count: int) -> list[int]:
        return [self._random.randrange(300, self._vocabulary) for _ in range(count)]

    def _decode(self, tokens: list[int]) -> None:
        array: Any = (ctypes.c_int32 * len(tokens))(*tokens)
        if llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(tokens))) != 0:
            raise SystemExit("decoding failed")


def _main(arguments: list[str]) -> None:
    path, threads, gpu_layers, context_length, *cores = arguments
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores})
    start_backends()
    if int(gpu_layers):
        start_gpus()
    loop = BaselineDecoder(path, int(threads), int(gpu_layers), int(context_length))
    _print_json({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if sequences := order.get("sequences", 0):
            _print_json(loop.measure_together(order["prompt"], order["tokens"], min(sequences, _MOST_SEQUENCES)))
        else:
            _print_json(loop.measure(order["prompt"], order["tokens"]))


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1:])
