"""What a file manager on Linux needs to open a model with Latchkey: its type is known, and the entry claims it."""

import configparser
from pathlib import Path
from xml.etree import ElementTree

from tests.fakes.tiny_gguf import random_model

LINUX = Path(__file__).parents[2] / "packaging" / "linux"
NAMESPACE = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}


def test_the_entry_opens_the_very_type_that_is_declared(home: Path) -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(LINUX / "latchkey.desktop", encoding="utf-8")
    declared = ElementTree.parse(LINUX / "latchkey.xml").getroot().findall("m:mime-type", NAMESPACE)
    assert entry["Desktop Entry"]["MimeType"].rstrip(";").split(";") == [each.get("type") for each in declared]
    assert entry["Desktop Entry"]["Exec"].endswith(" %F")  # paths, several at once


def test_a_model_is_of_that_type_by_its_name_and_by_its_first_bytes(home: Path) -> None:
    declared = ElementTree.parse(LINUX / "latchkey.xml").getroot().find("m:mime-type", NAMESPACE)
    assert declared is not None
    assert [each.get("pattern") for each in declared.findall("m:glob", NAMESPACE)] == ["*.gguf"]
    (match,) = declared.findall("m:magic/m:match", NAMESPACE)
    assert (match.get("type"), match.get("offset")) == ("string", "0")
    assert random_model(home / "m.gguf").read_bytes().startswith(str(match.get("value")).encode())
