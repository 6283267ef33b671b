"""The constants of licensing: restrictions, gates, purposes, relations, and which purposes a restriction forbids."""

from typing import Literal, get_args

Gate = Literal["open", "click-through", "hub-auto", "hub-manual", "closed"]
GATES: tuple[Gate, ...] = get_args(Gate)
"""Gates, each stricter than the one before it."""
Restriction = Literal[
    "research-only",
    "non-commercial",
    "attribution",
    "no-derivatives",
    "share-alike",
    "acceptable-use",
    "user-cap",
    "region",
    "no-output-training",
]
Purpose = Literal["personal", "research", "commercial"]
Relation = Literal["fine-tune", "continued", "merge", "quantization", "difference", "dataset", "outputs"]
Origin = Literal["pretrained", "derived", "unknown"]
Strength = Literal["general", "coding", "reasoning", "multilingual", "fully-open", "small", "long-context"]

RESTRICTIONS: tuple[Restriction, ...] = get_args(Restriction)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

INHERITING: frozenset[Relation] = frozenset({"fine-tune", "continued", "merge", "quantization", "difference"})
"""Relations in which the ancestor's weights live on. Data and outputs lend their terms, not their weights."""

SEVEREST_FIRST: tuple[Restriction, ...] = RESTRICTIONS
"""Restrictions in the order in which a badge names them."""

_FORBIDDEN: dict[Restriction, frozenset[Purpose]] = {
    "research-only": frozenset({"personal", "commercial"}),
    "non-commercial": frozenset({"commercial"}),
}


def strictest(*gates: Gate | None) -> Gate | None:
    """The strictest of these gates; None where none is known."""
    return max((each for each in gates if each is not None), key=GATES.index, default=None)


def forbidden_purposes(restriction: Restriction) -> frozenset[Purpose]:
    """The purposes that `restriction` rules out; none for most."""
    return _FORBIDDEN.get(restriction, frozenset())
