"""Arguments of `latchkey backup` and `latchkey restore`."""

import argparse

from desktop.cli.arguments import add_json, command
from desktop.translation import tr


def add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Both commands."""
    backup = command(commands, "backup", tr("write conversations, settings, ledger and images to one file"))
    backup.add_argument("file", metavar=tr("FILE"), nargs="?", help=tr("the file to write, a ZIP file"))
    backup.add_argument("--force", action="store_true", help=tr("replace a file that is there"))
    backup.add_argument("--list", action="store_true", help=tr("name the backups that Latchkey made by itself"))
    add_json(backup)
    restore = command(commands, "restore", tr("bring back what a backup holds; what is here stays"))
    restore.add_argument(
        "file", metavar=tr("FILE"), help=tr("a backup, or a database of conversations, damaged or not")
    )
    restore.add_argument(
        "--settings",
        action="store_true",
        help=tr("also its settings, presets, prompts and models.toml, in place of those here, which are kept aside"),
    )
    restore.add_argument(
        "--replace", action="store_true", help=tr("have exactly its conversations; those here are backed up first")
    )
    restore.add_argument("--check", action="store_true", help=tr("only say what it holds, and whether it is whole"))
    add_json(restore)
