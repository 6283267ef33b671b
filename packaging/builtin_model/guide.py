"""Reads the guide, its phrasings and the held-out set, and keeps them apart.

The guide says what the model is to answer; the phrasings say how people ask for it. The held-out
set measures the result, so a question of it must never be trained on: `assert_apart` says so.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OFF_TOPIC = "off-topic"
SLOT = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Intent:
    """One thing a person may ask for: a topic of the guide, or a follow-up of one.

    `key` is `topic` or `topic/follow-up`; `phrasings` are the questions as written, without
    duplicates, the canonical one first; `hints` are short descriptions of what belongs to it.
    """

    key: str
    area: str
    answer: str
    phrasings: tuple[str, ...]
    hints: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The id of the topic this belongs to."""
        return self.key.split("/", 1)[0]

    @property
    def is_follow_up(self) -> bool:
        """Whether it is only asked right after its topic."""
        return "/" in self.key


@dataclass(frozen=True)
class OffTopic:
    """Questions the model declines: plain ones, and templates whose slots are filled at random."""

    answer: str
    plain: tuple[str, ...]
    templates: tuple[str, ...]
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Guide:
    """All that is trained on."""

    intents: tuple[Intent, ...]
    off_topic: OffTopic

    def by_key(self) -> dict[str, Intent]:
        """Intents by their key."""
        return {intent.key: intent for intent in self.intents}

    def texts(self) -> list[str]:
        """Every string written by hand in it, for the tokenizer."""
        found: list[str] = [self.off_topic.answer, *self.off_topic.plain, *self.off_topic.templates]
        for values in self.off_topic.slots.values():
            found.extend(values)
        for intent in self.intents:
            found.extend((intent.answer, *intent.phrasings, *intent.hints))
        return found


@dataclass(frozen=True)
class HeldOut:
    """One held-out question: user turns (the last one is graded) and its rubric.

    `required`: of every inner list one string must occur in the answer; `forbidden`: none may.
    """

    id: str
    kind: str
    turns: tuple[str, ...]
    required: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]


def normalized(question: str) -> str:
    """A question without case, punctuation and repeated spaces, for comparing."""
    return " ".join(re.findall(r"[^\W_]+", question.lower().replace("'", "").replace("’", "")))


def load(folder: Path = HERE) -> Guide:
    """Reads `guide.toml` and `phrasings/*.toml` in `folder`.

    Raises ValueError when a phrasing names no intent, or an intent key occurs twice.
    """
    topics = _read(folder / "guide.toml").get("topic", [])
    asked = _phrasings(folder / "phrasings")
    intents: list[Intent] = []
    for topic in topics:
        intents.append(_intent(topic["id"], topic["area"], topic, asked))
        for follow in topic.get("follow_up", []):
            key = f"{topic['id']}/{follow['id']}"
            intents.append(_intent(key, topic["area"], follow, asked))
    keys = [intent.key for intent in intents]
    if len(set(keys)) != len(keys):
        raise ValueError(f"keys occur twice: {sorted({k for k in keys if keys.count(k) > 1})}")
    unknown = sorted(set(asked) - set(keys))
    if unknown:
        raise ValueError(f"phrasings for what the guide does not have: {unknown}")
    refusal = next((i.answer for i in intents if i.key == OFF_TOPIC), None)
    if refusal is None:
        raise ValueError(f"the guide has no topic {OFF_TOPIC!r}")
    kept = tuple(intent for intent in intents if intent.key != OFF_TOPIC)
    own = next(intent for intent in intents if intent.key == OFF_TOPIC)
    return Guide(kept, _off_topic(folder / "phrasings" / "off_topic.toml", own))


def load_heldout(path: Path = HERE / "heldout.toml") -> list[HeldOut]:
    """Reads the held-out set; an empty list when there is none yet."""
    if not path.exists():
        return []
    return [
        HeldOut(
            id=item["id"],
            kind=item["kind"],
            turns=tuple(item["turns"]),
            required=tuple(tuple(any_of) for any_of in item.get("required", [])),
            forbidden=tuple(item.get("forbidden", [])),
        )
        for item in _read(path).get("question", [])
    ]


def banned_questions(heldout: Iterable[HeldOut]) -> frozenset[str]:
    """The graded questions of the held-out set, normalized: no training stream may give one."""
    return frozenset(normalized(item.turns[-1]) for item in heldout)


def assert_apart(guide: Guide, heldout: Sequence[HeldOut]) -> None:
    """Raises ValueError when a graded held-out question is also a phrasing that is trained on."""
    banned = banned_questions(heldout)
    seen = [(i.key, q) for i in guide.intents for q in i.phrasings]
    seen.extend((OFF_TOPIC, q) for q in guide.off_topic.plain)
    shared = [f"{key}: {q}" for key, q in seen if normalized(q) in banned]
    if shared:
        raise ValueError("held-out questions are in the training set:\n  " + "\n  ".join(shared))


def without(guide: Guide, banned: frozenset[str]) -> Guide:
    """The guide less the phrasings that are also in the held-out set, so that none is trained on."""
    intents = tuple(
        Intent(
            i.key,
            i.area,
            i.answer,
            tuple(q for q in i.phrasings if normalized(q) not in banned),
            i.hints,
        )
        for i in guide.intents
    )
    off = guide.off_topic
    plain = tuple(q for q in off.plain if normalized(q) not in banned)
    return Guide(intents, OffTopic(off.answer, plain, off.templates, off.slots))


def split(guide: Guide, share: float) -> tuple[Guide, Guide]:
    """Holds back about `share` of the phrasings of each intent (whole phrasings, chosen by hash).

    Gives (training guide, validation guide). The canonical question always stays in training, and
    an intent with fewer than four phrasings gives none away. Off-topic templates are split too.
    """
    kept: list[Intent] = []
    held: list[Intent] = []
    for i in guide.intents:
        back = [q for q in i.phrasings[1:] if _chosen(q, share)] if len(i.phrasings) > 3 else []
        taken = set(back)
        stay = tuple(q for q in i.phrasings if q not in taken)
        kept.append(Intent(i.key, i.area, i.answer, stay, i.hints))
        if back:
            held.append(Intent(i.key, i.area, i.answer, tuple(back), i.hints))
    off = guide.off_topic
    plain, plain_held = _parted(off.plain, share)
    templates, templates_held = _parted(off.templates, share)
    slots = {name: _parted(values, share) for name, values in off.slots.items()}
    train_slots = {name: parts[0] for name, parts in slots.items()}
    held_slots = {name: parts[1] or parts[0] for name, parts in slots.items()}
    return (
        Guide(tuple(kept), OffTopic(off.answer, plain, templates, train_slots)),
        Guide(tuple(held), OffTopic(off.answer, plain_held, templates_held, held_slots)),
    )


def _parted(values: tuple[str, ...], share: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    held = {value for value in values if _chosen(value, share)}
    return tuple(v for v in values if v not in held), tuple(v for v in values if v in held)


def _chosen(text: str, share: float) -> bool:
    digest = hashlib.sha256(normalized(text).encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def _intent(key: str, area: str, item: dict[str, Any], asked: dict[str, list[str]]) -> Intent:
    unique = dict.fromkeys(q.strip() for q in (item["question"], *asked.get(key, [])))
    return Intent(key, area, item["answer"].strip(), tuple(unique), _hints(item.get("about", "")))


def _hints(about: str) -> tuple[str, ...]:
    """What a topic is about as search words; the part after "Not:" belongs to other topics."""
    said = re.split(r"\bNot:", about)[0].strip(" .")
    if not said:
        return ()
    parts = [part.strip() for part in re.split(r"[,:;.] ", said)]
    return tuple(dict.fromkeys([said, *(part for part in parts if len(part.split()) > 1)]))


def _phrasings(folder: Path) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.toml")):
        if path.stem == "off_topic":
            continue
        for key, table in _read(path).items():
            asked.setdefault(key, []).extend(table["questions"])
    return asked


def _off_topic(path: Path, own: Intent) -> OffTopic:
    raw = _read(path) if path.exists() else {}
    slots = {name: tuple(values) for name, values in raw.get("slots", {}).items()}
    templates = tuple(raw.get("templates", {}).get("list", []))
    for template in templates:
        missing = [name for name in SLOT.findall(template) if name not in slots]
        if missing:
            raise ValueError(f"{path.name}: {template!r} has no slot {missing}")
    plain = (*own.phrasings, *raw.get("plain", {}).get("questions", []))
    return OffTopic(own.answer, tuple(dict.fromkeys(plain)), templates, slots)


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)
