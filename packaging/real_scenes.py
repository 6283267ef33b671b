"""Pictures of real answers: SmolLM2-135M-Instruct, imported and accepted, on questions that it answers with headings,
lists, tables and code. `screenshots.py` takes the pictures; `real_model.py` brings the file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import license_scenes
import real_model

if TYPE_CHECKING:
    from screenshots import Stage

_README = (
    "Write a short README in Markdown for a Python tool called tides. "
    "Use a # heading, a ## Usage section with a code block, and a bullet list of features."
)
_TABLE = "Write a Markdown table with three planets and their diameters."
_CODE = "Write a Python function that reverses a string."
_LONGEST = 96  # greedy, so small a model goes on repeating itself


def is_there() -> bool:
    """Whether the model's file was brought."""
    return real_model.is_there(real_model.SMOLLM2, real_model.models_folder())


def furnish(home: Path) -> None:
    """Import the model, accept its licenses, and have it answer, in a home that has its settings."""
    from desktop.library.library_services import build_library_services
    from desktop.paths import find_paths

    assembly = build_library_services(find_paths())
    model = assembly.importer.add(real_model.models_folder() / real_model.SMOLLM2.name)
    license_scenes.accept(assembly, model.id, "personal")
    assembly.ledger.close()
    file = home / "config" / "settings.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["model"] = model.id
    settings["sampling"]["max_tokens"] = _LONGEST
    file.write_text(json.dumps(settings), encoding="utf-8")


def readme(stage: "Stage") -> None:
    """A heading, a list and a block of code in one answer."""
    stage.ask(_README)


def conversation(stage: "Stage") -> None:
    """A table, then code."""
    stage.ask(_TABLE)
    stage.ask(_CODE)


def models(stage: "Stage") -> None:
    """The page that lists it."""
    stage.window.show_page("models")
    stage.wait(lambda: bool(stage.window.models_page.list.chosen_id))
    stage.settle()
