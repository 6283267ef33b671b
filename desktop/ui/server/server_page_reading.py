"""Reads what the page of the server shows. Not for the main thread."""

import ipaddress
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.engine.pooled_engine import needed_memory
from desktop.errors import UserError
from desktop.server.own_address import own_address
from desktop.server.server_activity import ServedRequest, ServerState
from desktop.settings import ServerSettings
from desktop.translation import tr
from desktop.ui.server.server_page_values import ClientFacts, LicenseStanding, LoadedFacts, ServerOverview
from desktop.ui.server.shared_server import SharedServer

if TYPE_CHECKING:
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.library.library import Library
    from desktop.library.library_model import ListedModel

_MOST_KINDS = 3


def read_server(
    shared: SharedServer, library: "Library", engine: "MultiModelEngine", settings: ServerSettings
) -> ServerOverview:
    """The server as it is now. `error` and `phase` are the main thread's, and left to it."""
    state = shared.state()
    here = [each for each in (*library.installed(), *library.installed("embedding")) if not each.subject.served_at]
    key_end, problem = "", None
    try:
        key_end = shared.key_end()
    except UserError as error:
        problem = error
    return ServerOverview(
        settings=settings,
        url=client_url(state.url, settings, own_address),
        key_end=key_end,
        models=tuple((each.model.id, each.model.name) for each in here if each.model is not None),
        loaded=_loaded(library, engine, here, state),
        clients=_clients(state),
        requests=state.requests,
        now=time.time(),
        problem=problem,
    )


def client_url(url: str, settings: ServerSettings, own: Callable[[], str]) -> str:
    """What other programs are given: where the server listens at every address, the one that `own` gives."""
    host = settings.address
    if not url:
        url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port or '…'}/v1"
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    reached = own() if everywhere else ""
    return f"http://{reached}:{url.rpartition(':')[2]}" if reached else url


def _loaded(
    library: "Library", engine: "MultiModelEngine", here: "list[ListedModel]", state: ServerState
) -> tuple[LoadedFacts, ...]:
    listed = {str(each.model.path): each for each in here if each.model is not None}
    active = {each.id: each for each in state.models}
    found = []
    for params in engine.loaded:
        if params.endpoint:
            continue
        known = listed.get(params.model_path)
        info = engine.info_of(params)
        activity = active.get(known.model.id) if known is not None and known.model is not None else None
        if activity is not None and activity.parallel != params.parallel:
            activity = None  # the same model, loaded in another way
        license_, purpose = _license(library, known)
        answering = activity.answering if activity is not None else 0
        found.append(
            LoadedFacts(
                known.model.name if known is not None and known.model is not None else params.model_path,
                license_,
                purpose,
                answering,
                params.parallel,
                window=not answering and engine.state_of(params) == "answering",
                tokens_per_s=activity.tokens_per_s if activity is not None else 0.0,
                memory=needed_memory(params, info.context_length if info is not None else 0),
                ends_in=engine.unloads_in(params),
            )
        )
    return tuple(sorted(found, key=lambda each: each.name.casefold()))


def _license(library: "Library", known: "ListedModel | None") -> tuple[LicenseStanding, str]:
    if known is None:
        return "missing", ""
    verdict = library.card_of(known).verdict
    if not verdict.allowed:
        return "missing", ""
    built_in = known.model is not None and known.model.built_in
    return ("built-in" if built_in else "accepted"), verdict.purpose


def _clients(state: ServerState) -> tuple[ClientFacts, ...]:
    kinds: dict[str, list[str]] = {}
    for each in state.requests:
        known = kinds.setdefault(each.client, [])
        if each.path not in known and len(known) < _MOST_KINDS and _answered(each):
            known.append(each.path)
    return tuple(
        ClientFacts(each.name, tuple(kinds.get(each.name, ())), each.answering, each.requests, each.last_used)
        for each in state.clients
        if each.name != tr("refused")  # those stand in the log
    )


def _answered(request: ServedRequest) -> bool:
    return request.status < 400
