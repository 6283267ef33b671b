"""The catalog that ships holds together, and a broken one is refused with a sentence."""

from pathlib import Path

import pytest

from desktop.catalog.entries import read_catalog
from desktop.errors import IntegrityError
from desktop.paths import find_paths

LICENSE = '[[license]]\nid = "MIT"\nname = "MIT License"\n'
MODEL = """
[[model]]
id = "one"
name = "One"
family = "Ones"
publisher = "Someone"
license = "MIT"
gate = "open"
architecture = "llama"
"""


def catalog(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_catalog_names_the_built_in_model_and_its_license() -> None:
    shipped = read_catalog(find_paths().catalog)
    guide = next(entry for entry in shipped.model if entry.id == "latchkey-guide")
    assert (guide.license, guide.gate, guide.architecture) == ("Apache-2.0", "open", "llama")
    assert guide.file[0].shipped == "builtin/latchkey-guide.gguf"
    known = shipped.find_license("apache-2.0")
    assert known is not None
    assert known.restrictions == ()


def test_an_entry_reads_as_it_was_written(home: Path) -> None:
    entry = read_catalog(catalog(home, "version = 1\n" + LICENSE + MODEL + 'lineage = ["zero"]\n')).model[0]
    assert (entry.id, entry.family, entry.publisher, entry.lineage) == ("one", "Ones", "Someone", ("zero",))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version = 1\n" + MODEL, "MIT"),
        ("version = 2\n", "version"),
        ("version = 1\n" + LICENSE + MODEL.replace("open", "ajar"), "ajar"),
        ("version = 1\n" + LICENSE + MODEL + 'licence = "MIT"\n', "licence"),
        ("version = = 1\n", "line 1"),
    ],
    ids=["license not listed", "newer version", "no such gate", "misspelt field", "not TOML"],
)
def test_a_broken_catalog_is_refused_and_says_why(home: Path, text: str, reason: str) -> None:
    path = catalog(home, text)
    with pytest.raises(IntegrityError) as caught:
        read_catalog(path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_catalog_is_refused(home: Path) -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_catalog(home / "models.toml")
