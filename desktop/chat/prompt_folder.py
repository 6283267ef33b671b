"""Prompts as a folder of Markdown files: written, and read from wherever a person keeps them.

A file is a prompt's text. Its name may stand before it, with what the prompt is for, between two lines of dashes.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from desktop.atomic_file import read_bounded, write_atomically, write_error
from desktop.chat.named_values_file import LONGEST_NAME
from desktop.chat.prompt_library import LONGEST_PROMPT, Prompt, PromptLibrary, PromptNameError
from desktop.errors import NotFoundError
from desktop.translation import tr

_MOST_FILES = 2000
_HEAD = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')


@dataclass(frozen=True)
class ReadPrompts:
    """Prompts that were found by their names, and the files left out, each with why as the end of a sentence."""

    prompts: dict[str, Prompt] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def write_prompts(folder: Path, prompts: Mapping[str, Prompt]) -> int:
    """Write each prompt into a file of its own in `folder`; how many. Raises ResourceError."""
    names: set[str] = set()
    for name, prompt in prompts.items():
        stem = _UNSAFE.sub("-", name).strip(". ") or "prompt"
        unique, number = stem, 2
        while unique.casefold() in names:
            unique, number = f"{stem} {number}", number + 1
        names.add(unique.casefold())
        head = f"---\nname: {name}\n" + (f"description: {prompt.description}\n" if prompt.description else "") + "---\n"
        target = folder / f"{unique}.md"
        try:
            write_atomically(target, (head + prompt.text.rstrip("\n") + "\n").encode("utf-8", "replace"))
        except OSError as error:
            remedy = tr("Choose a folder that can be written.")
            raise write_error(tr("The prompts could not be written."), target, error, remedy) from error
    return len(prompts)


def read_prompts(folder: Path) -> ReadPrompts:
    """The prompts in the Markdown files of `folder`. Raises NotFoundError where it cannot be read."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".md", ".markdown"))
    except OSError as error:
        raise NotFoundError(tr("{folder} cannot be read.").format(folder=folder), error.strerror or "") from error
    found = ReadPrompts()
    for path in files[:_MOST_FILES]:
        try:
            text = read_bounded(path, 4 * LONGEST_PROMPT, follow_link=True).decode("utf-8-sig")
        except OSError as error:
            found.skipped[path.name] = error.strerror or str(error)
            continue
        except UnicodeDecodeError:
            found.skipped[path.name] = tr("it is not text in UTF-8")
            continue
        name, prompt = _read(path.stem, text.replace("\r\n", "\n"))
        if prompt is None:
            found.skipped[path.name] = tr("it is empty, or too long")
        elif name in found.prompts:
            found.skipped[path.name] = tr("there is another one of this name")
        else:
            found.prompts[name] = prompt
    for path in files[_MOST_FILES:]:
        found.skipped[path.name] = tr("there are too many files")
    return found


def add_prompts(library: PromptLibrary, read: ReadPrompts) -> list[str]:
    """Add what is not in the library yet; the names of what was added. What was not is told in `read.skipped`. Raises
    ResourceError where the library cannot be written."""
    here, taken = library.prompts(), []
    for name, prompt in read.prompts.items():
        if name in here:
            if here[name] != prompt:
                read.skipped[name] = tr("there is another prompt of this name")
            continue
        try:
            library.set(name, prompt)
        except PromptNameError as error:
            read.skipped[name] = error.title
            continue
        taken.append(name)
    return taken


def _read(stem: str, text: str) -> tuple[str, Prompt | None]:
    """The name and the prompt that a file holds; None where it holds none."""
    name, description = stem, ""
    if (head := _HEAD.match(text)) is not None:
        fields = dict(line.partition(":")[::2] for line in head[1].splitlines())
        name, description = fields.get("name", "").strip() or stem, fields.get("description", "").strip()
        text = text[head.end() :]
    name = "".join(character for character in name if character.isprintable())[:LONGEST_NAME].strip()
    with suppress(msgspec.ValidationError):
        prompt = msgspec.convert({"text": text.strip("\n"), "description": description[:1000]}, Prompt)
        return name or "prompt", prompt if prompt.text.strip() else None
    return name, None
