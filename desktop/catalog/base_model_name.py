"""What a file or a card names as a model's base, and which model of the catalog that is.

A base that is named in a way that cannot be read is an unknown base, and never none: its terms may be the strictest.
"""

import contextlib
import unicodedata

from desktop.catalog.catalog import Catalog, CatalogEntry
from desktop.catalog.repository_name import is_repository_id, parse_repository_name, repository_id
from desktop.errors import NotFoundError
from desktop.safe_text import without_unseen

NOT_NAMED = "(not named)"
"""The name of a base of which a file says that there is one, and not which."""

_LONGEST = 200


def base_model_name(text: str) -> str:
    """The id of the repository that `text` names ("publisher/name"), else `text` itself on one line: a base that stays
    unknown. NOT_NAMED where nothing that can be seen is in it."""
    return repository_id(text) or _on_one_line(text) or NOT_NAMED


def base_from_header_fields(publisher: str, name: str, version: str = "") -> str:
    """The base that the words of a header name: as its repository would be called, where one could be called so.

    Converters make "Gemma 3 1b It" of "gemma-3-1b-it", and "Meta Llama" of "meta-llama".
    """
    if version and _letters(version) not in _letters(name):
        name = f"{name} {version}"
    if "/" in name:
        return base_model_name(name)
    words = [each for each in map(_on_one_line, (publisher, name)) if each]
    id_ = "/".join("-".join(each.split()) for each in words)
    return id_ if is_repository_id(id_) else "/".join(words) or NOT_NAMED


def find_base(name: str, catalog: Catalog) -> CatalogEntry | None:
    """The catalog's model that `name` means: its id, a repository of its files or of its publisher's in any spelling,
    at whichever host, or the name itself. None where the catalog knows none.

    A person's own entry stands for no base that others name: what the Hub says of that one would be ignored.
    """
    models = [each for each in catalog.model if each.id not in catalog.own_models]
    wanted = {name.strip().casefold()}
    with contextlib.suppress(NotFoundError):
        wanted.add(parse_repository_name(name, hub=None).id.casefold())
    for entry in models:
        if wanted & {entry.id.casefold(), *_repositories(entry)}:
            return entry
    letters = _letters(name) if "/" not in name else ""
    for entry in models if letters else ():
        if letters in (_letters(entry.name), *(_letters(each.rpartition("/")[2]) for each in _repositories(entry))):
            return entry
    return None


def _repositories(entry: CatalogEntry) -> list[str]:
    return [each.casefold() for each in (entry.repository, entry.gguf) if each]


def _letters(name: str) -> str:
    """The letters and digits of a name, by which words are compared."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def _on_one_line(text: str) -> str:
    return " ".join(without_unseen(text[: 4 * _LONGEST]).split())[:_LONGEST]
