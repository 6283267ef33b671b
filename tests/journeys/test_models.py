"""`latchkey models`: what may be run, under which terms, and what stands between a person and a first answer."""

from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.journeys.command import latchkey
from tests.journeys.desk import OWN_CATALOG, accept_all, tiny_apache, tiny_research

FIELDS = {
    "id", "name", "family", "publisher", "license", "gate", "restrictions", "lineage", "effective_terms",
    "architecture", "runnable", "files", "installed", "fits",
}  # fmt: skip


def test_every_model_of_the_catalog_is_listed_with_all_that_is_known() -> None:
    models = latchkey("models", "list", "--json").json
    assert len(models) > 100
    assert len({model["id"] for model in models}) == len(models)
    for model in models:
        assert set(model) >= FIELDS
        assert all(set(each) >= {"id", "name", "license", "gate"} for each in model["lineage"])
        assert all(set(each) >= {"restriction", "from"} for each in model["effective_terms"])
        assert all(set(each) >= {"name", "quantization", "size", "sha256"} for each in model["files"])
        assert model["restrictions"] == list(dict.fromkeys(term["restriction"] for term in model["effective_terms"]))
    assert models[0]["id"] == "latchkey-guide"
    assert models[0]["installed"]
    assert not any(model["installed"] for model in models[1:])


def test_what_cannot_run_is_listed_with_the_reason() -> None:
    models = {model["id"]: model for model in latchkey("models", "list", "--json").json}
    for name in ("gpt-4", "text-davinci-003", "bard"):
        assert not models[name]["runnable"]
        assert models[name]["gate"] == "closed"
        assert models[name]["files"] == []
        assert models[name]["not_runnable"]
    assert "llama.cpp" in models["gpt-j-6b"]["not_runnable"]
    shown = latchkey("models", "show", "gpt-j-6b").out
    assert "llama.cpp" in shown
    assert "latchkey ask" not in shown


def test_terms_that_are_inherited_name_the_ancestor_they_come_from() -> None:
    vicuna = latchkey("models", "show", "stablevicuna-13b", "--json").json
    assert vicuna["restrictions"][0] == "research-only"
    assert {term["from"] for term in vicuna["effective_terms"] if term["restriction"] == "research-only"} >= {
        "llama-13b"
    }
    names = [each["id"] for each in vicuna["lineage"]]
    assert names.index("llama-13b") < names.index("vicuna-13b-v0")  # the oldest first
    shown = latchkey("models", "show", "stablevicuna-13b").out
    assert "research-only: It may be used for noncommercial research, and for nothing else." in shown
    assert shown.index("Vicuna 13B") < shown.rindex("LLaMA 13B")


def test_the_list_can_be_of_what_is_here_or_of_names() -> None:
    assert [each["id"] for each in latchkey("models", "list", "--installed", "--json").json] == ["latchkey-guide"]
    heading, guide = latchkey("models", "list", "--installed").out.splitlines()
    assert (heading.split()[-1], guide.split()[-1]) == ("SIZE", "MB")
    named = latchkey("models", "list", "SmolLM2", "instruct").out.splitlines()
    assert [line.split()[0] for line in named[1:]] == [f"smollm2-{size}-instruct" for size in ("135m", "360m", "1.7b")]
    assert "No model" in latchkey("models", "list", "zzz").err


def test_the_list_is_a_table_that_fits_a_terminal_of_a_hundred_columns(home: Path) -> None:
    model = tiny_apache(home)
    lines = latchkey("models", "list").out.splitlines()
    assert len(lines) > 100
    assert max(len(line) for line in lines) <= 100
    assert "ready" in next(line for line in lines if line.startswith("latchkey-guide"))
    assert "to accept" in next(line for line in lines if line.startswith(model))
    assert "research-only" in next(line for line in lines if line.startswith("llama-7b"))
    accept_all(model)
    assert "ready" in next(line for line in latchkey("models", "list").out.splitlines() if line.startswith(model))


def test_each_step_to_a_first_answer_is_a_command_that_does_it(home: Path) -> None:
    model = tiny_apache(home)
    shown = latchkey("models", "show", model).out
    commands = [line.strip() for line in shown.splitlines() if line.strip().startswith("latchkey ")]
    assert [command.split()[1] for command in commands] == ["licenses", "licenses", "ask"]
    assert latchkey(*commands[0].split()[1:]).code == 0
    told = commands[1].replace("NAME", "Ada").replace("PURPOSE", "personal")
    assert latchkey(*told.split()[1:]).code == 0
    assert latchkey("ask", "hi", "--max-tokens", "2", "--model", model).code == 0
    shown = latchkey("models", "show", model).out
    assert "by Ada, personal" in shown
    assert "licenses accept" not in shown


def test_a_model_of_the_catalog_that_is_not_here_says_how_to_get_it() -> None:
    refusal = latchkey("ask", "hi", "--model", "llama-3.2-1b-instruct").failed_with(3)
    assert "latchkey models show llama-3.2-1b-instruct" in refusal
    shown = latchkey("models", "show", "llama-3.2-1b-instruct").out
    assert "latchkey models import FILE.gguf" in shown  # nobody who may publish it at the Hub has a file of it
    assert "asks for access" in shown
    assert "latchkey models get qwen3-0.6b" in latchkey("ask", "hi", "--model", "qwen3-0.6b").failed_with(3)
    assert "latchkey models get qwen3-0.6b" in latchkey("models", "show", "qwen3-0.6b").out


def test_the_catalog_that_ships_is_in_order() -> None:
    ran = latchkey("models", "check", str(find_paths().catalog))
    assert ran.code == 0, ran
    assert latchkey("models", "check", str(find_paths().catalog), "--json").json["problems"] == []
    evidence = latchkey("models", "check", str(find_paths().catalog), "--evidence", "--json").json["without_evidence"]
    assert "license" in evidence["bard"]
    assert "license" in evidence["qwen3-0.6b"]
    assert "prompt" not in evidence["qwq-32b"], "it was compared"


def test_every_mistake_in_a_catalog_is_named_with_its_line(home: Path) -> None:
    path = home / "mine.toml"
    text = OWN_CATALOG.format(size=1, sha256="a" * 64)
    path.write_text(text.replace('gate = "open"', 'gate = "ajar"').replace('says = "Nobody', 'sais = "Nobody'))
    ran = latchkey("models", "check", str(path), "--json")
    assert ran.code == 7, ran
    lines = path.read_text().splitlines()
    found = {(lines[each["line"] - 1], each["where"]) for each in ran.json["problems"]}
    assert ('gate = "ajar"', "model tiny-research") in found
    assert any(line.startswith("sais") and where == "license LicenseRef-Tiny-Research" for line, where in found)
    told = latchkey("models", "check", str(path))
    assert told.code == 7
    line = lines.index('gate = "ajar"') + 1
    assert f"mine.toml:{line}: model tiny-research:" in told.out


def test_a_whole_catalog_with_one_mistake_has_one(home: Path) -> None:
    path = home / "copy.toml"
    path.write_text(find_paths().catalog.read_text().replace('gate = "closed"', 'gate = "shut"', 1))
    problems = latchkey("models", "check", str(path), "--json").json["problems"]
    lines = path.read_text().splitlines()
    assert 'gate = "shut"' in {lines[each["line"] - 1] for each in problems}
    assert len(problems) < 30  # it, and what rests on it


def test_a_persons_own_catalog_adds_to_the_one_that_ships_and_its_mistakes_are_told(home: Path) -> None:
    tiny_research(home)
    own = find_paths().config / "models.toml"
    assert latchkey("models", "check", str(own)).code == 0
    assert "tiny-research" in latchkey("models", "list").out
    own.write_text(own.read_text().replace('family = "Tiny"', 'famly = "Tiny"'))
    listed = latchkey("models", "list")
    assert listed.code == 0
    assert "tiny-research" not in listed.out
    assert "latchkey-guide" in listed.out
    assert "models.toml:" in listed.err
    report = latchkey("doctor", "--json")
    assert report.code == 7
    assert report.json["catalog"]["own"] == str(own)
    assert report.json["catalog"]["problems"]


def test_a_catalog_that_is_not_there_is_not_in_order() -> None:
    assert latchkey("models", "check", "/nowhere/models.toml").failed_with(3)


@pytest.mark.parametrize("name", ["models", "licenses"])
def test_a_group_of_commands_without_one_is_wrong_usage(name: str) -> None:
    assert latchkey(name).code == 2


def test_the_list_says_which_models_to_begin_with_on_this_computer() -> None:
    models = latchkey("models", "list", "--json").json
    chosen = [model for model in models if model["chosen_for"]]
    tasks = [task for model in chosen for task in model["chosen_for"]]
    assert len(tasks) == len(set(tasks))
    assert set(tasks) <= {"chat", "coding", "reasoning", "multilingual", "fully-open"}
    for model in chosen:
        assert model["runnable"]
        assert model["gate"] != "closed"
        assert model["chosen_because"].endswith(".")
    assert all(model["chosen_because"] is None for model in models if not model["chosen_for"])


def test_a_file_says_what_its_quantization_costs() -> None:
    files = latchkey("models", "show", "qwen3.5-4b", "--json").json["files"]
    cost = {file["quantization"]: file["quality"] for file in files}
    assert cost["Q4_K_M"]["loss"] == "little"
    assert cost["Q8_0"]["loss"] == "hardly any"
    assert cost["Q8_0"]["perplexity_growth"] < cost["Q4_K_M"]["perplexity_growth"] < 0.05
    assert "little lost, perplexity +2.8 %" in latchkey("models", "show", "qwen3.5-4b").out
