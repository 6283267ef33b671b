"""What the command's parsers are made of, whatever they are for."""

import argparse
from typing import NoReturn

from desktop.plain_text import one_line
from desktop.translation import tr


class Parser(argparse.ArgumentParser):
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
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--passphrase-stdin",
        action="store_true",
        help=tr("read the passphrase of the vault from the first line of standard input"),
    )
    if token:
        ways.add_argument(
            "--token-stdin",
            action="store_true",
            help=tr("read an access token for this command alone from the first line of standard input"),
        )


def positive(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(tr("must be 1 or more"))
    return value
