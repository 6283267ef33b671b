"""From a name to what the Hub offers under it, who may have it, and the next step there: everything before a download.

What the Hub said is stored (`hub_record`), so that window and command can show it again without any network.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from desktop.catalog.catalog import CatalogEntry
from desktop.catalog.repository_name import shown_name
from desktop.credentials.token_store import TokenStoreLockedError
from desktop.errors import ForbiddenError, NetworkError, NotFoundError, UserError
from desktop.hub.pasted_line import other_program_error, parse_pasted_line, search_words
from desktop.hub.repository import DEFAULT_ENDPOINT, Repository, parse_repository
from desktop.hub.repository_access import RepositoryAccess, access_in_state
from desktop.hub.transfer.disk import free_space
from desktop.library.download_records import size_with_projector
from desktop.library.hardware_fit import HardwareLimits, hardware_limits
from desktop.library.hub_offer import HubOffer, last_access, offer_of
from desktop.library.hub_records import HubAccessRecord, HubRecord
from desktop.library.library import Library
from desktop.library.library_model import LibraryCard, ListedModel
from desktop.library.model_identity import entry_by_name_prefix
from desktop.library.network_services import NetworkServices
from desktop.library.recommendations import (
    FirstModelSuggestion,
    TaskRecommendation,
    recommend_by_task,
    suggest_first_model,
)
from desktop.library.repository_reader import PolicyNames
from desktop.library.status import TOKEN_STATES, NextStep, StatusFacts, is_at_hub, next_step
from desktop.library.step_error import no_file_reason
from desktop.licenses.acknowledgements import Acknowledgements
from desktop.licenses.license_texts import LicenseTexts
from desktop.safe_text import mark_unseen
from desktop.translation import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.engine.worker_messages import ComputeDevice
    from desktop.hub.repository_info import SearchResult

FREE_SPACE_MARGIN = 256 << 20
"""Bytes that a download leaves free on the disk."""
_REFUSED = ("policy", "purpose", "not-runnable")
_OF_A_PERSON = ("granted", "not-requested", "reset", "pending")
"""Access states that the Hub gives only to the owner of an access token."""


class ModelLookup:
    """For any number of threads. What asks the Hub raises NetworkError, ForbiddenError (offline) and StoppedError
    besides what it says itself. `bytes_here` gives how many bytes of a file, by its name, an earlier download left
    here, `answers` how many a model is to give at once, `is_endpoint` whether an endpoint of the person's is or was
    called so: what models it has is nobody else's business."""

    def __init__(
        self,
        library: Library,
        texts: LicenseTexts,
        online: NetworkServices,
        acknowledgements: Acknowledgements,
        models_folder: Path,
        bytes_here: Callable[[HubRecord, str], int],
        answers: Callable[[], int] = lambda: 1,
        is_endpoint: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._library, self._texts, self._online, self._acknowledgements = library, texts, online, acknowledgements
        self._folder = models_folder
        self._listed_names = PolicyNames(online, acknowledgements.repositories_in_policies)
        self._machine: HardwareLimits = hardware_limits()
        self._answers = answers
        self._is_endpoint = is_endpoint
        self._bytes_here = bytes_here

    @property
    def machine(self) -> HardwareLimits:
        """What models are judged for."""
        return replace(self._machine, answers=self._answers())

    # --- asking the Hub ------------------------------------------------------------------------------------------

    def look_up(self, text: str, stop: threading.Event | None = None) -> HubOffer:
        """What the Hub offers under a catalog's id, a repository's name or its pasted address; kept from now on.

        Raises NotFoundError where there is no such model, AccessError where not even its name may be known.
        """
        from desktop.library.repository_reader import RepositoryReader

        repository, entry = self._named(text)
        self._online.switch.check()
        reader = RepositoryReader(self._online.hub, self._library.catalog, self._texts, self._library.hub_records, stop)
        model_id = entry.id if entry is not None else ""
        before = self._library.hub_records.find(model_id or repository.id, repository.endpoint)
        known = self._listed_names.with_policy_names(reader.read(repository, entry, before), stop)
        chosen = repository.file or repository.quantization
        if chosen and (file := known.file(chosen)) is not None:
            known = msgspec.structs.replace(known, chosen=file.name)
        elif chosen:
            raise _no_such_file(known, chosen)
        self._library.hub_records.save(known)
        if known.wants_access or known.access is not None:
            self._ask_access(known, stop)
        known = self._library.hub_records.find(known.id) or known
        return offer_of(known, self.machine)

    def check_access(self, model_id: str, stop: threading.Event | None = None) -> RepositoryAccess:
        """Ask the Hub whether the person may have the files of a model, and remember what it says."""
        self._online.switch.check()
        known = self._library.hub_records.find(self._library.id_of(model_id), self._online.endpoint)
        if known is None:
            known = self._library.hub_records.find(self.look_up(model_id, stop).model_id)
            if known is None:
                raise NotFoundError(tr("There is no model called {model}.").format(model=model_id))
            if (said := last_access(known)) is not None:
                return said
        access = self._ask_access(known, stop)
        if access.granted and known.measure is None and known.files:
            # A file's header can be read now, and may name terms that the card does not.
            with contextlib.suppress(NetworkError):
                self.look_up(known.id, stop)
        return access

    def search(self, text: str, limit: int = 30, stop: threading.Event | None = None) -> "tuple[SearchResult, ...]":
        """Repositories with GGUF files whose names hold the words of `text`, most downloaded first."""
        self._online.switch.check()
        return self._online.hub.search(text, limit, stop=stop)

    # --- from what is known --------------------------------------------------------------------------------------

    def suggestion(self) -> FirstModelSuggestion | None:
        """A first real model for this machine; None where there is one already, or offline, or where none suits."""
        if any(not model.built_in for model in self._library.models()) or self._online.switch.offline:
            return None
        return suggest_first_model(
            self._library.catalog,
            self.machine,
            free=free_space(self._folder),
            allowed=lambda entry: (
                self._acknowledgements.policy_refusal(self._library.find_listed(entry.id).subject) is None
            ),
        )

    def task_recommendations(self, cards: "Sequence[LibraryCard]") -> dict[str, TaskRecommendation]:
        """A model for each task on this machine, by the id under which `cards` (of all models) list it."""
        of_entry = {card.listed.entry.id: card for card in reversed(cards) if card.listed.entry is not None}
        here = {key for key, card in of_entry.items() if card.listed.model is not None}
        refused = {key for key, card in of_entry.items() if card.verdict.refusal in _REFUSED}
        chosen = recommend_by_task(
            self._library.catalog,
            self.machine,
            here=here,
            free=free_space(self._folder),
            allowed=lambda entry: entry.id in of_entry and entry.id not in refused,
        )
        return {of_entry[each.model_id].listed.subject.id: each for each in chosen}

    def hub_record(self, model_id: str) -> HubOffer | None:
        """The stored answer of the Hub about a model; None where it was never asked."""
        known = self._library.hub_records.find(self._library.id_of(model_id))
        return offer_of(known, self.machine) if known is not None else None

    def next_step(self, model_id: str, file: str = "") -> NextStep:
        """What comes next for a model, or for one of its files. Asks nobody; may wait for keyring and ledger."""
        listed = self._library.find_listed(model_id)
        return next_step(self.status_facts(listed, file))

    def status_facts(self, listed: ListedModel, file: str = "") -> StatusFacts:
        """What the next step of `listed` rests on."""
        known, entry, model = listed.hub_record, listed.entry, listed.model
        at_hub = is_at_hub(listed)
        facts = StatusFacts(listed.subject.id, self._acknowledgements.verdict(listed.subject), at_hub=at_hub)
        if model is not None and (not file or _is_of(model.path, file)):
            return replace(facts, here=model.state, path=model.path)
        repository = known.repository if known is not None else (entry.gguf or entry.repository) if entry else ""
        left_out = known.left_out if known is not None else ()
        no_file = no_file_reason(repository, left_out) if at_hub else _no_source()
        facts = replace(facts, offline=self._offline(), no_file=no_file)
        if known is None or not self._is_asked(known):
            return facts
        offer = offer_of(known, self.machine)
        chosen = offer.file(file or known.chosen)
        access = offer.access
        has_token = self._has_token(sure=access is not None and access.state == "no-token")
        if known.wants_access and access is not None and access.state in _OF_A_PERSON and not has_token:
            # It was said of whoever a token names, and that token is gone.
            access = access_in_state("no-token", "", repository=known.repository, endpoint=known.endpoint)
        return replace(
            facts,
            looked_up=True,
            gated=known.wants_access,
            access=access,
            has_token=has_token,
            file=chosen.name if chosen is not None else "",
            size=size_with_projector(known, chosen.name, chosen.size) if chosen is not None else 0,
            done=self._bytes_here(known, chosen.name) if chosen is not None else 0,
            free=free_space(self._folder),
            margin=FREE_SPACE_MARGIN,
        )

    def set_devices(self, devices: "Sequence[ComputeDevice]") -> bool:
        """Count the GPUs among `devices`, which a worker found, where it is said what fits; whether there are any."""
        self._machine = hardware_limits(devices)
        return bool(self._machine.devices)

    def forget(self, model_id: str) -> None:
        """Forget what the Hub said of a model. One that is here keeps what its terms rest on."""
        known = self._library.hub_records.find(self._library.id_of(model_id))
        if known is not None and not any(each.model == known.id for each in self._library.installed_models.all()):
            self._library.hub_records.delete(known.id)

    def token_changed(self) -> None:
        """Another token is kept, or none: what the Hub said of the one before counts no more."""
        for known in self._library.hub_records.all():
            if known.access is not None and known.access.state in TOKEN_STATES:
                self._library.hub_records.save(msgspec.structs.replace(known, access=None))

    # --- how it is done ------------------------------------------------------------------------------------------

    def _named(self, text: str) -> tuple[Repository, CatalogEntry | None]:
        """The repository with the files of what `text` names, and its entry, if the catalog has one."""
        endpoint = self._online.endpoint
        name = text.strip()
        entry = self._library.catalog.find_model(name if "/" in name else self._library.id_of(name))
        if entry is not None:
            where = entry.gguf or entry.repository
            if entry.gate == "closed" or not where:
                raise NotFoundError(
                    tr("There is nothing to fetch of {model}.").format(model=entry.name),
                    entry.not_runnable or _no_source(),
                    tr("Choose another model, or import a GGUF file of it."),
                )
            return Repository(endpoint, where), entry
        from desktop.library.repository_reader import entry_of_repository

        line = parse_pasted_line(text)
        if line.other_program:
            raise other_program_error(line, entry_by_name_prefix(search_words(line.name), self._library.catalog))
        repository = parse_repository(text, endpoint)
        entry, known = (
            entry_of_repository(repository.id, self._library.catalog),
            self._library.hub_records.find(repository.id, endpoint),
        )
        owner = repository.id.partition("/")[0]
        if "://" not in text and entry is None and known is None and self._is_endpoint(owner):
            raise NotFoundError(
                tr("{name} is or was the name of an endpoint, so the Hub is not asked for {model}.").format(
                    name=owner, model=mark_unseen(text.strip(), 200)
                ),
                tr("What runs there is nobody else's business."),
                tr("If you mean a repository at the Hub, give its whole address: {address}.").format(
                    address=f"{endpoint}/{repository.id}"
                ),
            )
        spelled = [entry.gguf or entry.repository] if entry is not None else []
        spelled += [known.repository, *known.names] if known is not None else []
        # In the letters that it was known in: a copy of the Hub need not know it in others.
        right = next((each for each in spelled if each.casefold() == repository.id.casefold()), repository.id)
        return replace(repository, id=right), entry

    def _ask_access(self, known: HubRecord, stop: threading.Event | None) -> RepositoryAccess:
        """Access to the files, and to the publisher's own repository where somebody else's hands them out: a copy that
        is open is no way round a gate."""
        hub = self._online.hub
        file = known.files[0].name if known.files else ""
        access, where = hub.access(Repository(hub.endpoint, known.repository, known.commit), file, stop=stop), ""
        where = known.repository
        gate = known.gate_repository
        if access.granted and gate and gate != known.repository:
            access, where = hub.access(Repository(hub.endpoint, gate), stop=stop), gate
        before = known.access
        same = before is not None and before.state == access.state
        access_record = HubAccessRecord(
            access.state,
            access.message,
            where,
            time.time(),
            asked=before.asked + 1 if same and before is not None else 1,
            granted_once=access.granted or (before is not None and before.granted_once),
        )
        known = msgspec.structs.replace(self._library.hub_records.find(known.id) or known, access=access_record)
        self._library.hub_records.save(known)
        return last_access(known) or access

    def _has_token(self, *, sure: bool) -> bool:
        """Whether a token is kept for this Hub; where that has to be `sure`, one that may go to this very origin. In a
        keyring or vault that is locked there may be one."""
        try:
            kept = self._online.tokens.place(self._online.host) is not None
            return kept and (not sure or self._online.hub.token() is not None)
        except TokenStoreLockedError:
            return True
        except UserError:
            return False

    def _is_asked(self, known: HubRecord) -> bool:
        """Whether it is the Hub that is asked now which said that: another's files are looked up before."""
        try:
            return (known.endpoint or DEFAULT_ENDPOINT) == self._online.endpoint
        except UserError:
            return False

    def _offline(self) -> ForbiddenError | None:
        try:
            self._online.switch.check()
        except ForbiddenError as error:
            return error
        return None


def _no_such_file(known: HubRecord, file: str) -> NotFoundError:
    """A repository has other files than the one that was asked for, or none at all."""
    if not known.files:
        return NotFoundError(
            no_file_reason(known.repository), "", tr("Choose another repository, or import a GGUF file of the model.")
        )
    return NotFoundError(
        tr("{repository} holds no model file {file}.").format(repository=known.repository, file=shown_name(file)),
        tr("It holds: {files}.").format(files=", ".join(each.quantization or each.name for each in known.files)),
        tr("Choose one of those."),
    )


def _is_of(path: Path, file: str) -> bool:
    return path.name.casefold() == file.rpartition("/")[2].casefold()


def _no_source() -> str:
    return tr("No repository at the Hub is known that holds files of it.")
