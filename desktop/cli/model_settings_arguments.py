"""The arguments of `latchkey models settings`. Only argparse, as in `arguments`."""

import argparse
import math
from collections.abc import Callable
from typing import Any

from desktop.cli.answer_settings_arguments import add_answer_settings
from desktop.cli.arguments import add_json, model_help
from desktop.cli.number_argument import whole_number
from desktop.translation import tr

KV_CACHE_TYPES = ("f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
"""Those of `desktop.settings.KvCacheType`."""


def add_model_settings(parser: argparse.ArgumentParser) -> None:
    """What can be set for one model; what is not given stays as it is."""
    parser.add_argument("id", metavar="ID", help=model_help())
    auto = tr("“auto” leaves it to Latchkey")
    for option, metavar, kind, about in (
        ("--context", "N", _or_automatic(whole_number(1, 1 << 30)), tr("length of the context in tokens")),
        ("--layers", "N", _or_automatic(_layers), tr("layers on the GPU, “all” or a number")),
        ("--kv-type", "TYPE", _kv_types, tr("type of the KV cache, such as q8_0; TYPE,TYPE for keys and values")),
        ("--threads", "N", _or_automatic(whole_number(1, 4096)), tr("threads to compute with")),
        ("--parallel", "N", _or_automatic(whole_number(1, 64)), tr("answers at once")),
        ("--mmap", "on|off", _or_automatic(_on_off), tr("map the file into memory instead of reading it")),
        ("--mlock", "on|off", _or_automatic(_on_off), tr("keep the model from being swapped out")),
    ):
        parser.add_argument(option, metavar=metavar, type=kind, help=f"{about}; {auto}")
    parser.add_argument(
        "--template", metavar=tr("FILE|none"), help=tr("a chat template (Jinja) in place of the model's own")
    )
    parser.add_argument("--stop", metavar="T", action="append", help=tr("text that ends an answer; '' for none"))
    parser.add_argument(
        "--device", metavar="NAME", action="append", help=tr("a GPU to use, as doctor names it; or auto")
    )
    parser.add_argument(
        "--tensor-split", metavar="N,N…", type=_portions, help=tr("the portion of each GPU; '' leaves it to Latchkey")
    )
    parser.add_argument(
        "--lora", metavar="ID|PATH[:SCALE]", action="append", help=tr("an adapter to put on it; '' for none")
    )
    add_answer_settings(parser)
    parser.add_argument("--reset", action="store_true", help=tr("forget what was set for this model before"))
    add_json(parser)


def _or_automatic(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """What `kind` reads, or the word "auto"."""

    def read(text: str) -> Any:
        return text if text == "auto" else kind(text)

    return read


def _layers(text: str) -> int:
    return -1 if text == "all" else whole_number(-1, 100_000)(text)


def _on_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(tr("must be on, off or auto"))
    return text == "on"


def _kv_types(text: str) -> str:
    kinds = text.split(",")
    if text != "auto" and (len(kinds) > 2 or not set(kinds) <= set(KV_CACHE_TYPES)):
        raise argparse.ArgumentTypeError(
            tr("{text} is none of the types of a KV cache: {types}.").format(text=text, types=", ".join(KV_CACHE_TYPES))
        )
    return text


def _portions(text: str) -> tuple[float, ...]:
    try:
        portions = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        portions = (math.nan,)
    if not all(math.isfinite(portion) and portion >= 0 for portion in portions):
        raise argparse.ArgumentTypeError(tr("{text} is no list of numbers, such as 3,1.").format(text=text))
    return portions
