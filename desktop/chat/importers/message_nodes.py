"""The messages of another program's conversation as a tree, whatever its links are like: cycles are cut, what names a
missing parent begins a branch, and what holds nothing is left out from between its neighbors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import msgspec

from desktop.conversation import (
    MessagePart,
    ModelReference,
    Role,
    Status,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)

PARAGRAPH = "\n\n"


@dataclass(slots=True)
class MessageNode:
    """A message under the name `key` that its program has for it, below the one called `parent`. One that `joins` is
    the continuation of the answer above it: a call of a tool, its result, or what was said after that."""

    key: str
    parent: str | None
    role: Role
    parts: list[MessagePart]
    created_at: float = 0.0
    model: ModelReference | None = None
    status: Status = "complete"
    error: str = ""
    joins: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all."""
        return not self.parts and not self.error


@dataclass(slots=True)
class MessageForest:
    """`nodes`: what is kept, parents before their children and siblings by their time. `keys`: under which key each of
    the original ones is found now; one that holds nothing is found under the one above it."""

    nodes: list[MessageNode] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)

    def newest_leaf(self) -> str | None:
        """The end of the branch that was written last."""
        if not self.nodes:
            return None
        last_child = {node.parent: node.key for node in self.nodes if node.parent is not None}
        key = max(enumerate(self.nodes), key=lambda each: (each[1].created_at, each[0]))[1].key
        while key in last_child:
            key = last_child[key]
        return key


def forest_of(nodes: Mapping[str, MessageNode], began_at: float = 0.0) -> MessageForest:
    """The tree of `nodes`, by their keys. A message without a time has that of the one above it, or `began_at`."""
    places = _places(nodes)
    children: dict[str | None, list[MessageNode]] = {None: []}
    for node in nodes.values():
        if not node.is_empty:
            children.setdefault(places[node.key].above, []).append(node)
    forest = MessageForest()
    seen: set[str] = set()
    _walk(children[None], children, places, seen, forest, began_at)
    for node in nodes.values():  # what is left goes round in circles
        if not node.is_empty and node.key not in seen:
            _walk([node], children, places, seen, forest, began_at)
    for key in nodes:
        above = key if key in forest.keys else places[key].above
        if above is not None:
            forest.keys[key] = forest.keys[above]
    return forest


class _Place(NamedTuple):
    """The key of the nearest message above that says something, and whether a question without words lies between."""

    above: str | None
    after_question: bool


def _places(nodes: Mapping[str, MessageNode]) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for node in nodes.values():
        passed: list[str] = []
        on_the_way = {node.key}
        above = node.parent
        place = _Place(None, False)
        while above is not None and above in nodes:
            if not nodes[above].is_empty:
                place = _Place(above, False)
                break
            if above in found:
                place = found[above]
                break
            if above in on_the_way:
                break
            passed.append(above)
            on_the_way.add(above)
            above = nodes[above].parent
        for key in reversed(passed):
            place = found[key] = _Place(place.above, place.after_question or nodes[key].role == "user")
        found[node.key] = _Place(place.above, place.after_question or (node.is_empty and node.role == "user"))
    return found


def _walk(
    roots: Iterable[MessageNode],
    children: Mapping[str | None, list[MessageNode]],
    places: Mapping[str, _Place],
    seen: set[str],
    forest: MessageForest,
    began_at: float,
) -> None:
    """Put `roots` and all below them into `forest`."""
    open_: list[tuple[MessageNode, MessageNode | None, bool]] = [
        (root, None, False) for root in sorted(roots, key=lambda root: root.created_at or began_at)[::-1]
    ]
    while open_:
        node, above, only_child = open_.pop()
        if node.key in seen:
            continue
        seen.add(node.key)
        is_answer = above is not None and node.role == above.role == "assistant"
        if above is not None and is_answer and only_child and node.joins and not places[node.key].after_question:
            _join(above, node)
            place = above
        else:
            time = node.created_at or (began_at if above is None else above.created_at)
            place = MessageNode(
                node.key,
                None if above is None else above.key,
                node.role,
                [*node.parts],
                time,
                node.model,
                node.status,
                node.error,
            )
            forest.nodes.append(place)
        forest.keys[node.key] = place.key
        below = [child for child in children.get(node.key, ()) if child.key not in seen]
        below.sort(key=lambda child: child.created_at or place.created_at)
        open_ += [(child, place, len(below) == 1) for child in reversed(below)]


def _join(answer: MessageNode, more: MessageNode) -> None:
    answer.parts += more.parts
    answer.model = answer.model or more.model
    answer.status = more.status
    answer.error = more.error or answer.error


def joined_parts(parts: Sequence[MessagePart], between: str = PARAGRAPH) -> list[MessagePart]:
    """`parts` in which neighboring texts are one, with `between` in the middle, and so are neighboring thoughts. What
    is blank alone is left out."""
    joined: list[MessagePart] = []
    for kind, group in groupby(parts, key=type):
        if kind is TextPart:
            text = between.join(part.text for part in group if isinstance(part, TextPart) and part.text)
            joined += [TextPart(text)] if text.strip() else []
        elif kind is ThinkingPart:
            joined += _joined_thinking([part for part in group if isinstance(part, ThinkingPart)])
        else:
            joined += group
    return joined


def _joined_thinking(parts: Sequence[ThinkingPart]) -> list[ThinkingPart]:
    text = PARAGRAPH.join(part.text for part in parts if part.text.strip())
    took = [part.seconds for part in parts if part.seconds is not None]
    return [ThinkingPart(text, sum(took) if took else None)] if text else []


def paired_parts(parts: Sequence[MessagePart]) -> list[MessagePart]:
    """`parts` in which each call of a tool has an id, and each result names the call that it belongs to: where it named
    none, the last one before it that has no result yet."""
    waiting: dict[str, str] = {}
    made: list[MessagePart] = []
    for number, part in enumerate(parts):
        if isinstance(part, ToolCallPart):
            part = part if part.id else msgspec.structs.replace(part, id=f"call-{number}")
            waiting[part.id] = part.name
        elif isinstance(part, ToolResultPart):
            call_id = part.call_id or next(reversed(waiting), "")
            tool = part.name or waiting.get(call_id, "")
            waiting.pop(call_id, None)
            part = msgspec.structs.replace(part, call_id=call_id, name=tool)
        made.append(part)
    return made
