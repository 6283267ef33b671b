"""A small Llama in plain PyTorch, shaped so that its weights go into a GGUF file as they are.

RMSNorm before each part, SwiGLU, tied embeddings, and rotary positions on neighbouring pairs: that
is the layout llama.cpp reads for the architecture `llama`, so nothing is permuted on conversion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PLAIN_ATTENTION = 512


@dataclass(frozen=True)
class Shape:
    """Sizes of the model; every row width is a multiple of 32, which Q8_0 needs."""

    vocabulary: int = 2048
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 704
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if self.width % 32 or self.hidden % 32:
            raise ValueError("width and hidden must be multiples of 32")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError("a head must have a whole, even size")

    @property
    def head(self) -> int:
        """Width of one head."""
        return self.width // self.heads


class Norm(nn.Module):
    """RMSNorm in float32 whatever the autocast type, as llama.cpp computes it."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) to the same shape."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotations(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head / 2)."""
    inverse = shape.rope_base ** (-torch.arange(0, shape.head, 2).float() / shape.head)
    angle = torch.arange(length).float()[:, None] * inverse[None, :]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turns neighbouring pairs of (batch, heads, length, head) by their position."""
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention over (batch, heads, length, head).

    Most training rows have 20 to 100 tokens. PyTorch's fused kernel for the CPU takes longer for
    those than all other parts of a step together, so they are done with plain products.
    """
    length = query.shape[2]
    if length > PLAIN_ATTENTION:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(hidden, -1e4).softmax(-1) @ value


class SharedDropout(nn.Module):
    """Dropout that drops the same features of a whole row: one draw per row, not per token."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, width) to the same shape."""
        if not self.training or self.share <= 0:
            return x
        kept = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype).bernoulli_(1 - self.share)
        return x * kept.div_(1 - self.share)


class Block(nn.Module):
    """One layer: attention, then SwiGLU, each after a norm and added to its input."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.shape = shape
        self.attention_norm = Norm(shape.width, shape.epsilon)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attention_out = nn.Linear(shape.width, shape.width, bias=False)
        self.hidden_norm = Norm(shape.width, shape.epsilon)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)
        self.drop = SharedDropout(dropout)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """(batch, length, width) to the same shape."""
        batch, length, width = x.shape
        heads = self.shape.heads
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, heads, self.shape.head)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        mixed = attend(query, key, value)
        x = x + self.drop(self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width)))
        gate, up = self.gate_up(self.hidden_norm(x)).chunk(2, dim=-1)
        return x + self.drop(self.down(F.silu(gate) * up))


class GuideModel(nn.Module):
    """Ids to logits."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        self.drop = SharedDropout(dropout)
        cosine, sine = rotations(shape, shape.context)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._start()

    def _start(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            scale = 0.02
            if name.endswith(("attention_out.weight", "down.weight")):
                scale /= math.sqrt(2 * self.shape.layers)
            nn.init.normal_(parameter, std=scale)

    def states(self, ids: Tensor) -> Tensor:
        """(batch, length) ids to (batch, length, width), before the output matrix."""
        length = ids.shape[1]
        cosine, sine = self.get_buffer("cosine")[:length], self.get_buffer("sine")[:length]
        x = self.drop(self.embedding(ids))
        for block in self.blocks:
            x = block(x, cosine, sine)
        out: Tensor = self.norm(x)
        return out

    def logits(self, states: Tensor) -> Tensor:
        """(…, width) to (…, vocabulary); the output matrix is the embedding."""
        return F.linear(states, self.embedding.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, length) ids to (batch, length, vocabulary) logits."""
        return self.logits(self.states(ids))

    @torch.no_grad()
    def greedy(self, prompt: list[int], end: int, limit: int = 400) -> list[int]:
        """The most likely continuation of `prompt`, without the `end` id."""
        ids = list(prompt)
        for _ in range(min(limit, self.shape.context - len(prompt))):
            best = int(self.logits(self.states(torch.tensor([ids]))[0, -1]).argmax())
            if best == end:
                break
            ids.append(best)
        return ids[len(prompt) :]
