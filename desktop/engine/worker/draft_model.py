"""A smaller model of the same vocabulary that guesses the next tokens: loaded beside the model that answers."""

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.engine.worker.loaded_model import LoadedModel, cancel_function, common_prefix
from desktop.engine.worker.logit_gap import LogitGap
from desktop.errors import EngineError, ResourceError
from desktop.translation import tr

_SURE = 1.0
"""A guess whose logit exceeds the second by less is the last one: it is right too seldom to build on."""
MATCHED = 6
"""How sure its guesses are at first, in tokens that agree before those of an n-gram."""


class DraftModel:
    """Guesses as `NgramDrafter` does, from `tokens` that it is told. Owns model and context: call `close`.

    `files` are the names to open it by, `cancel` is the buffer that stops a computation. Raises EngineError where it
    cannot serve `target`, ResourceError where memory does not suffice.
    """

    def __init__(self, files: Sequence[str], target: LoadedModel, log: LlamaLog, cancel: Any) -> None:
        self.tokens: list[int] = []
        self.matched = MATCHED
        self._computed: list[int] = []
        self._target, self._log = target, log
        self._handle = self._load(files)
        try:
            self._check_vocabulary()
            self._context = self._make_context(cancel)
        except BaseException:
            llama.llama_model_free(self._handle)
            raise
        self._memory = llama.llama_get_memory(self._context)
        self._gap = LogitGap()
        self._gap.look(True)
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(self._chain, self._gap.handle)
        llama.llama_sampler_chain_add(self._chain, llama.llama_sampler_init_greedy())
        self._most = target.batch_tokens
        self._buffer = (llama.llama_token * self._most)()
        self._can_forget = not (
            llama.llama_model_is_recurrent(self._handle) or llama.llama_model_is_hybrid(self._handle)
        )

    def close(self) -> None:
        llama.llama_sampler_free(self._chain)
        self._gap.close()
        llama.llama_free(self._context)
        llama.llama_model_free(self._handle)

    def extend(self, tokens: Sequence[int]) -> None:
        """More tokens, as they follow in the conversation."""
        self.tokens += tokens

    def replace(self, tokens: Sequence[int]) -> None:
        """Hold `tokens` instead, and compute what is new of them but the last."""
        self.tokens = list(tokens)
        self._catch_up(len(self.tokens) - 1)

    def draft(self, most: int) -> list[int]:
        """What may come next: up to `most` tokens, the last of them perhaps unsure."""
        found: list[int] = []
        if most <= 0 or not self._catch_up(len(self.tokens)):
            return found
        while True:
            token = llama.llama_sampler_sample(self._chain, self._context, -1)
            if llama.llama_vocab_is_eog(self._target.tokenizer.handle, token):
                return found
            found.append(token)
            if len(found) >= most or self._gap.gap < _SURE or not self._compute([token]):
                return found

    def _catch_up(self, length: int) -> bool:
        """Compute the first `length` tokens, of which most are already; whether that could be done."""
        wanted = self.tokens[:length]
        same = min(common_prefix(self._computed, wanted), length - 1)
        if same < len(self._computed) and not self._forget_from(same):
            llama.llama_memory_clear(self._memory, True)
            self._computed = []
        for at in range(len(self._computed), length, self._most):
            if not self._compute(wanted[at : at + self._most]):
                return False
        return length > 0

    def _forget_from(self, length: int) -> bool:
        if not self._can_forget or not llama.llama_memory_seq_rm(self._memory, 0, length, -1):
            return False
        del self._computed[length:]
        window = llama.llama_model_n_swa(self._handle)
        oldest = llama.llama_memory_seq_pos_min(self._memory, 0)
        return not window or oldest <= max(0, length - window)

    def _compute(self, tokens: Sequence[int]) -> bool:
        """Whether `tokens` could be computed after the others. A stop or a full context is told by the target."""
        count = len(tokens)
        if len(self._computed) + count > llama.llama_n_ctx(self._context):
            return False
        self._buffer[:count] = tokens
        if llama.llama_decode(self._context, llama.llama_batch_get_one(self._buffer, count)) != 0:
            llama.llama_memory_clear(self._memory, True)
            self._computed = []
            return False
        self._computed += tokens
        return True

    def _load(self, files: Sequence[str]) -> Any:
        params = llama.llama_model_default_params()
        params.n_gpu_layers = self._target.gpu_layers
        names = [os.fsencode(name) for name in files]
        if len(names) == 1:
            handle = llama.llama_model_load_from_file(names[0], params)
        else:
            handle = llama.llama_model_load_from_splits((ctypes.c_char_p * len(names))(*names), len(names), params)
        if not handle:
            raise EngineError(
                tr("The draft model could not be loaded."),
                tr("The engine says: {reason}.").format(reason=self._log.last_error("") or tr("no reason given")),
                tr("Choose another draft model, or ask without one."),
                technical="\n".join(self._log.complaints),
            )
        return handle

    def _make_context(self, cancel: Any) -> Any:
        target, params = self._target, llama.llama_context_default_params()
        params.n_ctx = target.context_length
        params.n_batch = target.batch_tokens
        params.n_ubatch = min(target.batch_tokens, 512)
        params.n_seq_max = params.n_outputs_max = 1
        params.n_threads = params.n_threads_batch = target.every_thread
        params.no_perf = True
        self._abort = cancel_function()
        params.abort_callback, params.abort_callback_data = self._abort, ctypes.addressof(cancel)
        context = llama.llama_init_from_model(self._handle, params)
        if not context:
            raise ResourceError(
                tr("There is not enough memory for the draft model."),
                remedy=tr("Choose a shorter context in Settings, or ask without a draft model."),
                technical="\n".join(self._log.complaints),
            )
        return context

    def _check_vocabulary(self) -> None:
        """Raise EngineError where its tokens are not the target's (as common_speculative_are_compatible compares)."""
        own, target = llama.llama_model_get_vocab(self._handle), self._target.tokenizer.handle
        told = (
            llama.llama_vocab_type,
            llama.llama_vocab_n_tokens,
            llama.llama_vocab_bos,
            llama.llama_vocab_eos,
            llama.llama_vocab_get_add_bos,
        )
        text = llama.llama_vocab_get_text
        if any(ask(own) != ask(target) for ask in told) or any(
            text(own, token) != text(target, token) for token in range(self._target.tokenizer.size)
        ):
            raise EngineError(
                tr("The draft model has another vocabulary than the model that answers."),
                tr("Only a model that knows the same tokens can guess for it."),
                tr("Choose a smaller model of the same family, or ask without a draft model."),
            )
