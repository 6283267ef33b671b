"""What long German words are put together from, as far as it can be told by their ends."""


def compound_parts(word: str) -> tuple[str, ...]:
    """The words that `word` (in small letters) is put together from; empty where it is none that is known to be."""
    return ()
