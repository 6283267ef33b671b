"""What llama.cpp itself makes of a model, in a process of its own: tokens of texts, and greedy tokens after tokens.

Reads a JSON value, `{path, settings, texts, rounds}`, and prints `{template, texts, bytes, rounds}`. `settings` is
`{model, context, cpu_variant}`: fields of llama.cpp's parameters, which otherwise are the defaults. Of each text come
its tokens, control tokens recognized, and the bytes of each, in hexadecimal. Each round is a list of steps
`{tokens, most}` in one context that starts empty: the tokens are computed, then up to `most` tokens decoded greedily,
one by one; those are the step's result, without the one that ends the answer. The last one is not computed where the
answer was cut off at `most`.
"""

import ctypes
import itertools
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# The bindings alone: how the library is found and its compute plug-ins are started is the same for everyone.
from desktop.engine.worker.llama_api import llama, start_backends


class BareLlama:
    def __init__(self, order: dict[str, Any]) -> None:
        model_params, params = llama.llama_model_default_params(), llama.llama_context_default_params()
        for name, value in order["settings"]["model"].items():
            setattr(model_params, name, value)
        for name, value in order["settings"]["context"].items():
            setattr(params, name, value)
        self.batch_tokens = params.n_batch
        self.model = llama.llama_model_load_from_file(order["path"].encode(), model_params)
        assert self.model
        self.vocabulary = llama.llama_model_get_vocab(self.model)
        self.context = llama.llama_init_from_model(self.model, params)
        assert self.context

    def template(self) -> str:
        buffer = ctypes.create_string_buffer(1 << 16)
        assert llama.llama_model_meta_val_str(self.model, b"tokenizer.chat_template", buffer, len(buffer)) > 0
        return buffer.value.decode()

    def tokens(self, text: str) -> list[int]:
        data = text.encode()
        room = len(data) + 8
        found = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.vocabulary, data, len(data), found, room, True, True)
        assert count >= 0
        return list(found[:count])

    def bytes_of(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        size = llama.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
        assert size >= 0
        return buffer.raw[:size]

    def compute(self, tokens: list[int]) -> None:
        for at in range(0, len(tokens), self.batch_tokens):
            piece = tokens[at : at + self.batch_tokens]
            array = (llama.llama_token * len(piece))(*piece)
            assert llama.llama_decode(self.context, llama.llama_batch_get_one(array, len(piece))) == 0

    def greedy(self, most: int) -> list[int]:
        sampler = llama.llama_sampler_init_greedy()
        found: list[int] = []
        while True:
            token = llama.llama_sampler_sample(sampler, self.context, -1)
            if llama.llama_vocab_is_eog(self.vocabulary, token):
                break
            found.append(token)
            if len(found) == most:
                break
            self.compute([token])
        llama.llama_sampler_free(sampler)
        return found

    def round(self, steps: list[dict[str, Any]]) -> list[list[int]]:
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)
        found = []
        for step in steps:
            self.compute(step["tokens"])
            found.append(self.greedy(step["most"]))
        return found


def main() -> None:
    order = json.load(sys.stdin)
    variant = order["settings"]["cpu_variant"]
    start_backends(*([variant] if variant else []))
    bare = BareLlama(order)
    texts = [bare.tokens(text) for text in order["texts"]]
    rounds = [bare.round(steps) for steps in order["rounds"]]
    pieces = {token: bare.bytes_of(token).hex() for tokens in itertools.chain(texts, *rounds) for token in tokens}
    json.dump({"template": bare.template(), "texts": texts, "bytes": pieces, "rounds": rounds}, sys.stdout)


if __name__ == "__main__":
    main()
