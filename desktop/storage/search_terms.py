"""The terms by which messages are found that hold writing without spaces (Chinese, Japanese, Thai and the like), or
signs that are no words.

SQLite's tokenizer takes a whole run of such writing for one word. So a message that holds any is indexed a second time,
in `message_bigrams`: each two neighbours of a run are a term, the last character of a run is one by itself, and the
words around them are terms as well, as they may stand without a space beside such writing ("使用Python编程").
Measured on 100,000 messages of Chinese: 0.1 ms for a rare word where reading all texts took 190, and a third more file;
the trigrams that SQLite has ready would take more than twice that, and find no word of two characters.

Signs (+, %, 🎉) are no tokens to it at all. `message_signs` has the number of each as a term.
"""

import re
import sqlite3

# By code point (Unicode 15 blocks): Thai and Lao, Tibetan and Myanmar, Khmer, kana and CJK.
UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""The scripts without spaces, as the inside of a class of a regular expression."""

# By code point as well, so that no other Python finds others: what of ASCII says something, currency, arrows,
# operators, dingbats, emoji. Those left out, and marks of punctuation, are found by reading all texts.
_SIGN = re.compile(
    "[#$%&+/<=>@\\\\^|~\u00a2-\u00a9\u00ac\u00ae-\u00b1\u00b4\u00b6\u00d7\u00f7"
    "\u20a0-\u20cf\u2100-\u2bff\u3012\u3020\ufffd\U0001f000-\U0001faff]"
)

_RUN = re.compile(f"[{UNSPACED}]+")
_WORD = re.compile(rf"(?:[^\W_{UNSPACED}]|[\u0300-\u036f])+")


def has_unspaced(text: str) -> bool:
    """Whether `text` holds writing without spaces."""
    return _RUN.search(text) is not None


def bigram_terms(text: str) -> str:
    """The terms of `text`, each once and sorted, with a blank between them: the same text always has the same, which
    SQLite needs to take a row out of the index."""
    terms = {word.lower() for word in _WORD.findall(text)}
    for run in _RUN.findall(text):
        terms.update(map(str.__add__, run, run[1:]))
        terms.add(run[-1])
    return " ".join(sorted(terms))


def word_tokens(text: str) -> list[str]:
    """The words in `text`, without the writing that has no spaces."""
    return _WORD.findall(text)


def run_tokens(text: str) -> list[str]:
    """Terms that every message has which holds the runs of `text`: pairs of neighbours, or a single character."""
    tokens: list[str] = []
    for run in _RUN.findall(text):
        tokens += map(str.__add__, run, run[1:]) if len(run) > 1 else [run]
    return tokens


def sign_terms(text: str) -> str:
    """The terms of the signs in `text`, each once and sorted, with a blank between them; "" where it holds none."""
    return " ".join(sorted({f"{ord(sign):x}" for sign in set(_SIGN.findall(text))}))


def add_functions(connection: sqlite3.Connection) -> None:
    """Give `connection` the functions that the triggers of `messages` call."""
    connection.create_function("has_unspaced", 1, has_unspaced, deterministic=True)
    connection.create_function("sign_terms", 1, sign_terms, deterministic=True)
    connection.create_function("bigram_terms", 1, bigram_terms, deterministic=True)
