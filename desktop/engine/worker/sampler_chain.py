"""llama.cpp's samplers of one answer, in their order: `common_sampler_init` in llama.cpp's sampling.cpp, without the
samplers that would change nothing."""

import ctypes
import math
from collections.abc import Mapping, Sequence
from typing import Any

from desktop.engine.generation_options import SamplerName, SamplingParams
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.logit_gap import LogitGap
from desktop.engine.worker.tokenizer import Tokenizer

_MIROSTAT_M = 100
_MOST_BREAKERS = 64


class SamplerChain:
    """The chain for `settings`, all of which are given (see `resolve_settings`). Owns it: call `close`.

    `biases` are added to the logits of tokens. The tokens `barred` cannot come until `admit` is called. `handle` is
    llama.cpp's, `lookback` how many of the last tokens its samplers look at, `gap` how near a greedy choice was to
    another one, None where it is not greedy.
    """

    def __init__(
        self,
        settings: SamplingParams,
        vocabulary: Tokenizer,
        context_length: int,
        biases: Mapping[int, float],
        barred: Sequence[int] = (),
    ) -> None:
        parameters = llama.llama_sampler_chain_default_params()
        parameters.no_perf = True
        self.handle = llama.llama_sampler_chain_init(parameters)
        self.lookback = 0
        self.gap: LogitGap | None = None
        self._vocabulary = vocabulary
        self._context_length = context_length
        self._seed = settings.seed or 0
        self._bars = bool(barred)
        if barred:
            self._add_biases(dict.fromkeys(barred, -math.inf))
        if biases:
            self._add_biases(biases)
        self._add_samplers(settings)

    def admit(self) -> None:
        """From now on the tokens that were barred may come."""
        if self._bars:
            self._bars = False
            llama.llama_sampler_free(llama.llama_sampler_chain_remove(self.handle, 0))

    def copy(self) -> Any:
        """A copy of the native chain, with its state. It has to be freed."""
        return llama.llama_sampler_clone(self.handle)

    def exchange(self, copied: Any) -> Any:
        """Go on with `copied`; the chain that was in use."""
        self.handle, used = copied, self.handle
        return used

    def close(self) -> None:
        if self.handle is None:
            return
        llama.llama_sampler_free(self.handle)
        self.handle = None
        if self.gap is not None:
            self.gap.close()

    def _add(self, sampler: Any) -> None:
        llama.llama_sampler_chain_add(self.handle, sampler)

    def _add_biases(self, biases: Mapping[int, float]) -> None:
        values = (llama.llama_logit_bias * len(biases))(*biases.items())
        self._add(llama.llama_sampler_init_logit_bias(self._vocabulary.size, len(biases), values))

    def _add_samplers(self, s: SamplingParams) -> None:
        names = s.samplers or ()
        if s.mirostat and (s.temperature or 0) > 0:
            self._add(llama.llama_sampler_init_temp(s.temperature))
            if s.mirostat == 1:
                size = self._vocabulary.size
                made = llama.llama_sampler_init_mirostat(size, self._seed, s.mirostat_tau, s.mirostat_eta, _MIROSTAT_M)
            else:
                made = llama.llama_sampler_init_mirostat_v2(self._seed, s.mirostat_tau, s.mirostat_eta)
            self._add(made)
            return
        greedy = "temperature" in names and (s.temperature or 0) <= 0
        for name in names:
            if not greedy or name in ("penalties", "dry"):
                self._add_sampler(name, s)
        if greedy:
            self.gap = LogitGap()
            self._add(self.gap.handle)
            self._add(llama.llama_sampler_init_greedy())
        elif "adaptive_p" in names or (s.adaptive_target or 0) > 0:
            self._add(llama.llama_sampler_init_adaptive_p(s.adaptive_target, s.adaptive_decay, self._seed))
        else:
            self._add(llama.llama_sampler_init_dist(self._seed))

    def _add_sampler(self, name: SamplerName, s: SamplingParams) -> None:
        keep = max(1, s.min_keep or 0)
        match name:
            case "penalties":
                self._add_penalties(s)
            case "dry":
                self._add_dry(s)
            case "top_n_sigma" if (s.top_n_sigma or 0) > 0:
                self._add(llama.llama_sampler_init_top_n_sigma(s.top_n_sigma))
            case "top_k" if (s.top_k or 0) > 0:
                self._add(llama.llama_sampler_init_top_k(s.top_k))
            case "typ_p" if s.typical_p is not None and s.typical_p < 1:
                self._add(llama.llama_sampler_init_typical(s.typical_p, keep))
            case "top_p" if s.top_p is not None and s.top_p < 1:
                self._add(llama.llama_sampler_init_top_p(s.top_p, keep))
            case "min_p" if (s.min_p or 0) > 0:
                self._add(llama.llama_sampler_init_min_p(s.min_p, keep))
            case "xtc" if (s.xtc_probability or 0) > 0:
                self._add(llama.llama_sampler_init_xtc(s.xtc_probability, s.xtc_threshold, keep, self._seed))
            case "temperature" if (s.dynatemp_range or 0) > 0:
                self._add(
                    llama.llama_sampler_init_temp_ext(s.temperature, s.dynatemp_range, s.dynatemp_exponent or 1.0)
                )
            case "temperature":
                self._add(llama.llama_sampler_init_temp(s.temperature))
            case _:
                pass

    def _add_penalties(self, s: SamplingParams) -> None:
        last = self._looking_back(s.repeat_last_n or 0)
        repeat, frequency, presence = s.repeat_penalty or 1.0, s.frequency_penalty or 0.0, s.presence_penalty or 0.0
        if last and repeat > 0 and (repeat, frequency, presence) != (1.0, 0.0, 0.0):
            self.lookback = max(self.lookback, last)
            self._add(llama.llama_sampler_init_penalties(self._vocabulary.size, last, repeat, frequency, presence))

    def _add_dry(self, s: SamplingParams) -> None:
        if (s.dry_multiplier or 0) <= 0 or (s.dry_base or 0) < 1:
            return
        last = self._looking_back(s.dry_penalty_last_n or 0)
        self.lookback = max(self.lookback, last)
        texts = [text.encode("utf-8", "replace") for text in s.dry_sequence_breakers or () if text and "\0" not in text]
        texts = texts[:_MOST_BREAKERS]
        breakers = (ctypes.c_char_p * len(texts))(*texts)
        self._add(
            llama.llama_sampler_init_dry(
                self._vocabulary.handle,
                s.dry_multiplier,
                s.dry_base,
                s.dry_allowed_length,
                last,
                ctypes.cast(breakers, ctypes.POINTER(ctypes.c_char_p)),
                len(texts),
            )
        )

    def _looking_back(self, tokens: int) -> int:
        return self._context_length if tokens < 0 else min(tokens, self._context_length)
