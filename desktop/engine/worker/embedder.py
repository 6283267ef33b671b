"""Texts to vectors with an embedding model, or to scores for a query with a reranker: several texts in one batch, each
a sequence of its own.

How the vectors of a text's tokens become one is the file's to say (`pooling_type`: mean, first or last token); the
vector is scaled to length 1. A text is read as a whole, since encoders see all of it at once (`llama_context::encode`
wants it in one micro-batch): one that is longer than the context is cut at its end, before the token that ends it.
A reranker's file has `pooling_type` rank: its head gives a number for the sequence of query and text.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_errors import unusable_vectors
from desktop.engine.unsupported_file import not_embedding_error, not_reranker_error
from desktop.engine.worker import llama_api
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.text_pairs import TextPairs
from desktop.errors import EngineError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.engine.worker.loaded_model import LoadedModel

_LONGEST = 2048  # tokens of one batch: compute buffers grow with it
_MOST_TOGETHER = 16  # texts in one batch
_CHARACTERS_PER_TOKEN = 64  # no token is longer, but for runs of spaces
_MEAN, _CLS, _LAST, _RANK = 1, 2, 3, 4
_HIGHEST_SCORE = 1e6
_ABORTED = 2


def prepare_embedding(params: Any) -> None:
    """Set llama.cpp's context parameters `params`, whose context length stands, for embeddings."""
    params.embeddings = True
    params.n_ctx = params.n_batch = params.n_ubatch = min(params.n_ctx, _LONGEST)
    params.n_outputs_max = params.n_batch
    params.n_seq_max = _MOST_TOGETHER
    params.kv_unified = True


class Embedder:
    """Gives vectors with `model`, or scores where it is a reranker. `cancel` is the byte that the reading thread sets
    to stop it.

    Raises EngineError where the model gives neither.
    """

    def __init__(self, model: "LoadedModel", cancel: Any) -> None:
        self._model = model
        self._cancel = cancel
        self._length = int(llama.llama_model_n_embd_out(model.handle))
        self._most = min(int(llama.llama_n_ubatch(model.context)), model.context_length)
        both = llama.llama_model_has_encoder(model.handle) and llama.llama_model_has_decoder(model.handle)
        pooling = llama.llama_pooling_type(model.context)
        if both or pooling not in (_MEAN, _CLS, _LAST, _RANK):
            raise not_embedding_error(Path(model.path))
        self._pairs: TextPairs | None = None
        if pooling == _RANK:
            template = llama_api.metadata(model.handle, "tokenizer.chat_template.rerank") or ""
            self._pairs = TextPairs(model.tokenizer, template, self._most)

    def embed(self, request: EmbedRequest) -> EmbedResult:
        """The vectors of the request's texts, or their scores. Raises EngineError where they cannot be computed, or it
        was cancelled, or the other was asked for than this model gives."""
        if self._pairs is not None and request.query is None:
            raise not_embedding_error(Path(self._model.path))
        if self._pairs is None and request.query is not None:
            raise not_reranker_error(Path(self._model.path))
        truncated: list[int] = []
        read: list[list[int]] = []
        for number, text in enumerate(request.texts):
            tokens, cut = self._tokens(text, request.query)
            read.append(tokens)
            if cut:
                truncated.append(number)
        vectors: list[tuple[float, ...]] = [(0.0,) * (self._length if self._pairs is None else 1)] * len(read)
        for numbers in self._batches(read):
            for number, vector in zip(numbers, self._compute([read[at] for at in numbers]), strict=True):
                vectors[number] = vector
        result = EmbedResult(request.id, (), tuple(truncated), sum(map(len, read)))
        if self._pairs is not None:
            return structs.replace(result, scores=tuple(vector[0] for vector in vectors))
        return structs.replace(result, vectors=tuple(vectors))

    def _tokens(self, text: str, query: str | None) -> tuple[list[int], bool]:
        """The tokens of a text, after those of a query for a reranker, and whether it had to be cut."""
        most = self._most * _CHARACTERS_PER_TOKEN
        if self._pairs is not None:
            tokens, cut = self._pairs.tokens((query or "")[:most], text[:most])
            return tokens, cut or len(text) > most
        tokens = self._model.tokenizer.tokenize_whole(text[:most])
        if len(tokens) <= self._most:
            return tokens, len(text) > most
        ends = llama.llama_vocab_is_control(self._model.tokenizer.handle, tokens[-1])
        return ([*tokens[: self._most - 1], tokens[-1]] if ends else tokens[: self._most]), True

    def _batches(self, read: list[list[int]]) -> Iterator[list[int]]:
        """Which texts to compute together, by number, short ones with short ones; those without tokens are left out."""
        batch: list[int] = []
        room = self._most
        for number in sorted((at for at, tokens in enumerate(read) if tokens), key=lambda at: len(read[at])):
            if batch and (len(read[number]) > room or len(batch) == _MOST_TOGETHER):
                yield batch
                batch, room = [], self._most
            batch.append(number)
            room -= len(read[number])
        if batch:
            yield batch

    def _compute(self, texts: list[list[int]]) -> list[tuple[float, ...]]:
        """One vector for each of `texts`, which fit into one batch."""
        if self._cancel[0]:
            raise EngineError(tr("Reading the text was cancelled."))
        model = self._model
        batch = llama.llama_batch_init(sum(map(len, texts)), 0, 1)
        try:
            at = 0
            for sequence, tokens in enumerate(texts):
                for position, token in enumerate(tokens):
                    batch.token[at], batch.pos[at] = token, position
                    batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
                    batch.logits[at] = 1
                    at += 1
            batch.n_tokens = at
            llama.llama_memory_clear(model.memory, True)
            result = llama.llama_decode(model.context, batch)  # an encoder's context encodes instead
        finally:
            llama.llama_batch_free(batch)
        if result == _ABORTED:
            raise EngineError(tr("Reading the text was cancelled."))
        if result != 0:
            raise EngineError(
                tr("The engine could not compute the vectors of a text."),
                tr("It reports: {reason}.").format(reason=tr("error {code}").format(code=result)),
                tr("Try again, or choose another model."),
            )
        return [self._vector(sequence) for sequence in range(len(texts))]

    def _vector(self, sequence: int) -> tuple[float, ...]:
        """What was computed for a sequence, a vector scaled to length 1."""
        values = llama.llama_get_embeddings_seq(self._model.context, sequence)
        if self._pairs is not None:  # its head may give a number for each of several classes: the first one counts
            score = float(values[0]) if values else math.nan
            if not math.isfinite(score):
                raise unusable_vectors()
            return (min(max(score, -_HIGHEST_SCORE), _HIGHEST_SCORE),)
        found = [float(value) for value in values[: self._length]] if values else []
        length = math.sqrt(sum(value * value for value in found))
        if not math.isfinite(length) or length == 0:
            raise unusable_vectors()
        return tuple(value / length for value in found)
