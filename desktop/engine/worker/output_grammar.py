"""What an answer must look like: a JSON Schema or a GBNF grammar as llguidance follows it, token by token.

llguidance is what llama.cpp itself can be built with in place of its own grammars. It says which tokens of a vocabulary
of 152,000 may come next in 20 to 500 µs, where llama.cpp's sampler takes 22 ms, and where a grammar explodes it gives
up with a reason, where llama.cpp hangs or aborts the process.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.engine.generation_options import GrammarFormat, JsonSchemaFormat
from desktop.engine.worker.gbnf import GbnfError, lark_grammar
from desktop.engine.worker.json_schema import checked_schema, schema_error
from desktop.engine.worker.tokenizer import Tokenizer
from desktop.errors import EngineError
from desktop.translation import tr

_MOST_ITEMS = 4_000_000  # of the parser in one step: some 200 ms; a letter of GBNF is a terminal of its own
_JSON_OPTIONS = {
    # Up to 40 characters between two tokens of JSON: a model that likes white space cannot go on with it for ever.
    "whitespace_pattern": r"[\x20\x0A\x0D\x09]{1,40}",
    "lenient": False,
    "coerce_one_of": False,
}


class GrammarVocabulary:
    """The vocabulary of one model as llguidance needs it: made when the first grammar asks, 0.5 to 1.5 s at 152,000
    tokens, and kept."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._made: Any = None

    def grammar(self, form: JsonSchemaFormat | GrammarFormat, ends: Iterable[int]) -> "OutputGrammar":
        """The grammar of one answer, at its beginning. `ends` are the tokens that end an answer. Raises EngineError
        where there can be none, with the reason."""
        import llguidance

        if isinstance(form, JsonSchemaFormat):
            schema = checked_schema(form.schema)
            refusal: Callable[[str], EngineError] = schema_error
            try:
                source = llguidance.LLMatcher.grammar_from_json_schema(schema, overrides=_JSON_OPTIONS)
            except ValueError as error:
                raise schema_error(_sentence(str(error))) from None
        else:
            refusal = grammar_error
            try:
                source = llguidance.LLMatcher.grammar_from_lark(lark_grammar(form.grammar))
            except GbnfError as error:
                raise grammar_error(f"{error}.") from None
        return self._begin(source, refusal, ends)

    def call_grammar(self, lark: str, ends: Iterable[int]) -> "OutputGrammar":
        """That of a call of a tool, written in llguidance's Lark, as `grammar`."""
        import llguidance

        try:
            source = llguidance.LLMatcher.grammar_from_lark(lark)
        except ValueError as error:
            raise schema_error(_sentence(str(error))) from None
        return self._begin(source, schema_error, ends)

    def _begin(self, source: str, refusal: Callable[[str], EngineError], ends: Iterable[int]) -> "OutputGrammar":
        import llguidance

        limits = llguidance.LLParserLimits(step_max_items=_MOST_ITEMS, verbose_errors=False)
        matcher = llguidance.LLMatcher(self._vocabulary(), source, log_level=0, limits=limits)
        if matcher.is_error():
            raise refusal(_sentence(_keywords_named(matcher.get_error())))
        return OutputGrammar(matcher, self._tokenizer.size, frozenset(ends))

    def _vocabulary(self) -> Any:
        if self._made is None:
            import llguidance

            self._made = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Vocabulary(self._tokenizer)))
        return self._made


class _Vocabulary:
    """The bytes of every token, in the form that llguidance.TokenizerWrapper takes. A token that is no text has none.

    The last token is no model's: it stands for all that end an answer, which are not llguidance's business here.
    """

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.tokens = [*tokenizer.text_pieces(), b"\xff<end>"]
        self._bytes = {piece[0]: token for token, piece in enumerate(self.tokens) if len(piece) == 1}
        self.eos_token_id = tokenizer.size
        self.special_token_ids = [tokenizer.size]

    def __call__(self, text: bytes) -> list[int]:
        """Text that the grammar leaves no choice about, as the model would write it; one byte after the other where it
        has another spelling for it (SPM vocabularies take U+2581 for a space)."""
        made = self._tokenizer.tokenize(text.decode("utf-8", "replace"), special=False, continued=True)
        if b"".join(self.tokens[token] for token in made) == text:
            return made
        return [self._bytes[byte] for byte in text if byte in self._bytes]


class OutputGrammar:
    """One answer's grammar, and how far the answer is in it: `accepted` tokens, and `begun` once it has any.

    Raises EngineError where it has become too much to follow.
    """

    def __init__(self, matcher: Any, size: int, ends: frozenset[int]) -> None:
        self._matcher = matcher
        self._size = size
        self._ends = ends
        self._end_ids = np.array(sorted(ends), dtype=np.int64)
        self._bits = np.zeros(size // 32 + 1, dtype=np.int32)
        self.begun = False
        self.accepted = 0

    @property
    def accepting(self) -> bool:
        """Whether the answer may end here."""
        return bool(self._matcher.is_accepting())

    @property
    def complete(self) -> bool:
        """Whether nothing more can come: the answer is over."""
        stopped: bool = self._matcher.is_stopped()
        if stopped:
            self._check()
        return stopped

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        if token in self._ends:
            return self.accepting
        valid: bool = self._matcher.validate_tokens([token]) == 1
        if not valid:
            self._check()
        return valid

    def allowed(self) -> npt.NDArray[np.int64]:
        """Every token that may come next."""
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        self._check()
        flags = np.unpackbits(self._bits.view(np.uint8), bitorder="little")[: self._size]
        allowed = np.flatnonzero(flags)
        if self._ends and self.accepting:
            return np.union1d(allowed, self._end_ids)
        return allowed

    def accept(self, token: int) -> None:
        """`token` came."""
        self.begun = True
        if token not in self._ends:
            self.accepted += 1
            if not self._matcher.consume_token(token):
                self._check()

    def take_back(self, accepted: int) -> None:
        """Only the first `accepted` of the tokens came after all."""
        if self.accepted > accepted:
            self._matcher.rollback(self.accepted - accepted)
            self.accepted, self.begun = accepted, accepted > 0

    def _check(self) -> None:
        if self._matcher.is_error():
            raise EngineError(
                tr("The answer could not be kept to its grammar."),
                _sentence(self._matcher.get_error()),
                tr("Use a simpler grammar or schema."),
            )


def grammar_error(reason: str) -> EngineError:
    """The grammar cannot be used; `reason` is a sentence."""
    return EngineError(tr("The grammar cannot be used."), reason, tr("Change it, or ask without it."))


def _keywords_named(reason: str) -> str:
    """`reason`, where it is that llguidance cannot express some keywords of the schema."""
    found = re.match(r"Unimplemented keys: \[(.*)\]", reason)
    if found is None:
        return reason
    return tr("Latchkey cannot keep an answer to {keywords}").format(keywords=found[1].replace('"', ""))


def _sentence(reason: str) -> str:
    """What llguidance says, as one sentence: it adds lines for its own developers."""
    lines = [line.strip() for line in reason.partition("<")[0].splitlines() if line.strip(" ^\t")]
    return " ".join(lines)[:500].rstrip(".") + "."
