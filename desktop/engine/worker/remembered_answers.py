"""The tokens that answers were made of, by the text that they were shown as.

Tokenizing an answer's text again need not give the tokens it was made of; from there on nothing that was read of a
conversation could be kept. So a state on the disk has the tokens of its answers with it.
"""

import array
import codecs
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.tokenizer import Tokenizer

_MOST = 512


class RememberedAnswers:
    """The answers of one model that were given last. Texts are the same where they are but for the white space around
    them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._given_in: dict[str, str] = {}

    def remember(self, text: str, tokens: Sequence[int], conversation: str) -> None:
        """The model generated `tokens`, which were shown as `text`, in `conversation`."""
        key = text.strip()
        self._tokens[key] = tuple(tokens)
        self._tokens.move_to_end(key)
        self._given_in[key] = conversation
        while len(self._tokens) > _MOST:
            del self._given_in[self._tokens.popitem(last=False)[0]]

    def tokens_of(self, text: str) -> tuple[int, ...] | None:
        """The tokens that were shown as `text`; None where no answer was that."""
        return self._tokens.get(text.strip())

    def forget(self, conversation: str) -> None:
        """Keep no answer of `conversation`."""
        for text in [text for text, given_in in self._given_in.items() if given_in == conversation]:
            del self._tokens[text], self._given_in[text]

    def held_in(self, state: Sequence[int]) -> list[tuple[int, ...]]:
        """The answers of which `state` holds all tokens. An answer's last one is not computed where it was cut off:
        one with which `state` ends may lack it."""
        numbers = array.array("i", state)
        whole = numbers.tobytes()

        def is_held(tokens: tuple[int, ...]) -> bool:
            wanted = array.array("i", tokens)
            if tokens and wanted[:-1] == numbers[len(numbers) - len(tokens) + 1 :]:
                return True
            sought = wanted.tobytes()
            at = whole.find(sought)
            while at > 0 and at % numbers.itemsize:  # numbers that lie across others
                at = whole.find(sought, at + 1)
            return at >= 0

        return [tokens for text, tokens in self._tokens.items() if self._text_of(tokens) == text and is_held(tokens)]

    def recall(self, answers: Iterable[Sequence[int]], conversation: str) -> None:
        """`answers` came with a state of `conversation`, as `held_in` gave them; what is none of this model's text is
        left out, and what is remembered already stays as it is."""
        for tokens in answers:
            text = self._text_of(tokens)
            if text and text not in self._tokens:
                self.remember(text, tokens, conversation)

    def _text_of(self, tokens: Sequence[int]) -> str:
        """The text that `tokens` are shown as; "" where one of them is no text."""
        pieces = [self._piece(token) for token in tokens]
        if not all(pieces):
            return ""
        return codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(pieces)).strip()

    def _piece(self, token: int) -> bytes:
        tokenizer = self._tokenizer
        if not 0 <= token < tokenizer.size or llama.llama_vocab_is_control(tokenizer.handle, token):
            return b""
        return tokenizer.pieces[token]
