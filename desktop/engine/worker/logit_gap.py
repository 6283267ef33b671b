"""How far apart the two best logits are when a token is chosen greedily: a sampler in the chain that only looks."""

import ctypes
import math
from typing import Any

from desktop.engine.worker.llama_api import llama


class LogitGap:
    """`handle` goes into a chain before the greedy sampler, and is freed with it. While `looks` is set, each choice
    leaves in `gap` by how much the best logit exceeds the second, with all biases and penalties. Call `close` at last.
    """

    def __init__(self) -> None:
        self.gap = math.inf
        self._looks = False
        self._two = llama.llama_sampler_init_top_k(2)
        self._interface = llama.llama_sampler_i()
        self._name = llama.llama_sampler_i_name(lambda _: b"logit-gap")
        self._apply = llama.llama_sampler_i_apply(self._look)
        self._interface.name, self._interface.apply = self._name, self._apply
        # Without a context of its own a sampler can be cloned.
        self.handle = llama.llama_sampler_init(ctypes.pointer(self._interface), None)

    def look(self, looks: bool) -> None:
        """Look at the choices from now on, or no longer."""
        self._looks = looks

    def close(self) -> None:
        llama.llama_sampler_free(self._two)

    def _look(self, _: Any, candidates: Any) -> None:
        if not self._looks:
            return
        llama.llama_sampler_apply(self._two, candidates)
        found = candidates.contents
        self.gap = found.data[0].logit - found.data[1].logit if found.size > 1 else math.inf
