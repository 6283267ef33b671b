"""Calls written as elements: `<function=look><parameter=place>Rome</parameter></function>` and its like.

An element's text is a value without its type, which the tool's schema gives: a string becomes one, anything else is
read as JSON where it is JSON.
"""

import json

from desktop.engine.worker.call_reader import CallReader, NotACallError, Reading, parsed


def open_function(reader: CallReader) -> Reading[None]:
    """`<function=NAME>` or `<function name="NAME">` comes next: read the whole element."""
    yield from reader.need("<function=", "<function name=")
    yield from named_function(reader)


def named_function(reader: CallReader) -> Reading[None]:
    """A function's element from its name on: parameters in elements, or JSON (Functionary)."""
    name, mark = yield from reader.until(">")
    if not mark:
        raise NotACallError
    reader.begin(name.strip("\"' "))
    yield from reader.space()
    if (yield from reader.at("{")):
        yield from reader.json(reader.argue, ("</function>",))
    else:
        yield from _parameters(reader, name.strip("\"' "), "", "</function>")
    reader.end()
    yield from reader.space()
    yield from reader.take("</function>")


def invoke_block(reader: CallReader, prefix: str, close: str) -> Reading[None]:
    """`<invoke name="NAME">` elements, each name with `prefix`, up to `close`."""
    while True:
        yield from reader.space()
        if not (yield from reader.take(f"<{prefix}invoke name=")):
            break
        name, mark = yield from reader.until(">")
        if not mark:
            raise NotACallError
        name = name.strip("\"' ")
        reader.begin(name)
        yield from _parameters(reader, name, prefix, f"</{prefix}invoke>")
        reader.end()
        yield from reader.take(f"</{prefix}invoke>")
    if not (yield from reader.take(close)) and not reader.begun:
        raise NotACallError


def elements_after_name(reader: CallReader, close: str) -> Reading[None]:
    """GLM: a name, then `<arg_key>` and `<arg_value>` by turns."""
    name, mark = yield from reader.until("<arg_key>", close, "\n")
    if not mark:
        raise NotACallError
    yield from reader.space()
    if mark == "\n" and not (yield from reader.at("<arg_key>", close)):
        raise NotACallError
    name = name.strip()
    reader.begin(name)
    if mark == close:
        reader.put_back(close)
    between = "{"
    while mark == "<arg_key>" or (yield from reader.take("<arg_key>")):
        mark = ""
        key, _ = yield from reader.until("</arg_key>")
        yield from reader.space()
        yield from reader.take("<arg_value>")
        reader.argue(f"{between}{_quoted(key.strip())}: ")
        yield from _value(reader, name, key.strip(), ("</arg_value>",))
        between = ", "
        yield from reader.space()
    reader.argue("}" if between == ", " else "")
    reader.end()


def _parameters(reader: CallReader, tool: str, prefix: str, close: str) -> Reading[None]:
    """The parameters of one call, as JSON; up to `close`, which stays."""
    between = "{"
    opens = (f"<{prefix}parameter=", f"<{prefix}parameter name=", f"<{prefix}param name=")
    while True:
        yield from reader.space()
        mark = yield from reader.take(*opens)
        if not mark:
            break
        head, _ = yield from reader.until(">")
        key = head.strip()
        declared = ""
        if mark.endswith("name="):
            key, _, attributes = key[1:].partition(key[:1]) if key[:1] in "\"'" and key else (key, "", "")
            declared = "string" if 'string="true"' in attributes else "other" if 'string="false"' in attributes else ""
        reader.argue(f"{between}{_quoted(key)}: ")
        closes = f"</{prefix}param>" if "param name" in mark else f"</{prefix}parameter>"
        yield from _value(reader, tool, key, (closes,), declared)
        between = ", "
    reader.argue("}" if between == ", " else "")


def _value(reader: CallReader, tool: str, key: str, closes: tuple[str, ...], declared: str = "") -> Reading[None]:
    """One value, up to and over its end. A string is told as it comes."""
    kind = declared or reader.tools.type_of(tool, key)
    if (yield from reader.take("<![CDATA[")):
        text, _ = yield from reader.until("]]>")
        yield from reader.until(*closes)
        reader.argue(_quoted(text) if kind == "string" else written_value(text, kind))
        return
    if kind != "string":
        text, _ = yield from reader.until(*closes)
        wrapped = text.startswith("\n") and text.endswith("\n") and len(text) > 1
        reader.argue(written_value(text[1:-1] if wrapped else text, kind))
        return
    told = _StringTeller(reader)
    reader.argue('"')
    yield from reader.until(*closes, tell=told.tell)
    told.end()
    reader.argue('"')


class _StringTeller:
    """Tells a string's text as JSON; where it stands in lines of its own, without the line breaks around it."""

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self._begun = self._wrapped = False
        self._held = ""

    def tell(self, text: str) -> None:
        if not self._begun:
            self._begun, self._wrapped = True, text.startswith("\n")
            text = text.removeprefix("\n")
        text = self._held + text
        self._held = "\n" if text.endswith("\n") else ""
        self._reader.argue(_quoted(text.removesuffix("\n"))[1:-1])

    def end(self) -> None:
        """The string is whole."""
        if not self._wrapped:
            self._reader.argue(_quoted(self._held)[1:-1])


def written_value(text: str, kind: str = "") -> str:
    """`text` as JSON: itself where it is JSON other than a string, else a string. Templates that write a boolean as
    Python does teach models to."""
    written = text.strip()
    if kind == "boolean":
        written = {"True": "true", "False": "false"}.get(written, written)
    value = parsed(written)
    return written if written == "null" or (value is not None and not isinstance(value, str)) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
