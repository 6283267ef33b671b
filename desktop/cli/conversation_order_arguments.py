"""Arguments of those commands of `latchkey conversations` that keep conversations in order."""

import argparse

from desktop.cli.arguments import add_json, command
from desktop.translation import tr


def add_list(does: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`latchkey conversations list`."""
    listing = command(does, "list", tr("the conversations: pinned first, then newest first"))
    place = listing.add_mutually_exclusive_group()
    place.add_argument("--archived", action="store_true", help=tr("those in the archive"))
    place.add_argument("--deleted", action="store_true", help=tr("those in the bin"))
    listing.add_argument("--folder", metavar="F", help=tr("only those in this folder: its name or its id"))
    listing.add_argument("--tag", metavar="T", help=tr("only those with this tag"))
    add_json(listing)


def add_order(does: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`latchkey conversations move`, `tag`, `archive`, `unarchive`, `delete`, `undelete` and `folders`."""
    move = command(does, "move", tr("put conversations into a folder"))
    move.add_argument("ids", metavar="ID", nargs="+", help=tr("conversations; the last word is the folder"))
    move.add_argument("--out", action="store_true", help=tr("out of their folders; every word is a conversation then"))
    add_json(move)
    tag = command(does, "tag", tr("give a conversation tags, or take them off"))
    tag.add_argument("id", metavar="ID")
    tag.add_argument("tags", metavar="TAG", nargs="+")
    tag.add_argument("--remove", action="store_true", help=tr("take them off"))
    add_json(tag)
    for name, about in (
        ("archive", tr("take conversations off the list, into the archive")),
        ("unarchive", tr("bring conversations back from the archive")),
        ("delete", tr("put conversations into the bin; they are erased after 30 days")),
        ("undelete", tr("bring conversations back from the bin")),
    ):
        parser = command(does, name, about)
        parser.add_argument("ids", metavar="ID", nargs="+")
        if name == "delete":
            parser.add_argument(
                "--for-good", action="store_true", help=tr("erase them at once, also those in the bin already")
            )
        add_json(parser)
    _add_folders(command(does, "folders", tr("the folders of conversations")))


def _add_folders(parser: argparse.ArgumentParser) -> None:
    does = parser.add_subparsers(dest="folder_action", metavar=tr("ACTION"), required=True)
    add_json(command(does, "list", tr("every folder, as they stand in the list")))
    add = command(does, "add", tr("make a folder"))
    rename = command(does, "rename", tr("give a folder another name"))
    change = command(does, "set", tr("change what answers in a folder are asked with"))
    remove = command(does, "remove", tr("take a folder away; its conversations stay"))
    for each in (add, rename, change, remove):
        each.add_argument("folder", metavar="NAME", help=tr("its name, or the id of one that is there"))
    rename.add_argument("name", metavar="NEW-NAME")
    for each in (add, change):
        each.add_argument("--system", metavar="T", help=tr("a system prompt; “” for none"))
        each.add_argument("--model", metavar="ID", help=tr("the model a new conversation begins with; “” for none"))
        each.add_argument("--preset", metavar="NAME", help=tr("a preset; “” for none"))
    for each in (add, rename, change, remove):
        add_json(each)
