"""How the keyring is asked: one question at a time, within a limit, and not again where it does not answer."""

import threading
from collections.abc import Callable

import pytest

from desktop.credentials.keyring_client import RETRY_AFTER_S, KeyringBackend, KeyringClient, KeyringUnavailableError
from tests.unit.credentials.test_ledger_key_stores import Keyring


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class KeyringLocked(Exception):  # noqa: N818 - as the library calls it
    """A prompt that somebody dismissed."""


def read(backend: KeyringBackend | None) -> str | None:
    return None if backend is None else backend.get_password("a", "b")


def counting(keyring: Keyring) -> tuple[list[int], Callable[[], Keyring]]:
    """How often the keyring was asked."""
    asked: list[int] = []
    meet = keyring._meet

    def noted() -> None:
        asked.append(1)
        meet()

    keyring._meet = noted  # type: ignore[method-assign]
    return asked, lambda: keyring


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "keyring"]


def test_a_question_is_answered() -> None:
    keyring = Keyring()
    keyring.secrets["a", "b"] = "c"
    assert KeyringClient(lambda: keyring).call(read) == "c"
    assert KeyringClient(lambda: None).call(read) is None


def test_one_that_does_not_answer_is_not_waited_for_twice() -> None:
    keyring = Keyring()
    keyring.needs_acknowledgement = threading.Event()
    asked, find = counting(keyring)
    client = KeyringClient(find, patience_s=0.05)
    for _ in range(20):
        with pytest.raises(KeyringUnavailableError):
            client.call(read)
    assert (len(asked), len(threads())) == (1, 1)
    keyring.needs_acknowledgement.set()
    threads()[0].join(20)


def test_a_prompt_that_is_answered_late_opens_it_for_the_next_question() -> None:
    keyring = Keyring()
    keyring.needs_acknowledgement = threading.Event()
    client = KeyringClient(lambda: keyring, patience_s=0.05)
    with pytest.raises(KeyringUnavailableError):
        client.call(read)
    keyring.needs_acknowledgement.set()
    threads()[0].join(20)
    keyring.needs_acknowledgement = None
    assert client.call(read) is None


def test_one_that_is_late_again_and_again_rests_for_a_while() -> None:
    keyring, clock = Keyring(), Clock()
    asked, find = counting(keyring)
    client = KeyringClient(find, patience_s=0.05, clock=clock)
    for _ in range(2):
        keyring.needs_acknowledgement = threading.Event()
        with pytest.raises(KeyringUnavailableError):
            client.call(read)
        keyring.needs_acknowledgement.set()
        for each in threads():
            each.join(20)
    for _ in range(5):
        with pytest.raises(KeyringUnavailableError):
            client.call(read)
    assert len(asked) == 2
    clock.now += RETRY_AFTER_S + 1
    assert client.call(read) is None


def test_a_dismissed_prompt_does_not_come_again_at_once() -> None:
    keyring, clock = Keyring(), Clock()
    keyring.error = KeyringLocked("Failed to unlock the collection!")
    asked, find = counting(keyring)
    client = KeyringClient(find, clock=clock)
    for _ in range(5):
        with pytest.raises(KeyringUnavailableError, match="Failed to unlock"):
            client.call(read)
    assert len(asked) == 1
    keyring.error = None
    clock.now += RETRY_AFTER_S + 1
    assert client.call(read) is None


def test_who_says_that_it_opens_now_is_believed_at_once() -> None:
    keyring = Keyring()
    keyring.needs_acknowledgement = threading.Event()
    client = KeyringClient(lambda: keyring, patience_s=0.05)
    with pytest.raises(KeyringUnavailableError):
        client.call(read)
    held, keyring.needs_acknowledgement = keyring.needs_acknowledgement, None  # the first question never comes back
    client.retry()
    assert client.call(read) is None
    held.set()


def test_other_questions_wait_no_longer_than_one() -> None:
    keyring = Keyring()
    keyring.needs_acknowledgement = threading.Event()
    client = KeyringClient(lambda: keyring, patience_s=0.2)
    failed: list[str] = []

    def ask() -> None:
        try:
            client.call(read)
        except KeyringUnavailableError as error:
            failed.append(str(error))

    waiting = [threading.Thread(target=ask) for _ in range(8)]
    for each in waiting:
        each.start()
    for each in waiting:
        each.join(20)
    assert failed == ["no answer"] * 8
    assert len(threads()) == 1
    keyring.needs_acknowledgement.set()


def test_looking_for_one_is_part_of_the_question() -> None:
    found = threading.Event()

    def find() -> None:
        found.wait()

    with pytest.raises(KeyringUnavailableError):
        KeyringClient(find, patience_s=0.05).call(read)
    found.set()


def test_a_question_that_stays_open_does_not_keep_the_process() -> None:
    keyring = Keyring()
    keyring.needs_acknowledgement = threading.Event()
    with pytest.raises(KeyringUnavailableError):
        KeyringClient(lambda: keyring, patience_s=0.05).call(read)
    assert all(each.daemon for each in threads())
    keyring.needs_acknowledgement.set()
