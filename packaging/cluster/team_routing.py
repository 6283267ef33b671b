"""Which replica answers a request: the one that has read the beginning of its conversation before. Needs no Ray."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

_TEXT_START = 1024
"""Of a text without messages so many characters decide: it grows at its end."""
_SYSTEM_ROLES = ("system", "developer")


def prompt_beginning(path: str, body: bytes) -> bytes:
    """A digest of what all turns of one conversation have in common: the model, the system prompt, tools and the first
    message of the person. b"" where no cache would help: not a request for an answer, or not one that can be read."""
    try:
        asked: Any = msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""  # the server says what is wrong with it
    if not isinstance(asked, dict):
        return b""
    begins = _first_turn(path, asked)
    if begins is None:
        return b""
    return hashlib.sha256(msgspec.json.encode([asked.get("model"), asked.get("tools"), begins])).digest()


def replica_order(beginning: bytes, under_way: Mapping[str, int], at_once: int, avoid: Collection[str]) -> list[str]:
    """The replicas, the best one first. `under_way` is how many requests each has, by its name.

    By rendezvous hashing each beginning has a replica of its own, and when one comes or goes only its share moves. One
    that has `at_once` requests or more would have to let it wait: then the least busy one comes first. Those to `avoid`
    come last.
    """
    order = sorted(under_way, key=lambda name: hashlib.sha256(beginning + name.encode()).digest())
    if order and (not beginning or under_way[order[0]] >= at_once):
        order.sort(key=under_way.__getitem__)
    return sorted(order, key=lambda name: name in avoid)


def _first_turn(path: str, asked: dict[str, Any]) -> list[Any] | None:
    if path.endswith("/embeddings"):
        return None
    messages = asked.get("messages", asked.get("input"))
    if isinstance(messages, list):
        end = next((at for at, each in enumerate(messages) if not _is_system(each)), len(messages))
        return [asked.get("system"), asked.get("instructions"), messages[: end + 1]]
    text = asked.get("prompt", messages)
    if isinstance(text, list):
        text = text[0] if text else ""
    return [asked.get("instructions"), text[:_TEXT_START]] if isinstance(text, str) else None


def _is_system(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES
