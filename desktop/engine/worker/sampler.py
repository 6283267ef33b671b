"""How the tokens of one answer are chosen: a chain of native samplers, and what an answer may ask for besides them.

Where nothing is asked for, a token costs one C call. A grammar is asked about the token that was drawn without it, and
only where it refuses that one does it list what it allows, from which the chain draws again: `common_sampler_sample`
with `grammar_first` false, in llama.cpp's sampling.cpp.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from desktop.engine.generation_options import MOST_BIASES, MOST_LOGPROBS, GenerationOptions, SamplingParams
from desktop.engine.token_logprobs import TokenLogprob
from desktop.engine.worker.answer_marks import TAG_STYLES
from desktop.engine.worker.answer_text import AnswerText
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.sampler_chain import SamplerChain
from desktop.engine.worker.tokenizer import Tokenizer
from desktop.errors import EngineError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.engine.worker.output_grammar import OutputGrammar
    from desktop.engine.worker.token_candidates import Logits, TokenCandidates


@dataclass
class _Before:
    """What the last choice of a step is taken back to: a copy of the chain as the step began, None where it holds no
    state, the tokens chosen since, and the rest as it was before the last choice."""

    chain: Any
    chosen: list[int] = field(default_factory=list)
    count: int = 0
    blanks: int = 0
    forced: tuple[int, ...] = ()
    logprobs: int = 0
    accepted: int = 0
    noted: int = 0

    def note(self, count: int, blanks: int, forced: Sequence[int], logprobs: int, accepted: int) -> None:
        """The next choice follows."""
        self.count, self.blanks, self.forced = count, blanks, tuple(forced)
        self.logprobs, self.accepted, self.noted = logprobs, accepted, len(self.chosen)


END_OF_ANSWER = -1
"""In place of a token: the grammar is complete, and nothing more may come."""
_STRONGEST_BIAS = 1e6
_BLANKS_AFTER_THINKING = 2


class Sampler:
    """Chooses the tokens of one answer. Owns native samplers: call `close`.

    `ends` are all tokens that end an answer, of which there are none before `min_tokens`; `forbidden` tokens never
    come. With a `grammar`, `text` says where the answer itself begins: until then, while a model thinks, every token is
    free. Each token has to be fed to `text` before the next one is sampled.

    `logprobs` are those of the tokens chosen so far, where the options ask for them.

    While a step of speculation is under way (`begin_step`), a greedy choice leaves in `gap` by how much the best logit
    exceeded the second, and can be taken back.
    """

    def __init__(
        self,
        settings: SamplingParams,
        options: GenerationOptions,
        tokenizer: Tokenizer,
        context_length: int,
        text: AnswerText,
        *,
        ends: Sequence[int] = (),
        forbidden: Sequence[int] = (),
        grammar: "OutputGrammar | None" = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._text = text
        self._ends = frozenset(ends)
        self._forbidden = frozenset(forbidden)
        self._min_tokens = options.min_tokens
        self._top = min(options.logprobs, MOST_LOGPROBS)
        self._grammar = grammar
        self._count = self._blanks = 0
        self._candidates: TokenCandidates | None = None
        self._forced: list[int] = []
        self._openers = _thinking_openers(tokenizer) if grammar and options.thinking.enabled is not False else set()
        self.seed = settings.seed or 0
        self.logprobs: list[TokenLogprob] = []
        biases = logit_biases(options.logit_bias, tokenizer)
        barred = sorted(self._ends) if self._min_tokens > 0 else ()
        biases |= dict.fromkeys(self._forbidden, -math.inf)
        self._never = frozenset(token for token, bias in biases.items() if bias == -math.inf)
        self._chain = SamplerChain(settings, tokenizer, context_length, biases, barred)
        self._plain = grammar is None and not self._top and not barred
        self._before: _Before | None = None

    @property
    def greedy(self) -> bool:
        """Whether always the likeliest token is chosen."""
        return self._chain.gap is not None

    @property
    def gap(self) -> float:
        """By how much the best logit exceeded the second when the last token was chosen; infinite if that is not
        looked at."""
        return self._chain.gap.gap if self._chain.gap is not None else math.inf

    @property
    def may_guess(self) -> bool:
        """Whether several tokens may be chosen from one computation. Not while `min_tokens` bars the end, nor while the
        mark that closes thinking is forced."""
        return self._count >= self._min_tokens and not self._forced

    def sample(self, context: Any, index: int) -> int:
        """Choose and accept the next token from the logits of batch output `index`; END_OF_ANSWER where there is none.
        Raises EngineError where the grammar allows nothing that the rest does not forbid."""
        if self._plain and self._before is None:
            token: int = llama.llama_sampler_sample(self._chain.handle, context, index)
            return token
        if self._before is not None:
            taken = self._grammar.accepted if self._grammar is not None else 0
            self._before.note(self._count, self._blanks, self._forced, len(self.logprobs), taken)
        if self._grammar is None:
            token = llama.llama_sampler_sample(self._chain.handle, context, index)
        else:
            token = self._sample_constrained(context, index, self._grammar)
        if token != END_OF_ANSWER:
            if self._before is not None:
                self._before.chosen.append(token)
            self._took(token)
            if self._top:
                self._report(context, index, token)
        return token

    def force(self, token: int, context: Any, index: int) -> None:
        """`token` comes next, whatever the model would have chosen from the logits of batch output `index`."""
        self._chosen(token)
        self._took(token)
        if self._top:
            self._report(context, index, token)

    def accept(self, prompt: Sequence[int]) -> None:
        """Show the chain the prompt's tail, where it holds samplers that look back."""
        for token in prompt[-self._chain.lookback :] if self._chain.lookback else ():
            llama.llama_sampler_accept(self._chain.handle, token)

    def replay(self, token: int) -> None:
        """`token` was chosen by an earlier worker; the chain is shown it by `accept`."""
        grammar = self._grammar
        if grammar is not None and self._text.answering:
            self._catch_up(grammar)
            if not self._is_free(token, grammar) and grammar.allows(token):
                grammar.accept(token)
        self._took(token)

    def begin_step(self) -> None:
        """From now on look at the gap, and be ready to take a choice back."""
        if self._chain.gap is not None:
            self._chain.gap.look(True)
            self._before = _Before(self._chain.copy() if self._chain.lookback else None)

    def take_back(self) -> None:
        """Make the last choice unmade."""
        before = self._before
        assert before is not None
        del before.chosen[before.noted :]
        self._count, self._blanks, self._forced = before.count, before.blanks, list(before.forced)
        del self.logprobs[before.logprobs :]
        if before.chain is not None:
            before.chain = self._chain.exchange(before.chain)
            for token in before.chosen:
                llama.llama_sampler_accept(self._chain.handle, token)
        if self._grammar is not None:
            self._grammar.take_back(before.accepted)

    def end_step(self) -> None:
        """The step is over."""
        if self._chain.gap is not None:
            self._chain.gap.look(False)
        if self._before is not None and self._before.chain is not None:
            llama.llama_sampler_free(self._before.chain)
        self._before = None

    def close(self) -> None:
        """Free the native samplers; may be called twice."""
        self._chain.close()

    # --- tokens ---

    def _took(self, token: int) -> None:
        self._count += 1
        if self._count == self._min_tokens:
            self._chain.admit()
            self._plain = self._grammar is None and not self._top

    def _sample_constrained(self, context: Any, index: int, grammar: "OutputGrammar") -> int:
        if self._forced:
            return self._chosen(self._forced.pop(0))
        logits = self._logits(context, index)
        if not self._text.answering:
            return self._sample_thinking(logits)
        self._catch_up(grammar)
        if grammar.complete:
            return END_OF_ANSWER
        token = self._draw(logits)
        if token is not None:
            if grammar.allows(token):
                grammar.accept(token)
                return self._chosen(token)
            if self._is_free(token, grammar):
                self._blanks += 1
                return self._chosen(token)
        return self._sample_allowed(logits, grammar)

    def _sample_allowed(self, logits: "Logits", grammar: "OutputGrammar") -> int:
        """Draw from what the grammar allows."""
        from desktop.engine.worker.token_candidates import without

        barred = self._never | (self._ends if self._count < self._min_tokens else frozenset())
        allowed = without(grammar.allowed(), barred)
        token = int(allowed[0]) if len(allowed) == 1 else self._draw(logits, allowed) if len(allowed) else None
        if token is None:
            if grammar.accepting:
                return END_OF_ANSWER
            raise EngineError(
                tr("The answer could not be kept to its grammar."),
                tr("Nothing that may come next is in the model's vocabulary, or it is forbidden."),
                tr("Change the grammar or the biases, or ask without them."),
            )
        grammar.accept(token)
        return self._chosen(token)

    def _sample_thinking(self, logits: "Logits") -> int:
        """The next token while the model thinks, which does not end the answer: it closes its thinking instead."""
        token = self._draw(logits)
        if token is not None and token not in self._ends:
            return self._chosen(token)
        closing = self._tokenizer.tokenize(self._text.closing_mark, special=True, continued=True)
        if closing:
            token, *self._forced = closing
            return self._chosen(token)
        from desktop.engine.worker.token_candidates import without

        token = self._draw(logits, without(range(self._tokenizer.size), self._ends))
        return END_OF_ANSWER if token is None else self._chosen(token)

    def _chosen(self, token: int) -> int:
        llama.llama_sampler_accept(self._chain.handle, token)
        return token

    def _catch_up(self, grammar: "OutputGrammar") -> None:
        """Show the grammar what came in one token with the mark that closed thinking."""
        carried = self._text.carried if not grammar.begun else ""
        for token in self._tokenizer.tokenize(carried, special=False, continued=True) if carried else ():
            if not grammar.allows(token):
                raise EngineError(
                    tr("The answer could not be kept to its grammar."),
                    tr("The model began it in one token with the end of its thinking."),
                    tr("Ask again, or without thinking."),
                )
            grammar.accept(token)

    def _is_free(self, token: int, grammar: "OutputGrammar") -> bool:
        """Whether `token` may stand before the answer: the mark that opens thinking, or a little white space after it,
        which is not shown."""
        if grammar.begun:
            return False
        if not self._text.thought:
            return token in self._openers
        return self._blanks < _BLANKS_AFTER_THINKING and self._tokenizer.visible_piece(token).isspace()

    # --- candidates ---

    def _logits(self, context: Any, index: int) -> "Logits":
        from desktop.engine.worker.token_candidates import TokenCandidates, logits_at

        if self._candidates is None:
            self._candidates = TokenCandidates(self._tokenizer.size)
        return logits_at(context, index, self._tokenizer.size)

    def _draw(self, logits: "Logits", only: Any = None) -> int | None:
        assert self._candidates is not None
        return self._candidates.draw(self._chain.handle, logits, only)

    def _report(self, context: Any, index: int, token: int) -> None:
        from desktop.engine.worker.token_candidates import token_logprob

        self.logprobs.append(token_logprob(self._logits(context, index), token, self._top, self._tokenizer))


def logit_biases(asked: Sequence[tuple[int | str, float]], tokenizer: Tokenizer) -> dict[int, float]:
    """What is to be added to the logit of each token. Raises EngineError where one is asked for that is none."""
    if len(asked) > MOST_BIASES:
        raise _bias_error(tr("It has more than {count} entries.").format(count=f"{MOST_BIASES:,}"))
    biases: dict[int, float] = {}
    for what, bias in asked:
        if isinstance(what, int) and not 0 <= what < tokenizer.size:
            raise _bias_error(
                tr("There is no token {token}: this model has {count}.").format(token=what, count=f"{tokenizer.size:,}")
            )
        if math.isnan(bias):
            raise _bias_error(tr("The bias of {token} is no number.").format(token=what))
        tokens = [what] if isinstance(what, int) else tokenizer.tokenize(what, special=False, continued=True)
        strength = bias if bias == -math.inf else max(-_STRONGEST_BIAS, min(bias, _STRONGEST_BIAS))
        biases |= dict.fromkeys(tokens, strength)
    if sum(bias == -math.inf for bias in biases.values()) >= tokenizer.size:
        raise _bias_error(tr("It forbids every token."))
    return biases


def _bias_error(detail: str) -> EngineError:
    return EngineError(tr("The logit bias cannot be used."), detail, tr("Change it, or ask without it."))


def _thinking_openers(tokenizer: Tokenizer) -> set[int]:
    """The tokens that open thinking, each by itself."""
    spelled: Mapping[str, list[int]] = {
        style.opens: tokenizer.tokenize(style.opens, special=True, continued=True)
        for style in TAG_STYLES
        if not style.common
    }
    return {tokens[0] for tokens in spelled.values() if len(tokens) == 1}
