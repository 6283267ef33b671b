"""The arguments of `latchkey serve`. Only argparse, as in `arguments`."""

import argparse

from desktop.cli.arguments import add_json, command
from desktop.cli.number_argument import whole_number
from desktop.translation import tr

USUAL_PORT = 11535


def add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`latchkey serve`."""
    parser = command(commands, "serve", tr("answer other programs, in the interfaces of OpenAI and of Anthropic"))
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help=tr("the address to listen at; this machine alone if left out, 0.0.0.0 for every address it has"),
    )
    parser.add_argument(
        "--port",
        type=whole_number(0, 65535),
        default=USUAL_PORT,
        metavar="N",
        help=tr("the port, {port} if left out; 0 takes a free one").format(port=USUAL_PORT),
    )
    parser.add_argument(
        "--model",
        metavar="ID",
        action="append",
        default=[],
        help=tr("load this model at the start, and offer only those named so; may be given again"),
    )
    parser.add_argument(
        "--parallel",
        type=whole_number(1),
        default=4,
        metavar="N",
        help=tr("so many answers of a model at once; 4 if left out"),
    )
    parser.add_argument(
        "--api-key-file",
        metavar="FILE",
        help=tr("the keys that count, one a line, alone or behind a name; one that is made and kept if left out"),
    )
    add_json(parser)
