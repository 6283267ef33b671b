"""One part of a bundle: something that somebody made and licensed, in one version."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["python", "debian", "library", "model"]
"""A distribution from a package index, a package of Debian's, another library, or a language model."""


@dataclass(frozen=True)
class Part:
    """One part. `holder` names the part that contains it compiled in or beside it; "" for a part of its own."""

    name: str
    version: str
    kind: Kind
    license: str
    """An SPDX expression where one is known, else the words of whoever made it; "" where nothing is said."""
    purl: str
    files: tuple[str, ...] = ()
    """Places below the bundle's folder, with slashes."""
    modules: int = 0
    """How many of its Python modules lie in the archive behind the executable."""
    texts: tuple[Path, ...] = ()
    """Files with its license, copyright and notices."""
    holder: str = ""
