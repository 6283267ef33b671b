"""Whether the loaded model may stay loaded: the license check is asked before every answer, and once a second.

An acknowledgement can be revoked, and a policy changed, by another process, without a notification to this one.
"""

import time
from pathlib import Path

from desktop.engine.engine_protocol import LoadCheck

_EVERY_S = 1.0


class LicenseMonitor:
    """The file that is loaded, as the license check sees it. Without one there is nothing to ask."""

    def __init__(self, license_check: LoadCheck) -> None:
        self.license_check = license_check
        self._path: Path | None = None
        self._asked = 0.0

    def start(self, path: Path) -> None:
        """`path` was loaded: say so to the license check. Raises UserError where it may not stay."""
        self.license_check.record_load(path)
        self._path, self._asked = path, time.monotonic()

    def stop(self) -> None:
        """Nothing is loaded any more."""
        self._path = None

    def check(self) -> None:
        """Ask the license check now. Raises UserError where the loaded model may no longer stay."""
        if self._path is not None:
            self._asked = time.monotonic()
            self.license_check.check_loaded(self._path)

    def until_due(self) -> float | None:
        """Seconds until the license check has to be asked again, 0 where that is now; None while nothing is loaded."""
        return None if self._path is None else max(0.0, self._asked + _EVERY_S - time.monotonic())
