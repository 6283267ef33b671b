"""What the command understands. Only argparse: nothing here loads what a command needs to run."""

import argparse
import math

from desktop import __version__
from desktop.catalog.terms import PURPOSES
from desktop.translation import tr

_SEED_LIMIT = 2**32


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. Wrong usage ends it with exit code 2."""
    top = argparse.ArgumentParser(
        prog="latchkey",
        allow_abbrev=False,
        description=tr("Chat with language models that run on this machine. Without arguments the window opens."),
        epilog=tr(
            "Exit codes: 0 done, 2 usage, 3 no such model, file or conversation, 4 license, 5 access, 6 engine,"
            " 7 integrity, 8 forbidden, 9 network, 10 disk or memory, 130 interrupted."
        ),
    )
    top.add_argument("--version", action="version", version=f"latchkey {__version__}")
    commands = top.add_subparsers(dest="command", metavar=tr("COMMAND"))
    _add_ask(_command(commands, "ask", tr("answer one question")))
    _add_models(_command(commands, "models", tr("the models of the catalog and on this disk")))
    _add_licenses(_command(commands, "licenses", tr("licenses, and the record of who accepted them")))
    _add_conversations(_command(commands, "conversations", tr("the conversations kept on this disk")))
    _add_bench(_command(commands, "bench", tr("measure speed on this machine")))
    _add_json(_command(commands, "doctor", tr("say what Latchkey found on this machine")))
    return top


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".", allow_abbrev=False)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help=tr("print one JSON value and nothing else"))


def _add_ask(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar=tr("TEXT"), help=tr("the question; “-” reads it from standard input"))
    command.add_argument("--model", metavar="ID|PATH", help=tr("a model's id, or the path of a GGUF file"))
    command.add_argument("--system", metavar="T", help=tr("a system prompt"))
    command.add_argument("--max-tokens", type=_positive, metavar="N", help=tr("stop after so many tokens"))
    command.add_argument("--temperature", type=_temperature, metavar="T", help=tr("0 always takes the likeliest token"))
    command.add_argument("--seed", type=_seed, metavar="N", help=tr("makes an answer repeatable"))
    command.add_argument("--conversation", metavar="ID", help=tr("continue a conversation, and keep the turn in it"))
    command.add_argument(
        "--raw-prompt", action="store_true", help=tr("give the model the text without its chat template")
    )
    command.add_argument("--ignore-eos", action="store_true", help=tr("go on where the model would end"))
    _add_json(command)


def _add_models(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar=tr("ACTION"), required=True)
    _add_json(_command(actions, "list", tr("every model of the catalog and on this disk")))
    show = _command(actions, "show", tr("all that is known of one model, and what stands between you and chatting"))
    show.add_argument("id", metavar="ID", help=_model_help())
    _add_json(show)
    check = _command(actions, "check", tr("check a catalog file, and name every mistake with its line"))
    check.add_argument("file", metavar=tr("FILE"), help=tr("a models.toml, whole, or one that adds to the catalog"))
    _add_json(check)
    brought = _command(actions, "import", tr("add a GGUF file of your own; it stays where it is"))
    brought.add_argument("path", metavar="PATH", help=tr("the GGUF file"))
    brought.add_argument("--license", metavar="ID", help=tr("its license, where you know better than the file does"))
    brought.add_argument("--copy", action="store_true", help=tr("copy it to Latchkey's models"))
    _add_json(brought)
    remove = _command(actions, "remove", tr("take a model off this disk; a file used in place is left alone"))
    remove.add_argument("id", metavar="ID", help=_model_help())
    verify = _command(actions, "verify", tr("read model files again and compare their hashes"))
    verify.add_argument("id", metavar="ID", nargs="?", help=tr("one model; all on this disk where it is left out"))
    _add_json(verify)


def _add_licenses(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar=tr("ACTION"), required=True)
    _add_json(_command(actions, "list", tr("every license of the catalog")))
    show = _command(actions, "show", tr("the exact text of a license, or of all that a model is under"))
    show.add_argument("id", metavar="LICENSE-OR-MODEL")
    which = show.add_mutually_exclusive_group()
    which.add_argument("--acceptable-use", action="store_true", help=tr("the use policy that the license incorporates"))
    which.add_argument("--changes", action="store_true", help=tr("what changed since you accepted the model's license"))
    _add_json(show)
    _add_accept(_command(actions, "accept", tr("record that you accept a license text for a model")))
    revoke = _command(actions, "revoke", tr("take back what you accepted for a model"))
    revoke.add_argument("model", metavar="MODEL")
    _add_json(revoke)
    _add_json(_command(actions, "log", tr("the ledger: everything that was accepted, revoked, loaded and refused")))
    export = _command(actions, "export", tr("write the ledger to a file for somebody else"))
    export.add_argument("file", metavar=tr("FILE"), help=tr("its suffix decides: .json, .csv, .html or .cdx.json"))
    verify = _command(actions, "verify", tr("check that nobody changed the ledger, or an exported JSON file"))
    verify.add_argument("file", metavar=tr("FILE"), nargs="?", help=tr("an exported .json; the ledger if left out"))
    _add_json(verify)


def _add_accept(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help=_model_help())
    command.add_argument(
        "--text-sha256",
        metavar="HASH",
        required=True,
        help=tr("the sha256 of the text you read; “licenses show” has it"),
    )
    command.add_argument("--as", metavar="NAME", dest="person", required=True, help=tr("your name"))
    command.add_argument("--purpose", metavar="P", choices=PURPOSES, required=True, help=", ".join(PURPOSES))
    command.add_argument("--organization", metavar="O", default="", help=tr("for whom you accept it"))
    command.add_argument("--license", metavar="ID", help=tr("which of the model's licenses; the hash says it already"))
    _add_json(command)


def _add_conversations(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar=tr("ACTION"), required=True)
    _add_json(_command(actions, "list", tr("every conversation, newest first")))
    show = _command(actions, "show", tr("the messages of one conversation"))
    show.add_argument("id", metavar="ID")
    _add_json(show)
    search = _command(actions, "search", tr("messages that hold certain words"))
    search.add_argument("text", metavar=tr("TEXT"))
    _add_json(search)


def _add_bench(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model", metavar="PATH", help=tr("a GGUF file, instead of one of random weights that is written here")
    )
    command.add_argument("--window", action="store_true", help=tr("measure the window only"))
    command.add_argument(
        "--quick", action="store_true", help=tr("a small model and fewer rounds: shows that it works, not how fast")
    )
    _add_json(command)


def _model_help() -> str:
    return tr("a model's id, or the path of a GGUF file")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(tr("must be 1 or more"))
    return value


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
