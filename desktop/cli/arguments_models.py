"""What the command understands of models: to look at, to find, to get, to bring along, to take away."""

import argparse
from typing import Any

from desktop.cli.arguments_parts import actions, add_json, add_secrets, command, positive
from desktop.translation import tr


def add_models(parser: argparse.ArgumentParser) -> None:
    """`latchkey models`."""
    does = actions(parser)
    add_json(command(does, "list", tr("every model of the catalog and on this disk")))
    show = command(does, "show", tr("all that is known of one model, and what stands between you and chatting"))
    add_hub_model(show, "id")
    add_json(show)
    _add_search(command(does, "search", tr("search the Hub for models that Latchkey can run")))
    _add_get(command(does, "get", tr("fetch a model that you have access to and whose license you accepted")))
    _add_downloads(command(does, "downloads", tr("downloads that are not finished")))
    _add_import(command(does, "import", tr("add a GGUF file of your own; it stays where it is")))
    add_json(command(does, "found", tr("models that other programs keep on this disk")))
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
        action=_Words,
        help=tr(
            "an id of the catalog, publisher/name at the Hub, publisher/name:Q4_K_M, a pasted address, or, in quotation"
            " marks, a pasted line of another program"
        ),
    )


class _Words(argparse.Action):
    """Several words become one text."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        setattr(namespace, self.dest, " ".join(values))


def _add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar=tr("TEXT"), nargs="+", help=tr("words of its name"))
    parser.add_argument("--limit", type=positive, default=30, metavar="N", help=tr("so many at most; 30 if left out"))
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
