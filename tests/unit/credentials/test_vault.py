"""The vault opens with its passphrase alone, is whole or told to be damaged, and is never half written."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop.credentials.token_store import TokenIndex, TokenStoreLockedError
from desktop.credentials.vault import KdfCost, WrongPassphraseError, new_vault_key, open_vault_key
from desktop.credentials.vault_token_store import VaultTokenStore
from desktop.errors import AccessError, IntegrityError, ResourceError, UserError
from desktop.network.access_token import AccessToken

CHEAP = KdfCost(memory_kib=64, iterations=1, lanes=1)
WORDS = "correct horse battery"
SECRET = "hf_" + "Vlt" * 11
TOKEN = AccessToken(SECRET, "https://huggingface.co")


def vault_in(folder: Path, cost: KdfCost = CHEAP) -> VaultTokenStore:
    return VaultTokenStore(folder / "tokens.vault", TokenIndex(folder / "places.json"), cost=cost)


@pytest.fixture
def vault(home: Path) -> VaultTokenStore:
    made = vault_in(home)
    made.create(WORDS)
    made.store(TOKEN)
    return made


def test_a_token_is_there_again_in_the_next_session(vault: VaultTokenStore, home: Path) -> None:
    later = vault_in(home)
    assert (later.status(), later.hosts(), later.place("huggingface.co")) == ("locked", ("huggingface.co",), "vault")
    with pytest.raises(TokenStoreLockedError):
        later.get("huggingface.co")
    later.unlock(WORDS)
    assert later.get("huggingface.co") == TOKEN
    assert later.get("other.example") is None
    later.lock()
    with pytest.raises(TokenStoreLockedError):
        later.get("huggingface.co")


def test_nothing_of_a_token_or_passphrase_stands_in_any_file(vault: VaultTokenStore, home: Path) -> None:
    for file in home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(
                each in content for each in (SECRET.encode(), SECRET.encode().hex().encode(), WORDS.encode())
            )
            assert file.stat().st_mode & 0o077 == 0
    assert not any(each in f"{vault!r}{vars(vault)}{vault._key!r}" for each in (SECRET, WORDS))


def test_a_wrong_passphrase_is_told_and_opens_nothing(vault: VaultTokenStore, home: Path) -> None:
    later = vault_in(home)
    for wrong in ("", "correct horse batterz", WORDS + " ", WORDS.upper()):
        with pytest.raises(WrongPassphraseError) as caught:
            later.unlock(wrong)
        assert wrong == "" or wrong not in str(caught.value)
    assert later.status() == "locked"


def test_letters_are_the_same_however_they_are_composed(home: Path) -> None:
    vault = vault_in(home)
    vault.create("pässwörter")
    vault_in(home).unlock("pa\u0308sswo\u0308rter")


def test_a_short_passphrase_is_refused(home: Path) -> None:
    with pytest.raises(AccessError):
        vault_in(home).create("seventh")
    assert not vault_in(home).exists


def test_every_byte_that_is_changed_or_missing_is_noticed(vault: VaultTokenStore, home: Path) -> None:
    path = home / "tokens.vault"
    whole = path.read_bytes()
    rng = random.Random(4)
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole) - 1)]
    cut = [whole[:at] for at in range(0, len(whole) - 1, 7)]
    for data in [*changed, *cut, b"", b"[]", b"null", bytes(rng.randrange(256) for _ in range(500)), whole * 2]:
        path.write_bytes(data)
        later = vault_in(home)
        with pytest.raises((IntegrityError, WrongPassphraseError)) as caught:
            later.unlock(WORDS)
        assert caught.type is not WrongPassphraseError  # the sum tells an accident from a wrong passphrase
        assert path.read_bytes() == data


def tamper(path: Path, **changes: object) -> None:
    """Change the file as somebody would who knows how its sum is made."""
    import hashlib

    content = json.loads(path.read_bytes())
    for name, value in changes.items():
        place = content
        *outer, last = name.split("__")
        for each in outer:
            place = place[each]
        place[last] = value
    content["sum"] = ""
    packed = json.dumps(content, separators=(",", ":")).encode()
    content["sum"] = hashlib.sha256(packed).hexdigest()
    path.write_text(json.dumps(content, separators=(",", ":")))


@pytest.mark.parametrize(
    "changes",
    [
        {"sealed": "00" * 60},
        {"nonce": "00" * 12},
        {"nonce": "00"},
        {"sealed": ""},
        {"sealed": "zz"},
        {"header__cost__memory_kib": 1 << 30},
        {"header__cost__iterations": 10**9},
        {"header__cost__lanes": 0},
        {"header__cost__memory_kib": -1},
        {"header__salt": "00"},
        {"header__version": 2},
        {"header__kdf": "none"},
    ],
    ids=str,
)
def test_what_somebody_changed_knowingly_is_noticed(
    vault: VaultTokenStore, home: Path, changes: dict[str, object]
) -> None:
    tamper(home / "tokens.vault", **changes)
    with pytest.raises(IntegrityError):
        vault_in(home).unlock(WORDS)


@pytest.mark.parametrize(
    "changes", [{"header__cost__memory_kib": 32}, {"header__salt": "00" * 16}, {"header__check": "x"}], ids=str
)
def test_a_header_of_another_making_opens_nothing(
    vault: VaultTokenStore, home: Path, changes: dict[str, object]
) -> None:
    tamper(home / "tokens.vault", **changes)
    with pytest.raises(UserError):
        vault_in(home).unlock(WORDS)
    with pytest.raises(TokenStoreLockedError):
        vault.get("huggingface.co")  # nor with the key of the session in which it was written


def test_an_old_vault_is_closed_dearer_once_it_was_opened(vault: VaultTokenStore, home: Path) -> None:
    dearer = KdfCost(memory_kib=256, iterations=2, lanes=1)
    later = vault_in(home, dearer)
    later.unlock(WORDS)
    assert later.get("huggingface.co") == TOKEN
    header = json.loads((home / "tokens.vault").read_bytes())["header"]
    assert header["cost"] == {"memory_kib": 256, "iterations": 2, "lanes": 1}
    again = vault_in(home)  # an older Latchkey, with less in mind, leaves it dear
    again.unlock(WORDS)
    assert again.get("huggingface.co") == TOKEN
    assert json.loads((home / "tokens.vault").read_bytes())["header"]["cost"] == header["cost"]


def test_the_default_is_no_toy() -> None:
    assert KdfCost() == KdfCost(memory_kib=65536, iterations=3, lanes=4)
    started = time.process_time()
    key = new_vault_key(WORDS)
    assert time.process_time() > started
    assert open_vault_key(key.seal(b"content"), WORDS).unseal(key.seal(b"content")) == b"content"


def test_the_same_content_is_never_sealed_the_same_way() -> None:
    key = new_vault_key(WORDS, CHEAP)
    assert len({key.seal(b"content") for _ in range(100)}) == 100


def test_two_sessions_see_what_each_other_wrote(vault: VaultTokenStore, home: Path) -> None:
    other = vault_in(home)
    other.unlock(WORDS)
    mirror = AccessToken("mirror-token-1", "https://mirror.example:8443")
    other.store(mirror)
    vault.store(AccessToken("mirror-token-2", "https://third.example"))
    assert other.hosts() == vault.hosts() == ("huggingface.co", "mirror.example:8443", "third.example")
    assert vault.get("mirror.example:8443") == mirror
    other.forget("huggingface.co")
    assert vault.get("huggingface.co") is None


def test_a_vault_is_not_made_over_another_and_can_be_forgotten(vault: VaultTokenStore, home: Path) -> None:
    with pytest.raises(ResourceError):
        vault.create("another passphrase")
    vault.remove()
    assert (vault.exists, vault.hosts(), vault.status()) == (False, (), "absent")
    assert vault.get("huggingface.co") is None
    vault.create("another passphrase")
    assert vault.get("huggingface.co") is None


def test_a_disk_that_refuses_leaves_the_vault_as_it_was(vault: VaultTokenStore, home: Path, monkeypatch) -> None:
    before = (home / "tokens.vault").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError) as caught:
        vault.store(AccessToken("other-token-9", "https://other.example"))
    assert "No space" in caught.value.detail
    monkeypatch.undo()
    assert (home / "tokens.vault").read_bytes() == before
    assert [each.name for each in home.iterdir() if each.suffix == ".part"] == []


_WRITER = """
import sys
from pathlib import Path
from desktop.credentials.token_store import TokenIndex
from desktop.credentials.vault import KdfCost
from desktop.credentials.vault_token_store import VaultTokenStore
from desktop.network.access_token import AccessToken
folder = Path(sys.argv[1])
vault = VaultTokenStore(folder / "tokens.vault", TokenIndex(folder / "places.json"), cost=KdfCost(64, 1, 1))
vault.unlock(sys.argv[2])
print("open", flush=True)
number = 0
while True:
    number += 1
    vault.store(AccessToken(f"token-{number:08}", "https://changing.example"))
"""


def test_killed_at_any_moment_the_vault_is_whole(vault: VaultTokenStore, home: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    rng = random.Random(9)
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(home), WORDS], env=environ, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        process.stdout.close()
        later = vault_in(home)
        later.unlock(WORDS)
        assert later.get("huggingface.co") == TOKEN
        changing = later.get("changing.example")
        assert changing is None or changing.value.startswith("token-")
