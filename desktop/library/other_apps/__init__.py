"""Models that other apps fetched already, found so that they can be used where they lie."""

from desktop.library.other_apps.discovered_model import DiscoveredModel, DiscoveryResult, SkippedFile, skip_reasons
from desktop.library.other_apps.model_discovery import discover_in, discover_models, discover_usable_models

__all__ = [
    "DiscoveredModel",
    "DiscoveryResult",
    "SkippedFile",
    "discover_in",
    "discover_models",
    "discover_usable_models",
    "skip_reasons",
]
