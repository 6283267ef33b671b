"""A token is kept where the person wants it, found again, and forgotten for good."""

import threading
import traceback
from pathlib import Path

import pytest

from desktop.credentials.access_tokens import AccessTokens, SessionTokenStore, find_access_tokens
from desktop.credentials.keyring_token_store import KeyringTokenStore
from desktop.credentials.token_store import TokenIndex, TokenPlace, TokenStore, TokenStoreLockedError
from desktop.credentials.vault import KdfCost
from desktop.credentials.vault_token_store import VaultTokenStore
from desktop.errors import AccessError
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths

SECRET = "hf_" + "Kyr" * 11
HUB = "huggingface.co"
TOKEN = AccessToken(SECRET, f"https://{HUB}")
WORDS = "correct horse battery"


class Keyring:
    """A keyring in memory. `error` is what every call raises, `waits` what every call waits for."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None
        self.needs_acknowledgement: threading.Event | None = None
        self.forgets = False
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self._meet()
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._meet()
        if not self.forgets:
            self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._meet()
        del self.secrets[service, username]

    def _meet(self) -> None:
        self.asked += 1
        if self.needs_acknowledgement is not None:
            self.needs_acknowledgement.wait()
        if self.error is not None:
            raise self.error


class Places:
    """The places of one person; `again` is the same person in the next session."""

    def __init__(self, home: Path, keyring: Keyring | None) -> None:
        self.home = home
        self.keyring = keyring
        self.index = TokenIndex(home / "places.json")
        self.in_keyring = KeyringTokenStore(self.index, find=lambda: self.keyring, patience_s=0.5)
        self.vault = VaultTokenStore(home / "tokens.vault", self.index, cost=KdfCost(64, 1, 1))
        self.all = AccessTokens(self.in_keyring, self.vault)

    def again(self) -> "Places":
        return Places(self.home, self.keyring)


@pytest.fixture
def places(home: Path) -> Places:
    return Places(home, Keyring())


def standings(places: Places) -> dict[TokenPlace, str]:
    return {each.place: each.status for each in places.all.options()}


def test_the_keyring_keeps_a_token_for_the_next_session(places: Places) -> None:
    assert places.all.store(TOKEN) == "keyring"
    later = places.again().all
    assert (later.get(HUB), later.place(HUB), later.hosts()) == (TOKEN, "keyring", (HUB,))
    assert SECRET not in (places.home / "places.json").read_text()
    later.forget(HUB)
    assert later.get(HUB) is None
    assert places.keyring is not None
    assert places.keyring.secrets == {}
    assert places.again().all.hosts() == ()


def test_each_host_has_its_own(places: Places) -> None:
    mirror = AccessToken("mirror-token", "http://127.0.0.1:8080")
    places.all.store(TOKEN)
    places.all.store(mirror)
    later = places.again().all
    assert later.hosts() == ("127.0.0.1:8080", HUB)
    assert later.get("127.0.0.1:8080") == mirror
    assert later.get("127.0.0.1") is None
    later.forget(HUB)
    assert later.get("127.0.0.1:8080") == mirror


def test_a_new_token_takes_the_place_of_the_old_one(places: Places) -> None:
    places.all.store(AccessToken("old-token-1", "http://hub.example:80"))
    places.all.store(AccessToken("new-token-2", "https://hub.example"))
    found = places.again().all.get("hub.example")
    assert found is not None
    assert found.value == "new-token-2"
    assert places.keyring is not None
    assert list(places.keyring.secrets.values()) == ["new-token-2"]


def test_who_has_no_token_is_never_asked_to_open_a_keyring(places: Places) -> None:
    assert places.all.get(HUB) is None
    assert places.all.hosts() == ()
    assert places.keyring is not None
    assert places.keyring.asked == 0


def test_what_is_possible_is_said(places: Places, home: Path) -> None:
    assert standings(places) == {"keyring": "ready", "vault": "absent", "session": "ready"}
    assert places.keyring is not None
    places.keyring.error = RuntimeError("locked")
    places.vault.create(WORDS)
    assert standings(places) == {"keyring": "locked", "vault": "ready", "session": "ready"}
    without = Places(home, None)
    assert standings(without) == {"keyring": "absent", "vault": "locked", "session": "ready"}
    assert all(each.text for each in without.all.options())


@pytest.mark.parametrize("trouble", ["raises", "hangs", "forgets"])
def test_a_keyring_that_does_not_keep_is_told_and_the_others_stand_in(places: Places, trouble: str) -> None:
    keyring = places.keyring
    assert keyring is not None
    if trouble == "raises":
        keyring.error = RuntimeError(f"cannot store {SECRET}")
    elif trouble == "hangs":
        keyring.needs_acknowledgement = threading.Event()
    else:
        keyring.forgets = True
    with pytest.raises(TokenStoreLockedError) as caught:
        places.all.store(TOKEN, "keyring")
    assert caught.value.place == "keyring"
    assert SECRET not in f"{caught.value!r}{caught.value.technical}"
    assert "this session only" in caught.value.remedy
    assert places.all.place(HUB) is None
    if keyring.needs_acknowledgement is not None:
        keyring.needs_acknowledgement.set()
    assert places.all.store(TOKEN, "session") == "session"
    assert places.all.get(HUB) == TOKEN
    places.vault.create(WORDS)
    assert places.all.store(TOKEN, "vault") == "vault"
    later = places.again()
    later.vault.unlock(WORDS)
    assert later.all.get(HUB) == TOKEN


def test_without_a_keyring_nothing_is_kept_that_the_person_did_not_choose(home: Path) -> None:
    places = Places(home, None)
    assert places.all.best_place() is None
    wanted: tuple[TokenPlace | None, ...] = (None, "keyring")
    for place in wanted:
        with pytest.raises(AccessError) as caught:
            places.all.store(TOKEN, place)
        assert "no keyring" in caught.value.title
    assert list(home.iterdir()) == []
    places.vault.create(WORDS)
    assert places.all.store(TOKEN) == "vault"


def test_a_token_moves_and_the_old_place_forgets_it(places: Places) -> None:
    places.vault.create(WORDS)
    places.all.store(TOKEN, "keyring")
    places.all.store(TOKEN, "vault")
    assert places.keyring is not None
    assert places.keyring.secrets == {}
    assert places.all.place(HUB) == "vault"
    places.all.store(TOKEN, "keyring")
    assert places.all.place(HUB) == "keyring"
    assert places.vault.get(HUB) is None
    later = places.again()
    later.vault.unlock(WORDS)
    assert later.all.get(HUB) == TOKEN


def test_a_token_for_this_session_goes_before_the_kept_one_and_leaves_it_alone(places: Places) -> None:
    places.all.store(TOKEN)
    other = AccessToken("for-now-only", f"https://{HUB}")
    places.all.store(other, "session")
    assert (places.all.get(HUB), places.all.place(HUB)) == (other, "session")
    assert places.again().all.get(HUB) == TOKEN
    places.all.forget(HUB)
    assert places.all.get(HUB) is None
    assert places.again().all.get(HUB) is None


def test_a_kept_token_that_cannot_be_had_now_is_no_missing_token(places: Places) -> None:
    places.all.store(TOKEN)
    assert places.keyring is not None
    places.keyring.error = RuntimeError("locked")
    later = places.again()
    with pytest.raises(TokenStoreLockedError):
        later.all.get(HUB)
    with pytest.raises(TokenStoreLockedError):
        later.all.forget(HUB)
    assert later.all.hosts() == (HUB,)
    places.keyring.error = None
    assert later.all.get(HUB) == TOKEN
    without = Places(places.home, None)
    with pytest.raises(TokenStoreLockedError):
        without.all.get(HUB)


def test_an_entry_that_somebody_deleted_is_a_missing_token(places: Places) -> None:
    places.all.store(TOKEN)
    assert places.keyring is not None
    places.keyring.secrets.clear()
    assert places.again().all.get(HUB) is None
    places.all.forget(HUB)
    assert places.all.hosts() == ()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff\xfe", b'{"a": {"origin": "x", "place": "cloud"}}']
)
def test_a_damaged_note_of_the_places_is_no_failure(places: Places, content: bytes) -> None:
    (places.home / "places.json").write_bytes(content)
    assert places.all.get(HUB) is None
    assert places.all.store(TOKEN) == "keyring"
    assert places.again().all.get(HUB) == TOKEN


def test_many_threads_at_once(places: Places) -> None:
    def keep(number: int) -> None:
        places.all.store(AccessToken(f"token-{number:04}", f"https://host-{number}.example"))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(places.again().all.hosts()) == 20
    assert all(places.all.get(f"host-{number}.example") is not None for number in range(20))


def test_every_place_is_a_store() -> None:
    stores: list[type[TokenStore]] = [KeyringTokenStore, VaultTokenStore, SessionTokenStore]
    assert len(stores) == 3


def test_no_traceback_shows_a_token(places: Places) -> None:
    assert places.keyring is not None
    places.keyring.error = RuntimeError("Failed to unlock the collection!")
    with pytest.raises(TokenStoreLockedError) as caught:
        places.all.store(TOKEN, "keyring")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_home_that_is_carried_along_does_not_take_the_persons_tokens(home: Path) -> None:
    ours = find_access_tokens(find_paths({"LATCHKEY_HOME": str(home)}), {"LATCHKEY_HOME": str(home)})
    others = find_access_tokens(find_paths({"LATCHKEY_HOME": str(home / "x")}), {"LATCHKEY_HOME": str(home / "x")})
    persons = find_access_tokens(find_paths({}), {})
    services = {each._keyring._service for each in (ours, others, persons)}
    assert len(services) == 3
    assert "latchkey-tokens" in services
