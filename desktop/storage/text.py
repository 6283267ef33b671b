"""Text as it can be stored. Half a surrogate pair (a broken paste can hold one) is no Unicode text and fits no file."""


def storable(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD, and pairs of them joined. All else, NUL too, stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
