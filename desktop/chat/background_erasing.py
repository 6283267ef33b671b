"""Erasing conversations for good while other things are written: each step waits behind what was asked for before."""

from collections.abc import Callable, Iterator

from desktop.background import Background
from desktop.chat.chat_events import ChatEvent, ConversationsChanged, ConversationsErased
from desktop.errors import UserError


class BackgroundErasing:
    """Everything here happens on the main thread. `tell` hears which conversations are gone as soon as nobody sees them
    any more; what is left of them in the file goes after that. What `close` cuts off is erased by the next start."""

    def __init__(self, background: Background, tell: Callable[[ChatEvent], None]) -> None:
        self._background, self._tell = background, tell
        self._steps: Iterator[int] | None = None
        self._waiting: list[Iterator[int]] = []
        self._closed = False

    def begin(
        self,
        work: Callable[[], tuple[tuple[str, ...], Iterator[int]]],
        failed: Callable[[UserError], None],
        *,
        always: bool = True,
    ) -> None:
        """Erase what `work` says, a method of ConversationWriter that begins it: ConversationsErased, then
        ConversationsChanged; neither where there was nothing, unless they are `always` to be told."""

        def begun(found: tuple[tuple[str, ...], Iterator[int]]) -> None:
            gone, steps = found
            if gone or always:
                self._tell(ConversationsErased(gone))
                self._tell(ConversationsChanged())
            self._waiting.append(steps)
            self._go_on(failed)

        self._background.database(work, begun, failed)

    def close(self) -> None:
        """Take no further step."""
        self._closed = True

    def _go_on(self, failed: Callable[[UserError], None]) -> None:
        if self._steps is not None or not self._waiting or self._closed:
            return
        self._steps = self._waiting.pop(0)
        self._step(self._steps, failed)

    def _step(self, steps: Iterator[int], failed: Callable[[UserError], None]) -> None:
        def done(count: int | None) -> None:
            if self._closed:
                return
            if count is not None:
                self._step(steps, failed)
            else:
                self._steps = None
                self._go_on(failed)

        def broke(error: UserError) -> None:
            self._steps = None
            failed(error)

        self._background.database(lambda: next(steps, None), done, broke)
