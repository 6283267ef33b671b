"""The one place that decides whether a model file may be loaded. Every load, by any path, asks here first.

For now every file is let through: acknowledgements, the ledger and the policy are not built yet. They belong here and
nowhere else.
"""

from pathlib import Path


class LicenseDoor:
    """Admits model files, or says what is missing."""

    def admit(self, model_file: Path) -> None:
        """Return where `model_file` may be loaded now; otherwise raise LicenseError or ForbiddenError."""
