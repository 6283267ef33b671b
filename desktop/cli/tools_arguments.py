"""The arguments of `latchkey tools`. Only argparse, as in `arguments`."""

import argparse

from desktop.cli.arguments import actions, add_json, command
from desktop.cli.number_argument import whole_number
from desktop.translation import tr


def add_tools(parser: argparse.ArgumentParser) -> None:
    """`latchkey tools`."""
    does = actions(parser)
    add_json(command(does, "list", tr("every tool server, whether it may start, and what was decided for its tools")))
    add = command(does, "add", tr("add a tool server, which starts once it is allowed"))
    add.add_argument("name", metavar="NAME", help=tr("what it is to be called"))
    add.add_argument(
        "words",
        metavar="COMMAND",
        nargs="+",
        help=tr("the command that starts it, after “--”; or the address of one that runs elsewhere (https://…)"),
    )
    add.add_argument(
        "--token",
        action="store_true",
        help=tr("for an address: read an access token from standard input, and keep it in the keyring for its host"),
    )
    add.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help=tr("a variable that it gets; without a value the one that it has here; may be given again"),
    )
    for option, about in (
        ("--read", tr("a folder that it may read; may be given again")),
        ("--write", tr("a folder that it may read and write; may be given again")),
    ):
        add.add_argument(option, metavar="FOLDER", action="append", default=[], help=about)
    add.add_argument("--no-network", action="store_true", help=tr("keep it off the network even while you are online"))
    add_json(add)
    _server(does, "remove", tr("remove a tool server with what it wrote to its own folder"))
    allow = _server(does, "allow", tr("let a server start; with TOOL, let that tool be called without asking"))
    allow.add_argument("tool", metavar="TOOL", nargs="?", help=tr("one of its tools, as it is defined now"))
    allow.add_argument("--ask", action="store_true", help=tr("ask each time TOOL is to be called, as at first"))
    deny = _server(does, "deny", tr("let a server no longer start; with TOOL, never let that tool be called"))
    deny.add_argument("tool", metavar="TOOL", nargs="?", help=tr("one of its tools"))
    trying = _server(does, "try", tr("name a server's tools; with TOOL, call that tool once"))
    trying.add_argument("tool", metavar="TOOL", nargs="?", help=tr("one of its tools"))
    trying.add_argument(
        "arguments", metavar="ARGUMENTS", nargs="?", default="{}", help=tr("a JSON object; “-” reads it")
    )
    log = _server(does, "log", tr("what a server was asked for and did"))
    log.add_argument(
        "--limit", type=whole_number(1), default=50, metavar="N", help=tr("so many at most; 50 if left out")
    )


def _server(
    does: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    """An action on one server."""
    parser = command(does, name, about)
    parser.add_argument("server", metavar="SERVER", help=tr("its name; “built-in” for the tools of Latchkey itself"))
    add_json(parser)
    return parser
