"""The baseline of the engine benchmark: llama.cpp's own C functions in the barest loop, in a process of its own.

`python -m desktop.engine.worker.baseline FILE THREADS GPU_LAYERS CONTEXT [CORE …]` loads the file, bound to these cores
where any are named, and prints one JSON value when ready. For each line `{"prompt": P, "tokens": N}` on standard input
it reads P random tokens as a prompt, then decodes N tokens greedily, and prints `{"prompt_s": …, "decode_s": …}`:
seconds for the prompt with its first token, and for the N - 1 tokens after it. No template, no text, no stop strings,
no messages.
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

from desktop.engine.worker.llama_api import llama, start_backends

_BATCH = 512


class BaselineDecoder:
    """A model and a context, as llama.cpp's defaults have them."""

    def __init__(self, path: str, threads: int, gpu_layers: int, context_length: int) -> None:
        model_params = llama.llama_model_default_params()
        model_params.n_gpu_layers = gpu_layers
        self._model = llama.llama_model_load_from_file(path.encode(), model_params)
        if not self._model:
            raise SystemExit(f"{path} could not be loaded")
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context_length, _BATCH, _BATCH
        params.n_threads = params.n_threads_batch = threads
        self._context = llama.llama_init_from_model(self._model, params)
        if not self._context:
            raise SystemExit("no context could be made")
        self._memory = llama.llama_get_memory(self._context)
        self._sampler = llama.llama_sampler_init_greedy()
        self._vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self._model))
        self._random = random.Random(1)

    def measure(self, prompt: int, tokens: int) -> dict[str, float]:
        """Seconds for `prompt` tokens of prompt with the first token after it, and for the others of `tokens`."""
        llama.llama_memory_clear(self._memory, False)
        read = [self._random.randrange(300, self._vocabulary) for _ in range(prompt)]
        started = time.perf_counter()
        for start in range(0, prompt, _BATCH):
            self._decode(read[start : start + _BATCH])
        token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        first = time.perf_counter()
        for _ in range(tokens - 1):
            self._decode([token])
            token = llama.llama_sampler_sample(self._sampler, self._context, -1)
        return {"prompt_s": first - started, "decode_s": time.perf_counter() - first}

    def _decode(self, tokens: list[int]) -> None:
        array: Any = (ctypes.c_int32 * len(tokens))(*tokens)
        if llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(tokens))) != 0:
            raise SystemExit("decoding failed")


def _main(arguments: list[str]) -> None:
    path, threads, gpu_layers, context_length, *cores = arguments
    if cores:
        os.sched_setaffinity(0, {int(core) for core in cores})
    start_backends()
    loop = BaselineDecoder(path, int(threads), int(gpu_layers), int(context_length))
    _print_json({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        _print_json(loop.measure(order["prompt"], order["tokens"]))


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1:])
