"""The keys of the server: made, kept for one account, read, compared."""

import os
from pathlib import Path

import pytest

from desktop.errors import ResourceError
from desktop.server.api_key import (
    WITHIN_S,
    WRONG_KEYS,
    WrongKeyLimit,
    kept_api_key,
    keys_from_file,
    keys_from_text,
    new_api_key,
)


def test_a_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "api-key"
    key = kept_api_key(file)
    assert len(key) > 40
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept_api_key(file) == key
    assert new_api_key(file) != key


@pytest.mark.parametrize("lies_there", ["link", "folder", "words", "pipe"])
def test_what_lies_in_the_place_of_a_key_is_told(tmp_path: Path, lies_there: str) -> None:
    file, other = tmp_path / "api-key", tmp_path / "other"
    other.write_text("lk-of-somebody-else-entirely")
    match lies_there:
        case "link":
            file.symlink_to(other)
        case "folder":
            file.mkdir()
        case "words":
            file.write_text("no key at all\n")
        case "pipe":
            os.mkfifo(file)
    with pytest.raises(ResourceError, match="cannot be read"):
        kept_api_key(file)
    assert other.read_text() == "lk-of-somebody-else-entirely"


def test_a_file_of_keys_names_who_has_them(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\n\nada 0123456789abcdef\n fedcba9876543210 \n")
    keys = keys_from_file(file)
    found = keys.find("0123456789abcdef")
    assert found is not None
    assert found.name == "ada"
    assert keys.find("fedcba9876543210") is not None
    assert keys.find("0123456789abcde") is None
    assert keys.find("") is None
    assert keys.find("ada") is None


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "short\n", "a b c\n", "na/me 0123456789abcdef\n", "ключ-из-букв-долгий\n"]
)
def test_a_file_that_holds_no_keys_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        keys_from_text(text)


def test_many_wrong_keys_are_noticed_until_they_are_long_ago() -> None:
    now = 0.0
    limit = WrongKeyLimit(lambda: now)
    assert not any(limit.note() for _ in range(WRONG_KEYS))
    assert limit.note()
    now = WITHIN_S + 1
    assert not limit.note()
