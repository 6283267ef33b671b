"""A tool server as a chat can be given it, and which a chat has, as values that panel and composer show."""

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.translation import tr

BUILT_IN_SERVER = "built-in"
"""The name under which the tools that come with Latchkey are chosen."""


@dataclass(frozen=True)
class OfferedToolServer:
    """A server that tools of a chat may come from. `detail` says in a few words what it is, or that it is gone."""

    name: str
    detail: str = ""

    @property
    def title(self) -> str:
        """What it is called where people choose."""
        return tr("Built-in tools") if self.name == BUILT_IN_SERVER else self.name


@dataclass(frozen=True)
class ChatToolChoice:
    """What answers of a chat may call: of the servers `offered` those in `own`, where that is none the `inherited`
    ones of its folder. `can_call` is None as long as nobody knows whether the model calls tools."""

    offered: tuple[OfferedToolServer, ...] = ()
    own: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()
    can_call: bool | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names that hold."""
        return self.own or self.inherited

    @property
    def all(self) -> tuple[OfferedToolServer, ...]:
        """Those that can be chosen, and those that were chosen and are not here."""
        known = {each.name for each in self.offered}
        gone = [OfferedToolServer(name, tr("not here")) for name in self.own if name not in known]
        return (*self.offered, *gone)

    def turned(self, name: str, on: bool) -> tuple[str, ...]:
        """The names chosen once `name` is turned on or off."""
        now = tuple(each for each in self.chosen if each != name)
        return (*now, name) if on else now

    def titles(self) -> Sequence[str]:
        """What those that hold are called."""
        return [OfferedToolServer(name).title for name in self.chosen]


def no_tools_sentence() -> str:
    """What is said where the model in use calls no tools."""
    return tr("This model calls no tools: it answers without them.")
