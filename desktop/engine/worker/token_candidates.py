"""The tokens that may come next, with their logits: a chain of samplers draws from them, and they are reported as log
probabilities.

Imports NumPy, which costs a worker 20 MB: only for answers that ask for a grammar or for log probabilities.
"""

import ctypes
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.engine.message_bounds import LONGEST_PIECE, LOWEST_LOGPROB
from desktop.engine.token_logprobs import TokenCandidate, TokenLogprob
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.tokenizer import Tokenizer

Logits = npt.NDArray[np.float32]
_CANDIDATE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])  # llama_token_data


def logits_at(context: Any, index: int, size: int) -> Logits:
    """The logits of batch output `index`, as they lie in the context until the next decode."""
    pointer = ctypes.cast(llama.llama_get_logits_ith(context, index), ctypes.POINTER(ctypes.c_float))
    return np.ctypeslib.as_array(pointer, shape=(size,))


class TokenCandidates:
    """Draws tokens from a vocabulary of `size`."""

    def __init__(self, size: int) -> None:
        self._all = np.zeros(size, dtype=_CANDIDATE)
        self._ids = np.arange(size, dtype=np.int32)

    def draw(self, chain: Any, logits: Logits, only: npt.NDArray[np.int64] | None = None) -> int | None:
        """The token that `chain` chooses, which has still to be accepted by it; of the tokens `only`, where given. None
        where all are forbidden."""
        candidates = self._all if only is None else self._all[: len(only)]
        candidates["id"] = self._ids if only is None else only
        candidates["logit"] = logits if only is None else logits[only]
        candidates["p"] = 0
        data = ctypes.cast(candidates.ctypes.data, llama.llama_token_data_p)
        array = llama.llama_token_data_array(data, len(candidates), -1, False)
        llama.llama_sampler_apply(chain, ctypes.byref(array))
        if not 0 <= array.selected < array.size:
            return None
        chosen = array.data[array.selected]
        return int(chosen.id) if chosen.logit > -np.inf else None


def without(tokens: Sequence[int] | npt.NDArray[np.int64], barred: Collection[int]) -> npt.NDArray[np.int64]:
    """`tokens` without those that are `barred`."""
    given = np.asarray(tokens, dtype=np.int64)
    return given[~np.isin(given, np.fromiter(barred, dtype=np.int64))] if barred else given


def token_logprob(logits: Logits, token: int, count: int, tokenizer: Tokenizer) -> TokenLogprob:
    """The log probability of `token` and of the `count` likeliest tokens, in the distribution of `logits` itself."""
    count = min(count, len(logits))
    highest = float(logits.max())
    total = highest + float(np.log(np.exp(logits - highest, dtype=np.float32).sum(dtype=np.float64)))
    best = np.argpartition(logits, -count)[-count:] if count else np.empty(0, dtype=np.int64)
    best = best[np.argsort(-logits[best], kind="stable")]

    def logprob(each: int) -> float:
        return max(LOWEST_LOGPROB, min(float(logits[each]) - total, 0.0))

    def text(each: int) -> bytes:
        return tokenizer.spelled_piece(each)[:LONGEST_PIECE]

    top = tuple(TokenCandidate(int(each), text(int(each)), logprob(int(each))) for each in best)
    return TokenLogprob(token, text(token), logprob(token), top)
