"""The arguments of `latchkey collections`. Only argparse, as in `arguments`."""

import argparse

from desktop.cli.arguments import actions, add_json, command
from desktop.cli.number_argument import whole_number
from desktop.translation import tr


def add_collections(parser: argparse.ArgumentParser) -> None:
    """`latchkey collections`."""
    does = actions(parser)
    listing = command(does, "list", tr("every collection, with how much is in it"))
    listing.add_argument("--removed", action="store_true", help=tr("those that were removed, instead"))
    add_json(listing)
    _named(does, "create", tr("make an empty collection"))
    add = _named(does, "add", tr("put files and folders into a collection, and read them"))
    add.add_argument("paths", metavar="PATH", nargs="+", help=tr("a document, or a folder of them"))
    search = _named(does, "search", tr("the passages of a collection that hold words of a text, the best first"))
    search.add_argument("text", metavar=tr("TEXT"), help=tr("words, or a question; “-” reads it"))
    search.add_argument(
        "--limit", type=whole_number(1), default=10, metavar="N", help=tr("so many at most; 10 if left out")
    )
    _named(does, "show", tr("the files of a collection, and what was read of each"))
    remove = _named(does, "remove", tr("remove a collection; “restore” brings it back for thirty days"))
    remove.add_argument("--erase", action="store_true", help=tr("keep nothing of it; your files stay as they are"))
    _named(does, "restore", tr("bring back a collection that was removed"))
    rename = _named(does, "rename", tr("give a collection another name"))
    rename.add_argument("new", metavar="NEW", help=tr("its new name"))
    _named(does, "update", tr("look through its folders again, and read what is new or was changed"))
    _named(does, "watch", tr("have the window read by itself what is new or changes in its folders"))
    _named(does, "unwatch", tr("have its folders looked through only when you say so"))
    _named(does, "pause", tr("read nothing of it until “resume”"))
    _named(does, "resume", tr("have read again what waits, by the window or by “update”"))
    out = _named(does, "take-out", tr("take a file or folder out of a collection; the file itself stays"))
    out.add_argument("path", metavar="PATH", help=tr("a folder or file that was added, or a file in such a folder"))
    back = _named(does, "take-back", tr("take back a file that was taken out"))
    back.add_argument("path", metavar="PATH")
    unlock = _named(does, "unlock", tr("read an encrypted file; its password comes from standard input"))
    unlock.add_argument("path", metavar="PATH")


def _named(
    does: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str
) -> argparse.ArgumentParser:
    """An action on one collection."""
    parser = command(does, name, about)
    parser.add_argument("name", metavar="NAME", help=tr("the name of a collection"))
    add_json(parser)
    return parser
