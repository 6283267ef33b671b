"""What the command understands. Only argparse: nothing here loads what a command needs to run."""

import argparse
import math

from desktop import __version__
from desktop.catalog.terms import PURPOSES
from desktop.cli.arguments_models import add_models, model_help
from desktop.cli.arguments_online import add_access, add_network, add_offline, add_token
from desktop.cli.arguments_parts import Parser, actions, add_json, command, positive
from desktop.translation import tr

_SEED_LIMIT = 2**32


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. Wrong usage ends it with exit code 2."""
    top: argparse.ArgumentParser = Parser(
        prog="latchkey",
        allow_abbrev=False,
        description=tr("Chat with language models that run on this machine. Without arguments the window opens."),
        epilog=tr(
            "Exit codes: 0 done, 2 usage, 3 no such model, file or conversation, 4 license, 5 access, 6 engine,"
            " 7 integrity, 8 forbidden, 9 network, 10 disk or memory, 130 interrupted, 141 the reader went away."
        ),
    )
    top.add_argument("--version", action="version", version=f"latchkey {__version__}")
    commands = top.add_subparsers(dest="command", metavar=tr("COMMAND"))
    _add_ask(command(commands, "ask", tr("answer one question")))
    add_models(command(commands, "models", tr("the models of the catalog and on this disk")))
    add_access(command(commands, "access", tr("ask the Hub whether you may have a model")))
    add_token(command(commands, "token", tr("your access token for the Hub: give it, check it, forget it")))
    _add_licenses(command(commands, "licenses", tr("licenses, and the record of who accepted them")))
    _add_conversations(command(commands, "conversations", tr("the conversations kept on this disk")))
    add_offline(command(commands, "offline", tr("the switch that keeps Latchkey off the network")))
    add_network(command(commands, "network", tr("what Latchkey sent, and where to")))
    _add_bench(command(commands, "bench", tr("measure speed on this machine")))
    engine = actions(command(commands, "engine", tr("what computes the answers: llama.cpp on this processor")))
    add_json(command(engine, "test", tr("compute each kind of quantization here and compare it with a reference")))
    add_json(command(commands, "doctor", tr("say what Latchkey found on this machine")))
    return top


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar=tr("TEXT"), help=tr("the question; “-” reads it from standard input"))
    parser.add_argument("--model", metavar="ID|PATH", help=tr("a model's id, or the path of a GGUF file"))
    parser.add_argument("--system", metavar="T", help=tr("a system prompt"))
    parser.add_argument("--max-tokens", type=positive, metavar="N", help=tr("stop after so many tokens"))
    parser.add_argument("--temperature", type=_temperature, metavar="T", help=tr("0 always takes the likeliest token"))
    parser.add_argument("--seed", type=_seed, metavar="N", help=tr("makes an answer repeatable"))
    parser.add_argument("--conversation", metavar="ID", help=tr("continue a conversation, and keep the turn in it"))
    parser.add_argument(
        "--raw-prompt", action="store_true", help=tr("give the model the text without its chat template")
    )
    parser.add_argument("--ignore-eos", action="store_true", help=tr("go on where the model would end"))
    add_json(parser)


def _add_licenses(parser: argparse.ArgumentParser) -> None:
    does = actions(parser)
    add_json(command(does, "list", tr("every license of the catalog")))
    show = command(does, "show", tr("the exact text of a license, or of all that a model is under"))
    show.add_argument("id", metavar="LICENSE-OR-MODEL")
    which = show.add_mutually_exclusive_group()
    which.add_argument("--acceptable-use", action="store_true", help=tr("the use policy that the license incorporates"))
    which.add_argument("--changes", action="store_true", help=tr("what changed since you accepted the model's license"))
    which.add_argument(
        "--against-standard",
        action="store_true",
        help=tr("in what the publisher's own text differs from that of the license that its card names"),
    )
    add_json(show)
    _add_accept(command(does, "accept", tr("record that you accept a license text for a model")))
    revoke = command(does, "revoke", tr("take back what you accepted for a model"))
    revoke.add_argument("model", metavar="MODEL")
    add_json(revoke)
    add_json(command(does, "log", tr("the ledger: everything that was accepted, revoked, loaded and refused")))
    segment = command(does, "new-segment", tr("go on with a new key in a file where the keyring does not open"))
    add_json(segment)
    export = command(does, "export", tr("write the ledger to a file for somebody else"))
    export.add_argument("file", metavar=tr("FILE"), help=tr("its suffix decides: .json, .csv, .html or .cdx.json"))
    verify = command(does, "verify", tr("check that nobody changed the ledger, or an exported JSON file"))
    verify.add_argument("file", metavar=tr("FILE"), nargs="?", help=tr("an exported .json; the ledger if left out"))
    add_json(verify)


def _add_accept(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=model_help())
    parser.add_argument(
        "--text-sha256",
        metavar="HASH",
        required=True,
        help=tr("the sha256 of the text you read; “licenses show” has it"),
    )
    parser.add_argument("--as", metavar="NAME", dest="person", required=True, help=tr("your name"))
    parser.add_argument("--purpose", metavar="P", choices=PURPOSES, required=True, help=", ".join(PURPOSES))
    parser.add_argument("--organization", metavar="O", default="", help=tr("for whom you accept it"))
    parser.add_argument("--license", metavar="ID", help=tr("which of the model's licenses; the hash says it already"))
    add_json(parser)


def _add_conversations(parser: argparse.ArgumentParser) -> None:
    does = actions(parser)
    add_json(command(does, "list", tr("every conversation, newest first")))
    show = command(does, "show", tr("the messages of one conversation"))
    show.add_argument("id", metavar="ID")
    add_json(show)
    search = command(does, "search", tr("messages that hold certain words"))
    search.add_argument("text", metavar=tr("TEXT"))
    add_json(search)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="PATH", help=tr("a GGUF file, instead of one of random weights that is written here")
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--window", action="store_true", help=tr("measure the window only"))
    only.add_argument("--transfer", action="store_true", help=tr("measure only how fast files are fetched"))
    parser.add_argument(
        "--quick", action="store_true", help=tr("a small model and fewer rounds: shows that it works, not how fast")
    )
    add_json(parser)


def _temperature(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(tr("must be 0 or more"))
    return value


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < _SEED_LIMIT:
        raise argparse.ArgumentTypeError(tr("must be between 0 and 4294967295"))
    return value
