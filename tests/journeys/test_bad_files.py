"""A file that is no model, or is not there: one sentence, the right exit code, and no trace of a crash."""

from pathlib import Path

import gguf
import pytest

from desktop.paths import find_paths
from tests.accepting import import_and_accept
from tests.journeys.command import latchkey


def ask(model: Path | str) -> str:
    """The sentence with which the engine refuses this file."""
    return latchkey("ask", "hello", "--model", str(model)).failed_with(6)


def test_a_file_that_is_no_gguf(home: Path) -> None:
    path = home / "letter.gguf"
    path.write_text("Dear Sir or Madam, I am not a model.\n" * 100)
    assert "GGUF" in ask(path)


def test_an_empty_file(home: Path) -> None:
    path = home / "empty.gguf"
    path.touch()
    assert ask(path)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_file_cut_short(home: Path, share: float) -> None:
    whole = find_paths().builtin_model.read_bytes()
    path = home / "cut.gguf"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert ask(path)


def test_an_architecture_that_the_engine_does_not_know(home: Path) -> None:
    path = home / "odd.gguf"
    writer = gguf.GGUFWriter(path, "perceptron9000")
    writer.add_context_length(128)
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "perceptron9000" in ask(path)


def test_a_missing_file() -> None:
    assert "/nowhere/model.gguf" in latchkey("ask", "hello", "--model", "/nowhere/model.gguf").failed_with(3)


def test_a_folder(home: Path) -> None:
    assert "folder" in latchkey("ask", "hello", "--model", str(home)).failed_with(3)


def test_a_model_of_no_such_name() -> None:
    assert "latchkey models list" in latchkey("ask", "hello", "--model", "gpt-9").failed_with(3)


def test_json_prints_nothing_where_there_is_no_answer(home: Path) -> None:
    path = home / "letter.gguf"
    path.write_text("no")
    assert latchkey("ask", "hello", "--json", "--model", str(path)).failed_with(6)


def test_a_sound_file_given_by_its_path_answers(home: Path) -> None:
    path = home / "My models" / "a copy.gguf"
    path.parent.mkdir()
    path.write_bytes(find_paths().builtin_model.read_bytes())
    assert import_and_accept(home, path) == "latchkey-guide"
    ran = latchkey("ask", "What is Latchkey?", "--max-tokens", "5", "--json", "--model", str(path))
    assert ran.code == 0, ran
    # The very file is named, beside the one that ships.
    shown = latchkey("models", "show", ran.json["model"], "--json").json
    assert (shown["id"], shown["path"]) == (ran.json["model"], str(path))
