"""The branch that is shown as turns, each with the other branches that begin in its place: so nothing is left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from desktop.conversation import Message
from desktop.storage.whole_conversation import WholeConversation


@dataclass(frozen=True)
class Turn:
    """A message of the branch shown; None after the last one, where branches go on from it that are not shown.

    `others` are the other branches that begin in its place, oldest first, each as the messages to the end of its newest
    branch. Branches that part from one of these follow it, so every message of the tree stands in one place.
    """

    message: Message | None
    others: tuple[tuple[Message, ...], ...] = ()


def branch_turns(whole: WholeConversation) -> Iterator[Turn]:
    """The turns of a conversation, from its root on."""
    children: dict[str | None, list[Message]] = {}
    for message in whole.messages:
        children.setdefault(message.parent_id, []).append(message)
    parent: str | None = None
    for shown in whole.branch_shown():
        siblings = children.get(shown.parent_id, [])
        yield Turn(shown, _branches([each for each in siblings if each.id != shown.id], children))
        parent = shown.id
    if beyond := children.get(parent, []):
        yield Turn(None, _branches(beyond, children))


def _branches(roots: list[Message], children: dict[str | None, list[Message]]) -> tuple[tuple[Message, ...], ...]:
    found = []
    waiting = roots[::-1]
    while waiting:
        message = waiting.pop()
        branch = [message]
        parting: list[Message] = []
        while below := children.get(message.id):
            parting += below[:-1]
            message = below[-1]
            branch.append(message)
        found.append(tuple(branch))
        waiting += parting[::-1]
    return tuple(found)
