"""What was read of a document, and the passages of it, as values that all packages use: `documents` makes them,
`storage` keeps them, `chat` gives them to a model.
"""

from typing import Annotated

import msgspec

_Count = Annotated[int, msgspec.Meta(ge=0)]


class DocumentPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """The text of one page. `number` counts from 1; `label` is what a person calls it where that is another name: the
    name of a sheet, the page number printed on it."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    text: str
    label: str = ""


class DocumentContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """All text that was read of one file. `sha256` and `size` (bytes) are the file's. A file whose format has no pages
    has one, and is not `paged`. `notes` says in a sentence each what could not be read of it."""

    name: str
    media_type: str
    sha256: str
    size: _Count
    pages: tuple[DocumentPage, ...]
    paged: bool = False
    notes: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Characters on all its pages."""
        return sum(len(page.text) for page in self.pages)


class Passage(msgspec.Struct, frozen=True):
    """A piece of one page: `text` is that page's text from character `start` to `end`. It crosses no page."""

    page: int
    start: _Count
    end: _Count
    text: str
