"""Which models of Latchkey's own catalog a repository or a file holds, whatever else somebody calls it.

A person's own catalog, and cards at the Hub, can say of such a copy what they like: the terms and the gate of the model
that it is stay.
"""

from collections.abc import Iterable

from desktop.catalog.entries import Catalog, Entry


def copied_models(catalog: Catalog, repositories: Iterable[str], hashes: Iterable[str] = ()) -> tuple[Entry, ...]:
    """The models whose files, or whose publisher's, lie in one of the `repositories`, or that have a file of one of
    these sha256. Entries of a person's own file are never among them."""
    wanted, bytes_ = {each.casefold() for each in repositories if each}, {each for each in hashes if each}
    return tuple(
        entry
        for entry in catalog.model
        if entry.id not in catalog.own_models
        and (
            wanted & {entry.repository.casefold(), entry.gguf.casefold()}
            or (bytes_ and any(file.sha256 in bytes_ for file in entry.file))
        )
    )
