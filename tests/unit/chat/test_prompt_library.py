"""Prompts survive, built-in ones come back, a damaged file is never overwritten, and folders of them travel."""

import json
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.prompt_folder import add_prompts, read_prompts, write_prompts
from desktop.chat.prompt_library import LONGEST_PROMPT, Prompt, PromptLibrary, built_in_prompts
from desktop.chat.prompt_text import PromptVariable, filled_prompt, prompt_variables
from desktop.errors import NotFoundError, ResourceError, UserError


@pytest.fixture
def path(home: Path) -> Path:
    return home / "config" / "prompts.json"


# --- variables -------------------------------------------------------------------------------------------------------


def test_variables_are_named_once_in_the_order_of_the_text() -> None:
    text = "{{b}} {{ a | one }} {{b|two}} {{clipboard}} {{date}} {{}} {{ }} \\{{kept}} {b} {{x{y}}"
    assert prompt_variables(text) == (PromptVariable("b", "two"), PromptVariable("a", "one"))


def test_each_variable_is_filled_in_and_what_is_filled_in_is_left_alone() -> None:
    text = "{{a}}, {{a}}, {{b|two}}, {{clipboard}}, {{clipboard|nothing}}, {{date}}, \\{{kept}}, {{ }}"
    filled = filled_prompt(text, {"a": "{{b}} {{date}}"}, clipboard="C", date="D")
    assert filled == "{{b}} {{date}}, {{b}} {{date}}, two, C, C, D, {{kept}}, {{ }}"
    assert filled_prompt("{{clipboard|nothing}}{{a}}", {}) == "nothing"


def test_long_texts_of_braces_take_no_time() -> None:
    """A pattern that tried each brace with each other one would not come to an end here."""
    for text in ("{{" * 100_000, "{{a|" * 50_000, "{{" + " " * 200_000, "\\" * 200_000):
        assert filled_prompt(text, {}) == text
        assert prompt_variables(text) == ()


def test_every_built_in_prompt_can_be_filled_in() -> None:
    for name, prompt in built_in_prompts().items():
        values = {each.name: "value" for each in prompt_variables(prompt.text)}
        filled = filled_prompt(prompt.text, values)
        assert "{{" not in filled, name
        assert "value" in filled, name
        assert prompt.description, name


# --- the file --------------------------------------------------------------------------------------------------------


def test_what_was_kept_is_there_after_a_restart(path: Path) -> None:
    PromptLibrary(path).set("mine", Prompt("Say {{what}}.", "Says it"))
    library = PromptLibrary(path)
    assert library.find("mine") == Prompt("Say {{what}}.", "Says it")
    assert library.own_names() == {"mine"}
    assert [*library.prompts()] == sorted([*built_in_prompts(), "mine"], key=str.casefold)


def test_a_prompt_that_is_deleted_can_be_brought_back(path: Path) -> None:
    library = PromptLibrary(path)
    library.set("mine", Prompt("One"))
    library.restore("mine", library.remove("mine"))
    assert library.find("mine").text == "One"
    stored = library.remove("summarize")
    assert "summarize" not in library.prompts()
    assert library.removed_names() == {"summarize"}
    library.restore("summarize", stored)
    assert library.find("summarize") == built_in_prompts()["summarize"]
    for _ in range(2):
        with pytest.raises(NotFoundError):
            library.remove("nothing")


def test_ones_own_stands_in_place_of_a_built_in_one_which_comes_back(path: Path) -> None:
    library = PromptLibrary(path)
    library.set("summarize", Prompt("Mine"))
    assert library.find("summarize").text == "Mine"
    library.remove("summarize")
    assert library.find("summarize") == built_in_prompts()["summarize"]
    library.remove("summarize")
    assert "summarize" not in library.prompts()
    library.restore_built_in()
    assert library.find("summarize") == built_in_prompts()["summarize"]


def test_a_prompt_gets_another_name_and_takes_no_other_ones_place(path: Path) -> None:
    library = PromptLibrary(path)
    library.set("a", Prompt("A"))
    library.set("b", Prompt("A2"), before="a")
    assert library.own_names() == {"b"}
    library.set("c", Prompt("C"))
    with pytest.raises(UserError, match="already"):
        library.set("c", Prompt("B"), before="b")
    assert (library.find("b").text, library.find("c").text) == ("A2", "C")


def test_what_a_newer_version_wrote_of_a_prompt_is_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    prompts: dict[str, Any] = {"a": {"text": "A", "mood": "calm"}, "b": {"mood": "x"}}
    newer = {"version": 9, "tags": [1], "prompts": prompts}
    path.write_text(json.dumps(newer))
    library = PromptLibrary(path)
    assert "b" not in library.prompts()
    assert "cannot be used here" in library.problem
    library.set("a", Prompt("B"))
    with pytest.raises(UserError, match="cannot be changed"):
        library.set("b", Prompt("B"))
    changed = {**prompts, "a": {"mood": "calm", "text": "B"}}
    assert json.loads(path.read_text()) == {**newer, "prompts": changed}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"prompts": 1}', b"\xff", b"[" * 90_000])
def test_a_damaged_file_of_prompts_is_set_aside_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    library = PromptLibrary(path)
    assert library.prompts().keys() == built_in_prompts().keys()
    assert "damaged" in library.problem
    (aside,) = path.parent.glob("prompts.damaged-*.json")
    assert aside.read_bytes() == content


@pytest.mark.parametrize(("name", "text"), [("", "a"), ("a\nb", "a"), ("x" * 61, "a"), ("a", ""), ("a", "x" * 200_001)])
def test_what_is_no_prompt_is_refused(path: Path, name: str, text: str) -> None:
    assert LONGEST_PROMPT == 200_000
    with pytest.raises(UserError):
        PromptLibrary(path).set(name, Prompt(text))
    assert not path.exists()


def test_prompts_that_cannot_be_written_or_read_are_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(ResourceError, match="could not be read"):
        PromptLibrary(path).prompts()
    blocked = path.parent / "file"
    blocked.write_text("")
    with pytest.raises(ResourceError, match="could not be saved"):
        PromptLibrary(blocked / "prompts.json").set("a", Prompt("A"))


# --- folders of Markdown files ---------------------------------------------------------------------------------------


def test_a_folder_brings_back_what_was_written_to_it(path: Path, tmp_path: Path) -> None:
    prompts = {
        "a": Prompt("Say {{what}}.\n\n---\nname: no head\n---\n", "Says it"),
        "A": Prompt("The same in capitals"),
        "../up: <down>": Prompt("Ünïcode\n"),
        "con.": Prompt("x"),
    }
    assert write_prompts(tmp_path, prompts) == 4
    read = read_prompts(tmp_path)
    assert not read.skipped
    assert read.prompts.keys() == prompts.keys()
    assert {name: each.text.strip() for name, each in read.prompts.items()} == {
        name: each.text.strip() for name, each in prompts.items()
    }
    assert read.prompts["a"].description == "Says it"
    library = PromptLibrary(path)
    assert sorted(add_prompts(library, read)) == sorted(prompts)
    assert add_prompts(library, read_prompts(tmp_path)) == [], "what is here already is not taken twice"


def test_files_that_hold_no_prompt_are_left_out_and_named(tmp_path: Path, path: Path) -> None:
    (tmp_path / "empty.md").write_text("---\nname: e\n---\n \n")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.md").write_text("x" * 900_000)
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "plain.md").write_bytes("\ufeffJust\r\ntext".encode())
    (tmp_path / "other.txt").write_text("no")
    (tmp_path / "summarize.md").write_text("Mine")
    read = read_prompts(tmp_path)
    assert read.prompts == {"plain": Prompt("Just\ntext"), "summarize": Prompt("Mine")}
    assert read.skipped.keys() == {"empty.md", "binary.md", "huge.md", "folder.md"}
    assert add_prompts(PromptLibrary(path), read) == ["plain"]
    assert "another prompt" in read.skipped["summarize"]
    with pytest.raises(NotFoundError):
        read_prompts(tmp_path / "nowhere")
