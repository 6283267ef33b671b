"""How likely the tokens of an answer were, as a worker tells it."""

from typing import Annotated

import msgspec

from desktop.engine.message_bounds import MOST_CANDIDATES, Logprob, TokenId, TokenText


class TokenCandidate(msgspec.Struct, frozen=True):
    """A token that might have come, as bytes, which need not be whole characters, and its probability's logarithm."""

    token: TokenId
    text: TokenText
    logprob: Logprob


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token that came, and the likeliest that might have, best first. Probabilities are those of the model's own
    distribution, before biases, grammar and samplers: the token that came need not be among `top`."""

    token: TokenId
    text: TokenText
    logprob: Logprob
    top: Annotated[tuple[TokenCandidate, ...], msgspec.Meta(max_length=MOST_CANDIDATES)] = ()
