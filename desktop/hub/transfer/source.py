"""Where the bytes come from right now: an address that may expire, and what its host calls this version of them."""

import threading

from desktop.errors import IntegrityError
from desktop.hub.transfer.judging import ChangedError
from desktop.hub.transfer.sidecar import Identity, Served
from desktop.hub.transfer.values import Locate, Located, Wanted
from desktop.network.token import origin_of
from desktop.translation import tr


class Source:
    """One file's address, asked for again where it does not hold any more. For any number of threads."""

    def __init__(self, locate: Locate, wanted: Wanted, located: Located, served: Served) -> None:
        self._locate = locate
        self.wanted = wanted
        self._located = located
        self._served = served
        self._generation = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The file's, in bytes."""
        return self._located.size

    def current(self) -> tuple[Located, int]:
        """Where it is, and the number of that address."""
        with self._lock:
            return self._located, self._generation

    def again(self, generation: int, stop: threading.Event) -> None:
        """The address of this number does not hold: ask for another, unless somebody did already. Raises what
        `Locate` does, and ChangedError where it is another file now."""
        with self._lock:
            if generation != self._generation:
                return
            found = self._locate(self.wanted, stop)
            if identity_of(self.wanted, found) != identity_of(self.wanted, self._located):
                self._located = found
                raise ChangedError(tr("The Hub has another file under this name now."))
            self._located = found
            self._generation += 1

    def etag_at(self, url: str) -> str:
        """What the host of `url` calls this version; "" where that is not known."""
        with self._lock:
            return self._served.etag if self._served.origin == origin_of(url) else ""

    def learn(self, url: str, etag: str) -> Served | None:
        """The host of `url` calls it so. What to remember of that, None where it was known."""
        with self._lock:
            served = Served(origin_of(url), etag)
            if not etag or served == self._served:
                return None
            self._served = served
            return served


def identity_of(wanted: Wanted, located: Located) -> Identity:
    """Which file it is that is to be fetched."""
    return Identity(wanted.repository, wanted.commit, wanted.file, located.size, located.sha256.lower(), located.etag)


def check_located(wanted: Wanted, located: Located) -> None:
    """Raise IntegrityError where the Hub names another file than the one that was looked at before."""
    other_hash = bool(wanted.sha256 and located.sha256) and wanted.sha256.lower() != located.sha256.lower()
    if other_hash or (wanted.size is not None and wanted.size != located.size):
        raise IntegrityError(
            tr("The Hub names another file now than it did before: {file}.").format(file=wanted.file),
            tr("Its size or hash is not what it was for the same commit, so it was not fetched."),
            tr("Look at the repository again, and ask its authors if it stays so."),
        )
