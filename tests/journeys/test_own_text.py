"""The command says in what a publisher's own license text differs, and which edition was accepted."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.fakes.hub import FakeHub
from tests.fakes.tiny_gguf import random_model
from tests.journeys.at_the_hub import publish
from tests.journeys.command import latchkey

MODEL = "acme/tiny-GGUF"
OWN = "LicenseRef-acme-tiny-GGUF"
APACHE = (find_paths().resources / "licenses" / "apache-2.0.txt").read_bytes()
TEXT = APACHE + b"\n\n   10. Sundays. You may not use the Work on Sundays.\n"


@pytest.mark.loopback
def test_a_text_of_its_own_is_compared_with_the_one_that_its_card_names(hub: FakeHub) -> None:
    publish(hub, MODEL, b"GGUF").add_file("LICENSE", TEXT)
    latchkey("access", MODEL)
    latchkey("models", "get", MODEL)
    shown = latchkey("licenses", "show", MODEL)
    assert shown.out.encode() == TEXT, "a single text goes out byte for byte"
    assert f"latchkey licenses show {MODEL} --against-standard" in " ".join(shown.err.split())

    compared = latchkey("licenses", "show", MODEL, "--against-standard")
    assert compared.code == 0
    assert "beside the standard text of Apache License 2.0" in " ".join(compared.out.split())
    assert "\n+ 10. Sundays. You may not use the Work on Sundays.\n" in compared.out
    assert "Grant of Patent License" not in compared.out, "what both say is left out"

    (told,) = latchkey("licenses", "show", MODEL, "--against-standard", "--json").json
    assert (told["license"], told["standard"], told["tagged"], told["changed"]) == (OWN, "Apache-2.0", True, 1)
    assert told["standard_sha256"] == hashlib.sha256(APACHE).hexdigest()
    assert told["sha256"] == hashlib.sha256(TEXT).hexdigest()
    license_ = latchkey("licenses", "show", MODEL, "--json").json
    assert license_["differs_from"] == {name: value for name, value in told.items() if name != "license"}


def test_there_is_nothing_to_compare_in_a_license_or_a_model_without_a_text_of_its_own() -> None:
    assert "Name the model" in latchkey("licenses", "show", "MIT", "--against-standard").failed_with(3)
    same = latchkey("licenses", "show", "latchkey-guide", "--against-standard")
    assert (same.code, same.out) == (0, "")
    assert "differs from" in same.err
    assert latchkey("licenses", "show", "latchkey-guide", "--against-standard", "--json").json == []
    assert latchkey("licenses", "show", "latchkey-guide", "--json").json["differs_from"] is None


def test_an_acceptance_in_other_white_space_is_told_in_every_export(home: Path) -> None:
    old, new = b"1. Use it.\n\n2. Be kind.\n", b"1. Use it.\r\n\r\n2. Be kind.\r\n"
    paths = find_paths()
    text = paths.config / "licenses" / "mine.txt"
    text.parent.mkdir(parents=True)
    text.write_bytes(old)
    paths.own_catalog.write_text(EDITIONS.format(sha256=hashlib.sha256(old).hexdigest()), encoding="utf-8")
    model = random_model(home / "mine.gguf", metadata={"general.license": "licenseref-mine"})
    model_id = latchkey("models", "import", str(model), "--json").json["id"]
    for needed in latchkey("models", "show", model_id, "--json").json["licenses"]:
        sha256 = needed["text_sha256"]
        latchkey("licenses", "accept", model_id, "--text-sha256", sha256, "--as", "Ada", "--purpose", "research")
    text.write_bytes(new)

    mine = next(
        each
        for each in latchkey("models", "show", model_id, "--json").json["licenses"]
        if each["id"] == "LicenseRef-Mine"
    )
    assert (mine["status"], mine["white_space_differs"]) == ("in-force", True)
    told = " ".join(latchkey("licenses", "show", model_id, "--changes").out.split())
    assert "No word changed, only white space." in told
    assert "What was accepted is another edition: An older copy." in told
    for name in ("l.json", "l.csv", "l.html", "l.cdx.json"):
        assert latchkey("licenses", "export", str(home / name)).code == 0
    assert list(json.loads((home / "l.json").read_text())["text_differs"].values()) == ["white space"]
    rows = csv.DictReader(io.StringIO((home / "l.csv").read_text(), newline=""))
    assert [row["text_differs"] for row in rows if row["license"] == "LicenseRef-Mine"] == ["white space"]
    assert (home / "l.html").read_text().count("differs from the text in force in white space alone") == 1
    bill = (home / "l.cdx.json").read_text()
    assert bill.count('"latchkey:text-differs"') == 1
    assert hashlib.sha256(new).hexdigest() in bill
    assert latchkey("licenses", "verify", str(home / "l.json")).code == 0

    text.write_bytes(b"1. Use it well.\n\n2. Be kind.\n")
    refusal = latchkey("ask", "Hello", "--model", model_id).failed_with(4)
    assert "What was accepted is another edition: An older copy." in refusal


EDITIONS = """
version = 1
[[license]]
id = "LicenseRef-Mine"
name = "My License"
text = "licenses/mine.txt"
[[license.edition]]
sha256 = "{sha256}"
differs = "white space"
source = "An older copy"
"""
