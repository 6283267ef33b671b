"""A file of one's own: added with its license, or with a statement where none is known, and checked at every load."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.gguf_header import read_header
from desktop.paths import find_paths
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import Terminal, latchkey
from tests.journeys.desk import accept, accept_all, ask, events, log, tiny_research, waiting

UNKNOWN = "LicenseRef-Unknown"
POET = """
version = 1
[[model]]
id = "poet-1b-chat"
name = "Poet 1B Chat"
family = "Poet"
publisher = "Acme"
license = "Apache-2.0"
gate = "open"
summary = "It rhymes."
architecture = "llama"
parameters = {parameters}
"""


def of_llama(path: Path) -> Path:
    """A file that says apache-2.0, and that it was made from a Llama."""
    base = {
        "general.base_model.count": 1,
        "general.base_model.0.name": "Llama 3.2 1B Instruct",
        "general.base_model.0.organization": "Meta Llama",
        "general.base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct",
    }
    return random_model(path, metadata=base)


def imported(path: Path, *options: str) -> dict[str, Any]:
    ran = latchkey("models", "import", str(path), *options, "--json")
    assert ran.code == 0, ran
    return dict(ran.json)


def test_a_file_that_was_never_imported_is_refused_and_both_commands_are_named(home: Path) -> None:
    path = random_model(home / "some.gguf")
    refusal = ask(str(path)).failed_with(4)
    assert f"latchkey models import {path}" in refusal
    assert "latchkey licenses accept" in refusal
    assert latchkey("ask", "hi", "--json", "--model", str(path)).failed_with(4)
    assert events() == []


def test_an_imported_file_is_refused_accepted_and_asked_by_id_and_by_path(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = imported(path)
    assert model == latchkey("models", "show", model["id"], "--json").json
    assert model["installed"]
    assert model["imported"]
    assert model["license"] == "Apache-2.0"
    assert model["path"] == str(path)
    assert model["files"][0]["size"] == path.stat().st_size
    assert "--text-sha256" in ask(model["id"]).failed_with(4)
    accept_all(model["id"])
    assert ask(model["id"]).code == 0
    assert ask(str(path)).code == 0
    assert events() == ["imported", "refused", "acknowledged", "loaded", "loaded"]
    assert [each["id"] for each in latchkey("models", "list", "--json").json[:2]] == ["latchkey-guide", model["id"]]


def test_a_license_may_be_named_at_import(home: Path) -> None:
    path = random_model(home / "some.gguf", metadata={"general.license": None})
    model = imported(path, "--license", "cc-by-nc-4.0")
    assert model["license"] == "CC-BY-NC-4.0"
    assert "non-commercial" in model["restrictions"]
    (needed,) = waiting(model["id"])
    refusal = accept(model["id"], needed["text_sha256"], purpose="commercial").failed_with(8)
    assert "CC-BY-NC-4.0, clause" in refusal
    accept_all(model["id"])
    assert ask(model["id"]).code == 0


def test_a_license_named_at_import_does_not_take_away_the_files_own(home: Path) -> None:
    model = imported(random_model(home / "some.gguf", metadata={"general.license": "cc-by-nc-4.0"}), "--license", "mit")
    assert {each["id"] for each in model["licenses"]} == {"CC-BY-NC-4.0", "MIT"}
    assert "non-commercial" in model["restrictions"]


def test_a_license_that_nobody_knows_needs_the_persons_own_statement(home: Path) -> None:
    path = random_model(home / "some.gguf", metadata={"general.license": "moonlight-license-9"})
    model = imported(path)
    assert [each["id"] for each in model["licenses"]] == [UNKNOWN]
    assert "unknown-license" in {flag["kind"] for flag in model["flags"]}
    assert "moonlight-license-9" in latchkey("models", "show", model["id"]).out
    assert "statement" in latchkey("licenses", "show", model["id"]).out.lower()
    assert ask(model["id"]).code == 4
    accept_all(model["id"])
    assert ask(model["id"]).code == 0


def test_an_unknown_license_cannot_be_named_at_import(home: Path) -> None:
    path = random_model(home / "some.gguf")
    assert "moonlight" in latchkey("models", "import", str(path), "--license", "moonlight").failed_with(3)
    assert events() == []


def test_a_claim_that_the_base_does_not_allow_is_flagged_and_both_licenses_are_needed(home: Path) -> None:
    model = imported(of_llama(home / "claims.gguf"))
    assert model["license"] == "Apache-2.0"
    flagged = {flag["node"]: flag["sentence"] for flag in model["flags"] if flag["kind"] == "claims-more"}
    assert set(flagged) == {"llama-3.2-1b", "llama-3.2-1b-instruct"}
    assert "It says Apache-2.0" in flagged["llama-3.2-1b-instruct"]
    assert [each["id"] for each in model["licenses"]] == ["LicenseRef-Llama-3.2", "Apache-2.0"]
    assert "user-cap" in model["restrictions"]
    caps = [term["from"] for term in model["effective_terms"] if term["restriction"] == "user-cap"]
    assert caps[:2] == ["llama-3.2-1b-instruct", "llama-3.2-1b"]  # the nearest first
    assert [each["id"] for each in model["lineage"]][-2:] == ["llama-3.2-1b", "llama-3.2-1b-instruct"]

    llama, apache = waiting(model["id"])
    assert accept(model["id"], apache["text_sha256"]).code == 0
    assert "Llama 3.2" in ask(model["id"]).failed_with(4)
    assert accept(model["id"], llama["text_sha256"]).code == 0
    assert ask(model["id"]).code == 0
    shown = latchkey("models", "show", model["id"]).out
    assert "Built with Llama" in shown
    assert "└─ Llama 3.2 1B" in shown


def test_a_file_changed_after_it_was_accepted_is_not_loaded(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = imported(path)["id"]
    accept_all(model)
    assert ask(model).code == 0
    random_model(path, seed=8)  # another model of the same size in its place
    assert "sha256" in ask(model).failed_with(7)
    assert "sha256" in ask(str(path)).failed_with(7)
    ran = latchkey("models", "verify", "--json")
    assert ran.code == 7, ran
    assert {each["id"]: each["ok"] for each in ran.json} == {"latchkey-guide": True, model: False}
    assert latchkey("models", "verify", "latchkey-guide").code == 0
    assert "loaded" in events()
    assert events()[-2:] == ["refused", "refused"]


def test_a_file_changed_behind_the_clocks_back_is_found_by_reading_it_again(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = imported(path)["id"]
    accept_all(model)
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert latchkey("models", "verify", model).code == 7
    assert ask(model).code == 7  # what was remembered of the file is forgotten as well


def test_a_copy_is_independent_of_the_file_and_is_deleted_with_the_model(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = imported(path, "--copy")
    copy = Path(model["path"])
    assert copy.is_relative_to(find_paths().models)
    path.unlink()
    accept_all(model["id"])
    assert ask(model["id"]).code == 0
    assert latchkey("models", "remove", model["id"]).code == 0
    assert not copy.exists()
    assert model["id"] in latchkey("models", "show", model["id"]).failed_with(3)


def test_a_file_used_in_place_stays_when_its_model_is_removed(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = imported(path)["id"]
    assert str(path) in latchkey("models", "remove", model).out
    assert path.exists()
    assert events() == ["imported", "removed"]
    assert latchkey("models", "remove", "latchkey-guide").failed_with(8)


def test_a_file_whose_hash_the_catalog_knows_is_that_model(home: Path) -> None:
    model = imported(tiny_research(home))
    assert model["id"] == "tiny-research"
    assert model["license"] == "LicenseRef-Tiny-Research"  # whatever its header says
    assert model["attribution"] == ["Built with Tiny"]


def test_an_answer_at_a_terminal_and_a_kept_one_carry_what_is_owed_for_them(home: Path) -> None:
    imported(tiny_research(home))
    accept_all("tiny-research")
    owed = "Tiny Research: LicenseRef-Tiny-Research, non-commercial; Built with Tiny"
    terminal = Terminal("ask", "hello", "--model", "tiny-research", "--max-tokens", "4")
    assert terminal.end() == 0
    assert owed in terminal.screen
    piped = ask("tiny-research")
    assert "Built with" not in piped.out + piped.err  # whoever scripts it has the answer alone

    settings = {"version": 1, "model": "tiny-research", "sampling": {"max_tokens": 4}}
    (home / "config" / "settings.json").write_text(json.dumps(settings))
    chat = Terminal()
    chat.read_until("> ")
    chat.type("hello\n")
    chat.read_until(owed)
    chat.read_until("> ")
    chat.type("\x04")
    assert chat.end() == 0
    (conversation,) = latchkey("conversations", "list", "--json").json
    assert owed in latchkey("conversations", "show", conversation["id"]).out
    assert latchkey("conversations", "show", conversation["id"], "--json").json["messages"][1]["credit"] == owed


@pytest.mark.parametrize(
    "name", ["a \U0001f511 model.gguf", "מודל.gguf", "two\nlines.gguf", "qu'ote \"d.gguf", "-h.gguf"]
)
def test_files_of_any_name_can_be_added_and_asked(home: Path, name: str) -> None:
    path = random_model(home / name, metadata={"general.name": f"Named {name}"})
    model = imported(path)
    assert "\n" not in model["id"]
    accept_all(model["id"])
    assert ask(str(path)).code == 0
    assert log()[-1]["model"] == model["id"]
    listed = latchkey("models", "list").out.splitlines()
    assert sum(line.startswith(model["id"]) for line in listed) == 1


def test_what_is_no_model_is_not_added(home: Path) -> None:
    path = home / "letter.gguf"
    path.write_text("Dear Sir or Madam")
    assert "GGUF" in latchkey("models", "import", str(path)).failed_with(6)
    assert latchkey("models", "import", str(home / "nothing.gguf")).failed_with(3)
    assert latchkey("models", "import", str(home)).code in (3, 6)
    assert events() == []


def test_the_command_says_by_what_a_file_was_recognized(home: Path) -> None:
    path = random_model(home / "Poet-1B-Chat-Q4_0.gguf", metadata={"general.name": "LLaMA v2"})
    own = find_paths().own_catalog
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(POET.format(parameters=read_header(path).parameters), encoding="utf-8")
    model = imported(path)
    assert (model["name"], model["family"], model["recognized_by"]) == ("Poet 1B Chat", "Poet", "file-name")
    assert [each["id"] for each in model["lineage"]] == ["poet-1b-chat"]
    shown = latchkey("models", "show", model["id"]).out
    assert shown.startswith("Poet 1B Chat\n")
    assert "Recognized by its file name and its header." in shown
    renamed = path.rename(home / "Poet-1B-Chat-uncensored.gguf")
    latchkey("models", "remove", model["id"])
    other = imported(renamed)
    assert (other["name"], other["recognized_by"], other["lineage"]) == ("Poet 1B Chat uncensored", None, [])
    assert "Recognized" not in latchkey("models", "show", other["id"]).out
