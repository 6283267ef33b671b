"""The options of commands that say how tokens are chosen, and what they make of an answer's options.

Like `arguments.py`, it imports only what parsing needs; what is parsed is made into values at its use.
"""

import argparse
import json
import math
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from desktop.cli.number_argument import decimal_number, whole_number
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.engine.generation_options import GenerationOptions, SamplingParams

_MOST_SEED = 2**32 - 1
_MOST_LOGPROBS = 20
_MOST_TOKENS = 2**31 - 1


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """What both one answer and a preset can say."""
    parser.add_argument(
        "--max-tokens", type=whole_number(1, _MOST_TOKENS), metavar="N", help=tr("stop after so many tokens")
    )
    parser.add_argument(
        "--temperature", type=decimal_number(0), metavar="T", help=tr("0 always takes the likeliest token")
    )
    parser.add_argument(
        "--top-p", type=decimal_number(0, 1), metavar="P", help=tr("of the likeliest tokens, those that make up P")
    )
    parser.add_argument(
        "--top-k", type=whole_number(0, _MOST_TOKENS), metavar="K", help=tr("of the likeliest tokens, K; 0 for all")
    )
    parser.add_argument(
        "--min-p",
        type=decimal_number(0, 1),
        metavar="P",
        help=tr("no token that is less likely than P times the likeliest"),
    )
    parser.add_argument("--seed", type=whole_number(0, _MOST_SEED), metavar="N", help=tr("makes an answer repeatable"))
    parser.add_argument(
        "--stop", action="append", metavar="T", help=tr("end the answer before this text; may be given several times")
    )
    parser.add_argument(
        "--sampling",
        type=_sampling,
        metavar="JSON",
        help=tr("an object of further sampling options, among them mirostat, dry_multiplier, samplers"),
    )


def add_output_control(parser: argparse.ArgumentParser) -> None:
    """What one answer alone can be asked for."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json-schema", metavar="FILE", help=tr("answer in JSON that conforms to this JSON Schema"))
    form.add_argument("--grammar", metavar="FILE", help=tr("answer in a sentence of this grammar (GBNF)"))
    parser.add_argument("--preset", metavar="NAME", help=tr("ask with a preset; “latchkey presets list” names them"))
    parser.add_argument(
        "--min-tokens",
        type=whole_number(0, _MOST_TOKENS),
        default=0,
        metavar="N",
        help=tr("go on for at least so many tokens"),
    )
    parser.add_argument(
        "--logprobs",
        type=whole_number(0, _MOST_LOGPROBS),
        default=0,
        metavar="N",
        help=tr("with --json: the N likeliest tokens at each place, with the logarithms of their probabilities"),
    )
    parser.add_argument(
        "--logit-bias",
        type=_logit_bias,
        default=(),
        metavar="JSON",
        help=tr("an object of tokens or texts, each with what is added to its logit, or false to forbid it"),
    )


def sampling_given(options: Namespace) -> "SamplingParams":
    """What the command line says of sampling, all else left out. Raises UsageError."""
    import msgspec

    from desktop.cli.exit_codes import UsageError
    from desktop.engine.generation_options import SamplingParams

    names = ("temperature", "top_p", "top_k", "min_p", "seed")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    further = options.sampling or {}
    known = {field.name for field in msgspec.structs.fields(SamplingParams)}
    unknown = next((name for name in further if name not in known), None)
    if unknown is not None:
        raise UsageError(
            tr("There is no sampling option {name}.").format(name=unknown),
            "",
            tr("There are: {names}.").format(names=", ".join(sorted(known))),
        )
    try:
        return msgspec.convert(further | given, SamplingParams)
    except msgspec.ValidationError as error:
        raise UsageError(
            tr("A value of --sampling cannot be used: {reason}.").format(reason=error), "", tr("Change it.")
        ) from None


def with_command_line(base: "GenerationOptions", options: Namespace) -> "GenerationOptions":
    """`base` with what `add_sampling` and `add_output_control` were given in its place; files apart."""
    import msgspec

    from desktop.chat.preset_file import with_given
    from desktop.cli.terminal_input import repair_input

    return msgspec.structs.replace(
        base,
        sampling=with_given(base.sampling, sampling_given(options)),
        max_tokens=base.max_tokens if options.max_tokens is None else options.max_tokens,
        stop=tuple(map(repair_input, options.stop)) if options.stop else base.stop,
        min_tokens=options.min_tokens,
        logprobs=options.logprobs,
        logit_bias=tuple(
            (repair_input(what) if isinstance(what, str) else what, bias) for what, bias in options.logit_bias
        ),
    )


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise argparse.ArgumentTypeError(tr("is no JSON")) from None


def _sampling(text: str) -> dict[str, Any]:
    value = _object(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(tr("must be a JSON object"))
    return value


def _logit_bias(text: str) -> tuple[tuple[int | str, float], ...]:
    """As llama-server takes it: an object, or a list of pairs. A key of digits is a token's number."""
    value = _object(text)
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise argparse.ArgumentTypeError(tr("must be an object, or a list of pairs"))
    biases: list[tuple[int | str, float]] = []
    for what, bias in pairs:
        if isinstance(what, str) and isinstance(value, dict) and what.isdecimal() and what.isascii():
            what = int(what[:12])
        is_token = isinstance(what, str | int) and not isinstance(what, bool)
        is_number = isinstance(bias, int | float) and not isinstance(bias, bool) and not math.isnan(bias)
        if not is_token or not (is_number or bias is False):
            raise argparse.ArgumentTypeError(tr("must give each token or text a number, or false"))
        if isinstance(what, int) and not -(2**63) <= what < 2**63:
            raise argparse.ArgumentTypeError(tr("names a token that no model has"))
        biases.append((what, -math.inf if bias is False else max(-1e9, min(float(bias), 1e9))))
    return tuple(biases)
