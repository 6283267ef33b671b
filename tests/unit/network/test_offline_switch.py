"""With the switch offline nothing opens a socket: seen from below every library, in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.errors import ForbiddenError
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import ENVIRONMENT, POLICY, SETTING, OfflineSwitch, offline_reason
from desktop.network.request_log import RequestLogEntry
from tests.fakes.web import Asked, Server, Talk

_SCRIPT = """
import sys
seen = []
def see(event, args):
    if event.split(".")[0] in ("socket", "ssl", "urllib", "subprocess", "os.system"):
        seen.append(event)
sys.addaudithook(see)
from desktop.errors import ForbiddenError
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch, SETTING
from desktop.network.access_token import AccessToken
offline = sys.argv[1] == "offline"
client = HttpClient(switch=OfflineSwitch(lambda: SETTING if offline else None), log=lambda e: seen.append("log"),
                proxy=sys.argv[2] or None, retries=3 if offline else 0)  # online it would wait before each
token = AccessToken("hf_abcdefghijkl", "https://hub.invalid")
for url in ("https://hub.invalid/api/models/x", "http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/"):
    for ask in ("request", "stream"):
        try:
            if ask == "request":
                client.request("info", "GET", url, token=token if "hub" in url else None)
            else:
                with client.stream("file", "GET", url):
                    pass
        except ForbiddenError as error:
            assert error.remedy, error
        except Exception as error:
            seen.append(type(error).__name__)
client.close()
print(sorted(set(seen)))
"""


def run(*words: str) -> str:
    command = [sys.executable, "-c", _SCRIPT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9", "socks5://127.0.0.1:9"])
def test_off_line_no_socket_is_opened_and_no_name_asked_for(proxy: str) -> None:
    assert run("offline", proxy) == "[]"


def test_the_trap_sees_what_the_switch_would_let_through() -> None:
    assert "socket.connect" in run("online", "http://127.0.0.1:9")


@pytest.mark.loopback
def test_the_switch_is_asked_at_every_request(
    make_client: Callable[..., HttpClient], log: list[RequestLogEntry]
) -> None:
    reasons: list[str | None] = [None]
    client = make_client(switch=OfflineSwitch(lambda: reasons[0]))
    with Server(lambda asked, talk: talk.answer(200)).running() as server:
        client.request("info", "GET", server.url)
        reasons[0] = SETTING
        for _ in range(2):
            with pytest.raises(ForbiddenError):
                client.request("info", "GET", server.url)
        reasons[0] = None
        client.request("info", "GET", server.url)
    assert len(log) == len(server.asked) == 2


@pytest.mark.parametrize(
    ("reason", "detail", "remedy"),
    [
        (SETTING, "switch is on", "latchkey offline off"),
        (ENVIRONMENT, "LATCHKEY_OFFLINE", "without LATCHKEY_OFFLINE"),
        (POLICY, "policy", "looks after"),
        ("The policy cannot be read. Ask somebody.", "The policy cannot be read. Ask somebody.", ""),
    ],
)
def test_the_switch_says_why_and_what_to_do(reason: str, detail: str, remedy: str) -> None:
    switch = OfflineSwitch(lambda: reason)
    assert switch.offline
    assert detail in switch.reason
    with pytest.raises(ForbiddenError) as caught:
        switch.check()
    assert detail in caught.value.detail
    assert remedy in caught.value.remedy


def test_a_switch_that_is_not_off_line_says_nothing() -> None:
    switch = OfflineSwitch(lambda: None)
    switch.check()
    assert (switch.offline, switch.reason) == (False, "")


@pytest.mark.loopback
def test_the_switch_is_asked_again_at_every_redirect(make_client: Callable[..., HttpClient]) -> None:
    reasons: list[str] = []

    def handler(asked: Asked, talk: Talk) -> None:
        reasons.append(SETTING)
        talk.answer(302, Location="/further")

    client = make_client(switch=OfflineSwitch(lambda: reasons[0] if reasons else None))
    with Server(handler).running() as server, pytest.raises(ForbiddenError):
        client.request("info", "GET", server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("setting", "policy", "variable", "reason"),
    [
        (False, False, None, None),
        (True, False, None, SETTING),
        (False, True, None, POLICY),
        (False, False, "1", ENVIRONMENT),
        (True, True, "1", POLICY),
        (True, False, "yes", ENVIRONMENT),
        (False, False, "0", None),
        (False, False, " off ", None),
        (False, False, "", None),
    ],
)
def test_setting_policy_and_environment_each_keep_it_off_line(
    setting: bool, policy: bool, variable: str | None, reason: str | None
) -> None:
    environ = {} if variable is None else {"LATCHKEY_OFFLINE": variable}
    assert offline_reason(setting=lambda: setting, policy=lambda: policy, environ=environ)() == reason


def test_a_policy_that_cannot_be_read_keeps_it_off_line_in_its_own_words() -> None:
    def broken() -> bool:
        raise ForbiddenError("The policy cannot be read.", "policy.toml, line 3", "Ask it@example.org.")

    switch = OfflineSwitch(offline_reason(setting=lambda: False, policy=broken, environ={}))
    with pytest.raises(ForbiddenError) as caught:
        switch.check()
    assert "line 3" in caught.value.detail
