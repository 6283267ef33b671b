"""A stand-in for embedding model and reranker: words of one meaning have one direction. It fails when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from desktop.documents.embedding_model import SearchModel
from desktop.documents.text_prefixes import TextPrefixes
from desktop.engine.embedding_messages import EmbedResult
from desktop.errors import EngineError, StoppedError, UserError

MEANINGS = (
    ("car", "automobile", "vehicle"),
    ("doctor", "physician"),
    ("rain", "wet", "shower"),
    ("money", "cash", "euros"),
    ("poison",),
)
_LONGEST = 200  # characters that the model reads

MINI = SearchModel("/models/mini.gguf", "a" * 64, "Mini", TextPrefixes())
OTHER = SearchModel("/models/other.gguf", "b" * 64, "Other", TextPrefixes("e5", "query: ", "passage: "))


def meaning(text: str) -> list[float]:
    words = text.lower().replace(".", " ").replace("?", " ").split()
    found = np.array([0.1, *(sum(word in group for word in words) for group in MEANINGS)], np.float32)
    return list(map(float, found / np.linalg.norm(found)))


class FakeRunner:
    """A `SearchModelRunner`. `failures` are raised by the next calls, one each; with `poison` any call whose texts name
    it fails. `asked` are the texts of each call, `answering` what `is_answering` says next."""

    def __init__(self) -> None:
        self.failures: list[UserError] = []
        self.poison = False
        self.asked: list[list[str]] = []
        self.answering: list[bool] = []
        self.before: Callable[[], None] = lambda: None

    def vectors(
        self,
        model: SearchModel,
        texts: Sequence[str],
        is_cancelled: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
    ) -> EmbedResult:
        self.before()
        if is_cancelled():
            raise StoppedError
        self.asked.append([*texts])
        if self.failures:
            raise self.failures.pop(0)
        if self.poison and any("poison" in text for text in texts):
            raise EngineError("The engine could not compute the vectors of a text.")
        cut = tuple(number for number, text in enumerate(texts) if len(text) > _LONGEST)
        return EmbedResult(1, tuple(tuple(meaning(text[:_LONGEST])) for text in texts), cut)

    def scores(self, model: SearchModel, question: str, texts: Sequence[str], seconds: float) -> tuple[float, ...]:
        """More for shorter texts."""
        self.before()
        self.asked.append([question, *texts])
        if self.failures:
            raise self.failures.pop(0)
        return tuple(-float(len(text)) for text in texts)

    def is_answering(self) -> bool:
        return self.answering.pop(0) if self.answering else False
