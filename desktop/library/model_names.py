"""From what a person calls a model to the one id that it goes by: every command and every page asks here.

A model has many names: its id, its repository's name and address, every name that the repository had before, and that
of its publisher's where somebody else's hands the files out.
"""

from desktop.catalog.entries import Catalog, Entry
from desktop.catalog.repository_name import is_repository_id
from desktop.errors import NotFoundError
from desktop.library.known import KnownModels


def model_id_of(text: str, catalog: Catalog, known: KnownModels, endpoint: str) -> str:
    """The id of the model that `text` names; `text` as it is where no name is known for it, as for a path.

    Addresses of the Hub at `endpoint` count beside those of the usual one.
    """
    if catalog.find_model(text) is not None:
        return text
    found = known.find(text)
    if found is not None:
        return found.id
    repository = _repository(text, endpoint)
    if repository and (found := known.find(repository)) is not None:
        return found.id
    entry = entry_called(text, repository, catalog)
    return entry.id if entry is not None else text


def entry_called(text: str, repository: str, catalog: Catalog) -> Entry | None:
    """The catalog's model of this id in other letters, else the one whose files lie in this repository, else the one
    whose publisher's that is; None where there is none."""
    name, wanted = text.strip().casefold(), repository.casefold()
    ids = (each for each in catalog.model if each.id.casefold() == name)
    copies = (each for each in catalog.model if wanted and each.gguf.casefold() == wanted)
    originals = (each for each in catalog.model if wanted and each.repository.casefold() == wanted)
    return next(ids, None) or next(copies, None) or next(originals, None)


def _repository(text: str, endpoint: str) -> str:
    """The repository that `text` names, "" where it names none."""
    if "/" not in text:
        return ""
    from desktop.hub.address import parse_repository  # brings the network's addresses along, which few starts need

    try:
        found = parse_repository(text, endpoint).id
    except NotFoundError:
        return ""
    return found if is_repository_id(found) else ""
