"""The trained file run by llama.cpp itself, through its C API: no window, no sampler, no cache.

It stands apart from the application's engine so that the file can be judged without it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2.sandbox import ImmutableSandboxedEnvironment
from llama_cpp import llama_cpp as api

_quiet = api.llama_log_callback(lambda level, text, data: None)


class Native:
    """A loaded file. `close` ends it; it may also be used in a `with` statement."""

    def __init__(self, path: Path, threads: int = 2, context: int = 2048) -> None:
        """Raises RuntimeError when llama.cpp does not load the file."""
        api.llama_log_set(_quiet, ctypes.c_void_p(0))
        api.llama_backend_init()
        self.model = api.llama_model_load_from_file(str(path).encode(), api.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not load {path}")
        self.vocabulary = api.llama_model_get_vocab(self.model)
        parameters = api.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = context
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = api.llama_init_from_model(self.model, parameters)
        self.limit = context
        template = api.llama_model_chat_template(self.model, None)
        if not self.context or template is None:
            raise RuntimeError(f"{path} gives no context or has no chat template")
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self.template = environment.from_string(template.decode())

    def __enter__(self) -> Native:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees context and model."""
        api.llama_free(self.context)
        api.llama_model_free(self.model)

    def rendered(self, messages: Sequence[dict[str, str]]) -> str:
        """The prompt text of a conversation, up to where the answer begins."""
        return self.template.render(messages=messages, bos_token="", add_generation_prompt=True)

    def tokenized(self, text: str) -> list[int]:
        """Ids of a rendered prompt, with the BOS that the file asks for."""
        raw = text.encode()
        ids = (api.llama_token * (len(raw) + 8))()
        count = api.llama_tokenize(self.vocabulary, raw, len(raw), ids, len(ids), True, True)
        return list(ids[: max(count, 0)])

    def greedy(self, prompt: Sequence[int], limit: int = 400) -> list[int]:
        """The most likely continuation, without the id that ends it."""
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        size = api.llama_vocab_n_tokens(self.vocabulary)
        given: list[int] = []
        todo = list(prompt)
        for _ in range(min(limit, self.limit - len(prompt))):
            ids = (api.llama_token * len(todo))(*todo)
            if api.llama_decode(self.context, api.llama_batch_get_one(ids, len(todo))):
                raise RuntimeError("llama.cpp failed to decode")
            logits = np.ctypeslib.as_array(api.llama_get_logits_ith(self.context, -1), (size,))
            best = int(logits.argmax())
            if api.llama_vocab_is_eog(self.vocabulary, best):
                break
            given.append(best)
            todo = [best]
        return given

    def text(self, ids: Sequence[int]) -> str:
        """Text of ids."""
        raw = b""
        buffer = ctypes.create_string_buffer(256)
        for one in ids:
            count = api.llama_token_to_piece(self.vocabulary, one, buffer, 256, 0, False)
            raw += buffer.raw[:count]
        return raw.decode(errors="replace")

    def answer(self, turns: Sequence[str]) -> str:
        """The greedy answer to the last of `turns`; the ones before it are answered first."""
        messages: list[dict[str, str]] = []
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            said = self.text(self.greedy(self.tokenized(self.rendered(messages))))
            messages.append({"role": "assistant", "content": said})
        return messages[-1]["content"]
