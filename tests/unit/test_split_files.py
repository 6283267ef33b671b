"""Which files make one model is told by their names: parts of their own, or pieces of a file that was cut."""

from pathlib import Path

import pytest

from desktop.split_files import first_part, is_archive_volume, is_piece, parts_of, pieces_in, pieces_of, whole_name


def touch(folder: Path, *names: str, data: bytes = b"") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(data)


# --- parts ---


@pytest.mark.parametrize(
    "names",
    [
        ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf"),
        ("M-00001-of-00002.GGUF", "M-00002-of-00002.GGUF"),
        ("M-00001-of-00002.Gguf", "M-00002-of-00002.gGuf"),
        ("m-00001-OF-00002.gguf", "m-00002-of-00002.gguf"),
        ("m-1-of-2.gguf", "m-2-of-2.gguf"),
        ("m-01-of-02.gguf", "m-02-of-02.gguf"),
        ("m-000001-of-000002.gguf", "m-000002-of-000002.gguf"),
        ("m.00001-of-00002.gguf", "m.00002-of-00002.gguf"),
        ("a\u00a0b \u202f€-00001-of-00002.gguf", "a\u00a0b \u202f€-00002-of-00002.gguf"),
        ("two\nlines-00001-of-00002.gguf", "two\nlines-00002-of-00002.gguf"),
    ],
)
def test_the_parts_of_a_model_are_found_however_their_names_are_written(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names, "other-00002-of-00002.gguf", "m-00002-of-00003.gguf")
    assert parts_of(tmp_path / names[0]) == [tmp_path / name for name in names]
    assert first_part(tmp_path / names[1]) == tmp_path / names[0]
    assert first_part(tmp_path / names[0]) == tmp_path / names[0]


def test_two_models_whose_names_differ_in_letter_case_alone_keep_their_own_parts(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{stem}-0000{number}-of-00002.gguf" for stem in ("a", "A") for number in (1, 2)))
    if len(list(tmp_path.iterdir())) < 4:
        pytest.skip("this disk does not tell letter cases apart")
    assert [file.name for file in parts_of(tmp_path / "A-00001-of-00002.gguf")][1] == "A-00002-of-00002.gguf"


def test_a_part_that_is_missing_is_named_as_the_others_are(tmp_path: Path) -> None:
    touch(tmp_path, "M-00001-of-00003.GGUF", "M-00003-of-00003.GGUF")
    assert [file.name for file in parts_of(tmp_path / "M-00001-of-00003.GGUF")][1] == "M-00002-of-00003.GGUF"


@pytest.mark.parametrize(
    "name",
    ["m.gguf", "m-00001-of-00001.gguf", "chapter-1-of-3.gguf", "m-1-of-99999999.gguf", "m-00002-of-00001.gguf",
     "m-00000-of-00000.gguf", "m-00001-of-99999.gguf", "m-00001-of-00002.gguf.part1of2"],
)  # fmt: skip
def test_a_whole_file_stands_alone_whatever_its_name_counts(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    assert parts_of(tmp_path / name) == [tmp_path / name]


# --- pieces ---

SERIES = {
    "of": ("m.gguf.part1of3", "m.gguf.part2of3", "m.gguf.part3of3"),
    "of, with zeros": ("m.gguf.part01of03", "m.gguf.part02of03", "m.gguf.part03of03"),
    "in capitals": ("M.GGUF.PART1OF3", "M.GGUF.PART2OF3", "M.GGUF.PART3OF3"),
    "from zero": ("m.gguf.part0of3", "m.gguf.part1of3", "m.gguf.part2of3"),
    "part": ("m.gguf.part1", "m.gguf.part2", "m.gguf.part3"),
    "letters": ("m.gguf.part-a", "m.gguf.part-b", "m.gguf.part-c"),
    "blanks": ("m.gguf.part 1 of 3", "m.gguf.part 2 of 3", "m.gguf.part 3 of 3"),
    "split": ("m.gguf-split-a", "m.gguf-split-b", "m.gguf-split-c"),
    "capital letters": ("m.gguf-split-A", "m.gguf-split-B", "m.gguf-split-C"),
    "three digits": ("m.gguf.001", "m.gguf.002", "m.gguf.003"),
    "two letters": ("m.gguf.aa", "m.gguf.ab", "m.gguf.ac"),
    "two letters, no dot": ("m.ggufaa", "m.ggufab", "m.ggufac"),
    "split -d": ("m.gguf.00", "m.gguf.01", "m.gguf.02"),
    "chunk": ("m.gguf_chunk_1", "m.gguf_chunk_2", "m.gguf_chunk_3"),
    "a part in pieces": tuple(f"m-00001-of-00002.gguf.part{number}of3" for number in (1, 2, 3)),
}


@pytest.mark.parametrize("series", SERIES)
def test_the_pieces_of_a_file_are_found_in_their_order_from_any_of_them(tmp_path: Path, series: str) -> None:
    names = SERIES[series]
    touch(tmp_path, *reversed(names), "n.gguf.part1of3", "m.gguf.txt")
    for name in names:
        found = pieces_of(tmp_path / name)
        assert found is not None
        assert [file.name for file in found.files] == list(names)
        assert (found.count, found.missing) == (3, ())
        assert found.name.lower() in ("m.gguf", "m-00001-of-00002.gguf")
        assert is_piece(name)


@pytest.mark.parametrize("series", SERIES)
def test_a_missing_piece_is_named(tmp_path: Path, series: str) -> None:
    names = SERIES[series]
    touch(tmp_path, names[0], names[2])
    found = pieces_of(tmp_path / names[2])
    assert found is not None
    assert found.missing == (names[1],)


def test_the_first_piece_may_be_the_missing_one_and_ten_come_after_nine(tmp_path: Path) -> None:
    touch(tmp_path, *(f"m.gguf.part{number}of11" for number in range(2, 12)))
    found = pieces_of(tmp_path / "m.gguf.part10of11")
    assert found is not None
    assert found.missing == ("m.gguf.part1of11",)
    assert [file.name[11:] for file in found.files][-2:] == ["10of11", "11of11"]


def test_names_that_whole_files_have_too_are_told_by_their_contents(tmp_path: Path) -> None:
    for names in (("a.part1of2.gguf", "a.part2of2.gguf"), ("b.001", "b.002"), ("xaa", "xab")):
        touch(tmp_path, names[0], data=b"GGUF first")
        touch(tmp_path, names[1], data=b"and so on")
        found = pieces_of(tmp_path / names[1])
        assert found is not None
        assert [file.name for file in found.files] == list(names)
        assert found.name in ("a.gguf", "b.gguf", "x.gguf")
        touch(tmp_path, names[1], data=b"GGUF another model")
        assert pieces_of(tmp_path / names[0]) is None


@pytest.mark.parametrize(
    "name",
    ["m.gguf", "m.gguf.part", "m.gguf.partial", "m.gguf.1", "m.gguf.bak", "m.gguf.gz", "m.gguf.md5", "m.gguf.old",
     "m-00001-of-00002.gguf", "notes.txt", "report.2023", "m.gguf.txt", "m.gguf.zip.001", "m.part1.rar", "photo.jpg"],
)  # fmt: skip
def test_what_is_no_piece(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    assert pieces_of(tmp_path / name) is None
    assert whole_name(name) == name


def test_copies_of_whole_files_are_no_pieces(tmp_path: Path) -> None:
    touch(tmp_path, "m.gguf.01", "m.gguf.02", data=b"GGUF whole")
    assert pieces_of(tmp_path / "m.gguf.01") is None


def test_all_files_that_were_cut_are_found_in_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, *SERIES["of"], "other.gguf-split-a", "other.gguf-split-b", "whole.gguf")
    assert [each.name for each in pieces_in(tmp_path)] == ["m.gguf", "other.gguf"]
    assert pieces_in(tmp_path / "nothing") == ()


@pytest.mark.parametrize("name", ["m.7z.001", "m.zip.002", "M.part01.rar", "m.r00", "m.z01", "m.tar.gz.00"])
def test_volumes_of_archives_are_known(name: str) -> None:
    assert is_archive_volume(name)
