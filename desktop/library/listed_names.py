"""The names that policies list, as the Hub resolves them: a repository may be listed by a name that it had before.

Whoever finds it under its new name was never led on from the old one, so the Hub is asked about each listed name.
"""

import threading
from collections.abc import Callable

import msgspec

from desktop.errors import AccessError, NotFoundError
from desktop.hub.address import Repository, is_repository_id
from desktop.library.known import KnownModel
from desktop.library.online import Online


class ListedNames:
    """`listed` gives the names. Each is asked for once while this process runs. For any number of threads."""

    def __init__(self, online: Online, listed: Callable[[], tuple[str, ...]]) -> None:
        self._online, self._listed = online, listed
        self._now: dict[tuple[str, str], str] = {}

    def added(self, known: KnownModel, stop: threading.Event | None) -> KnownModel:
        """`known` with each listed name that is one of its own, or of what it was built on. Raises what asking the Hub
        does: not knowing would let through what is forbidden."""
        own = {known.repository.casefold()}
        bases = {name.casefold() for each in known.ancestors for name in (each.id, each.repository) if name}
        names, base_names = list(known.names), list(known.base_names)
        for name in filter(is_repository_id, self._listed()):
            now = self._resolved(name, stop).casefold()
            if now in own and name.casefold() not in known.called:
                names.append(name)
            elif now in bases and name not in base_names:
                base_names.append(name)
        return msgspec.structs.replace(known, names=tuple(names), base_names=tuple(base_names))

    def _resolved(self, name: str, stop: threading.Event | None) -> str:
        """What the repository of this name is called now; "" where the Hub shows none."""
        hub = self._online.hub
        key = (hub.endpoint, name.casefold())
        if key not in self._now:
            try:
                self._now[key] = hub.info(Repository(hub.endpoint, name), anonymous=True, stop=stop).id
            except (NotFoundError, AccessError):
                self._now[key] = ""
        return self._now[key]
