"""Backing up and restoring with the real command: from one home to another, and what goes wrong with it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.journeys.command import latchkey

TOKEN = "hf_NobodysTokenButMine123"


@pytest.fixture(scope="module")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an answer of the built-in model, a setting and a stored token, and a backup of it."""
    where = tmp_path_factory.mktemp("made")
    at = {"LATCHKEY_HOME": str(where / "home")}
    asked = latchkey("ask", "What is a gate?", "--conversation", "new", **at)
    assert asked.code == 0, asked
    config = where / "home" / "config"
    config.mkdir(exist_ok=True)
    (config / "settings.json").write_text(json.dumps({"version": 1, "theme": "dark"}))
    (config / "tokens.vault").write_text(TOKEN)
    made = latchkey("backup", str(where / "b.zip"), "--json", **at)
    assert made.code == 0, made
    assert (made.json["conversations"], made.json["messages"], made.json["left_out"]) == (1, 2, [])
    return where


@pytest.fixture
def backup(_made_once: Path) -> Path:
    return _made_once / "b.zip"


def test_a_backup_makes_a_new_home_like_the_old_one(backup: Path, home: Path) -> None:
    report = latchkey("restore", str(backup), "--json").json
    assert (report["conversations"], report["messages"], report["problems"]) == (1, 2, [])
    assert (report["files"], report["ledger"]["added"]) == (["settings.json"], 1)
    assert [each["title"] for each in latchkey("conversations", "list", "--json").json] == ["What is a gate?"]
    assert [record["event"] for record in latchkey("licenses", "log", "--json").json] == ["restored"]
    verified = latchkey("licenses", "verify", "--json").json
    assert (verified["ok"], verified["restored"]) == (True, [{"first": 1, "last": 1, "held": True, "intact": True}])
    assert json.loads((home / "config" / "settings.json").read_text())["theme"] == "dark"
    assert TOKEN.encode() not in backup.read_bytes()
    assert not (home / "config" / "tokens.vault").exists()


def test_the_file_says_what_it_holds_before_anything_is_done(backup: Path, home: Path) -> None:
    told = latchkey("restore", str(backup), "--check")
    assert told.code == 0
    assert "The backup is whole." in told.out
    assert "1 conversation, 2 messages" in told.out
    assert not (home / "data" / "latchkey.db").exists()


def test_what_is_wrong_is_said_in_one_sentence_with_its_exit_code(backup: Path, tmp_path: Path, home: Path) -> None:
    latchkey("backup", str(tmp_path / "b.zip")).failed_with(3)
    latchkey("restore", str(tmp_path / "gone.zip")).failed_with(3)
    (tmp_path / "cut.zip").write_bytes(backup.read_bytes()[:-1])
    assert "damaged" in latchkey("restore", str(tmp_path / "cut.zip")).failed_with(7)
    shutil.copytree(backup.parent / "home", home, dirs_exist_ok=True)
    (tmp_path / "mine").write_text("mine")
    latchkey("backup", str(tmp_path / "mine")).failed_with(2)
    assert (tmp_path / "mine").read_text() == "mine"
    latchkey("backup", str(tmp_path / "gone" / "b.zip")).failed_with(3)
    if hasattr(os, "geteuid") and Path("/dev/full").exists():
        latchkey("backup", "/dev/full", "--force").failed_with(10)


def test_a_damaged_database_names_the_command_that_mends_it(backup: Path, home: Path) -> None:
    shutil.copytree(backup.parent / "home", home, dirs_exist_ok=True)
    file = home / "data" / "latchkey.db"
    file.write_bytes(os.urandom(100) + file.read_bytes()[100:])
    said = latchkey("conversations", "list").failed_with(7)
    assert f"latchkey restore {file}" in said
    mended = latchkey("restore", str(file)).out
    assert "1 conversation was brought over (2 messages)." in mended
    assert [each["title"] for each in latchkey("conversations", "list", "--json").json] == ["What is a gate?"]
    assert "nothing was changed" in latchkey("restore", str(file)).out
