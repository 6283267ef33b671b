"""Writes what a package says of the command, all of it taken from the parser: the man page, and completions for bash,
zsh and fish.

    python packaging/command_pages.py FOLDER

gives FOLDER/latchkey.1, FOLDER/latchkey.bash, FOLDER/_latchkey and FOLDER/latchkey.fish. The page's date is that of
SOURCE_DATE_EPOCH where that is set, so that two builds of one source give the same bytes.
"""

# ruff: noqa: SLF001 - argparse has no public way to read a parser; these attributes are older than Python 3

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import shtab

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from desktop import __version__  # noqa: E402
from desktop.cli.arguments import parser  # noqa: E402

_FILES = ("PATH", "FILE", "FOLDER", "ID|PATH")
_ENVIRONMENT = {
    "LATCHKEY_HOME": "One folder for everything that Latchkey keeps, in place of the system's folders.",
    "LATCHKEY_OFFLINE": "With 1 nothing is sent, as with “latchkey offline on”.",
    "LATCHKEY_POLICY": "A further policy file. That of the system always counts, and the stricter rule wins.",
    "HF_ENDPOINT": "The address of another Hub than huggingface.co.",
}
_PLACES = {
    "~/.config/Latchkey": "Settings, presets, prompts, a catalog and licenses of your own.",
    "~/.local/share/Latchkey": "Conversations, documents, the ledger, models, backups.",
    "~/.cache/Latchkey": "What can be made again.",
    "~/.local/state/Latchkey": "Logs.",
    "/etc/xdg/Latchkey/policy.toml": "What an organization allows on this machine.",
}


def main() -> int:
    """Write the pages into the folder that is named."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "latchkey.1": man_page(parser(), page_date()),
        "latchkey.bash": completion("bash"),
        "_latchkey": completion("zsh"),
        "latchkey.fish": completion("fish"),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def page_date() -> datetime.date:
    """The day that the page is of: SOURCE_DATE_EPOCH's, else today, UTC."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.now(datetime.UTC)
    return (datetime.datetime.fromtimestamp(int(seconds), datetime.UTC) if seconds else now).date()


def completion(shell: str) -> str:
    """The completions of the whole command for a shell that shtab knows; arguments that name files complete those."""
    top = parser()
    for _, each in commands_of(top):
        for action in each._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # how shtab is told
    return f"{shtab.complete(top, shell=shell).rstrip()}\n"


def commands_of(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parser and those below it, each with the words that lead to it, in the order of the help."""
    yield top.prog, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from commands_of(each)


def man_page(top: argparse.ArgumentParser, day: datetime.date) -> str:
    """The man page, section 1, as man(7) has it."""
    lines = [
        f'.TH LATCHKEY 1 {day.isoformat()} "Latchkey {__version__}" "User Commands"',
        ".SH NAME",
        r"latchkey \- chat with language models that run on this machine",
        ".SH SYNOPSIS",
        ".B latchkey",
        r"[\fIFILE.gguf\fR ...]",
        ".br",
        ".B latchkey",
        r"\fICOMMAND\fR [\fIARGUMENT\fR ...]",
        ".SH DESCRIPTION",
        _roff(top.description or ""),
        "A .gguf file that is named is offered for import.",
        ".SH COMMANDS",
    ]
    for name, each in commands_of(top):
        if each is not top and not _has_commands(each):
            lines += _command(name, each)
    lines += [".SH EXIT STATUS", _roff((top.epilog or "").removeprefix("Exit codes: "))]
    for title, entries in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _PLACES)):
        lines.append(f".SH {title}")
        for name, about in entries.items():
            lines += [".TP", f".B {_roff(name)}", _roff(about)]
    return "\n".join(lines) + "\n"


def _command(name: str, each: argparse.ArgumentParser) -> list[str]:
    usage = " ".join(each.format_usage().removeprefix("usage: ").split())
    lines = [f'.SS "{_roff(name)}"', _roff(each.description or ""), ".PP", _roff(usage)]
    for action in each._actions:
        if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:
            continue
        shown = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        if action.option_strings and action.nargs != 0:
            shown += f" {value or action.dest.upper()}"
        lines += [".TP", f".B {_roff(shown)}", _roff((action.help or "") % vars(action) if action.help else "")]
    return lines


def _has_commands(each: argparse.ArgumentParser) -> bool:
    return any(isinstance(action, argparse._SubParsersAction) for action in each._actions)


def _roff(text: str) -> str:
    """A line of text for roff: neither backslash nor hyphen nor a first dot or quote means anything."""
    text = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text[:1] in (".", "'") else text


if __name__ == "__main__":
    sys.exit(main())
