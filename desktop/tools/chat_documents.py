"""The documents of one chat, as the built-in tools read them; `desktop.chat` gives them, with the call."""

from collections.abc import Callable, Sequence
from typing import Protocol

from desktop.conversation import PassagePart


class ChatDocuments(Protocol):
    """The files attached on a chat's branch and the collections that it answers from. Off the main thread.

    Each passage has the number by which the answer can cite it: one that was given on the branch before has the number
    that it had. Both raise StoppedError where `is_cancelled` says so, and what reading and searching raise.
    """

    def search(self, text: str, limit: int, is_cancelled: Callable[[], bool]) -> Sequence[PassagePart]:
        """At most `limit` passages for `text`, the best first; none where nothing was found."""
        ...

    def read(self, name: str, page: int, start: int, is_cancelled: Callable[[], bool]) -> Sequence[PassagePart]:
        """The passages of page `page` of the file `name`, in order, from the one that holds character `start` of the
        page on: at most some ten thousand characters of them. Pages count from 1; a file without pages has one.

        Raises NotFoundError, whose detail names what there is (files, or how many pages), where there is no such file
        or page.
        """
        ...
