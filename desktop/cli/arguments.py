"""The parser of the whole command: its subcommands, their arguments and help. Only argparse: nothing here loads what a
command needs to run.
"""

import argparse
import datetime
from typing import Any, NoReturn

from desktop import __version__
from desktop.catalog.license_terms import PURPOSES
from desktop.cli.number_argument import whole_number
from desktop.cli.sampling_arguments import add_output_control, add_sampling
from desktop.safe_text import one_line
from desktop.translation import tr


class CommandParser(argparse.ArgumentParser):
    """One whose complaints quote arguments without sending their control characters to the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


def command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    """A command of this name; `about` says in the list of commands what it does."""
    return commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".", allow_abbrev=False)


def actions(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    """The actions of a command that does nothing without one."""
    return parser.add_subparsers(dest="action", metavar=tr("ACTION"), required=True)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that scripts use."""
    parser.add_argument("--json", action="store_true", help=tr("print one JSON value and nothing else"))


def add_secrets(parser: argparse.ArgumentParser, *, token: bool) -> None:
    """How a script opens the vault of access tokens, or gives a token for this once: never by an argument."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--passphrase-stdin",
        action="store_true",
        help=tr("read the passphrase of the vault from the first line of standard input"),
    )
    if token:
        group.add_argument(
            "--token-stdin",
            action="store_true",
            help=tr("read an access token for this command alone from the first line of standard input"),
        )


def add_models(parser: argparse.ArgumentParser) -> None:
    """`latchkey models`."""
    from desktop.cli.model_settings_arguments import add_model_settings  # which builds on what is here

    does = actions(parser)
    listing = command(does, "list", tr("every model of the catalog and on this disk"))
    listing.add_argument("words", metavar=tr("WORD"), nargs="*", help=tr("only those whose name holds all of these"))
    listing.add_argument("--installed", action="store_true", help=tr("only those on this disk"))
    listing.add_argument("--adapters", action="store_true", help=tr("the adapters (LoRA) that were imported, instead"))
    add_json(listing)
    show = command(does, "show", tr("all that is known of one model, and what stands between you and chatting"))
    add_hub_model(show, "id")
    add_json(show)
    _add_search(command(does, "search", tr("search the Hub for models that Latchkey can run")))
    _add_get(command(does, "get", tr("fetch a model that you have access to and whose license you accepted")))
    _add_downloads(command(does, "downloads", tr("downloads that are not finished")))
    _add_import(command(does, "import", tr("add a GGUF file of your own; it stays where it is")))
    add_json(command(does, "found", tr("models that other programs keep on this disk")))
    add_model_settings(command(does, "settings", tr("how one model is loaded and answers: shown, changed and reset")))
    remove = command(does, "remove", tr("take a model off this disk; a file used in place is left alone"))
    remove.add_argument("id", metavar="ID", help=model_help())
    verify = command(does, "verify", tr("read model files again and compare their hashes"))
    verify.add_argument("id", metavar="ID", nargs="?", help=tr("one model; all on this disk where it is left out"))
    add_json(verify)
    check = command(does, "check", tr("check a catalog file, and name every mistake with its line"))
    check.add_argument("file", metavar=tr("FILE"), help=tr("a models.toml, whole, or one that adds to the catalog"))
    check.add_argument(
        "--evidence", action="store_true", help=tr("list the facts of each model that nothing was compared with")
    )
    add_json(check)


def model_help() -> str:
    """What names a model that is here."""
    return tr("a model's id, or the path of a GGUF file")


def add_hub_model(parser: argparse.ArgumentParser, name: str) -> None:
    """The argument that names a model which may be at the Hub only; the words of a pasted line are put together."""
    parser.add_argument(
        name,
        metavar=name.upper(),
        nargs="+",
        action=_JoinWordsAction,
        help=tr(
            "an id of the catalog, publisher/name at the Hub, publisher/name:Q4_K_M, a pasted address, or, in quotation"
            " marks, a pasted line of another program"
        ),
    )


class _JoinWordsAction(argparse.Action):
    """Several words become one text."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        setattr(namespace, self.dest, " ".join(values))


def _add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar=tr("TEXT"), nargs="+", help=tr("words of its name"))
    parser.add_argument(
        "--limit", type=whole_number(1), default=30, metavar="N", help=tr("so many at most; 30 if left out")
    )
    add_json(parser)


def _add_get(parser: argparse.ArgumentParser) -> None:
    add_hub_model(parser, "id")
    parser.add_argument("--file", metavar="NAME", default="", help=tr("which file: its name, or a quantization"))
    add_secrets(parser, token=True)
    add_json(parser)


def _add_downloads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cancel", metavar="ID", help=tr("give this one up, and delete what was fetched of it"))
    add_json(parser)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help=tr("the GGUF file"))
    parser.add_argument("--license", metavar="ID", help=tr("its license, where you know better than the file does"))
    parser.add_argument("--copy", action="store_true", help=tr("copy it to Latchkey's models"))
    parser.add_argument(
        "--found", action="store_true", help=tr("PATH is the name of a model that “models found” lists")
    )
    add_json(parser)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. Wrong usage ends it with exit code 2."""
    top: argparse.ArgumentParser = CommandParser(
        prog="latchkey",
        allow_abbrev=False,
        description=tr("Chat with language models that run on this machine. Without arguments the window opens."),
        epilog=tr(
            "Exit codes: 0 done, 2 usage, 3 no such model, file or conversation, 4 license, 5 access, 6 engine,"
            " 7 integrity, 8 forbidden, 9 network, 10 disk or memory, 130 interrupted, 141 the reader went away."
        ),
    )
    from desktop.cli.backup_arguments import add_backup  # which build on what is here
    from desktop.cli.collections_arguments import add_collections
    from desktop.cli.endpoints_arguments import add_endpoints
    from desktop.cli.network_arguments import add_access, add_network, add_offline, add_token, add_update
    from desktop.cli.preset_arguments import add_presets, add_prompts
    from desktop.cli.serve_arguments import add_serve
    from desktop.cli.tools_arguments import add_tools

    top.add_argument("--version", action="version", version=f"latchkey {__version__}")
    commands = top.add_subparsers(dest="command", metavar=tr("COMMAND"))
    _add_ask(command(commands, "ask", tr("answer one question")))
    add_models(command(commands, "models", tr("the models of the catalog and on this disk")))
    add_access(command(commands, "access", tr("ask the Hub whether you may have a model")))
    add_token(command(commands, "token", tr("your access token for the Hub: give it, check it, forget it")))
    _add_licenses(command(commands, "licenses", tr("licenses, and the record of who accepted them")))
    _add_conversations(command(commands, "conversations", tr("the conversations kept on this disk")))
    add_presets(command(commands, "presets", tr("named sets of system prompt, sampling, thinking and model")))
    add_prompts(command(commands, "prompts", tr("the library of prompts, which “/” in the window offers")))
    add_collections(command(commands, "collections", tr("folders of documents that answers can be found in")))
    add_tools(command(commands, "tools", tr("tool servers, and what each of their tools may")))
    add_serve(commands)
    add_endpoints(command(commands, "endpoints", tr("engines elsewhere, whose models are not on this machine")))
    add_backup(commands)
    add_offline(command(commands, "offline", tr("the switch that keeps Latchkey off the network")))
    add_network(command(commands, "network", tr("what Latchkey sent, and where to")))
    add_update(command(commands, "update", tr("whether there is a newer version of Latchkey; only when you ask")))
    _add_bench(command(commands, "bench", tr("measure speed on this machine")))
    engine = actions(command(commands, "engine", tr("what computes the answers: llama.cpp on this processor")))
    add_json(command(engine, "test", tr("compute each kind of quantization here and compare it with a reference")))
    add_json(command(commands, "doctor", tr("say what Latchkey found on this machine")))
    return top


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar=tr("TEXT"), help=tr("the question; “-” reads it from standard input"))
    parser.add_argument("--model", metavar="ID|PATH", help=tr("a model's id, or the path of a GGUF file"))
    parser.add_argument("--system", metavar="T", help=tr("a system prompt"))
    add_sampling(parser)
    add_output_control(parser)
    parser.add_argument(
        "--conversation", metavar="ID|new", help=tr("continue a conversation, or begin one, and keep the turn in it")
    )
    parser.add_argument(
        "--thinking",
        type=_thinking,
        metavar="on|off|low|medium|high|N",
        help=tr("whether the model thinks first, with what effort, or for how many tokens at most"),
    )
    parser.add_argument(
        "--raw-prompt", action="store_true", help=tr("give the model the text without its chat template")
    )
    parser.add_argument("--ignore-eos", action="store_true", help=tr("go on where the model would end"))
    parser.add_argument(
        "--speculation",
        choices=("on", "off", "auto"),
        help=tr("guess ahead from what was said before, and check the guesses at once; the answer stays the same"),
    )
    parser.add_argument(
        "--draft-model",
        metavar="ID|PATH",
        help=tr("a smaller model of the same family that guesses ahead, where that is quicker"),
    )
    parser.add_argument(
        "--lora",
        metavar="ID|PATH[:SCALE]",
        action="append",
        default=[],
        help=tr("an adapter to put on the model, in place of those in its settings; may be given again"),
    )
    parser.add_argument("--no-cache", action="store_true", help=tr("read the whole prompt, and keep nothing of it"))
    parser.add_argument(
        "--file",
        metavar="PATH",
        action="append",
        default=[],
        help=tr("a document to answer from, “-” for standard input; may be given again"),
    )
    parser.add_argument(
        "--image",
        metavar="PATH",
        action="append",
        default=[],
        help=tr("a picture to ask a model about that sees; may be given again"),
    )
    parser.add_argument(
        "--collection",
        metavar="NAME",
        action="append",
        default=[],
        help=tr("a collection of documents to answer from; may be given again"),
    )
    parser.add_argument(
        "--tools",
        metavar="SERVER",
        nargs="+",
        action="extend",
        help=tr("tool servers whose tools the model may call, “built-in” for Latchkey's own; “” for none"),
    )
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
    from desktop.cli.conversation_order_arguments import add_list, add_order  # which build on what is here
    from desktop.cli.export_arguments import add_export  # which builds on what is here
    from desktop.cli.import_arguments import add_chat_import  # which builds on what is here
    from desktop.cli.preset_arguments import add_conversation_settings  # which builds on what is here

    does = actions(parser)
    add_list(does)
    show = command(does, "show", tr("the messages of one conversation"))
    show.add_argument("id", metavar="ID", help=tr("its id, or the first letters of it, four at least"))
    add_json(show)
    for action, help_text in (
        ("pin", tr("keep a message in the model's context, or without MESSAGE a conversation at the top of the list")),
        ("unpin", tr("keep it there no longer")),
    ):
        pin = command(does, action, help_text)
        pin.add_argument("id", metavar="ID")
        pin.add_argument(
            "message", metavar=tr("MESSAGE"), nargs="?", help=tr("a message's id, as “show --json” gives it")
        )
        add_json(pin)
    rerun = command(does, "rerun", tr("make an answer again from its record, and say whether it is the same"))
    rerun.add_argument("id", metavar="ID")
    rerun.add_argument("message", metavar=tr("MESSAGE"), help=tr("an answer's id, as “show --json” gives it"))
    add_json(rerun)
    add_conversation_settings(command(does, "settings", tr("what its answers are asked with: shown, changed, reset")))
    search = command(does, "search", tr("messages that hold certain words"))
    search.add_argument("text", metavar=tr("TEXT"))
    search.add_argument("--model", metavar="M", default="", help=tr("only where this model answered: its id"))
    search.add_argument("--since", metavar="D", type=_day, help=tr("only from this day on: 2026-03-31"))
    search.add_argument("--until", metavar="D", type=_day, help=tr("only up to this day, the day included"))
    search.add_argument("--folder", metavar="F", default="", help=tr("only in this folder: its name or id"))
    search.add_argument("--tag", metavar="T", default="", help=tr("only in conversations with this tag"))
    search.add_argument(
        "--limit", type=whole_number(1), default=100, metavar="N", help=tr("so many at most; 100 if left out")
    )
    add_json(search)
    add_order(does)
    add_export(does)
    add_chat_import(does)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="PATH", help=tr("a GGUF file, instead of one of random weights that is written here")
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--window", action="store_true", help=tr("measure the window only"))
    only.add_argument("--transfer", action="store_true", help=tr("measure only how fast files are fetched"))
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--quick", action="store_true", help=tr("a small model and fewer rounds: shows that it works, not how fast")
    )
    extent.add_argument("--long", action="store_true", help=tr("more rounds, and a conversation of 4,000 tokens"))
    add_json(parser)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(tr("must be a day, as in 2026-03-31")) from None


def _thinking(text: str) -> str | int:
    if text in ("on", "off", "low", "medium", "high"):
        return text
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(tr("must be on, off, low, medium, high or a number of tokens"))
    return int(text)
