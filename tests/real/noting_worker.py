"""The worker, which notes what passes between it and llama.cpp: `noting_worker.py NOTES IDS` and a worker's arguments.

Into the file NOTES go JSON lines: `["settings", {…}]` with what a model and its context were made with,
`["compute", tokens]` for every computation, `["choose", token]` for every token that was sampled, and
`["take back", 0]` where the last of these was made unmade, to be chosen once more. Where IDS is a JSON list that is not
empty, these are chosen one after the other and then the end of the answer, whatever was sampled: the model says a given
text.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.sampler import Sampler
from desktop.engine.worker.worker_loop import run

_compute, _choose, _get_vocab = llama.llama_decode, llama.llama_sampler_sample, llama.llama_model_get_vocab
_load, _make_context = llama.llama_model_load_from_file, llama.llama_init_from_model
_take_back = Sampler.take_back
_OF_MODEL = ("n_gpu_layers", "use_extra_bufts")
_OF_CONTEXT = ("n_ctx", "n_batch", "n_ubatch", "n_seq_max", "n_threads", "n_threads_batch", "flash_attn_type")


def main(notes_path: str, ids: str, *arguments: str) -> None:
    # Opened before the worker gives up its files.
    notes = Path(notes_path).open("a", encoding="ascii", buffering=1)  # noqa: SIM115 - open as long as the process
    given = json.loads(ids)
    forced = [*given, None]
    place = 0

    settings: dict[str, Any] = {}

    def load(path: bytes, params: Any) -> Any:
        settings["model"] = {name: getattr(params, name) for name in _OF_MODEL}
        return _load(path, params)

    def make_context(model: Any, params: Any) -> Any:
        settings["context"] = {name: getattr(params, name) for name in _OF_CONTEXT}
        at = arguments.index("--cpu-variant") + 1 if "--cpu-variant" in arguments else 0
        settings["cpu_variant"] = arguments[at] if at else ""
        notes.write(json.dumps(["settings", settings]) + "\n")
        return _make_context(model, params)

    def compute(context: Any, batch: Any) -> int:
        result = int(_compute(context, batch))
        # After it: what was aborted was not read.
        if result == 0:
            notes.write(json.dumps(["compute", batch.token[: batch.n_tokens]]) + "\n")
        return result

    def choose(chain: Any, context: Any, index: int) -> int:
        nonlocal place
        token = int(_choose(chain, context, index))
        if given:
            wanted = forced[place % len(forced)]
            place += 1
            token = llama.llama_vocab_eos(_get_vocab(llama.llama_get_model(context))) if wanted is None else wanted
        notes.write(json.dumps(["choose", token]) + "\n")
        return token

    def take_back(self: Sampler) -> None:
        nonlocal place
        place -= 1
        notes.write(json.dumps(["take back", 0]) + "\n")
        _take_back(self)

    llama.llama_decode, llama.llama_sampler_sample = compute, choose
    Sampler.take_back = take_back  # type: ignore[method-assign]
    llama.llama_model_load_from_file, llama.llama_init_from_model = load, make_context
    run(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
