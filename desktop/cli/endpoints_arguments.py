"""The arguments of `latchkey endpoints`. Only argparse, as in `arguments`."""

import argparse

from desktop.cli.arguments import actions, add_json, add_secrets, command
from desktop.cli.number_argument import whole_number
from desktop.translation import tr


def add_endpoints(parser: argparse.ArgumentParser) -> None:
    """`latchkey endpoints`."""
    does = actions(parser)
    add = command(does, "add", tr("add an endpoint that speaks OpenAI's interface; its models are not on this machine"))
    add.add_argument("name", metavar="NAME", help=tr("what it is to be called; its models are NAME/model"))
    add.add_argument("url", metavar="URL", help=tr("its address, like https://llm.example.org/v1"))
    add.add_argument("--license", metavar="ID", default="", help=tr("the license that its models are under"))
    add.add_argument(
        "--context",
        metavar="N",
        type=whole_number(1),
        help=tr("tokens that its models read, where it does not say that itself"),
    )
    add.add_argument(
        "--token",
        action="store_true",
        help=tr("read an access token for its host from standard input, and keep it"),
    )
    add.add_argument(
        "--place",
        choices=("keyring", "vault"),
        help=tr("where the token is kept; for the vault, its passphrase follows in a second line"),
    )
    add_json(add)
    add_json(command(does, "list", tr("every endpoint with its models")))
    remove = command(does, "remove", tr("remove an endpoint; an answer that it gives ends"))
    remove.add_argument("name", metavar="NAME", help=tr("what it is called"))
    add_json(remove)
    check = command(does, "check", tr("ask endpoints which models they have now"))
    check.add_argument("name", metavar="NAME", nargs="?", help=tr("one endpoint; all where it is left out"))
    add_secrets(check, token=False)
    add_json(check)
