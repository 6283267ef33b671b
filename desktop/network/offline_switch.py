"""The offline switch: asked before every socket, and while one is open."""

import os
from collections.abc import Callable, Mapping

from desktop.errors import ForbiddenError
from desktop.translation import tr

SETTING = "setting"
ENVIRONMENT = "environment"
POLICY = "policy"


class OfflineSwitch:
    """Says whether anything may leave this machine. `reasons` is called at each check and gives the reason against: one
    of the words above or a sentence, None where it may."""

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
            raise ForbiddenError(tr("Latchkey is offline."), _sentence(found), _remedy(found))


def offline_reason(
    *, setting: Callable[[], bool], policy: Callable[[], bool], environ: Mapping[str, str] = os.environ
) -> Callable[[], str | None]:
    """What an OfflineSwitch is made of: a person's setting, the policy, and LATCHKEY_OFFLINE (anything but "", 0, no,
    false and off). A policy that cannot be read (ForbiddenError) is one that forbids."""

    def reasons() -> str | None:
        try:
            if policy():
                return POLICY
        except ForbiddenError as error:
            return str(error)
        if environ.get("LATCHKEY_OFFLINE", "").strip().lower() not in ("", "0", "no", "false", "off"):
            return ENVIRONMENT
        return SETTING if setting() else None

    return reasons


def _sentence(reason: str) -> str:
    known = {
        SETTING: tr("The offline switch is on, so nothing was sent."),
        ENVIRONMENT: tr("LATCHKEY_OFFLINE is set, so nothing was sent."),
        POLICY: tr("This machine's policy keeps Latchkey offline, so nothing was sent."),
    }
    return known.get(reason, reason)


def _remedy(reason: str) -> str:
    if reason == ENVIRONMENT:
        return tr("Start Latchkey without LATCHKEY_OFFLINE.")
    if reason == POLICY:
        return tr("Ask whoever looks after this machine.")
    if reason == SETTING:
        return tr("Turn the switch off in the settings, or with “latchkey offline off”.")
    return ""
