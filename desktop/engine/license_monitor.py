"""Whether the loaded model may stay loaded: the license check is asked before every answer, and once a second.

An acknowledgement can be revoked, and a policy changed, by another process, without a notification to this one.
"""

import time
from pathlib import Path

from desktop.engine.engine_protocol import LoadCheck

_EVERY_S = 1.0


class LicenseMonitor:
    """The files that are loaded, as the license check sees it. Without any there is nothing to ask."""

    def __init__(self, license_check: LoadCheck) -> None:
        self.license_check = license_check
        self._paths: tuple[Path, ...] = ()
        self._asked = 0.0

    def start(self, *paths: Path) -> None:
        """`paths` were loaded: say so to the license check. Raises UserError where one may not stay."""
        for path in paths:
            self.license_check.record_load(path)
        self._paths, self._asked = paths, time.monotonic()

    def stop(self) -> None:
        """Nothing is loaded any more."""
        self._paths = ()

    def check(self) -> None:
        """Ask the license check now. Raises UserError where the loaded model may no longer stay."""
        if self._paths:
            self._asked = time.monotonic()
            for path in self._paths:
                self.license_check.check_loaded(path)

    def until_due(self) -> float | None:
        """Seconds until the license check has to be asked again, 0 where that is now; None while nothing is loaded."""
        return None if not self._paths else max(0.0, self._asked + _EVERY_S - time.monotonic())
