"""`EndpointService`: a person's endpoints, for window, command and engine: added, looked at, removed, and asked."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from desktop.endpoints.endpoint import (
    LARGEST_CONTEXT,
    MOST_ENDPOINTS,
    Endpoint,
    EndpointError,
    ServedModel,
    check_name,
)
from desktop.endpoints.endpoint_address import endpoint_address
from desktop.endpoints.endpoint_client import EndpointClient
from desktop.endpoints.endpoint_discovery import Discovery, discover
from desktop.endpoints.endpoint_file import EndpointFile, Endpoints
from desktop.errors import NotFoundError
from desktop.licenses.policy import forbids_host
from desktop.licenses.policy_file import PolicySource
from desktop.safe_text import mark_unseen
from desktop.translation import tr

_MOST_REMOVED_NAMES = 1000


class EndpointCheck(msgspec.Struct, frozen=True):
    """What an endpoint has now. `gone` are models that it had before, `left_out` counts those whose names cannot be
    shown, or beyond the bound."""

    endpoint: Endpoint
    gone: tuple[str, ...] = ()
    left_out: int = 0


class EndpointService:
    """May be used from any thread. Raises IntegrityError where the file of endpoints is damaged.

    `is_owner` says whether repositories of somebody called so are known: no endpoint can be called like them, as
    `NAME/model` would mean two things. `license_of` gives the id of a license that a person names, and raises
    NotFoundError. Where a `policy` does not allow a host, it is not asked.
    `on_change` is called after a change here, on its thread: the engine then looks whether its model is still there.
    """

    def __init__(
        self,
        file: EndpointFile,
        client: EndpointClient,
        *,
        is_owner: Callable[[str], bool] = lambda name: False,
        license_of: Callable[[str], str] = lambda license_id: license_id,
        policy: PolicySource | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._file = file
        self.client = client
        self._is_owner = is_owner
        self._license_of = license_of
        self._policy = policy
        self._on_change = on_change

    # --- looking -------------------------------------------------------------------------------------------------

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint, in the order in which they were added."""
        return self._file.read().endpoints

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint that is, or was, called `name`. Raises NotFoundError."""
        return _find(self._file.read(), name)

    def models(self) -> tuple[ServedModel, ...]:
        """The models of all endpoints."""
        return tuple(ServedModel(endpoint, model) for endpoint in self.endpoints() for model in endpoint.models)

    def knows_name(self, name: str) -> bool:
        """Whether an endpoint is, or was, called `name`, one that was removed as well."""
        return self._file.read().know(name)

    def find(self, name: str) -> ServedModel | None:
        """The model called `NAME/model`, also by a name that its endpoint had before; None where there is none."""
        endpoint_name, slash, model_id = name.partition("/")
        found = (each for each in self.models() if each.endpoint.is_called(endpoint_name) and each.model.id == model_id)
        return next(found, None) if slash else None

    def served(self, place: Path) -> ServedModel:
        """The model that `place` stands for (`ServedModel.place`). Raises NotFoundError where it is not there, as when
        its endpoint was removed."""
        found = next((each for each in self.models() if each.place == place), None)
        if found is None:
            raise NotFoundError(
                tr("The endpoint of this model was removed, or has it no longer."),
                "",
                tr("Choose another model; “latchkey endpoints list” names the endpoints."),
            )
        return found

    # --- doing ---------------------------------------------------------------------------------------------------

    def add(self, name: str, url: str, license_id: str = "", context_length: int | None = None) -> EndpointCheck:
        """Add the endpoint at `url` under `name`, with the models that it lists. `license_id` is the id of the license
        that they are under; `context_length` counts for those of which it does not say how much they read.

        Raises EndpointError for a name or an address that cannot be one, NotFoundError for a license that is not known,
        ForbiddenError by policy or offline, AccessError where it wants a token, NetworkError where it does not answer
        as an endpoint does.
        """
        address, license_id = self.check_new(name, url, context_length), self._license_of(license_id)
        found = discover(self.client, address)
        endpoint = _with_found(Endpoint(name, address, license=license_id, context_length=context_length), found)
        with self._file.change() as held:
            _check_free(held[0], name)
            held[0] = msgspec.structs.replace(held[0], endpoints=(*held[0].endpoints, endpoint))
        self._on_change()
        return EndpointCheck(endpoint, left_out=found.left_out)

    def check_new(self, name: str, url: str, context_length: int | None = None) -> str:
        """The address that `url` means. Raises as `add`, and asks nobody."""
        check_name(name)
        address = endpoint_address(url)
        if context_length is not None and not 0 < context_length <= LARGEST_CONTEXT:
            raise EndpointError(tr("A context has at least one token, and fewer than that."))
        if self._is_owner(name):
            raise EndpointError(
                tr("An endpoint cannot be called “{name}”: models by that publisher are known.").format(name=name),
                "",
                tr("Choose another name."),
            )
        _check_free(self._file.read(), name)
        self._require_allowed(address)
        return address

    def check(self, name: str) -> EndpointCheck:
        """Ask the endpoint what it has now, and keep that. Raises NotFoundError, and as `add`."""
        endpoint = self.endpoint(name)
        self._require_allowed(endpoint.address)
        found = discover(self.client, endpoint.address)
        changed = _with_found(endpoint, found)
        with self._file.change() as held:
            changed = _with_found(_find(held[0], name), found)
            held[0] = _replaced(held[0], changed)
        gone = {each.id for each in endpoint.models} - {each.id for each in changed.models}
        self._on_change()
        return EndpointCheck(changed, tuple(sorted(gone)), found.left_out)

    def remove(self, name: str) -> Endpoint:
        """Remove the endpoint; what it was, for `restore`. Its token stays in its place, and its names are remembered.
        An answer that it gives ends. Raises NotFoundError."""
        with self._file.change() as held:
            gone = _find(held[0], name)
            kept = tuple(each for each in held[0].endpoints if each.name != gone.name)
            names = dict.fromkeys((*held[0].removed_names, *gone.former_names, gone.name))
            removed = tuple(names)[-_MOST_REMOVED_NAMES:]
            held[0] = msgspec.structs.replace(held[0], endpoints=kept, removed_names=removed)
        self._on_change()
        return gone

    def restore(self, endpoint: Endpoint) -> None:
        """Have a removed endpoint back as it was. Raises EndpointError where another one has its name by now."""
        with self._file.change() as held:
            for name in (endpoint.name, *endpoint.former_names):
                _check_free(held[0], name)
            held[0] = msgspec.structs.replace(held[0], endpoints=(*held[0].endpoints, endpoint))
        self._on_change()

    def rename(self, name: str, new: str) -> Endpoint:
        """Call the endpoint `new`. Chats that name its models by the former name go on finding them, and no other
        endpoint can have that. Raises as `add`."""
        check_name(new)
        if self._is_owner(new):
            raise EndpointError(tr("An endpoint cannot be called “{name}”.").format(name=new))
        with self._file.change() as held:
            endpoint = _find(held[0], name)
            if not endpoint.is_called(new):
                _check_free(held[0], new)
            former = tuple(
                each for each in (*endpoint.former_names, endpoint.name) if each.casefold() != new.casefold()
            )
            changed = msgspec.structs.replace(endpoint, name=new, former_names=tuple(dict.fromkeys(former)))
            held[0] = _replaced(held[0], changed, before=endpoint.name)
        self._on_change()
        return changed

    def _require_allowed(self, address: str) -> None:
        """Raise ForbiddenError where nothing may be sent to `address`."""
        if self._policy is not None and (error := forbids_host(self._policy.current(), address)) is not None:
            raise error


def _find(held: Endpoints, name: str) -> Endpoint:
    found = next((each for each in held.endpoints if each.is_called(name)), None)
    if found is None:
        raise NotFoundError(
            tr("There is no endpoint called “{name}”.").format(name=mark_unseen(name, 60)),
            "",
            tr("“latchkey endpoints list” names them."),
        )
    return found


def _check_free(held: Endpoints, name: str) -> None:
    other = next((each for each in held.endpoints if each.is_called(name)), None)
    if other is not None:
        now = (
            tr("It is at {address}.")
            if other.name.casefold() == name.casefold()
            else tr("It was the former name of {name}.")
        )
        raise EndpointError(
            tr("There is an endpoint called “{name}” already.").format(name=name),
            now.format(address=other.address, name=other.name),
            tr("Choose another name, or remove that one first."),
        )
    if len(held.endpoints) >= MOST_ENDPOINTS:
        raise EndpointError(tr("There are as many endpoints as there can be."), "", tr("Remove one first."))


def _replaced(held: Endpoints, changed: Endpoint, before: str = "") -> Endpoints:
    name = before or changed.name
    return msgspec.structs.replace(
        held, endpoints=tuple(changed if each.name == name else each for each in held.endpoints)
    )


def _with_found(endpoint: Endpoint, found: Discovery) -> Endpoint:
    return msgspec.structs.replace(endpoint, models=found.models, kind=found.kind or endpoint.kind, checked=time.time())
