"""Pictures encoded beside the answers: on a thread of its own, one piece after another.

What was encoded stays for a while: two answers about one picture, or a picture whose place in the context was lost,
encode it once.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from desktop.engine.worker.projector import PicturePiece, Projector
from desktop.errors import EngineError, UserError
from desktop.translation import tr

_MOST_KEPT = 64 << 20  # bytes of embeddings that nobody waits for
_FLOAT = 4
Embeddings = Any  # ctypes array of floats


class PictureEncoder:
    """Encodes with `projector`. For the thread that computes answers; `close` ends its own."""

    def __init__(self, projector: Projector) -> None:
        self.projector = projector
        self._changed = threading.Condition()
        self._wanted: dict[int, tuple[PicturePiece, ...]] = {}
        self._made: OrderedDict[tuple[int, ...], Embeddings | UserError] = OrderedDict()
        self._current: PicturePiece | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def want(self, answer: int, pieces: Sequence[PicturePiece]) -> None:
        """`answer` needs the embeddings of `pieces`, in this order, until it leaves."""
        with self._changed:
            self._wanted[answer] = tuple(pieces)
            for piece in pieces:  # what failed is tried again for another one
                if isinstance(self._made.get(piece.tokens), UserError):
                    del self._made[piece.tokens]
            if self._thread is None and pieces:
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def leave(self, answer: int) -> None:
        """`answer` needs none any more: what is being encoded for it alone is given up."""
        with self._changed:
            self._wanted.pop(answer, None)
            self._drop_old()

    def forget(self) -> None:
        """Keep nothing that nobody waits for."""
        with self._changed:
            self._drop_old(0)

    def find(self, piece: PicturePiece) -> Embeddings | None:
        """The embeddings of `piece`; None while they are being made. Raises UserError where they cannot be."""
        with self._changed:
            found = self._made.get(piece.tokens)
            if found is not None:
                self._made.move_to_end(piece.tokens)
        if isinstance(found, UserError):
            raise found.with_traceback(None)
        return found

    def fraction(self, piece: PicturePiece) -> float:
        """How much of `piece`, which is wanted, is encoded, from 0 to 1."""
        current = self._current
        return self.projector.fraction if current is not None and current.tokens == piece.tokens else 0.0

    def wait(self, seconds: float) -> None:
        """Wait until something was encoded, at most so long."""
        with self._changed:
            self._changed.wait(seconds)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._wanted.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    # --- its thread ---

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (self._next()) is None:
                    self._changed.wait()
                if self._closed:
                    return
                piece = self._current = self._next()
                assert piece is not None
            made = self._encoded(piece)
            with self._changed:
                self._current = None
                if made is not None:
                    self._made[piece.tokens] = made
                    self._drop_old()
                self._changed.notify_all()

    def _next(self) -> PicturePiece | None:
        return next(
            (each for pieces in self._wanted.values() for each in pieces if each.tokens not in self._made), None
        )

    def _encoded(self, piece: PicturePiece) -> Embeddings | UserError | None:
        try:
            return self.projector.encode(piece, lambda: not self._is_wanted(piece))
        except UserError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a thread of its own: who waits for it has to be told
            return EngineError(tr("The engine could not look at a picture."), technical=repr(error))

    def _is_wanted(self, piece: PicturePiece) -> bool:
        """Without the lock: it is asked by ggml, and a moment later is soon enough."""
        return any(piece.tokens == each.tokens for pieces in list(self._wanted.values()) for each in pieces)

    def _drop_old(self, most: int = _MOST_KEPT) -> None:
        """Keep of what nobody waits for what was used last, in `most` bytes."""
        waited = {each.tokens for pieces in self._wanted.values() for each in pieces}
        kept = [tokens for tokens in self._made if tokens not in waited]
        size = sum(self._size(tokens) for tokens in kept)
        for tokens in kept:
            if size <= most:
                break
            size -= self._size(tokens)
            del self._made[tokens]

    def _size(self, tokens: tuple[int, ...]) -> int:
        return _FLOAT * len(tokens) * self.projector.width
