"""Stems of words by the algorithms of Snowball (snowballstem.org), computed in C by PyStemmer."""

import threading

import Stemmer


class _ThreadStemmers(threading.local):
    """Those of one thread: a stemmer keeps its place in a word, and must not be used by two at once."""

    def __init__(self) -> None:
        self.by_language: dict[str, Stemmer.Stemmer] = {}


_stemmers = _ThreadStemmers()


def stem(word: str, language: str) -> str:
    """The stem of `word` (in small letters) in a `language` that Snowball knows, by its English name in small
    letters."""
    made = _stemmers.by_language.get(language)
    if made is None:
        made = _stemmers.by_language[language] = Stemmer.Stemmer(language)
    return str(made.stemWord(word))
