"""Everything lies where the person expects it, and what travels with the program is found."""

from pathlib import Path

from desktop.paths import find_paths


def test_latchkey_home_holds_everything_that_is_written(tmp_path: Path) -> None:
    paths = find_paths({"LATCHKEY_HOME": str(tmp_path / "stick")})

    written = [paths.config, paths.data, paths.models, paths.cache, paths.logs]
    assert all(folder.is_relative_to(tmp_path / "stick") for folder in written)
    assert len(set(written)) == len(written)


def test_a_relative_home_stays_where_it_was_named() -> None:
    paths = find_paths({"LATCHKEY_HOME": "stick"})

    assert paths.data == Path.cwd() / "stick" / "data"


def test_without_it_the_system_says_where() -> None:
    paths = find_paths({})

    assert paths.config.is_absolute()
    assert "atchkey" in str(paths.config)
    assert paths.data != paths.cache


def test_what_travels_with_the_program_is_there() -> None:
    paths = find_paths({})

    assert paths.catalog.is_file()
    assert paths.builtin_model.is_file()
