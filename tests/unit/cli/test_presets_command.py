"""`latchkey presets`: what is wrong with the file is told whatever is done, and tables speak in words."""

import io
import json
from pathlib import Path

import pytest

from desktop.cli import presets_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.errors import NotFoundError
from desktop.paths import find_paths


class Tools(CommandContext):
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())


def presets(tools: Tools, *arguments: str) -> None:
    presets_command.run(parser().parse_args(["presets", *arguments]), tools)


@pytest.mark.parametrize("does", [["show", "mine"], ["remove", "mine"], ["set", "mine", "--top-k", "5"], ["list"]])
def test_a_damaged_file_is_told_whatever_is_done(home: Path, does: list[str]) -> None:
    file = find_paths().presets_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{")
    tools = Tools()
    try:
        presets(tools, *does)
    except NotFoundError:
        assert does[0] in ("show", "remove")
    assert "is damaged" in tools.err.getvalue()


@pytest.mark.parametrize("name", [" ", "x" * 61])
def test_what_is_no_name_is_a_wrong_use_of_the_command(home: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be called that"):
        presets(Tools(), "set", name, "--top-k", "5")


def test_tables_name_fields_in_words_and_json_by_their_names(home: Path) -> None:
    presets(Tools(), "set", "mine", "--system", "S", "--max-tokens", "9", "--top-k", "5", "--thinking", "off")
    shown, listed, told = Tools(), Tools(), Tools()
    presets(shown, "show", "mine")
    presets(listed, "list")
    presets(told, "show", "mine", "--json")
    for words in (shown.out.getvalue(), listed.out.getvalue()):
        assert "_" not in words
        assert "{" not in words
        assert "top k" in words
    assert json.loads(told.out.getvalue())["max_tokens"] == 9
