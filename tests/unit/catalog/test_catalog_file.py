"""The catalog that ships holds together; a mistake in a catalog is named with its line, and the rest is still used."""

import os
from pathlib import Path

import pytest

from desktop.catalog.catalog import License
from desktop.catalog.catalog_file import CatalogReadResult, read_catalog
from desktop.errors import IntegrityError
from desktop.licenses.license_texts import LicenseTexts
from desktop.paths import find_paths

HEAD = """\
version = 1

[[license]]
id = "MIT"
name = "MIT License"
text = "licenses/mit.txt"
hub_ids = ["mit"]

[[license]]
id = "LicenseRef-Strict"
name = "Strict License"
text = "licenses/strict.txt"

[[license.restriction]]
restriction = "research-only"
clause = "2"
says = "Research only."
quote = "for research   only"

[[model]]
id = "good"
name = "Good"
family = "Ones"
publisher = "Someone"
license = "MIT"
gate = "open"
summary = "A good one."
architecture = "llama"
"""
_BEFORE = HEAD.count("\n")
MODEL = """
[[model]]
id = "one"
name = "One"
family = "Ones"
publisher = "Someone"
license = "MIT"
gate = "open"
summary = '''
[[model]] in a text
gate = "ajar"
'''
architecture = "llama"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "licenses").mkdir()
    (tmp_path / "licenses" / "mit.txt").write_text("As it is.", encoding="utf-8")
    (tmp_path / "licenses" / "strict.txt").write_bytes(b"\xef\xbb\xbfUse it for\r\nresearch only.\r\n")
    return tmp_path


def read(folder: Path, text: str, own: str | None = None) -> CatalogReadResult:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    other = folder / "own.toml"
    if own is not None:
        other.write_text(own, encoding="utf-8")
    return read_catalog(path, other, text_folders=[folder], thorough=True)


def test_the_shipped_catalog_has_no_mistake() -> None:
    paths = find_paths()
    read = read_catalog(paths.catalog, text_folders=[paths.resources], thorough=True)
    assert [str(problem) for problem in read.problems] == []


def test_the_shipped_catalog_names_the_built_in_model_and_its_license() -> None:
    catalog = read_catalog(find_paths().catalog, text_folders=[find_paths().resources]).catalog
    guide = catalog.find_model("latchkey-guide")
    assert guide is not None
    assert (guide.license, guide.gate, guide.architecture) == ("Apache-2.0", "open", "llama")
    known = catalog.find_license("apache-2.0")
    assert known is not None
    assert (known.spdx, known.restrictions) == ("Apache-2.0", ())


def test_a_sound_catalog_reads_as_it_was_written(folder: Path) -> None:
    found = read(folder, HEAD + MODEL)
    assert found.problems == ()
    assert [entry.id for entry in found.catalog.model] == ["good", "one"]
    assert found.catalog.model[1].summary == '[[model]] in a text\ngate = "ajar"\n'
    strict = found.catalog.find_license("licenseref-strict")
    assert strict is not None
    assert (strict.spdx, strict.restrictions) == (None, ("research-only",))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (MODEL.replace('gate = "open"', 'gate = "ajar"'), 8, "ajar"),
        (MODEL + 'licence = "MIT"\n', 14, "licence"),
        (MODEL.replace('name = "One"\n', ""), 2, "name"),
        (MODEL.replace('"MIT"', '"Mine"'), 7, "Mine"),
        (MODEL + 'base = [{ id = "nobody", relation = "fine-tune" }]\norigin = "derived"\n', 14, "nobody"),
        (MODEL + 'base = [{ id = "good", relation = "child" }]\norigin = "derived"\n', 14, "child"),
        (MODEL + 'base = [{ id = "good", relation = "fine-tune" }]\n', 2, "derived"),
        (MODEL + 'origin = "derived"\n', 14, "derived"),
        (MODEL + 'prompt = "sing"\n', 14, "sing"),
        (MODEL.replace('"one"', '"good"'), 3, "good"),
        (MODEL.replace('"one"', '"../one"'), 3, "id"),
        (MODEL.replace('gate = "open"', 'gate = "closed"'), 8, "closed"),
        (MODEL.replace('architecture = "llama"', 'architecture = ""'), 13, "architecture"),
        (MODEL + '[[model.file]]\nname = "a/b.gguf"\nquantization = "Q4"\n', 15, "name"),
        (MODEL + '[[model.file]]\nname = "a"\nquantization = "Q4"\nsha256 = "12"\n', 17, "sha256"),
        (MODEL + '[[model.file]]\nname = "a"\nquantization = "Q4"\nsize = -1\n', 17, "size"),
        ('[[license]]\nid = "X"\nname = "X"\ntext = "licenses/none.txt"\n', 4, "none.txt"),
        ('[[license]]\nid = "X"\nname = "X"\ntext = "/etc/passwd"\n', 4, "text"),
        ('[[license]]\nid = "X"\nname = "X"\ntext = "licenses/../../secret"\n', 4, "text"),
        ('[[license]]\nid = "X"\nname = "X"\ntext = "licenses/mit.txt"\nhub_ids = ["mit"]\n', 5, "mit"),
        (
            '[[license]]\nid = "X"\nname = "X"\ntext = "licenses/mit.txt"\n[[license.restriction]]\n'
            'restriction = "attribution"\nclause = "1"\nsays = "x"\nquote = "not there"\n',
            9,
            "not there",
        ),
        ('[[dataset]]\nid = "d"\nname = "D"\npublisher = "P"\nlicense = "Mine"\n', 5, "Mine"),
        ("[[modell]]\n", 1 - _BEFORE, "modell"),
        ("= 3\n", 1, "at line"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_the_rest_is_used(folder: Path, text: str, line: int, reason: str) -> None:
    found = read(folder, HEAD + text)
    assert len(found.problems) == 1
    problem = found.problems[0]
    assert (problem.line, reason in str(problem)) == (_BEFORE + line, True), str(problem)
    kept = {entry.id for entry in found.catalog.model}
    assert kept == (set() if reason == "at line" else {"good"})


def test_models_built_on_themselves_are_left_out_with_what_rests_on_them(folder: Path) -> None:
    def derived(name: str, base: str) -> str:
        model = MODEL.replace('"one"', f'"{name}"')
        return model + f'origin = "derived"\nbase = [{{ id = "{base}", relation = "fine-tune" }}]\n'

    found = read(folder, HEAD + derived("a", "b") + derived("b", "a") + derived("c", "b") + derived("d", "good"))
    assert [entry.id for entry in found.catalog.model] == ["good", "d"]
    assert len(found.problems) == 3
    assert "a → b → a" in str(found.problems[0])


def test_what_rests_on_a_mistake_is_left_out_too_and_says_so(folder: Path) -> None:
    middle = MODEL.replace('"MIT"', '"Mine"')
    top = MODEL.replace('"one"', '"two"') + 'origin = "derived"\nbase = [{ id = "one", relation = "merge" }]\n'
    found = read(folder, HEAD + middle + top)
    assert [entry.id for entry in found.catalog.model] == ["good"]
    assert ["Mine" in str(found.problems[0]), "one as its base" in str(found.problems[1])] == [True, True]


def test_nothing_that_can_be_fetched_is_under_a_license_without_a_text(folder: Path) -> None:
    silent = '[[license]]\nid = "LicenseRef-Silent"\nname = "Silent"\n'
    model = MODEL.replace('"MIT"', '"LicenseRef-Silent"')
    assert "no text" in str(read(folder, HEAD + silent + model).problems[0])
    closed = model.replace('"open"', '"closed"').replace('architecture = "llama"\n', "")
    assert read(folder, HEAD + silent + closed).problems == ()


def test_a_persons_own_catalog_adds_and_cannot_change_what_ships(folder: Path) -> None:
    own = "version = 1\n" + MODEL + MODEL.replace('"one"', '"good"')
    found = read(folder, HEAD, own)
    assert [entry.id for entry in found.catalog.model] == ["good", "one"]
    (problem,) = found.problems
    assert (problem.file.name, problem.line) == ("own.toml", 17)
    assert "models.toml" in problem.message


def test_a_persons_own_catalog_cannot_say_that_a_file_comes_with_latchkey(folder: Path) -> None:
    mine = (
        MODEL.replace('"one"', '"mine"')
        + """
[[model.file]]
name = "a.gguf"
quantization = "Q8_0"
shipped = "builtin/a.gguf"
"""
    )
    found = read(folder, HEAD + MODEL, "version = 1\n" + mine)
    assert found.catalog.find_model("mine") is None
    (problem,) = found.problems
    assert (problem.file.name, problem.where) == ("own.toml", "model mine")
    assert "come with it" in problem.message
    assert 'shipped = "' in (folder / "own.toml").read_text().splitlines()[problem.line - 1]


def test_a_broken_file_of_ones_own_leaves_what_ships_whole(folder: Path) -> None:
    for own in ("version = 1\n[[model", "version = 9\n", "\x00"):
        found = read(folder, HEAD, own)
        assert [entry.id for entry in found.catalog.model] == ["good"]
        assert [problem.file.name for problem in found.problems] == ["own.toml"]


def test_a_catalog_that_is_not_there_is_a_problem_and_not_an_error(tmp_path: Path) -> None:
    found = read_catalog(tmp_path / "none.toml")
    assert (len(found.problems), found.catalog.model) == (1, ())


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes nor devices among its files")
@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "folder", "dead link", "deep key", "deep array"])
def test_an_own_catalog_that_is_none_is_told_and_waited_for_by_nobody(folder: Path, kind: str) -> None:
    (folder / "models.toml").write_text(HEAD, encoding="utf-8")
    own = folder / "own.toml"
    match kind:
        case "pipe":
            os.mkfifo(own)
        case "device" | "endless":
            own.symlink_to("/dev/null" if kind == "device" else "/dev/zero")
        case "folder":
            own.mkdir()
        case "dead link":
            own.symlink_to("gone")
        case "deep key":
            own.write_text("version = 1\n[" + '"a" . ' * 300_000 + "a]\n", encoding="utf-8")
        case _:
            own.write_text("version = 1\nmodel = " + "[" * 100_000, encoding="utf-8")

    found = read_catalog(folder / "models.toml", own, text_folders=[folder])

    assert [problem.file for problem in found.problems] == [own]
    assert found.catalog.find_model("good") is not None
    assert not found.catalog.own_models


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_a_license_text_of_ones_own_that_is_a_pipe_is_none(tmp_path: Path) -> None:
    (tmp_path / "licenses").mkdir()
    os.mkfifo(tmp_path / "licenses" / "mine.txt")
    with pytest.raises(IntegrityError):
        LicenseTexts((tmp_path,)).text_of(License("LicenseRef-Mine", "Mine", text="licenses/mine.txt"))
