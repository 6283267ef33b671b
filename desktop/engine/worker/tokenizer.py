"""Text to tokens and back, as the loaded vocabulary has them."""

import ctypes
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from desktop.engine.worker import answer_marks, call_grammars, channel_parser
from desktop.engine.worker.llama_api import llama
from desktop.errors import EngineError
from desktop.translation import tr

_MARKS = frozenset(text.encode() for text in answer_marks.THINKING_TOKENS | channel_parser.CHANNEL_TOKENS)
_CALL_MARKS = frozenset(text.encode() for text in call_grammars.CALL_TOKENS)
_UNSPELLED = _MARKS | frozenset(text.encode() for text in call_grammars.TOOL_TOKENS)
_CLOSING_MARKS = tuple(style.closes for style in answer_marks.TAG_STYLES if not style.common)
_CONTROL_OR_UNKNOWN, _USER_DEFINED = (1 << 3) | (1 << 0), 1 << 4
_FILL_IN = re.compile("fim|repo|file|pad", re.IGNORECASE)  # ends of what is filled in, not of an answer
_SPM = 1
_PIECE = 4096
_SEARCH = 2048
_WORD_BEGINS = re.compile(r"(?<=\w)(?= \w)")


class Tokenizer:
    """The vocabulary of a loaded model. `handle` and `size` are llama.cpp's; `bos` and `eos` -1 where there is none."""

    def __init__(self, model: Any) -> None:
        self.handle = llama.llama_model_get_vocab(model)
        self.size = int(llama.llama_vocab_n_tokens(self.handle))
        self.bos = int(llama.llama_vocab_bos(self.handle))
        self.eos = int(llama.llama_vocab_eos(self.handle))
        self.adds_bos = bool(llama.llama_vocab_get_add_bos(self.handle)) and self.bos >= 0
        self.pieces = _PieceTable(self)
        self.call_pieces = _PieceTable(self, calls=True)
        self._is_spm = llama.llama_vocab_type(self.handle) == _SPM
        self._neutral = (b"\x02", self._tokenize(b"\x02", True))

    def tokenize(self, text: str, *, special: bool, continued: bool = False) -> list[int]:
        """`text` in tokens, without begin or end. Control tokens are recognized only with `special`.

        With `continued` the text goes on within a line: SPM vocabularies put no space before it.
        """
        tokens: list[int] = []
        for index, piece in enumerate(_cut(text)):
            data = piece.encode("utf-8", "replace")
            tokens += self._continue(data, special) if index or continued else self._tokenize(data, special)
        return tokens

    def tokenize_whole(self, text: str) -> list[int]:
        """`text` in tokens, with those that the vocabulary puts around it. Nothing in it is a control token."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.handle, data, len(data), tokens, room, True, False)
        if count < 0:
            raise EngineError(tr("The text is too long for the model's tokenizer."))
        return list(tokens[:count])

    def text_of(self, token: int) -> str:
        """How `token` is spelled, control tokens included; "" for -1."""
        return self._piece(token, True).decode("utf-8", "replace") if token >= 0 else ""

    def visible_piece(self, token: int, *, calls: bool = False) -> bytes:
        """The bytes of `token` as an answer shows them: of control tokens only those that mark thinking, and with
        `calls` those that mark calls of tools."""
        piece = self._piece(token, False)
        if piece or not llama.llama_vocab_is_control(self.handle, token):
            return piece
        spelled = self._piece(token, True)
        return spelled if spelled in _MARKS or (calls and spelled in _CALL_MARKS) else b""

    def spelled_piece(self, token: int) -> bytes:
        """The bytes of `token`, of control tokens as they are spelled."""
        return self._piece(token, True)

    def text_pieces(self) -> list[bytes]:
        """The bytes of every token as text of an answer: none for control tokens, nor for the marks of thinking."""
        pieces, to_piece = [], llama.llama_token_to_piece
        buffer = ctypes.create_string_buffer(256)
        for token in range(self.size):
            size = to_piece(self.handle, token, buffer, 256, 0, False)
            piece = buffer.raw[:size] if size >= 0 else self._piece(token, False)
            pieces.append(b"" if piece in _MARKS else piece)
        return pieces

    def eog_tokens(self) -> list[int]:
        """Every token that ends an answer."""
        return [token for token in range(self.size) if llama.llama_vocab_is_eog(self.handle, token)]

    def suppressed_tokens(self) -> list[int]:
        """Tokens that the file says must never be generated."""
        count = ctypes.c_int32()
        tokens = llama.llama_vocab_get_suppress_tokens(self.handle, ctypes.byref(count))
        return [token for token in tokens[: count.value] if 0 <= token < self.size] if count.value > 0 else []

    def control_spellings(self) -> list[str]:
        """Every text that is taken for a control token, or for a mark of thinking or of tools, longest first."""
        spelled = {word for word, kinds, _ in self._special if kinds & _CONTROL_OR_UNKNOWN or word in _UNSPELLED}
        return sorted((word.decode("utf-8", "replace") for word in spelled if word), key=len, reverse=True)

    def end_spellings(self) -> list[str]:
        """Every text that is taken for the end of an answer."""
        ends = [word for word, _, token in self._special if llama.llama_vocab_is_eog(self.handle, token)]
        return [word for each in ends if not _FILL_IN.search(word := each.decode("utf-8", "replace"))]

    def has_thinking_marks(self) -> bool:
        """Whether the vocabulary has a token that ends thinking."""
        return any(len(self._tokenize(mark.encode(), True)) == 1 for mark in _CLOSING_MARKS)

    @cached_property
    def _special(self) -> list[tuple[bytes, int, int]]:
        """Spelling, attributes and number of each token that is no ordinary text."""
        attributes, text, handle = llama.llama_vocab_get_attr, llama.llama_vocab_get_text, self.handle
        wanted = _CONTROL_OR_UNKNOWN | _USER_DEFINED
        return [(text(handle, t), kinds, t) for t in range(self.size) if (kinds := attributes(handle, t)) & wanted]

    def control_token(self, text: str) -> int | None:
        """The control token that is spelled exactly `text`; None where there is none."""
        found = [token for token in self.tokenize(text, special=True) if self.text_of(token) == text]
        return next((token for token in found if llama.llama_vocab_is_control(self.handle, token)), None)

    def marking_token(self, text: str) -> int | None:
        """The token, control or defined by the file's maker, that is spelled exactly `text`; None without one."""
        found = self.tokenize(text, special=True)
        return found[0] if len(found) == 1 and self.text_of(found[0]) == text else None

    def _tokenize(self, text: bytes, special: bool) -> list[int]:
        room = len(text) + 8
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.handle, text, len(text), tokens, room, False, special)
        if count < 0:
            room = -count
            tokens = (llama.llama_token * room)()
            count = llama.llama_tokenize(self.handle, text, len(text), tokens, room, False, special)
        if count < 0:
            raise EngineError(tr("The text is too long for the model's tokenizer."))
        return list(tokens[:count])

    def _continue(self, text: bytes, special: bool) -> list[int]:
        if not self._is_spm or not text:
            return self._tokenize(text, special)
        mark, before = self._neutral
        tokens = self._tokenize(mark + text, special)
        return tokens[len(before) :] if tokens[: len(before)] == before else self._tokenize(text, special)

    def _piece(self, token: int, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = llama.llama_token_to_piece(self.handle, token, buffer, 64, 0, special)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self.handle, token, buffer, -size, 0, special)
        return buffer.raw[: max(size, 0)]


class _PieceTable(dict[int, bytes]):
    """The bytes that each token shows in an answer, looked up once; with `calls` those of the marks of calls too."""

    def __init__(self, tokenizer: Tokenizer, *, calls: bool = False) -> None:
        super().__init__()
        self._tokenizer, self._calls = tokenizer, calls

    def __missing__(self, token: int) -> bytes:
        piece = self[token] = self._tokenizer.visible_piece(token, calls=self._calls)
        return piece


def _cut(text: str) -> Iterator[str]:
    """A long text in pieces, cut before words where there are any.

    llama.cpp's SPM tokenizer takes time with the square of the length for what its vocabulary lacks: 200,000 emoji in
    one piece take 25 s. A cut before a single space changes no tokens: no vocabulary joins across it.
    """
    at = 0
    while len(text) - at > 2 * _PIECE:
        found = _WORD_BEGINS.search(text, at + _PIECE, at + _PIECE + _SEARCH)
        end = found.start() if found else at + _PIECE
        yield text[at:end]
        at = end
    yield text[at:]
