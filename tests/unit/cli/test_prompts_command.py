"""`latchkey prompts`: kept, shown, removed, and taken elsewhere."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import prompts_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.errors import NotFoundError
from desktop.paths import find_paths


class PromptTools(CommandContext):
    def __init__(self, stdin: bytes = b"") -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO(stdin))


def prompts(*arguments: str, stdin: bytes = b"") -> PromptTools:
    tools = PromptTools(stdin)
    prompts_command.run(parser().parse_args(["prompts", *arguments]), tools)
    return tools


def told(*arguments: str) -> Any:
    return json.loads(prompts(*arguments, "--json").out.getvalue())


def test_a_prompt_is_kept_and_shown_with_its_variables(home: Path) -> None:
    prompts("set", "mine", "--text", "Say {{what|this}}.", "--description", "Says it")
    assert told("show", "mine") == {
        "name": "mine",
        "built_in": False,
        "description": "Says it",
        "text": "Say {{what|this}}.",
        "variables": [{"name": "what", "default": "this"}],
    }
    prompts("set", "mine", "--text", "-", stdin="Say it öfter.\n".encode())
    assert told("show", "mine")["description"] == "Says it", "what is not given stays"
    assert prompts("show", "mine").out.getvalue() == "Say it öfter.\n\n"
    names = {each["name"]: each["built_in"] for each in told("list")}
    assert names["mine"] is False
    assert names["translate"] is True
    prompts("remove", "mine")
    with pytest.raises(NotFoundError):
        prompts("show", "mine")


def test_a_new_prompt_needs_a_text_and_a_name(home: Path) -> None:
    with pytest.raises(UsageError):
        prompts("set", "mine")
    with pytest.raises(UsageError):
        prompts("set", " ", "--text", "a")


def test_prompts_go_into_a_folder_and_come_out_of_it(home: Path, tmp_path: Path) -> None:
    prompts("set", "mine", "--text", "Say it.")
    folder = tmp_path / "prompts"
    prompts("export", str(folder))
    prompts("remove", "mine")
    assert told("import", str(folder)) == {"imported": 1, "skipped": []}
    assert told("show", "mine")["text"] == "Say it."


def test_a_damaged_file_is_told_whatever_is_done(home: Path) -> None:
    file = find_paths().prompts_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{")
    assert "is damaged" in prompts("list").err.getvalue()
