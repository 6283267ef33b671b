"""Gemma 4's arguments as JSON: keys without quotes, strings between `<|"|>` marks."""

import json
import re

_QUOTE = '<|"|>'
_TOKENS = re.compile(
    r'<\|"\|>(.*?)<\|"\|>|([\w.-]+)(?=\s*:)|([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:<]+)', re.DOTALL
)


def gemma_arguments(text: str) -> str:
    """`text` as JSON, or as it is where it is written otherwise."""
    made: list[str] = []
    at = 0
    for found in _TOKENS.finditer(text):
        if text[at : found.start()].strip():
            return text
        at = found.end()
        quoted, key, mark, string, literal = found.groups()
        if quoted is not None:
            made.append(json.dumps(quoted, ensure_ascii=False))
        elif key is not None:
            made.append(json.dumps(key, ensure_ascii=False))
        elif mark:
            made.append({",": ", ", ":": ": "}.get(mark, mark))
        else:
            made.append(string or literal)
    return text if text[at:].strip() else "".join(made)
