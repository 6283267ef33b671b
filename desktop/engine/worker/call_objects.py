"""Calls written as JSON objects: `{"name": "look", "arguments": {"place": "Rome"}}` and its like, with the keys that
the families use."""

import json
from typing import Any

from desktop.engine.worker.call_reader import CallReader, NotACallError, Reading, parsed

ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
_NAMES = ("name", "tool_name")
_IDS = ("id", "tool_call_id", "call_id")


def objects(reader: CallReader, close: str) -> Reading[None]:
    stops = (close,) if close else ()
    listed = bool((yield from reader.take("[")))
    while True:
        yield from reader.space()
        if not (yield from reader.at("{")):
            break
        yield from _object(reader, stops, whole=listed)
        yield from reader.space()
        if not (yield from reader.take(",")) and not listed and not close:
            break
    yield from reader.take("]")


def _object(reader: CallReader, stops: tuple[str, ...], *, whole: bool) -> Reading[None]:
    """One call as an object. Where it is one of a list its id may stand last, so that it is read `whole` first."""
    name, call_id, held, begun = "", "", "", False
    yield from reader.need("{")
    while True:
        yield from reader.space()
        mark = yield from reader.at("}", ",", '"', *stops)
        if mark != '"':
            yield from reader.take("}", ",")
            if mark == ",":
                continue
            break
        key = parsed((yield from reader.json(stops=stops)))
        yield from reader.space()
        yield from reader.take(":")
        yield from reader.space()
        start = yield from reader.at('"', "{")
        if key in ARGUMENT_KEYS and name and not whole and start != '"':
            reader.begin(name, call_id)
            begun = True
            yield from reader.json(reader.argue, stops)
            continue
        value = yield from reader.json(stops=stops)
        if key in _NAMES or (key == "function" and start == '"'):
            name = str(parsed(value) or "")
        elif key == "function":
            name, held = _nested(value)
        elif key in _IDS:
            call_id = str(parsed(value) if parsed(value) is not None else "")
        elif key in ARGUMENT_KEYS:
            text = parsed(value) if start == '"' else None
            held = text if isinstance(text, str) else value
        elif start == "{" and key in reader.tools.names:
            name, held = str(key), value  # Apertus: {"name": {arguments}}
    if not begun:
        reader.begin(name, call_id)
        reader.argue(held)
    reader.end()


def _nested(value: str) -> tuple[str, str]:
    function = parsed(value)
    if not isinstance(function, dict):
        return "", value
    given: Any = next((function[key] for key in ARGUMENT_KEYS if key in function), {})
    return str(function.get("name", "")), given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def bare_object(reader: CallReader) -> Reading[None]:
    """Llama 3.x: an object that is all of the answer. Only one of a tool that there is counts."""
    yield from reader.space()
    raw = yield from reader.json()
    call = parsed(raw)
    name = call.get("name") if isinstance(call, dict) else None
    if name not in reader.tools.names or not isinstance(call, dict):
        raise NotACallError
    reader.begin(str(name))
    reader.argue(_value_of(raw, next((key for key in ARGUMENT_KEYS if key in call), "")))
    reader.end()
    yield from reader.space()
    while (yield from reader.take(";", ",")):
        yield from reader.space()
        if (yield from reader.at("{")):
            yield from bare_object(reader)


def _value_of(raw: str, key: str) -> str:
    """The text of the value of `key` in the object `raw`, as it is written."""
    call = parsed(raw)
    value = call.get(key, {})
    if isinstance(value, str):
        return value
    at = raw.find(f'"{key}"')
    behind = raw[at + len(key) + 2 :].lstrip().removeprefix(":").strip() if at >= 0 else ""
    try:
        found, size = json.JSONDecoder().raw_decode(behind)
    except ValueError:
        found, size = None, 0
    return behind[:size] if found == value and size else json.dumps(value, ensure_ascii=False)
