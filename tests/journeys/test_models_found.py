"""Models that other programs fetched, and files that vanish or change, with the real command."""

from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.other_apps import OllamaStore, hub_cache
from tests.fakes.tiny_gguf import random_model
from tests.journeys.at_the_hub import publish
from tests.journeys.command import Terminal, latchkey
from tests.journeys.desk import accept_all, ask, events, log


@pytest.fixture
def others(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder in which other programs keep models: one of Ollama, one of the Hub's cache."""
    person = home / "person"
    (person / "scratch").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(person))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    store = OllamaStore(person / ".ollama" / "models")
    store.name("registry.ollama.ai/library/tiny/1b", [store.model(person / "scratch", seed=41)])
    cached = random_model(person / "scratch" / "cached.gguf", seed=42).read_bytes()
    hub_cache(person / ".cache" / "huggingface" / "hub", "acme/cached-GGUF", {"cached-Q8_0.gguf": cached})
    return person


def test_models_of_other_programs_are_listed_and_one_is_used_where_it_lies(others: Path) -> None:
    found = latchkey("models", "found", "--json")
    assert found.code == 0, found
    by_app = {each["app"]: each for each in found.json}
    assert len(by_app) == 2
    ollama = by_app["Ollama"]
    assert ollama["imported"] is None
    table = latchkey("models", "found")
    assert ollama["name"] in table.out
    assert "not used yet" in table.out
    before = Path(ollama["path"]).stat()
    assert ollama["size"] == before.st_size
    ran = latchkey("models", "import", "--found", ollama["name"], "--json")
    assert ran.code == 0, ran
    assert ran.json["path"] == ollama["path"]
    assert Path(ollama["path"]).stat() == before
    accept_all(ran.json["id"])
    assert ask(ran.json["id"]).code == 0
    again = {each["app"]: each["imported"] for each in latchkey("models", "found", "--json").json}
    assert again["Ollama"]
    assert "in use as" in latchkey("models", "found").out
    removed = latchkey("models", "remove", ran.json["id"])
    assert "stays" in removed.out
    assert Path(ollama["path"]).exists()


def test_a_name_that_no_other_program_uses_is_told(others: Path) -> None:
    assert "latchkey models found" in latchkey("models", "import", "--found", "nothing").failed_with(3)


def test_where_there_are_no_other_programs_that_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    ran = latchkey("models", "found")
    assert (ran.code, ran.out) == (0, "")
    assert "No models" in ran.err
    assert latchkey("models", "found", "--json").json == []


def test_a_file_that_is_imported_twice_stays_one_model(home: Path) -> None:
    path = random_model(home / "some.gguf")
    first = latchkey("models", "import", str(path), "--json")
    second = latchkey("models", "import", str(path), "--json")
    assert first.json == second.json
    assert "has it already" in second.err
    assert events() == ["imported"]


def test_a_terminal_shows_how_far_an_import_is(home: Path) -> None:
    terminal = Terminal("models", "import", str(random_model(home / "some.gguf")))
    assert terminal.end() == 0, terminal.screen
    assert "100 %" in terminal.screen


def test_a_file_opened_by_a_file_manager_without_a_display_names_the_command_that_adds_it(home: Path) -> None:
    path = random_model(home / "a model.gguf")
    assert f"latchkey models import '{path}'" in latchkey(str(path)).failed_with(2)


def test_a_file_that_vanished_is_told_in_the_list_at_verify_and_when_it_is_asked(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = latchkey("models", "import", str(path), "--json").json["id"]
    accept_all(model)
    path.rename(home / "elsewhere.gguf")
    assert latchkey("models", "show", model, "--json").json["state"] == "file-missing"
    assert "file missing" in latchkey("models", "list").out
    assert str(path) in latchkey("models", "show", model).out
    verified = latchkey("models", "verify", model, "--json")
    assert verified.code == 3, verified
    assert (verified.json[0]["state"], verified.json[0]["ok"]) == ("missing", False)
    assert "MISSING" in latchkey("models", "verify").out
    assert ask(model).code in (3, 6, 7)
    (home / "elsewhere.gguf").rename(path)
    assert latchkey("models", "verify", model).code == 0
    assert ask(model).code == 0
    path.unlink()
    assert "gone already" in latchkey("models", "remove", model).out
    assert log()[-1]["event"] == "removed"


def test_a_file_that_was_touched_is_the_same_once_it_was_read_again(home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = latchkey("models", "import", str(path), "--json").json["id"]
    path.touch()
    assert latchkey("models", "show", model, "--json").json["state"] == "file-changed"
    assert "reading it again" in latchkey("models", "show", model).out.lower()
    assert latchkey("models", "verify", model).code == 0
    assert latchkey("models", "show", model, "--json").json["state"] == "to-accept"


@pytest.mark.loopback
def test_a_model_that_only_the_hub_knows_is_looked_at_before_it_is_fetched(hub: FakeHub, home: Path) -> None:
    publish(hub, "acme/tiny-GGUF", random_model(home / "some.gguf"))
    assert "offline" in latchkey("models", "show", "acme/tiny-GGUF", LATCHKEY_OFFLINE="1").failed_with(8)
    shown = latchkey("models", "show", f"{hub.endpoint}/acme/tiny-GGUF", "--json").json
    assert (shown["id"], shown["installed"], shown["state"]) == ("acme/tiny-GGUF", False, "not-here")
    (file,) = shown["files"]
    assert (file["name"], file["fit"], file["fits"]) == ("tiny-Q8_0.gguf", "fits-memory", True)
    assert len(file["sha256"]) == 64
    told = latchkey("models", "show", "acme/tiny-GGUF", LATCHKEY_OFFLINE="1")  # by now it is known here
    assert told.code == 0, told
    assert "fits memory" in told.out
    assert "offline" in told.out
    assert "acme/tiny-GGUF" in latchkey("models", "list").out
    assert "forgotten" in latchkey("models", "remove", "acme/tiny-GGUF").out
    assert "acme/tiny-GGUF" not in latchkey("models", "list").out
    assert latchkey("models", "show", "acme/nothing").failed_with(3)
    assert latchkey("models", "show", "./some/file.gguf").failed_with(3)


@pytest.mark.loopback
def test_names_in_a_repository_cannot_write_on_the_terminal_or_outside_the_models(hub: FakeHub, home: Path) -> None:
    data = random_model(home / "some.gguf")
    repository = FakeRepository("acme/evil-GGUF", card={"license": "apache-2.0"}, tags=["gguf"])
    for name in ("fine-Q8_0.gguf", "..\\up-Q4_0.gguf", "bell\x07\x1b]0;x-Q5_0.gguf", "con.gguf", "../out-Q6_K.gguf"):
        repository.add_file(name, data)
    hub.add(repository)
    terminal = Terminal("models", "show", "acme/evil-GGUF")
    assert terminal.end() == 0, terminal.screen
    assert "fine-Q8_0.gguf" in terminal.screen
    assert "\x07" not in terminal.screen
    assert "\x1b]" not in terminal.screen
    shown = latchkey("models", "show", "acme/evil-GGUF", "--json").json
    assert [each["name"] for each in shown["files"]] == ["fine-Q8_0.gguf"]
    accept_all("acme/evil-GGUF")
    assert latchkey("models", "get", "acme/evil-GGUF", "--file", "../out-Q6_K.gguf").failed_with(3)
    assert latchkey("models", "get", "acme/evil-GGUF").code == 0
    assert not list(home.rglob("*out-Q6_K*"))
