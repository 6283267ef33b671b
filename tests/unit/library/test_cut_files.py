"""A file that was cut into pieces is told as such before anything is read, and joined where it is copied."""

import hashlib
import os
from pathlib import Path

import pytest

from desktop.errors import EngineError, IntegrityError, NotFoundError, ResourceError
from desktop.library.library_services import LibraryServices
from desktop.library.other_apps import discover_in
from tests.accepting import accept
from tests.fakes.split_models import cut, two_parts
from tests.fakes.tiny_gguf import random_model

STYLES = {
    "part1of2": ("m.Q8_0.gguf.part1of2", "m.Q8_0.gguf.part2of2"),
    "split-a": ("m.Q8_0.gguf-split-a", "m.Q8_0.gguf-split-b"),
    "001": ("m.Q8_0.gguf.001", "m.Q8_0.gguf.002", "m.Q8_0.gguf.003"),
    "aa": ("m.Q8_0.gguf.aa", "m.Q8_0.gguf.ab"),
    "gguf last": ("m.Q8_0.part1of2.gguf", "m.Q8_0.part2of2.gguf"),
    "capitals": ("M.Q8_0.GGUF.PART1", "M.Q8_0.GGUF.PART2"),
}


def pieces(folder: Path, style: str = "part1of2") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return cut(random_model(folder / "whole"), STYLES[style])


def refusal(assembly: LibraryServices, path: Path, *, copy: bool = False) -> str:
    with pytest.raises((EngineError, NotFoundError)) as caught:
        assembly.importer.add(path, copy=copy)
    return str(caught.value)


@pytest.mark.parametrize("style", STYLES)
def test_each_piece_says_what_it_is_and_how_the_pieces_are_joined(
    assembly: LibraryServices, home: Path, style: str
) -> None:
    files = pieces(home / "cut", style)
    for file in files:
        said = refusal(assembly, file)
        assert f"{file.name} is one of {len(files)} pieces of a file that was cut" in said
        assert "copy" in said
        assert all(each.name in said for each in files)
    assert assembly.library.installed_models.all() == []


@pytest.mark.parametrize("style", STYLES)
def test_a_copy_joins_the_pieces_from_whichever_of_them(assembly: LibraryServices, home: Path, style: str) -> None:
    files = pieces(home / "cut", style)
    data = b"".join(file.read_bytes() for file in files)
    told: list[tuple[int, int]] = []
    model = assembly.importer.add(files[-1], copy=True, progress=lambda done, of: told.append((done, of)))
    assert model.path.read_bytes() == data
    assert model.path.suffix.lower() == ".gguf"
    assert told[-1] == (len(data), len(data))
    (kept,) = assembly.library.installed_models.all()
    assert (kept.sha256, kept.copied, kept.size) == (hashlib.sha256(data).hexdigest(), True, len(data))
    accept(assembly, model.id)
    assembly.license_check.admit(model.path)
    assert assembly.importer.add(files[0], copy=True).id == model.id
    assert len(list((home / "models").iterdir())) == 1


def test_a_folder_with_one_cut_file_is_joined_as_a_copy_and_told_otherwise(
    assembly: LibraryServices, home: Path
) -> None:
    folder = home / "cut"
    pieces(folder)
    assert "one of 2 pieces" in refusal(assembly, folder)
    assert assembly.importer.add(folder, copy=True).path.name == "m.Q8_0.gguf"


def test_a_piece_that_is_missing_is_named_and_nothing_is_copied(assembly: LibraryServices, home: Path) -> None:
    files = pieces(home / "cut", "001")
    files[1].unlink()
    for copy in (False, True):
        assert "1 of them are missing: m.Q8_0.gguf.002." in refusal(assembly, files[0], copy=copy)
    files[0].unlink()
    assert "m.Q8_0.gguf.001" in refusal(assembly, files[2], copy=True)
    assert not (home / "models").exists() or list((home / "models").iterdir()) == []


def test_a_last_piece_that_no_name_tells_of_is_missed_by_the_header(assembly: LibraryServices, home: Path) -> None:
    files = pieces(home / "cut", "001")
    files[2].unlink()
    said = refusal(assembly, files[0], copy=True)
    assert "a later one is missing" in said
    assert "Download" not in said


def test_what_no_chat_model_is_is_said_before_the_pieces_are_joined(assembly: LibraryServices, home: Path) -> None:
    whole = random_model(home / "whole", metadata={"general.architecture": "whisper"})
    files = cut(whole, STYLES["part1of2"])
    assert "speech into text" in refusal(assembly, files[0], copy=True)


def test_pieces_for_which_there_is_no_space_stay_as_they_are(
    assembly: LibraryServices, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = pieces(home / "cut")
    monkeypatch.setattr("desktop.library.model_copy.free_space", lambda folder: 1000)
    with pytest.raises(ResourceError, match="not enough space"):
        assembly.importer.add(files[0], copy=True)
    assert all(file.exists() for file in files)
    assert list((home / "models").glob("*")) == []


def test_a_piece_that_is_a_pipe_is_not_waited_for(assembly: LibraryServices, home: Path) -> None:
    files = pieces(home / "cut", "gguf last")
    files[1].unlink()
    os.mkfifo(files[1])
    with pytest.raises((EngineError, IntegrityError, ResourceError)):
        assembly.importer.add(files[0], copy=True)


@pytest.mark.parametrize("name", ["m.7z.001", "m.zip.002", "m.part1.rar", "m.gguf.tar.gz.00"])
def test_a_volume_of_an_archive_is_to_be_unpacked(assembly: LibraryServices, home: Path, name: str) -> None:
    file = home / name
    file.write_bytes(b"7z\xbc\xaf\x27\x1c" if name.endswith("1") else b"anything at all")
    said = refusal(assembly, file)
    assert "one volume of an archive" in said
    assert "7-Zip" in said


def test_a_look_into_a_folder_says_it_once_for_each_cut_file(home: Path) -> None:
    pieces(home / "cut")
    pieces(home / "cut", "001")
    left_out = discover_in(home / "cut").skipped
    assert [each.name for each in left_out] == ["m.Q8_0.gguf.001", "m.Q8_0.gguf.part1of2"]
    assert all("pieces of a file that was cut" in each.reason for each in left_out)


# --- parts, under names of any spelling ---

SPELLINGS = {
    "capitals": ("TINY-00001-of-00002.GGUF", "TINY-00002-of-00002.GGUF"),
    "mixed": ("Tiny-00001-of-00002.Gguf", "Tiny-00002-of-00002.gguf"),
    "short": ("tiny-1-of-2.gguf", "tiny-2-of-2.gguf"),
    "odd": ("l'été \u202f😀-00001-of-00002.gguf", "l'été \u202f😀-00002-of-00002.gguf"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("copy", [False, True], ids=["in place", "copied"])
def test_a_model_in_parts_is_one_from_whichever_part(
    assembly: LibraryServices, home: Path, spelling: str, copy: bool
) -> None:
    files = two_parts(home / "parts", SPELLINGS[spelling])
    model = assembly.importer.add(files[1], copy=copy)
    (kept,) = assembly.library.installed_models.all()
    assert kept.size == sum(file.stat().st_size for file in files)
    assert len(kept.stamps) == 2
    if not copy:
        assert model.path == files[0]
        files[1].write_bytes(files[1].read_bytes() + b"x")
        with pytest.raises(IntegrityError):
            assembly.importer.verify(model.id)
    else:
        assembly.importer.verify(model.id)
        assembly.importer.remove(model.id)
        assert list((home / "models").iterdir()) == []
        assert all(file.exists() for file in files)


def test_a_later_part_without_the_first_says_which_one_to_fetch(assembly: LibraryServices, home: Path) -> None:
    files = two_parts(home / "parts", SPELLINGS["capitals"])
    files[0].unlink()
    assert "TINY-00001-of-00002.GGUF" in refusal(assembly, files[1])
