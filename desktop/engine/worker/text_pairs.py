"""A query and a text as the one sequence that a reranker reads.

Where the file has a template named "rerank", it is that template with both put in; else, as llama.cpp's server builds
it, [BOS] query [EOS] [SEP] text [EOS], of which each mark stands only where the vocabulary says that it is added.
Nothing in a query or in a text is a control token.
"""

import re
from typing import TYPE_CHECKING

from desktop.engine.worker.llama_api import llama

if TYPE_CHECKING:
    from desktop.engine.worker.tokenizer import Tokenizer

_PLACES = re.compile(r"(\{query\}|\{document\})")
_LEAST_TEXT = 16  # tokens that are left for a text, however long the query


class TextPairs:
    """Makes sequences of up to `most` tokens of pairs, by the vocabulary `tokenizer` and the file's `template`, ""
    for none. A text is cut where the pair is too long; a query, where that leaves nothing of the text."""

    def __init__(self, tokenizer: "Tokenizer", template: str, most: int) -> None:
        self._tokenizer, self._most = tokenizer, most
        self._frame = self._template_frame(template) or self._plain_frame()

    def tokens(self, query: str, text: str) -> tuple[list[int], bool]:
        """The sequence of the pair, and whether the text or the query had to be cut."""
        room = max(0, self._most - sum(len(piece) for piece in self._frame if isinstance(piece, list)))
        asked, read = self._read(query), self._read(text)
        kept = asked[: max(0, room - min(len(read), _LEAST_TEXT))]
        part = read[: room - len(kept)]
        tokens: list[int] = []
        for piece in self._frame:
            tokens += piece if isinstance(piece, list) else kept if piece == "{query}" else part
        return tokens[: self._most], len(kept) < len(asked) or len(part) < len(read)

    def _read(self, text: str) -> list[int]:
        return self._tokenizer.tokenize(text, special=False)

    def _template_frame(self, template: str) -> list[list[int] | str]:
        """The tokens between the places of a template; [] where it does not have each place once."""
        pieces = _PLACES.split(template)
        if sorted(pieces[1::2]) != ["{document}", "{query}"]:
            return []
        return [
            piece if number % 2 else self._tokenizer.tokenize(piece, special=True)
            for number, piece in enumerate(pieces)
        ]

    def _plain_frame(self) -> list[list[int] | str]:
        handle = self._tokenizer.handle
        sep = int(llama.llama_vocab_sep(handle))
        eos = int(llama.llama_vocab_eos(handle))
        ends = [eos if eos >= 0 else sep] if llama.llama_vocab_get_add_eos(handle) else []
        between = [sep] if llama.llama_vocab_get_add_sep(handle) else []
        begins = [self._tokenizer.bos] if self._tokenizer.adds_bos else []
        marks = [[token for token in each if token >= 0] for each in (begins, [*ends, *between], ends)]
        return [marks[0], "{query}", marks[1], "{document}", marks[2]]
