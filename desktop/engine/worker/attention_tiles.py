"""How many tokens at the end of a prompt are read at once for the least work.

On a CPU, llama.cpp's flash attention computes 64 tokens as one tile (`GGML_FA_TILE_Q` in ggml-cpu's common.h), which
takes a third of what they take one after another; fewer than 64 are computed one after another. In a long conversation
that is most of the work: behind 3,900 tokens, 63 tokens of a 135M model took 1,520 ms and 64 took 750. So where nearly
a tile is to be read, some tokens that the context holds already are read once more.
"""

from dataclasses import dataclass
from typing import Self

from desktop.engine.load_params import LoadParams
from desktop.engine.worker.llama_api import llama

_TILE = 64
_LEAST_HELD = 1024  # behind fewer tokens there is little to gain
_TILED_SHARE = 1 / 3  # of what the attention of a token takes by itself
_ATTENTION_COST = 5.0  # of a multiplication in it, against one with weights: measured 3 (Q4_1, 135M) to 11 (Q4_0, 1B)
_PLAIN_TYPES = ("f16", "f32")


@dataclass(frozen=True)
class AttentionTiles:
    """`tokens` make a tile, 0 where there are none. `cost` is what a token's attention to one other takes by itself, as
    a share of what its multiplications with all weights take."""

    tokens: int = 0
    cost: float = 0.0

    @classmethod
    def of(cls, params: LoadParams, model: object, *, rolls_back: bool) -> Self:
        """Those of a model that was loaded as `params` say and computes on the CPU. There are none where it cannot
        forget single tokens (`rolls_back`), or computes attention otherwise."""
        plain = params.key_type == params.value_type and params.key_type in _PLAIN_TYPES
        if not rolls_back or not plain or params.flash_attention == "off":
            return cls()
        attention = 4 * llama.llama_model_n_layer(model) * llama.llama_model_n_embd(model)
        return cls(_TILE, _ATTENTION_COST * attention / max(2 * llama.llama_model_n_params(model), 1))

    def kept(self, held: int, total: int) -> int:
        """How many of the first `held` of `total` tokens, which need not be read, are best left unread."""
        new = total - held
        if held < _LEAST_HELD or not 0 < new < self.tokens:
            return held
        apart = new * (1 + self.cost * held)
        together = self.tokens * (1 + self.cost * held * _TILED_SHARE)
        return total - self.tokens if together < apart else held

    def piece_end(self, begin: int, end: int, total: int) -> int:
        """Where a piece of a prompt that begins at `begin` ends best, at most at `end`: so that its last one, which
        ends at `total`, is a tile as well."""
        short = self.tokens - (total - end)
        return end - short if 0 < short < self.tokens and end - short - begin >= self.tokens else end
