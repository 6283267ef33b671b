"""Library, door and desk put together: the one place where window and command get them from, so that both have the same
door."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from desktop import __version__
from desktop.credentials.finding import find_keeper
from desktop.library.getting import Getting
from desktop.library.hashes import FileHashes, parts_of
from desktop.library.importing import Importer
from desktop.library.models import Library
from desktop.library.online import Online, connect
from desktop.licenses.desk import LicenseDesk
from desktop.licenses.door import LicenseDoor
from desktop.licenses.ledger import Ledger
from desktop.licenses.policy import PolicyFile, find_policy
from desktop.licenses.texts import LicenseTexts
from desktop.paths import Paths, system_policy
from desktop.settings import Settings
from desktop.storage.ledger import LedgerStore

if TYPE_CHECKING:
    from desktop.library.downloads import Downloads

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Assembly:
    """What stands between a model and the engine. Everything in it may be used from any thread.

    `downloads` is made when it is first asked for: it brings the network along, which most starts do without.
    """

    library: Library
    importer: Importer
    desk: LicenseDesk
    door: LicenseDoor
    ledger: Ledger
    policy: PolicyFile
    hashes: FileHashes
    online: Online
    getting: Getting
    once: "Once[Downloads]"

    @property
    def downloads(self) -> "Downloads":
        """What is being fetched, and what was begun."""
        return self.once.get()

    def recheck(self) -> None:
        """The ledger or the policy changed: what may no longer be fetched is not."""
        if (downloads := self.once.made) is not None:
            downloads.recheck()

    def close(self) -> None:
        """Stop what runs, quickly, and close what is open."""
        self.hashes.stop()
        if (downloads := self.once.made) is not None:
            downloads.close()
        self.online.close()


class Once(Generic[_Made]):
    """Something that is made at most once, by whichever thread asks first."""

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self.made: _Made | None = None

    def get(self) -> _Made:
        with self._lock:
            if self.made is None:
                self.made = self._make()
            return self.made


def assemble(
    paths: Paths,
    environ: Mapping[str, str] = os.environ,
    *,
    settings: Callable[[], Settings] = Settings,
    own: Set[str] = frozenset(),
) -> Assembly:
    """Everything for these folders. Opens nothing: each part reads what it needs at its first use.

    `settings` gives those in force, each time it is asked.

    `own` are the hashes of files of random weights that this process wrote to measure with: nobody's, so nothing has to
    be accepted for them.
    """
    texts = LicenseTexts((paths.resources, paths.config), paths.publishers_texts)
    library = Library(paths, texts)
    hashes = FileHashes(paths.cache)
    policy = find_policy(environ, system_policy())
    ledger = Ledger(LedgerStore(paths.ledger_file), find_keeper(paths, environ), app_version=__version__)

    def hash_model(path: Path) -> str:
        return hashes.model(parts_of(path))

    def license_names(license_id: str) -> Iterable[str]:
        known = library.catalog.find_license(license_id)
        return (known.id, *known.hub_ids) if known is not None else (license_id,)

    door = LicenseDoor(
        subject_of=library.subject_at,
        hash_file=hash_model,
        ledger=ledger,
        policy=policy,
        license_names=license_names,
        own=own,
    )
    desk = LicenseDesk(
        catalog=lambda: library.catalog,
        texts=texts,
        ledger=ledger,
        policy=policy,
        door=door,
        publishers_text=library.publishers_text,
    )
    importer = Importer(library, hashes, ledger, policy, paths.models, texts)
    online = connect(paths, environ, settings=settings, policy=policy)
    getting = Getting(library, texts, online, desk, paths.models)

    def make_downloads() -> "Downloads":
        from desktop.library.downloads import Downloads
        from desktop.library.installing import Installer

        installer = Installer(library, hashes, ledger, desk.verdict)
        return Downloads(library, getting, online, installer, paths.models, paths.downloads)

    return Assembly(library, importer, desk, door, ledger, policy, hashes, online, getting, Once(make_downloads))
