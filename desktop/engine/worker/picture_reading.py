"""The pictures in one answer's prompt, while that is being read: their embeddings computed in place of tokens.

A batch of llama.cpp's holds tokens or embeddings, never both. So a picture has batches of its own, between those that
all answers share.
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from desktop.engine.request_images import SeenImage
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.picture_encoder import PictureEncoder
from desktop.engine.worker.picture_tokens import PictureSpan, picture_spans
from desktop.engine.worker.projector import PicturePiece, PreparedPicture
from desktop.engine.worker.prompt_builder import TokenizedPrompt
from desktop.engine.worker_messages import PromptProgress
from desktop.errors import EngineError
from desktop.translation import tr

_DIMENSIONS = 4  # of a position with M-RoPE


class PictureBatch:
    """A `llama_batch` with room for `most` embeddings of one sequence."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.struct = llama.llama_batch()
        self._positions = (llama.llama_pos * (_DIMENSIONS * most))()
        self._counts = (ctypes.c_int32 * most)(*[1] * most)
        self._id = (llama.llama_seq_id * 1)()
        pointer = ctypes.POINTER(llama.llama_seq_id)
        self._ids = (pointer * most)(*[ctypes.cast(self._id, pointer)] * most)
        self._outputs = (ctypes.c_int8 * most)()
        self._embeddings: Any = None
        self.struct.pos = ctypes.cast(self._positions, ctypes.POINTER(llama.llama_pos))
        self.struct.n_seq_id = ctypes.cast(self._counts, ctypes.POINTER(ctypes.c_int32))
        self.struct.seq_id = ctypes.cast(self._ids, ctypes.POINTER(pointer))
        self.struct.logits = ctypes.cast(self._outputs, ctypes.POINTER(ctypes.c_int8))

    def fill(
        self, embeddings: Any, first: int, width: int, positions: Sequence[Sequence[int]], sequence_id: int
    ) -> None:
        """Hold the rows of `embeddings`, `width` floats each, from number `first` on, one for each of `positions`: of
        each the numbers of its dimensions. The last one gives logits."""
        count = len(positions)
        self._embeddings = embeddings  # they live while they are computed with
        self.struct.embd = ctypes.cast(ctypes.addressof(embeddings) + 4 * first * width, ctypes.POINTER(ctypes.c_float))
        flat = [place[dimension] for dimension in range(len(positions[0])) for place in positions]
        self._positions[: len(flat)] = flat
        self._id[0] = sequence_id
        flags: list[Any] = [0] * (count - 1) + [1]
        self._outputs[:count] = flags
        self.struct.n_tokens = count


class PictureReading:
    """The pictures of `prompt`, made by `encoder` for the answer with this id; `send` gets how far it is with one.

    Numbers of tokens count from the prompt's beginning.
    """

    def __init__(
        self, answer: int, prompt: TokenizedPrompt, encoder: PictureEncoder, send: Callable[[Any], None]
    ) -> None:
        self._answer, self._encoder, self._send = answer, encoder, send
        self._whole, self._told = len(prompt.tokens), 0
        pieces = {piece.tokens: piece for picture in prompt.style.pictures.values() for piece in picture.pieces}
        self._placed: list[tuple[PictureSpan, PicturePiece]] = [
            (span, pieces[tuple(prompt.tokens[span.start : span.end])]) for span in picture_spans(prompt.tokens)
        ]

    def begin(self, read: int) -> None:
        """Have encoded what is not among the first `read` tokens."""
        self._encoder.want(self._answer, [piece for span, piece in self._placed if span.end > read])

    def end(self) -> None:
        """Nothing of them is needed any more."""
        self._encoder.leave(self._answer)

    def text_end(self, at: int, end: int) -> int:
        """Up to where tokens from `at` on can be computed as text, `end` at most; `at` where a picture stands there."""
        for span, _ in self._placed:
            if span.end > at:
                return max(at, min(end, span.start))
        return end

    def fill(self, batch: PictureBatch, at: int, position: int, sequence_id: int, most: int) -> int:
        """Put up to `most` embeddings from token `at` on into `batch`; how many. 0 where no picture stands there, or is
        being encoded still. `position` is that of the next token of the sequence. Raises UserError."""
        found = next((each for each in self._placed if each[0].start <= at < each[0].end), None)
        if found is None:
            return 0
        embeddings = self._encoder.find(found[1])
        if embeddings is None:
            self._tell(at, min(found[0].count, batch.most) * self._encoder.fraction(found[1]))
            return 0
        (span, piece), projector = found, self._encoder.projector
        count = span.end - at
        if projector.whole and count > batch.most:
            raise EngineError(
                tr("The engine cannot look at this picture: it is read as one, and takes too many tokens for that."),
                remedy=tr("Ask without it, or with more memory free."),
            )
        if not projector.whole:
            count = min(count, most, batch.most)
        if projector.mrope:
            places: Sequence[Sequence[int]] = projector.places(piece, position - _positions_read(span, at))
            places = places[at - span.start : at - span.start + count]
        else:
            places = [(position + index,) for index in range(count)]
        batch.fill(embeddings, at - span.start, projector.width, places, sequence_id)
        return count

    def _tell(self, at: int, done: float) -> None:
        """Tell of so much of a picture as read, while it is being encoded."""
        now = at + int(done)
        if now > max(self._told, at):
            self._told = now
            self._send(PromptProgress(self._answer, now, self._whole))


def seen_images(tokens: Sequence[int], pictures: Mapping[str, PreparedPicture]) -> tuple[SeenImage, ...]:
    """The pictures that stand among `tokens`, in their order, each as often as it does. `pictures` are those that may,
    by the sha256 that messages name them by."""
    firsts = {picture.pieces[0].tokens: (name, picture) for name, picture in pictures.items() if picture.pieces}
    found = (firsts.get(tuple(tokens[span.start : span.end])) for span in picture_spans(tokens))
    return tuple(
        SeenImage(
            name,
            picture.width,
            picture.height,
            sum(len(piece.tokens) for piece in picture.pieces),
            len(picture.pieces),
        )
        for name, picture in filter(None, found)
    )


def _positions_read(span: PictureSpan, at: int) -> int:
    """How many positions the part of a picture takes that was read already, as `ContextSequence` counts them."""
    return min(at - span.start, span.positions)
