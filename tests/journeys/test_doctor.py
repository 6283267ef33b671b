"""`latchkey doctor` and `latchkey models`: what is found on this machine."""

import hashlib
import json
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.fakes.gpu_plugin import compile_plugin
from tests.journeys.command import latchkey


def test_doctor_reports_what_matters_and_changes_nothing(home: Path) -> None:
    ran = latchkey("doctor", "--json")
    assert ran.code == 0, ran
    report = ran.json
    assert set(report) == {
        "versions",
        "system",
        "cpu",
        "memory",
        "devices",
        "engine_test",
        "load",
        "prompt_cache",
        "folders",
        "database",
        "collections",
        "log",
        "sandbox",
        "document_sandbox",
        "tool_servers",
        "keyring",
        "policy",
        "ledger",
        "catalog",
        "network",
        "backups",
        "problems",
    }
    assert report["problems"] == []
    assert report["versions"]["llama.cpp"]
    assert report["versions"]["PySide6-Essentials"].startswith("6.11.")
    assert any(device["kind"] == "cpu" for device in report["devices"])
    assert report["memory"]["total"] > report["memory"]["available"] > 0
    assert {folder["purpose"] for folder in report["folders"]} == {
        "settings",
        "conversations",
        "models",
        "cache",
        "logs",
    }
    assert all(folder["path"].startswith(str(home)) and folder["writable"] for folder in report["folders"])
    assert report["policy"]["state"] == "none"
    assert (report["ledger"]["records"], report["ledger"]["holds"]) == (0, True)
    assert report["catalog"]["models"] > 100
    assert report["catalog"]["problems"] == []
    network = report["network"]
    assert (network["offline"], network["hub"], network["tokens"]) == (False, "https://huggingface.co", [])
    assert network["keyring"] in ("ready", "locked", "absent")
    assert report["collections"]["collections"] == 0
    assert not find_paths().database_file.exists()
    assert not find_paths().documents_file.exists()
    assert not find_paths().ledger_file.exists()
    assert not find_paths().config.exists()


def test_doctor_speaks_to_people_as_well() -> None:
    ran = latchkey("doctor")
    assert ran.code == 0, ran
    assert "Everything is in order." in ran.out


def test_doctor_says_how_the_network_is_set_and_shows_no_secret(home: Path) -> None:
    token = "hf_" + "Xy7" * 11
    given = latchkey(
        "token", "set", "--place", "vault", stdin=f"{token}\n correct horse battery\n", LATCHKEY_OFFLINE="1"
    )
    assert given.code == 0, given
    settings = {"version": 1, "proxy": "http://me:secret-word@proxy.example:3128"}
    (home / "config" / "settings.json").write_text(json.dumps(settings))
    environ = {"HF_ENDPOINT": "https://hub.example", "LATCHKEY_OFFLINE": "1"}
    ran = latchkey("doctor", "--json", **environ)
    network = ran.json["network"]
    assert (network["offline"], network["hub"]) == (True, "https://hub.example")
    assert network["proxy"] == "proxy.example:3128"
    assert network["tokens"] == [{"host": "huggingface.co", "place": "vault"}]
    told = latchkey("doctor", **environ)
    assert "LATCHKEY_OFFLINE" in told.out
    assert "for huggingface.co in vault" in told.out
    everything = ran.out + ran.err + told.out + told.err
    assert token not in everything
    assert "secret-word" not in everything
    assert latchkey("doctor", HF_ENDPOINT="nonsense").code != 0


def test_doctor_finds_folders_that_cannot_be_written() -> None:
    ran = latchkey("doctor", "--json", LATCHKEY_HOME="/dev/null/home")
    assert ran.code == 10, ran
    assert any("cannot be written" in problem for problem in ran.json["problems"])


def test_doctor_names_a_driver_that_stops_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGML_BACKEND_PATH", str(compile_plugin(tmp_path, "broken", body="abort();")))
    ran = latchkey("doctor")
    assert ran.code == 6, ran
    assert ran.out.rstrip().splitlines()[-1] == (
        "Models run on the processor: the driver of the graphics card stopped the engine (libggml-broken.so). It is "
        "tried again after this computer was restarted. Its process is gone: it was ended by the signal SIGABRT. "
        "“latchkey engine test” has it tried again at the next start."
    )
    monkeypatch.setenv("GGML_BACKEND_PATH", str(compile_plugin(tmp_path, "older", release="0.3.1")))
    ran = latchkey("doctor")
    assert ran.code == 6, ran
    assert "libggml-older.so belongs to another version of Latchkey, so it is not used." in ran.out


def test_doctor_finds_a_damaged_database() -> None:
    path = find_paths().database_file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\x00cut")
    ran = latchkey("doctor", "--json")
    assert ran.code == 7, ran
    assert "damaged" in ran.json["database"]


def test_the_built_in_model_is_listed_with_its_license() -> None:
    model = latchkey("models", "list", "--json").json[0]
    path = find_paths().builtin_model
    contract = {
        "id": "latchkey-guide",
        "name": "Latchkey Guide",
        "family": "Latchkey",
        "publisher": "Latchkey",
        "license": "Apache-2.0",
        "gate": "open",
        "restrictions": [],
        "lineage": [],
        "effective_terms": [],
        "architecture": "llama",
        "runnable": True,
        "files": [
            {
                "name": "latchkey-guide.gguf",
                "quantization": "Q8_0",
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "fits": True,
                "fit": "fits-memory",
            }
        ],
        "installed": True,
        "fits": True,
        "state": "ready",
        "access": None,
    }
    assert (model.pop("chosen_for"), model.pop("chosen_because")) == ([], None)  # the list alone has these
    assert latchkey("models", "show", "latchkey-guide", "--json").json == model
    (file,) = model["files"]
    assert set(file.pop("quality")) == {"short", "loss", "perplexity_growth"}
    assert {name: model[name] for name in contract} == contract
    (license_,) = model["licenses"]
    assert (license_["id"], license_["from"], license_["status"]) == ("Apache-2.0", "latchkey-guide", "not-needed")
    assert "Apache-2.0" in latchkey("models", "list").out
    assert "latchkey-guide" in latchkey("models", "show", "latchkey-guide").out


def test_a_model_that_is_not_here_is_not_shown() -> None:
    assert "gpt-9" in latchkey("models", "show", "gpt-9").failed_with(3)
