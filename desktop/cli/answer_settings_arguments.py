"""The options of commands that say what answers of a conversation or a model are asked with, and what they make of
them. Like `arguments`, it imports only what parsing needs."""

import argparse
import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.chat.conversation_options import OptionChanges

_NONE, _AUTOMATIC = "none", "auto"
_EFFORTS = ("low", "medium", "high")


def add_answer_settings(parser: argparse.ArgumentParser) -> None:
    """What is set; what is not given stays as it is."""
    parser.add_argument("--system", metavar="T|none", help=tr("a system prompt; “none” takes it away"))
    parser.add_argument("--preset", metavar="NAME|none", help=tr("a preset; “none” names none any more"))
    parser.add_argument(
        "--thinking",
        type=_thinking,
        metavar="on|off|low|medium|high|N|auto",
        help=tr("whether, with what effort or for how many tokens the model thinks; “auto” leaves it to the model"),
    )
    parser.add_argument(
        "--sampling",
        type=_object,
        metavar="JSON",
        help=tr("an object of sampling options and max_tokens; null takes one away, and “{}” all of them"),
    )


def answer_changes(options: Namespace) -> "OptionChanges":
    """What the options say. Raises UsageError where a sampling option cannot be."""
    from desktop.cli.terminal_input import repair_input

    changes: dict[str, Any] = {}
    if options.system is not None:
        changes["system_prompt"] = "" if options.system == _NONE else repair_input(options.system)
    if options.preset is not None:
        changes["preset"] = None if options.preset == _NONE else repair_input(options.preset)
    if options.thinking is not None:
        changes |= {"thinking": None, "effort": None, "thinking_budget": None} | options.thinking
    if options.sampling is not None:
        changes |= _sampling(options.sampling)
    return changes


def _sampling(given: dict[str, Any]) -> dict[str, Any]:
    from desktop.chat.answer_settings import MAX_TOKENS, read_sampling
    from desktop.cli.exit_codes import UsageError
    from desktop.engine.generation_options import SamplingParams

    known = (*SamplingParams.__struct_fields__, MAX_TOKENS)
    if not given:
        return dict.fromkeys(known)
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise UsageError(
            tr("There is no sampling option {name}.").format(name=unknown),
            "",
            tr("There are: {names}.").format(names=", ".join(sorted(known))),
        )
    stored = {name: json.dumps(value) if isinstance(value, list) else value for name, value in given.items()}
    sampling, most = read_sampling(stored)
    for name, value in stored.items():
        if value is not None and (most if name == MAX_TOKENS else getattr(sampling, name)) is None:
            raise UsageError(
                tr("{name} cannot be {value}.").format(name=name, value=json.dumps(given[name])), "", tr("Change it.")
            )
    return stored


def _thinking(text: str) -> dict[str, Any]:
    if text == _AUTOMATIC:
        return {}
    if text in ("on", "off"):
        return {"thinking": text == "on"}
    if text in _EFFORTS:
        return {"effort": text}
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 10:
        raise argparse.ArgumentTypeError(tr("must be on, off, low, medium, high, auto or a number of tokens"))
    return {"thinking_budget": int(text)} if int(text) else {"thinking": False}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise argparse.ArgumentTypeError(tr("is no JSON")) from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(tr("must be a JSON object"))
    return value
