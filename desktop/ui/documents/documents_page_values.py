"""What the page of documents says of how files are read and found on this machine."""

from dataclasses import dataclass

MOST_FOUND = 50
"""So many passages, the best, are shown of what a search finds."""


@dataclass(frozen=True)
class ReadingFacts:
    """`model` is the name of the embedding model that finds passages by meaning and `license_name` that of its license;
    "" where there is none, and `why_no_model` says why. `confined` is whether the process that reads files has neither
    network nor home folder."""

    model: str = ""
    license_name: str = ""
    why_no_model: str = ""
    confined: bool = True
