"""A download that an earlier version began goes on from the bytes that are here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.fakes.hub import FakeHub
from tests.journeys.at_the_hub import publish
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all

pytestmark = pytest.mark.loopback

HOMES = sorted((Path(__file__).parents[1] / "data" / "homes").iterdir())
NAME = "acme/tiny-GGUF"
HERE = 16_000
"""Bytes that those homes hold."""


@pytest.mark.parametrize("earlier", HOMES, ids=lambda folder: f"home {folder.name}")
def test_a_download_goes_on(earlier: Path, hub: FakeHub, home: Path) -> None:
    shutil.copytree(earlier, home, dirs_exist_ok=True)
    paths, published = find_paths(), earlier / "published.gguf"
    for file in (*paths.downloads.iterdir(), *paths.models.rglob("*.state")):
        written = file.read_text().replace("http://hub.invalid", hub.endpoint)
        file.write_text(written.replace("http://cdn.invalid", hub.cdn))
    repository = publish(hub, NAME, published)
    (waiting,) = latchkey("models", "downloads", "--json").json
    assert (waiting["model"], waiting["state"], waiting["total"]) == (NAME, "paused", published.stat().st_size)
    assert waiting["done"] >= HERE
    assert latchkey("models", "get", NAME).code == 4
    accept_all(NAME)
    (part,) = paths.models.rglob("*.part")
    assert repository.head[:12] == part.parent.name
    hub.forget_requests()
    ran = latchkey("models", "get", NAME, "--json")
    assert ran.code == 0, ran
    assert Path(ran.json["path"]).read_bytes() == published.read_bytes()
    assert hub.sent("cdn") == published.stat().st_size - HERE
    assert latchkey("models", "downloads", "--json").json == []
