"""The arguments of `latchkey conversations export`."""

import argparse

from desktop.cli.arguments import add_json, command
from desktop.translation import tr


def add_export(does: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`latchkey conversations export`."""
    export = command(does, "export", tr("write conversations to one file, for people or to be imported again"))
    export.add_argument(
        "file",
        metavar=tr("FILE"),
        help=tr("its suffix decides: .md, .html, .json (which loses nothing) or .pdf; “-” for standard output"),
    )
    which = export.add_mutually_exclusive_group()
    which.add_argument("ids", metavar="ID", nargs="*", default=[], help=tr("those to write; all if left out"))
    which.add_argument("--all", action="store_true", help=tr("all that are not in the bin, the archive included"))
    export.add_argument("--format", choices=("md", "html", "json", "pdf"), help=tr("the form, whatever the suffix"))
    export.add_argument("--force", action="store_true", help=tr("replace a file that is there"))
    add_json(export)
