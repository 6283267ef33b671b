"""Library, license check and acknowledgements put together: the one place where window and command get them from, so
that both have the same license check.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from desktop import __version__
from desktop.credentials.keyring_client import KeyringClient
from desktop.credentials.keyring_key_store import find_key_store
from desktop.endpoints.endpoint_client import EndpointClient
from desktop.endpoints.endpoint_file import EndpointFile
from desktop.endpoints.endpoint_service import EndpointService
from desktop.endpoints.remote_engine import RemoteEngine
from desktop.errors import UserError
from desktop.hub.repository import endpoint_from
from desktop.library.file_hashes import FileHashes
from desktop.library.importer import Importer
from desktop.library.library import Library
from desktop.library.model_lookup import ModelLookup
from desktop.library.network_services import NetworkServices, build_network_services
from desktop.licenses.acknowledgements import Acknowledgements
from desktop.licenses.ledger import Ledger
from desktop.licenses.license_check import LicenseCheck
from desktop.licenses.license_texts import LicenseTexts
from desktop.licenses.policy_file import PolicyFiles, find_policies
from desktop.paths import Paths
from desktop.settings import Settings
from desktop.storage.ledger_store import LedgerStore

if TYPE_CHECKING:
    from desktop.library.downloads import Downloads
    from desktop.library.hub_records import HubRecord

_Made = TypeVar("_Made")
_CLOSE_TIMEOUT_S = 2.0  # for a record that waits for a keyring, while a person waits for the window to close


@dataclass(frozen=True)
class LibraryServices:
    """Library, license check, ledger, downloads and acknowledgements for one set of folders. Everything in it may be
    used from any thread.

    `downloads` is made when it is first asked for: it brings the network along, which most starts do without.
    """

    library: Library
    importer: Importer
    acknowledgements: Acknowledgements
    license_check: LicenseCheck
    ledger: Ledger
    policy: PolicyFiles
    hashes: FileHashes
    network: NetworkServices
    lookup: ModelLookup
    endpoints: EndpointService
    once: "Lazy[Downloads]"

    @property
    def downloads(self) -> "Downloads":
        """What is being fetched, and what was begun."""
        return self.once.get()

    def remote_engine(self) -> RemoteEngine:
        """An engine for models that endpoints run."""
        return RemoteEngine(
            license_check=self.license_check, client=self.endpoints.client, served=self.endpoints.served
        )

    def recheck_downloads(self) -> None:
        """The ledger or the policy changed: what may no longer be fetched is not."""
        if (downloads := self.once.made) is not None:
            downloads.recheck()

    def close(self) -> None:
        """Stop what runs, quickly, and close what is open."""
        self.hashes.stop()
        self.license_check.recorder.wait(_CLOSE_TIMEOUT_S)
        if (downloads := self.once.made) is not None:
            downloads.close()
        self.network.close()
        self.license_check.close()
        self.ledger.close()


class Lazy(Generic[_Made]):
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


def build_library_services(
    paths: Paths,
    environ: Mapping[str, str] = os.environ,
    *,
    settings: Callable[[], Settings] = Settings,
    on_acknowledgement: Callable[[], None] = lambda: None,
    on_unrecorded: Callable[[UserError], None] = lambda error: None,
) -> LibraryServices:
    """Everything for these folders. Opens nothing: each part reads what it needs at its first use.

    `settings` gives those in force, each time it is asked. `on_acknowledgement` is called after a license was accepted
    or revoked here, or an endpoint was changed; `on_unrecorded` with why a load of the built-in model is not in the
    ledger; both on any thread.
    """
    texts = LicenseTexts((paths.resources, paths.config), paths.publishers_texts)

    def endpoint() -> str:
        try:
            return endpoint_from(environ, settings().hub_endpoint)
        except UserError:  # whoever asks a Hub is told
            return ""

    library = Library(paths, texts, lambda: acknowledgements, endpoint, lambda: endpoints.models())
    hashes = FileHashes(paths.data)
    policy = find_policies(environ, paths.system_policy, catalog=lambda: library.catalog.shipped)
    keyring = KeyringClient()
    ledger = Ledger(LedgerStore(paths.ledger_file), find_key_store(paths, environ, keyring), app_version=__version__)

    def license_names(license_id: str) -> Iterable[str]:
        known = library.catalog.find_license(license_id)
        return (known.id, *known.hub_ids) if known is not None else (license_id,)

    license_check = LicenseCheck(
        subject_of=library.subject_at,
        hash_model=hashes.hashed_model,
        ledger=ledger,
        policy=policy,
        license_names=license_names,
        text=texts.with_sha256,
    )
    license_check.recorder.add_listener(on_unrecorded)
    acknowledgements = Acknowledgements(
        catalog=lambda: library.catalog,
        texts=texts,
        ledger=ledger,
        policy=policy,
        license_check=license_check,
        publishers_text=library.publishers_text,
        on_change=on_acknowledgement,
    )
    importer = Importer(library, hashes, ledger, policy, paths.models, texts)
    online = build_network_services(paths, environ, settings=settings, policy=policy, keyring=keyring)
    endpoints = EndpointService(
        EndpointFile(paths.endpoints_file),
        EndpointClient(lambda: online.client, lambda host: online.tokens.get(host), online.switch),
        is_owner=library.knows_owner,
        license_of=importer.stated_license,
        policy=policy,
        on_change=on_acknowledgement,
    )

    def bytes_here(known: "HubRecord", file: str) -> int:
        return once.made.bytes_here(known, file) if once.made is not None else 0

    answers: Callable[[], int] = lambda: settings().parallel_answers  # noqa: E731
    getting = ModelLookup(
        library, texts, online, acknowledgements, paths.models, bytes_here, answers, endpoints.knows_name
    )

    def make_downloads() -> "Downloads":
        from desktop.library.downloads import Downloads
        from desktop.library.installer import Installer

        installer = Installer(library, hashes, ledger, acknowledgements.verdict)
        return Downloads(library, getting, online, installer, paths.models, paths.downloads)

    once = Lazy(make_downloads)
    return LibraryServices(
        library,
        importer,
        acknowledgements,
        license_check,
        ledger,
        policy,
        hashes,
        online,
        getting,
        endpoints,
        once,
    )
