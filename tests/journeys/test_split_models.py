"""Models that lie in several files, however those are called, with the real command and the real engine."""

import os
import sys
from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.split_models import cut, two_parts
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all, ask


@pytest.mark.parametrize(
    "names",
    [
        ("TINY-00001-of-00002.GGUF", "TINY-00002-of-00002.GGUF"),
        ("Tiny-00001-of-00002.Gguf", "Tiny-00002-of-00002.gguf"),
        ("tiny é\u00a0😀-1-of-2.gguf", "tiny é\u00a0😀-2-of-2.gguf"),
    ],
    ids=["capitals", "mixed", "short"],
)
def test_a_model_in_parts_answers_whatever_letters_their_names_end_in(home: Path, names: tuple[str, str]) -> None:
    files = two_parts(home / "parts", names)
    ran = latchkey("models", "import", str(files[1]), "--json")
    assert ran.code == 0, ran
    assert ran.json["path"] == str(files[0])
    accept_all(ran.json["id"])
    answered = ask(ran.json["id"])
    assert answered.code == 0, answered
    by_path = ask(str(files[0]))
    assert by_path.code == 0, by_path


def test_a_cut_file_is_joined_and_answers(home: Path) -> None:
    files = cut(random_model(home / "whole"), ("tiny.gguf.part1of2", "tiny.gguf.part2of2"))
    for file in files:
        said = latchkey("models", "import", str(file)).failed_with(6)
        assert "one of 2 pieces" in said
        assert "one of 2 pieces" in latchkey("ask", "--model", str(file), "Hello").failed_with(6)
    ran = latchkey("models", "import", "--copy", str(files[1]), "--json")
    assert ran.code == 0, ran
    accept_all(ran.json["id"])
    assert ask(ran.json["id"]).code == 0


@pytest.mark.loopback
def test_parts_whose_names_end_in_capitals_are_fetched_and_answer(home: Path, hub: FakeHub) -> None:
    made = FakeRepository("acme/tiny-GGUF", card={"license": "apache-2.0"}, tags=["gguf"])
    for file in two_parts(home / "parts", ("TINY-Q8_0-00001-of-00002.GGUF", "TINY-Q8_0-00002-of-00002.GGUF")):
        made.add_file(file.name, file)
    hub.add(made)
    assert latchkey("models", "get", "acme/tiny-GGUF").code == 4
    accept_all("acme/tiny-GGUF")
    ran = latchkey("models", "get", "acme/tiny-GGUF", "--json")
    assert ran.code == 0, ran
    assert ask("acme/tiny-GGUF").code == 0


@pytest.mark.loopback
def test_a_repository_of_cut_files_says_what_it_holds_before_anything_is_fetched(home: Path, hub: FakeHub) -> None:
    made = FakeRepository("acme/tiny-GGUF", card={"license": "apache-2.0"}, tags=["gguf"])
    for file in cut(random_model(home / "whole"), ("tiny.Q8_0.gguf.part1of2", "tiny.Q8_0.gguf.part2of2")):
        made.add_file(file.name, file)
    hub.add(made)
    ran = latchkey("models", "get", "acme/tiny-GGUF")
    assert ran.code != 0
    assert "cut into pieces" in ran.err
    assert "as a copy" in ran.err


def test_a_whole_file_under_a_parts_name_is_told_before_it_is_hashed(home: Path) -> None:
    path = random_model(home / "merged-00001-of-00003.gguf")
    said = latchkey("models", "import", str(path)).failed_with(6)
    assert "whole model" in said
    assert "merged.gguf" in said


def test_links_to_parts_and_pieces_lead_to_what_belongs_to_them(home: Path) -> None:
    files = two_parts(home / "parts", ("tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"))
    pieces = cut(random_model(home / "parts" / "whole", seed=9), ("m.gguf.001", "m.gguf.002"))
    for number, target in enumerate((files[0], pieces[1], home / "link2")):
        (home / f"link{number}").symlink_to(target)
    assert latchkey("models", "import", str(home / "link0"), "--json").json["path"] == str(files[0])
    assert latchkey("models", "import", str(home / "link1"), "--copy").code == 0
    assert "link2" in latchkey("models", "import", str(home / "link2")).failed_with(6)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
@pytest.mark.parametrize(
    "command",
    [
        ("ask", "--model", "{}", "hello"),
        ("models", "import", "{}"),
        ("models", "import", "--found", "{}"),
        ("models", "show", "{}"),
        ("models", "verify", "{}"),
        ("models", "remove", "{}"),
        ("licenses", "show", "{}"),
    ],
)
def test_a_name_that_is_no_text_is_told_in_one_sentence(home: Path, command: tuple[str, ...]) -> None:
    path = os.fsdecode(os.fsencode(home) + b"/bad\xff.gguf")
    random_model(home / "good.gguf").rename(path)
    ran = latchkey(*(part.format(path) for part in command))
    assert ran.code in (3, 4), ran
    assert "bug" not in ran.err
