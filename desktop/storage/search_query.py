"""Makes queries of SQLite's full-text search from what a person types into a search field.

Nothing typed is an operator: every word is quoted, all words have to occur, and each matches the words it begins.
Writing that puts no spaces between words (Chinese, Japanese, Thai, …) is found wherever it stands, by pairs of
characters (`search_terms`). Where there are signs that say something (C++, 100 %, 🎉), the texts themselves are
compared: those that hold these signs, of which there is an index of their own.
"""

import unicodedata
from dataclasses import dataclass

from desktop.safe_text import repair_surrogates
from desktop.storage.search_terms import has_unspaced, run_tokens, sign_terms, word_tokens

_LONGEST = 1000
_MOST_PIECES = 64
_TELLING = frozenset("#%&@\\/")
"""Punctuation that makes another thing of a word beside it; all that Unicode calls a symbol does too."""


@dataclass(frozen=True)
class SearchQuery:
    """What all has to be found: `words` for MATCH on an index of words ("" for none), `terms` for MATCH on
    `message_bigrams`, and `literal` pieces that the text has to hold as they are, `signs` for MATCH on `message_signs`
    those in them ("" for none). `adjacent` pieces are of several terms, which the index of pairs cannot tell from terms
    apart. `pieces` is all that was typed."""

    words: str
    terms: str
    literal: tuple[str, ...]
    signs: str
    adjacent: tuple[str, ...]
    unspaced: bool
    pieces: tuple[str, ...]

    def message_numbers(self, within: str = "") -> tuple[str, dict[str, str | int]]:
        """A SELECT of the numbers of matching messages, and its values. An order by 1 and a LIMIT may follow; newest
        first it gives its rows as they are found. `within` is a further condition, with {number} for the number."""
        likes, values = self._likes(self.literal, "literal")
        more, others = self._likes(self.adjacent, "adjacent")
        kinds = []
        if self.words and not self.unspaced:
            values["words"] = self.words
            kinds.append(_matching("message_words", "words", likes, within))
        if self.terms:
            values |= {"terms": self.terms, **others}
            kinds.append(_matching("message_bigrams", "terms", [*likes, *more], within))
        if not kinds and self.signs:
            values["signs"] = self.signs
            kinds.append(_matching("message_signs", "signs", likes, within))
        if not kinds:
            conditions = [*likes, *([within.format(number="number")] if within else [])]
            return f"SELECT number FROM messages AS texts WHERE {' AND '.join(conditions)}", values
        return " UNION ".join(kinds), values

    def titles(self) -> tuple[str, dict[str, str | int]]:
        """A condition for the rows of `conversations` whose title matches, and its values. Titles are short and few:
        what is typed may stand anywhere in them, also within a word."""
        likes, values = self._likes(self.pieces, "title", "title")
        condition = f"({' AND '.join(likes)})"
        if self.words and not self.unspaced and not self.literal:
            values["title_words"] = self.words
            matching = "SELECT rowid FROM title_words WHERE title_words MATCH :title_words"
            condition = f"({condition} OR conversations.number IN ({matching}))"
        return condition, values

    def _likes(
        self, pieces: tuple[str, ...], name: str, column: str = "texts.text"
    ) -> tuple[list[str], dict[str, str | int]]:
        values: dict[str, str | int] = {}
        for count, piece in enumerate(pieces):
            escaped = piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values[f"{name}_{count}"] = f"%{escaped}%"
        return [f"{column} LIKE :{each} ESCAPE '\\'" for each in values], values


def _matching(index: str, value: str, likes: list[str], within: str) -> str:
    """The rows of an index that match; with `likes` each row's text is looked at as well."""
    number = f"{index}.rowid"
    texts = f" CROSS JOIN messages AS texts ON texts.number = {number}" if likes else ""
    conditions = [f"{index} MATCH :{value}", *([within.format(number=number)] if within else []), *likes]
    return f"SELECT {number} FROM {index}{texts} WHERE {' AND '.join(conditions)}"


def parse_query(text: str) -> SearchQuery | None:
    """The query for what was typed; None where nothing was. Only the first 1,000 characters count."""
    pieces = repair_surrogates(text[:_LONGEST]).replace("\x00", " ").split()[:_MOST_PIECES]
    words: list[str] = []
    terms: list[str] = []
    literal: list[str] = []
    adjacent: list[str] = []
    for piece in pieces:
        tokens, runs = word_tokens(piece), run_tokens(piece)
        if not any(map(_is_token, piece)):
            literal.append(piece)
            continue
        if any(map(_tells, piece)):
            literal.append(piece)
        words.append(_quoted(piece) + "*")
        terms += [_quoted(run) + ("*" if len(run) == 1 else "") for run in runs]
        terms += [_quoted(token) + ("*" if token == tokens[-1] and not runs else "") for token in tokens]
        if len(tokens) + len(runs) > 1:
            adjacent.append(piece)
    if not pieces:
        return None
    return SearchQuery(
        " ".join(words),
        " ".join(terms),
        tuple(literal),
        " ".join(map(_quoted, sign_terms("".join(literal)).split())),
        tuple(adjacent),
        has_unspaced(" ".join(pieces)),
        tuple(pieces),
    )


def _quoted(piece: str) -> str:
    return '"' + piece.replace('"', '""') + '"'


def _is_token(character: str) -> bool:
    """As the unicode61 tokenizer sees it: letters, numbers and private use make words."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _tells(character: str) -> bool:
    return character in _TELLING or (unicodedata.category(character)[0] == "S" and character != "`")
