"""Text as Qt counts it: in code units of UTF-16, of which a character beyond U+FFFF takes two."""


def utf16_length(text: str) -> int:
    """How many code units `text` has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, start: int, end: int) -> str:
    """The part of `text` from code unit `start` to `end`; a pair that is cut through is left out."""
    if len(text) == utf16_length(text):
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "ignore")
