"""How tokens are chosen: the chain of native samplers for one answer.

Order and defaults are llama-server's. A setting comes from the request, else from the file (`general.sampling.*`),
else from the default. Samplers that would change nothing are left out.
"""

import ctypes
import math
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from desktop.engine.generation_options import SamplingParams
from desktop.engine.worker.llama_api import llama, metadata
from desktop.engine.worker.logit_gap import LogitGap
from desktop.engine.worker.tokenizer import Tokenizer

DEFAULTS = SamplingParams(
    temperature=0.8,
    top_k=40,
    top_p=0.95,
    min_p=0.05,
    typical_p=1.0,
    top_n_sigma=-1.0,
    xtc_probability=0.0,
    xtc_threshold=0.1,
    repeat_penalty=1.0,
    repeat_last_n=64,
    presence_penalty=0.0,
    frequency_penalty=0.0,
    dry_multiplier=0.0,
    dry_base=1.75,
    dry_allowed_length=2,
    dry_penalty_last_n=-1,
)
# gguf-py's names of what a file may say about sampling.
_IN_FILE = {
    "temperature": "temp",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "repeat_penalty": "penalty_repeat",
    "repeat_last_n": "penalty_last_n",
}
_WHOLE = {"top_k", "repeat_last_n", "dry_allowed_length", "dry_penalty_last_n", "seed"}
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")
_LARGEST_SEED = 0xFFFFFFFE


def file_defaults(model: Any) -> dict[str, float | int]:
    """What the model's file says about sampling; values that are no sensible numbers are passed over."""
    found: dict[str, float | int] = {}
    for name, key in _IN_FILE.items():
        text = metadata(model, f"general.sampling.{key}")
        try:
            value = float(text) if text is not None else math.nan
        except ValueError:
            continue
        if math.isfinite(value):
            found[name] = int(value) if name in _WHOLE else value
    return found


def resolve_settings(asked: SamplingParams, file: dict[str, float | int]) -> SamplingParams:
    """Every setting with the value in force; the seed is drawn where none was asked for."""
    values: dict[str, Any] = {}
    for name, default in msgspec.structs.asdict(DEFAULTS).items():
        value = getattr(asked, name)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            value = file.get(name, default)
        values[name] = value
    seed = asked.seed
    values["seed"] = secrets.randbelow(_LARGEST_SEED) if seed is None or seed < 0 else seed % (_LARGEST_SEED + 1)
    return SamplingParams(**values)


class Sampler:
    """A chain of native samplers. Owns it: call `close`.

    While a step of speculation is under way (`begin_step`), a greedy choice leaves in `gap` by how much the best logit
    exceeds the second, and can be taken back.
    """

    def __init__(
        self, settings: SamplingParams, vocabulary: Tokenizer, context_length: int, forbidden: Sequence[int] = ()
    ) -> None:
        parameters = llama.llama_sampler_chain_default_params()
        parameters.no_perf = True
        self.chain = llama.llama_sampler_chain_init(parameters)
        self.seed = settings.seed or 0
        self._sees = 0
        self._gap: LogitGap | None = None
        self._before: Any = None
        self._chosen: list[int] = []
        if forbidden:
            biases = (llama.llama_logit_bias * len(forbidden))(*((token, -math.inf) for token in forbidden))
            self._add(llama.llama_sampler_init_logit_bias(vocabulary.size, len(forbidden), biases))
        self._add_repetition(settings, vocabulary, context_length)
        if (settings.temperature or 0) <= 0:
            self._gap = LogitGap()
            self._add(self._gap.handle)
            self._add(llama.llama_sampler_init_greedy())
        else:
            self._add_truncation(settings)
            self._add(llama.llama_sampler_init_temp(settings.temperature))
            self._add(llama.llama_sampler_init_dist(self.seed))

    def accept(self, prompt: Sequence[int]) -> None:
        """Show the chain the prompt's tail, where it holds samplers that look back."""
        for token in prompt[-self._sees :] if self._sees else ():
            llama.llama_sampler_accept(self.chain, token)

    @property
    def greedy(self) -> bool:
        """Whether always the likeliest token is chosen."""
        return self._gap is not None

    @property
    def gap(self) -> float:
        """By how much the best logit exceeded the second when the last token was chosen; infinite if that is not
        looked at."""
        return self._gap.gap if self._gap is not None else math.inf

    def sample(self, context: Any, index: int) -> int:
        """Choose the next token from the logits of output `index`, and take it as chosen."""
        token: int = llama.llama_sampler_sample(self.chain, context, index)
        if self._before is not None:
            self._chosen.append(token)
        return token

    def begin_step(self) -> None:
        """From now on look at the gap, and be ready to take a choice back."""
        if self._gap is not None:
            self._gap.look(True)
            if self._sees:
                self._before, self._chosen = llama.llama_sampler_clone(self.chain), []

    def take_back(self) -> None:
        """Make the last choice unmade."""
        if self._before is None:
            return  # nothing in the chain remembers it
        self.chain, self._before = self._before, self.chain
        for token in self._chosen[:-1]:
            llama.llama_sampler_accept(self.chain, token)

    def end_step(self) -> None:
        """The step is over."""
        if self._gap is not None:
            self._gap.look(False)
        if self._before is not None:
            llama.llama_sampler_free(self._before)
            self._before = None

    def close(self) -> None:
        llama.llama_sampler_free(self.chain)
        if self._gap is not None:
            self._gap.close()

    def _add(self, sampler: Any) -> None:
        llama.llama_sampler_chain_add(self.chain, sampler)

    def _add_repetition(self, s: SamplingParams, vocabulary: Tokenizer, context_length: int) -> None:
        last = s.repeat_last_n or 0
        last = context_length if last < 0 else min(last, context_length)
        repeat, frequency, presence = s.repeat_penalty or 1.0, s.frequency_penalty or 0.0, s.presence_penalty or 0.0
        if last and repeat > 0 and (repeat, frequency, presence) != (1.0, 0.0, 0.0):
            self._sees = last
            self._add(llama.llama_sampler_init_penalties(vocabulary.size, last, repeat, frequency, presence))
        if (s.dry_multiplier or 0) > 0 and (s.dry_base or 0) >= 1:
            back = s.dry_penalty_last_n or 0
            back = context_length if back < 0 else min(back, context_length)
            self._sees = max(self._sees, back)
            breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
            self._add(
                llama.llama_sampler_init_dry(
                    vocabulary.handle,
                    s.dry_multiplier,
                    s.dry_base,
                    s.dry_allowed_length,
                    back,
                    ctypes.cast(breakers, ctypes.POINTER(ctypes.c_char_p)),
                    len(_DRY_BREAKERS),
                )
            )

    def _add_truncation(self, s: SamplingParams) -> None:
        if (s.top_n_sigma or 0) > 0:
            self._add(llama.llama_sampler_init_top_n_sigma(s.top_n_sigma))
        if (s.top_k or 0) > 0:
            self._add(llama.llama_sampler_init_top_k(s.top_k))
        if s.typical_p is not None and s.typical_p < 1:
            self._add(llama.llama_sampler_init_typical(s.typical_p, 1))
        if s.top_p is not None and s.top_p < 1:
            self._add(llama.llama_sampler_init_top_p(s.top_p, 1))
        if (s.min_p or 0) > 0:
            self._add(llama.llama_sampler_init_min_p(s.min_p, 1))
        if (s.xtc_probability or 0) > 0:
            self._add(llama.llama_sampler_init_xtc(s.xtc_probability, s.xtc_threshold, 1, self.seed))
