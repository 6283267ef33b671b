"""How much the logits of one position differ between two ways to compute it: alone, and in a batch with others.

llama.cpp's kernels add in another order where they compute several tokens at once: of two tokens whose logits lie
closer than that, one way may prefer the first and the other the second. So such a position is not decided by a batch.
Measured with the model itself, on the first positions that are computed in both ways; nothing is measured while nothing
is drafted.
"""

import ctypes
from typing import Any

from desktop.engine.worker.llama_api import llama

_ROWS = 8
_ALIKE = 3
"""Logits that are bit for bit the same tell as much as so many that differ: both ways compute alike."""
_WITHIN = 4.0
"""Of logits so far below the highest one nothing is decided."""
_SAFETY = 4.0
"""Each of two logits may be off by the largest difference seen, and what is off in the cache adds to it."""
_UNMEASURED = 1.0
"""The margin before it is measured, meant to be too large: it costs a few positions that are computed twice."""


class RoundingMargin:
    """`value` is the margin in logits; `known` whether it was measured."""

    def __init__(self, vocabulary: int) -> None:
        self._bytes = vocabulary * ctypes.sizeof(ctypes.c_float)
        self._left = _ROWS
        self._largest = 0.0

    @property
    def value(self) -> float:
        measured = self._largest * _SAFETY
        return measured if self.known else max(measured, _UNMEASURED)

    @property
    def known(self) -> bool:
        return self._left <= 0

    def row(self, context: Any, index: int) -> "memoryview[float]":
        """A copy of the logits of output `index`."""
        return memoryview(ctypes.string_at(llama.llama_get_logits_ith(context, index), self._bytes)).cast("f")

    def compare(self, batched: "memoryview[float]", alone: "memoryview[float]") -> None:
        """Take the logits of one position, computed in a batch and alone."""
        lowest = max(alone) - _WITHIN
        near = [index for index, logit in enumerate(alone) if logit >= lowest]
        self._largest = max(self._largest, *(abs(alone[index] - batched[index]) for index in near))
        self._left -= 1 if self._largest else _ALIKE
