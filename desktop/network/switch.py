"""The off-line switch: asked before every socket, and while one is open."""

from collections.abc import Callable

from desktop.errors import ForbiddenError
from desktop.translation import tr

SETTING = "setting"
ENVIRONMENT = "environment"
POLICY = "policy"


class OfflineSwitch:
    """Says whether anything may leave this machine. `reasons` tells why not, each time it is asked: one of the words
    above or a sentence, None where it may."""

    def __init__(self, reasons: Callable[[], str | None]) -> None:
        self._reasons = reasons

    @property
    def offline(self) -> bool:
        """Whether nothing may leave this machine."""
        return self._reasons() is not None

    @property
    def reason(self) -> str:
        """Why nothing may, as a sentence; "" where it may."""
        found = self._reasons()
        return "" if found is None else _sentence(found)

    def check(self) -> None:
        """Raise ForbiddenError where nothing may leave this machine."""
        found = self._reasons()
        if found is not None:
            raise ForbiddenError(tr("Latchkey is off-line."), _sentence(found), _remedy(found))


def _sentence(reason: str) -> str:
    known = {
        SETTING: tr("The off-line switch is on, so nothing was sent."),
        ENVIRONMENT: tr("LATCHKEY_OFFLINE is set, so nothing was sent."),
        POLICY: tr("This machine's policy keeps Latchkey off-line, so nothing was sent."),
    }
    return known.get(reason, reason)


def _remedy(reason: str) -> str:
    if reason == ENVIRONMENT:
        return tr("Start Latchkey without LATCHKEY_OFFLINE.")
    if reason == POLICY:
        return tr("Ask whoever looks after this machine.")
    return tr("Turn the switch off in the settings, or with “latchkey offline off”.")
