"""The arguments of `latchkey presets`, `prompts` and `conversations settings`. Only argparse, as in `arguments`."""

import argparse

from desktop.cli.answer_settings_arguments import add_answer_settings
from desktop.cli.arguments import actions, add_json, command
from desktop.cli.number_argument import whole_number
from desktop.cli.sampling_arguments import add_sampling
from desktop.translation import tr


def add_presets(parser: argparse.ArgumentParser) -> None:
    """`latchkey presets`."""
    does = actions(parser)
    add_json(command(does, "list", tr("every preset, the built-in ones among them")))
    show = command(does, "show", tr("what one preset says"))
    show.add_argument("name", metavar="NAME")
    add_json(show)
    keep = command(does, "set", tr("keep a preset, or change what one says"))
    keep.add_argument("name", metavar="NAME")
    keep.add_argument("--system", metavar="T", help=tr("a system prompt"))
    keep.add_argument("--model", metavar="ID|PATH", help=tr("a model's id, or the path of a GGUF file"))
    keep.add_argument("--thinking", choices=("on", "off"), help=tr("whether a model thinks before its answer"))
    add_sampling(keep)
    remove = command(does, "remove", tr("forget a preset of your own; a built-in one of that name comes back"))
    remove.add_argument("name", metavar="NAME")


def add_prompts(parser: argparse.ArgumentParser) -> None:
    """`latchkey prompts`."""
    does = actions(parser)
    add_json(command(does, "list", tr("every prompt, the built-in ones among them")))
    show = command(does, "show", tr("the text of one prompt"))
    show.add_argument("name", metavar="NAME")
    add_json(show)
    keep = command(does, "set", tr("keep a prompt, or change what one says"))
    keep.add_argument("name", metavar="NAME")
    keep.add_argument("--text", metavar="T", help=tr("with variables, as {{name}} or {{name|otherwise}}; “-” reads it"))
    keep.add_argument("--description", metavar="T", help=tr("what it is for, in a few words"))
    remove = command(does, "remove", tr("take a prompt out; in place of your own a built-in one of that name is back"))
    remove.add_argument("name", metavar="NAME")
    export = command(does, "export", tr("write every prompt into a folder, as Markdown files"))
    export.add_argument("folder", metavar=tr("FOLDER"))
    take = command(does, "import", tr("add the prompts in a folder of Markdown files"))
    take.add_argument("folder", metavar=tr("FOLDER"))
    add_json(take)


def add_conversation_settings(parser: argparse.ArgumentParser) -> None:
    """`latchkey conversations settings`."""
    parser.add_argument("id", metavar="ID")
    add_answer_settings(parser)
    parser.add_argument("--context", type=_context, metavar="N|auto", help=tr("length of the context in tokens"))
    parser.add_argument(
        "--collection",
        metavar="NAME",
        action="append",
        help=tr("a collection whose passages its answers are given; may be given again, “” for none"),
    )
    parser.add_argument(
        "--tools",
        metavar="SERVER",
        nargs="+",
        action="extend",
        help=tr("tool servers whose tools the model may call, “built-in” for Latchkey's own; “” for none"),
    )
    parser.add_argument("--reset", action="store_true", help=tr("forget what was set for it before"))
    add_json(parser)


def _context(text: str) -> int:
    if text == "auto":
        return 0
    return whole_number(256, 1 << 20)(text)
