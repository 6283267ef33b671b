"""Text as Qt counts it: in code units of UTF-16, of which a character beyond U+FFFF takes two."""


def units(text: str) -> int:
    """How many code units `text` has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def sliced(text: str, start: int, end: int) -> str:
    """The part of `text` from code unit `start` to `end`; a pair that is cut through is left out."""
    if len(text) == units(text):
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "ignore")
