"""States of conversations that the app keeps on the disk: written to the state file and read from it.

The worker opens no file (`state_file`). The app asks for one exchange at a time, so that what lies in the file is what
it says with the request.
"""

import os
from collections.abc import Callable, Sequence

from desktop.engine.worker.cancellation import Cancellation
from desktop.engine.worker.context_sequence import Checkpoint, SequenceState
from desktop.engine.worker.state_file import SavedState, StateFile, StateFileError, StoredState
from desktop.engine.worker_messages import SaveStateRequest, StateSaved

_CAUSES = (StateFileError, OSError, MemoryError)


class StateExchange:
    """The exchange with `file`, None where there is none. A save ends early where it is cancelled by its own id."""

    def __init__(self, file: StateFile | None, cancellation: Cancellation) -> None:
        self._file = file
        self._cancellation = cancellation

    def save(
        self,
        request: SaveStateRequest,
        find: Callable[[str, int], SequenceState | None],
        answers: Callable[[list[int]], Sequence[Sequence[int]]],
    ) -> StateSaved:
        """Write what `find` gives for the conversation and the most bytes, with the `answers` that its tokens hold;
        what to answer, whatever came of it."""
        size = tokens = 0
        try:
            found = find(request.conversation, request.most) if self._file is not None else None
            if found is not None and self._file is not None:
                tokens = len(found.tokens)
                size = self._file.write(
                    found.tokens,
                    found.state,
                    [(point.position, point.state) for point in found.checkpoints],
                    answers=answers(found.tokens),
                    most=request.most,
                    stopped=lambda: self._cancellation.is_cancelled(request.id),
                )
        except _CAUSES as error:
            _log("a state was not saved", error)
            size = 0
        return StateSaved(request.id, request.conversation, size, tokens if size else 0)

    def stored(self, size: int) -> StoredState | None:
        """The state in the first `size` bytes of the file; None where there is none that can be read."""
        if not size or self._file is None:
            return None
        try:
            return self._file.open(size)
        except _CAUSES as error:
            _log("a saved state is not used", error)
            return None


def load_stored(stored: StoredState, threads: int) -> SequenceState | None:
    """Read all of `stored`; None where a byte of it is not as it was written."""
    try:
        return _as_sequence(stored.load(threads))
    except _CAUSES as error:
        _log("a saved state is not used", error)
        return None


def _as_sequence(saved: SavedState) -> SequenceState:
    points = [Checkpoint(position, state, len(state)) for position, state in saved.checkpoints]
    size = len(saved.state) + sum(point.size for point in points)
    return SequenceState(saved.tokens, saved.state, points, size)


def _log(what: str, error: BaseException) -> None:
    os.write(2, f"latchkey: {what}: {error}\n".encode("utf-8", "replace"))
