"""The arguments of `latchkey conversations import`."""

import argparse

from desktop.cli.arguments import add_json, command
from desktop.translation import tr


def add_chat_import(does: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`latchkey conversations import`."""
    taken = command(does, "import", tr("take in chats that Latchkey or another program exported; nothing comes twice"))
    taken.add_argument(
        "files",
        metavar=tr("FILE"),
        nargs="+",
        help=tr("a .json, .jsonl or .zip as the program gave it, or the folder in which it keeps its chats"),
    )
    add_json(taken)
