"""`latchkey prompts`: the library of prompts, for the window's composer and for scripts."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from desktop.chat.prompt_folder import add_prompts, read_prompts, write_prompts
from desktop.chat.prompt_library import Prompt, PromptLibrary, PromptNameError
from desktop.chat.prompt_text import prompt_variables
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.named_entries import using_names
from desktop.cli.terminal_input import decode_input, repair_input
from desktop.translation import tr, trn


def run(options: Namespace, tools: CommandContext) -> int:
    library = PromptLibrary(tools.paths.prompts_file)
    with using_names(library, tools, PromptNameError):
        match options.action:
            case "list":
                _list(options, tools, library)
            case "show":
                _show(options, tools, library)
            case "set":
                _set(options, tools, library)
            case "remove":
                library.remove(repair_input(options.name))
            case "export":
                count = write_prompts(Path(options.folder), library.prompts())
                tools.output.note(
                    trn("One prompt was written.", "{count} prompts were written.", count).format(count=count)
                )
            case "import":
                _import(options, tools, library)
    return DONE


def _list(options: Namespace, tools: CommandContext, library: PromptLibrary) -> None:
    own = library.own_names()
    found = library.prompts()
    if options.json:
        tools.output.json([_as_json(name, prompt, own=name in own) for name, prompt in found.items()])
    else:
        tools.output.table([(name, prompt.description or _begin(prompt.text)) for name, prompt in found.items()])


def _show(options: Namespace, tools: CommandContext, library: PromptLibrary) -> None:
    name = repair_input(options.name)
    prompt = library.find(name)
    if options.json:
        tools.output.json(_as_json(name, prompt, own=name in library.own_names()))
        return
    if prompt.description:
        tools.output.note(prompt.description)
    tools.output.line(prompt.text)


def _set(options: Namespace, tools: CommandContext, library: PromptLibrary) -> None:
    """Keep a prompt; a field that is not given stays as it was."""
    name = repair_input(options.name)
    before = library.prompts().get(name)
    text = None if options.text is None else repair_input(options.text)
    if text == "-":
        text = decode_input(tools.stdin.read())
    if text is None and before is None:
        raise UsageError(
            tr("A new prompt needs a text."), "", tr("Give it with --text, or “--text -” to read standard input.")
        )
    told = None if options.description is None else repair_input(options.description)
    library.set(
        name,
        Prompt(
            text if text is not None else before.text if before is not None else "",
            told if told is not None else before.description if before is not None else "",
        ),
    )


def _import(options: Namespace, tools: CommandContext, library: PromptLibrary) -> None:
    """Take over what a folder holds; prompts that are here already stay as they are."""
    read = read_prompts(Path(options.folder))
    taken = add_prompts(library, read)
    if options.json:
        skipped = [{"what": name, "why": why} for name, why in read.skipped.items()]
        tools.output.json({"imported": len(taken), "skipped": skipped})
        return
    for name, why in read.skipped.items():
        tools.output.note(tr("{file} was left out: {reason}.").format(file=name, reason=why))
    tools.output.line(trn("One prompt was added.", "{count} prompts were added.", len(taken)).format(count=len(taken)))


def _as_json(name: str, prompt: Prompt, *, own: bool) -> dict[str, Any]:
    variables = [{"name": each.name, "default": each.default} for each in prompt_variables(prompt.text)]
    return {
        "name": name,
        "built_in": not own,
        "description": prompt.description,
        "text": prompt.text,
        "variables": variables,
    }


def _begin(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
