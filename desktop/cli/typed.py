"""What a person typed, as text that can be written anywhere."""


def clean(text: str) -> str:
    """`text` without the lone surrogates that stand for typed bytes that are no UTF-8: nothing could write them."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
