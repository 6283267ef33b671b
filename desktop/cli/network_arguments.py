"""Arguments of the commands about the network: access, access tokens, the offline switch and the log of requests."""

import argparse

from desktop.cli.arguments import actions, add_hub_model, add_json, add_secrets, command
from desktop.cli.number_argument import whole_number
from desktop.translation import tr


def add_access(parser: argparse.ArgumentParser) -> None:
    """`latchkey access`."""
    add_hub_model(parser, "model")
    add_secrets(parser, token=True)
    add_json(parser)


def add_token(parser: argparse.ArgumentParser) -> None:
    """`latchkey token`."""
    does = actions(parser)
    give = command(does, "set", tr("keep an access token, read from standard input; on a terminal it is not shown"))
    _add_host(give)
    give.add_argument(
        "--place",
        choices=("keyring", "vault", "session"),
        help=tr(
            "where it is kept: the keyring of this system, a vault that a passphrase opens (from a pipe the second line"
            " of standard input), or nowhere: then it is only checked"
        ),
    )
    check = command(does, "check", tr("ask the Hub whether the token holds, and what it may do"))
    _add_host(check)
    add_secrets(check, token=False)
    add_json(check)
    forget = command(does, "forget", tr("keep the token no longer"))
    _add_host(forget)
    forget.add_argument(
        "--vault",
        action="store_true",
        help=tr("delete the vault with every token in it; needs no passphrase"),
    )
    add_secrets(forget, token=False)


def add_offline(parser: argparse.ArgumentParser) -> None:
    """`latchkey offline`."""
    does = actions(parser)
    add_json(command(does, "on", tr("open no connection from now on, in the window neither")))
    add_json(command(does, "off", tr("let Latchkey use the network again, when you ask for something there")))
    add_json(command(does, "status", tr("say whether Latchkey is offline, and what keeps it there")))


def add_update(parser: argparse.ArgumentParser) -> None:
    """`latchkey update`."""
    add_json(command(actions(parser), "check", tr("ask now whether there is a newer version; nothing else is fetched")))


def add_network(parser: argparse.ArgumentParser) -> None:
    """`latchkey network`."""
    log = command(actions(parser), "log", tr("every request of the last ninety days, the newest first"))
    log.add_argument("words", metavar=tr("WORD"), nargs="*", help=tr("only those that hold all of these words"))
    log.add_argument(
        "--limit", type=whole_number(1), default=1000, metavar="N", help=tr("so many at most; 1000 if left out")
    )
    add_json(log)


def _add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="H", help=tr("the Hub it is for, if not the one in use"))
