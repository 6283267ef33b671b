"""Whether the loaded model may stay loaded: the license check is asked before every answer, and once a second.

An acknowledgement can be revoked, and a policy changed, by another process, without a notification to this one.
"""

import time
from pathlib import Path

from desktop.engine.engine_protocol import LoadCheck
from desktop.file_stamp import ModelFile

_EVERY_S = 1.0
LoadedFiles = tuple[Path, tuple[ModelFile, ...]]
"""A model's path, and its files as they were admitted; () where the license check lets in whatever lies there."""


class LicenseMonitor:
    """The files that are loaded, as the license check sees it. Without any there is nothing to ask."""

    def __init__(self, license_check: LoadCheck) -> None:
        self.license_check = license_check
        self._loaded: tuple[LoadedFiles, ...] = ()
        self._asked = 0.0

    def start(self, *loaded: LoadedFiles) -> None:
        """Each of `loaded` is a model's path with its files as they were admitted: say to the license check that it was
        loaded. Raises UserError where one may not stay."""
        for path, files in loaded:
            self.license_check.record_load(path, files)
        self._loaded, self._asked = loaded, time.monotonic()

    def stop(self) -> None:
        """Nothing is loaded any more."""
        self._loaded = ()

    def check(self) -> None:
        """Ask the license check now. Raises UserError where the loaded model may no longer stay."""
        if self._loaded:
            self._asked = time.monotonic()
            for path, files in self._loaded:
                self.license_check.check_loaded(path, files)

    def until_due(self) -> float | None:
        """Seconds until the license check has to be asked again, 0 where that is now; None while nothing is loaded."""
        return None if not self._loaded else max(0.0, self._asked + _EVERY_S - time.monotonic())
