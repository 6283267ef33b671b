"""What the Network page and the settings of the network show, as values: made off the main thread, drawn by them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from desktop.errors import ForbiddenError, UserError
from desktop.library.network_services import NetworkServices
from desktop.licenses.policy_file import PolicySource
from desktop.network.offline_switch import ENVIRONMENT, POLICY, offline_reason
from desktop.settings import Settings
from desktop.translation import tr


@dataclass(frozen=True)
class NetworkStatus:
    """The state of the network. `offline_reason` is why it is offline whatever its own switch says, as sentences.

    `hub` and `proxy` are for people to read, `hub_origin` is who says which Hub ("" for the usual one); `problem` is
    what is wrong with what is set.
    """

    offline: bool
    offline_reason: str
    hub: str = ""
    hub_origin: str = ""
    proxy: str = ""
    problem: UserError | None = None


def network_status(
    online: NetworkServices,
    policy: PolicySource,
    settings: Settings,
    *,
    ways: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> NetworkStatus:
    """How it stands now; without `ways` nothing is said of Hub and proxy."""
    offline, held = online.switch.offline, _offline_reason(policy, environ)
    if not ways:
        return NetworkStatus(offline, held)
    problem: UserError | None = None
    endpoint = proxy = ""
    try:
        endpoint = online.endpoint
        proxy = _proxy_words(endpoint, settings.proxy)
    except UserError as error:
        problem = error
    return NetworkStatus(
        offline,
        held,
        endpoint.partition("://")[2] if endpoint.startswith("https://") else endpoint or tr("none"),
        _origin_words(settings, environ),
        proxy or tr("none"),
        problem,
    )


def _offline_reason(policy: PolicySource, environ: Mapping[str, str]) -> str:
    reason = offline_reason(setting=lambda: False, policy=lambda: policy.current().offline, environ=environ)()
    if reason is None:
        return ""
    if reason == POLICY:
        contact = _contact(policy)
        ask = (
            tr("{contact} can change that.").format(contact=contact)
            if contact
            else tr("Whoever looks after this computer can change that.")
        )
        return tr("This computer's policy keeps Latchkey offline.") + " " + ask
    if reason == ENVIRONMENT:
        return tr("LATCHKEY_OFFLINE is set where Latchkey was started. Started without it, this switch decides.")
    return reason


def _contact(policy: PolicySource) -> str:
    try:
        return policy.current().contact
    except ForbiddenError:
        return ""


def _origin_words(settings: Settings, environ: Mapping[str, str]) -> str:
    if settings.hub_endpoint.strip():
        return tr("as the settings say")
    return tr("as HF_ENDPOINT says") if environ.get("HF_ENDPOINT", "").strip() else ""


def _proxy_words(endpoint: str, setting: str) -> str:
    """The way to the Hub. Never a proxy's name and password."""
    from desktop.network.proxy import DIRECT, proxy_for  # asks the system by way of a slow import
    from desktop.network.url import parse_url

    found = proxy_for(parse_url(endpoint), setting)
    if found is None:
        return tr("none") if setting == DIRECT else tr("none, as the system says")
    return found.authority if setting else tr("{place}, as the system says").format(place=found.authority)
