"""Models that other apps fetched already, found so that they can be used where they lie."""

from desktop.library.elsewhere.finding import find_in, find_models, look
from desktop.library.elsewhere.found import Findings, FoundModel, LeftOut, reasons

__all__ = ["Findings", "FoundModel", "LeftOut", "find_in", "find_models", "look", "reasons"]
