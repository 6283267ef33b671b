"""Library, door and desk put together: the one place where window and command get them from, so that both have the same
door."""

import os
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Assembly:
    """What stands between a model and the engine. Everything in it may be used from any thread."""

    library: Library
    importer: Importer
    desk: LicenseDesk
    door: LicenseDoor
    ledger: Ledger
    policy: PolicyFile
    hashes: FileHashes
    online: Online
    getting: Getting


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
    return Assembly(library, importer, desk, door, ledger, policy, hashes, online, getting)
