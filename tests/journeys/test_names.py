"""Whatever name of a model a person types, every command means the same one, and says the same of it."""

import json
from pathlib import Path

import pytest

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model
from tests.journeys.at_the_hub import publish
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all, ask, choose

pytestmark = pytest.mark.loopback

OLD, NEW = "old-lab/tiny-GGUF", "new-lab/tiny-GGUF"


def renamed(hub: FakeHub, home: Path) -> None:
    """A repository that was renamed: the Hub answers for its old name with the new one."""
    made = publish(hub, NEW, random_model(home / "tiny.gguf", seed=21))
    siblings = [
        {"rfilename": name, "size": each.size, "lfs": {"sha256": each.sha256, "size": each.size}}
        for name, each in made.files.items()
    ]
    info = {"id": NEW, "sha": made.head, "gated": False, "cardData": made.card, "siblings": siblings}
    hub.add(FakeRepository(OLD, raw_info=json.dumps(info).encode()))


def test_every_command_knows_a_renamed_repository_by_both_names(hub: FakeHub, home: Path) -> None:
    renamed(hub, home)
    assert latchkey("models", "get", OLD).code == 4
    accept_all(OLD)
    assert latchkey("models", "get", OLD).code == 0
    for name in (OLD, NEW, f"https://huggingface.co/{OLD}"):
        assert "is here already" in latchkey("models", "get", name).out
        assert latchkey("models", "show", name, "--json").json["id"] == NEW
        assert latchkey("models", "verify", name, "--json").json[0]["ok"]
        assert latchkey("licenses", "show", name).code == 0
        assert latchkey("access", name, "--json").json["model"] == NEW
        assert ask(name).code == 0
    choose(OLD)
    assert latchkey("ask", "hello", "--max-tokens", "2").code == 0
    assert latchkey("licenses", "revoke", OLD).code == 0
    assert ask(NEW).code == 4
    assert latchkey("models", "remove", OLD).code == 0
    assert ask(NEW).code == 3


def test_access_and_get_say_the_same_of_a_copy_that_the_catalog_lists(hub: FakeHub, home: Path) -> None:
    entry = build_library_services(find_paths()).library.catalog.find_model("gemma-3-1b-it")
    assert entry is not None
    publish(hub, entry.gguf, random_model(home / "tiny.gguf", seed=22), license_id="gemma")
    publish(hub, entry.repository, b"GGUF", gated="manual", license_id="gemma")
    for name in (entry.id, entry.gguf, f"hf.co/{entry.gguf.upper()}"):
        asked = latchkey("access", name, "--json")
        assert (asked.code, asked.json["model"], asked.json["state"]) == (5, entry.id, "no-token")
        assert asked.json["gate"] == "hub-manual"
        assert latchkey("models", "get", name).code == 5
