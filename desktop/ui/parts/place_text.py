"""Where a model runs that is not on this machine, and what leaves this machine for it, in words."""

from typing import TYPE_CHECKING

from desktop.translation import tr
from desktop.ui.parts.untrusted_text import isolated

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import Endpoint


def away_badge() -> str:
    """What the badge of such a model says."""
    return tr("Not on this machine")


def goes_to_text(endpoint: "Endpoint") -> str:
    """Where what one types goes, in one sentence."""
    if endpoint.encrypted:
        return tr("What you write goes to {host}.").format(host=isolated(endpoint.host))
    return tr("What you write goes to {host}, unencrypted.").format(host=isolated(endpoint.host))


def leaves_text(endpoint: "Endpoint") -> str:
    """All that is to be known before one writes to it."""
    host = isolated(endpoint.host)
    if endpoint.url.loopback:
        said = tr(
            "What you write to it goes to the program at {host} on this machine. Whether that passes it on, nobody here"
            " can see."
        ).format(host=host)
    elif endpoint.encrypted:
        said = tr("What you write to it leaves this machine: it goes to {host}.").format(host=host)
    else:
        said = tr(
            "What you write to it leaves this machine, and is not encrypted: it goes to {host}, and everybody in that"
            " network can read it."
        ).format(host=host)
    return f"{said} {tr('Nothing is sent while Offline is on.')}"
