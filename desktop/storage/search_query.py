"""Makes queries of SQLite's full-text search from what a person types into a search field.

Nothing typed is an operator: every word is quoted, all words have to occur, and each matches the words it begins.
Writing that puts no spaces between words (Chinese, Japanese, Thai, …), and signs that are no words at all, cannot be
looked up by word; for these the text itself is searched.
"""

import unicodedata
from dataclasses import dataclass

from desktop.safe_text import repair_surrogates

# Scripts without spaces, by code point (Unicode 15 blocks): Thai and Lao, Tibetan and Myanmar, Khmer, kana and CJK.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x0F00, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_LONGEST = 1000


@dataclass(frozen=True)
class SearchQuery:
    """`words` for MATCH, or "" where there are none; `literal` pieces that the text has to hold as they are."""

    words: str
    literal: tuple[str, ...]

    def select_sql(self, table: str, column: str, index: str) -> tuple[str, dict[str, str | int]]:
        """A SELECT of the newest rows of `table` whose `column` matches, at most `:hits` of them, and its values.

        `index` is the full-text index of that column; the names are ours, never typed by anyone.
        """
        values: dict[str, str | int] = {}
        conditions = []
        if self.words:
            values["words"] = self.words
            if not self.literal:
                return f"SELECT rowid FROM {index} WHERE {index} MATCH :words ORDER BY rowid DESC LIMIT :hits", values
            conditions.append(f"number IN (SELECT rowid FROM {index} WHERE {index} MATCH :words)")
        for count, piece in enumerate(self.literal):
            escaped = piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values[f"literal_{count}"] = f"%{escaped}%"
            conditions.append(f"{column} LIKE :literal_{count} ESCAPE '\\'")
        return f"SELECT number FROM {table} WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT :hits", values


def parse_query(text: str) -> SearchQuery | None:
    """The query for what was typed; None where nothing was. Only the first 1,000 characters count."""
    pieces = repair_surrogates(text[:_LONGEST]).replace("\x00", " ").split()
    words, literal = [], []
    for piece in pieces:
        if any(map(_is_unspaced, piece)) or not any(map(_is_token, piece)):
            literal.append(piece)
        else:
            words.append('"' + piece.replace('"', '""') + '"*')
    return SearchQuery(" ".join(words), tuple(literal)) if pieces else None


def _is_token(character: str) -> bool:
    """As the unicode61 tokenizer sees it: letters, numbers and private use make words."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return code >= _UNSPACED[0][0] and any(first <= code <= last for first, last in _UNSPACED)


def excerpt_around(text: str, pieces: tuple[str, ...], width: int = 80) -> str:
    """`text` on one line; where it is long, the part around the first of `pieces` that it holds."""
    start = min((at for at in (text.find(piece) for piece in pieces) if at >= 0), default=0)
    if pieces and len(text) > width:
        first = max(0, start - width // 3)
        cut = text[first : first + width]
        text = ("…" if first else "") + cut + ("…" if first + width < len(text) else "")
    return " ".join(text.split())
