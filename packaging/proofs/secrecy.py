"""An access token goes to its own host, where a gate needs it, and to nobody else; and it stands in no file in clear.

    python packaging/proofs/secrecy.py [--quick] [--json]

The real commands, and the real window, get models from the fake Hub over a loopback of their own; every packet on it
is taken in and searched for the token in whatever form. The Hub, its CDN and a stranger are three origins there, and
the Hub is made to send requests to the stranger. Once without encryption, so that there is something to read, and once
with TLS, where there has to be nothing. It ends with 1 where something is not as it has to be, and with 2 where packets
cannot be seen at all. `--quick` leaves out the window and most of the round with TLS.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proofs import apart
from proofs.packets import Capture
from proofs.rounds import Round
from proofs.traces import ProcessWatch, files_with
from tests.accepting import accept_everything
from tests.fakes.hub import FakeHub, Fault
from tests.fakes.tiny_gguf import random_model
from tests.journeys.at_the_hub import PASSPHRASE, PERSON, publish, with_token
from tests.journeys.command import TOP, Ran, environment, latchkey
from tests.journeys.desk import accept_all

OPEN, GATED, AGAIN, SHOWN = "acme/open-GGUF", "acme/gated-GGUF", "acme/again-GGUF", "acme/shown-GGUF"
_BUG, _BLIND = 1, 2
_NEEDED = re.compile(
    r"/api/whoami-v2$|/api/models/acme/(gated|again|shown)-GGUF|/acme/(gated|again|shown)-GGUF/resolve/"
)
_READABLE = (b"HTTP/1.1", b"Authorization", b"authorization", b"Bearer", b"/api/models", b"acme/", b"whoami")
_CRASH = """
import sys
from desktop.network.request_sender import RequestSender
def broken(self, pool, request, scope):
    secret = b" ".join(value for _, value in request.headers).decode()
    error = RuntimeError(f"broke while sending {secret}")
    error.add_note(secret)
    raise error from ValueError(repr(request.headers))
RequestSender._answer = broken
from desktop.__main__ import main
sys.exit(main())
"""


def unlocked(*arguments: str) -> Ran:
    """The command, with the passphrase of the vault: it may use the token wherever it wants to."""
    return latchkey(*arguments, "--passphrase-stdin", stdin=PASSPHRASE)


def get(made: Round, name: str, repository: str, *codes: int) -> None:
    """Look a model up, accept its license, and download it."""
    made.do(f"{name}: look", lambda: unlocked("models", "get", repository), 4)
    accept_all(repository)
    made.do(f"{name}: download", lambda: unlocked("models", "get", repository), *codes)


def everything(made: Round, *, window: bool) -> None:
    """All that a person does, in order."""
    if window:  # while no token is kept anywhere
        made.do("window", lambda: look_in_window(made.token))
    give(made)
    made.do("token check", lambda: unlocked("token", "check"))
    made.do("open: access", lambda: unlocked("access", OPEN))
    get(made, "open", OPEN)
    made.do("search", lambda: latchkey("models", "search", "acme"))
    made.do("gated: access", lambda: unlocked("access", GATED))
    get(made, "gated", GATED)
    astray(made)


def give(made: Round) -> None:
    given = with_token(made.token)
    made.do("token set", lambda: latchkey("token", "set", "--place", "vault", stdin=given))


def astray(made: Round) -> None:
    """The Hub and its CDN send every kind of request to the stranger, once each."""
    hub = made.hub
    made.do("again: look", lambda: unlocked("models", "get", AGAIN), 4)
    accept_all(AGAIN)
    place = Fault("redirect-elsewhere", on="hub", path="/resolve/", methods=("HEAD",), skip=1)
    hub.inject(place, Fault("redirect-elsewhere", on="cdn"))
    made.do("astray: a download", lambda: unlocked("models", "get", AGAIN))
    for what, path, arguments in (
        ("access", "/auth-check", ("access", GATED)),
        ("the model", f"/api/models/{GATED}", ("models", "get", GATED, "--file", "Q2_K")),
        ("the token", "/api/whoami-v2", ("token", "check")),
    ):
        # The first question after access goes without the token; the second one, which has it, is sent astray.
        hub.inject(Fault("redirect-elsewhere", on="hub", path=path, skip=int(what == "access")))
        made.do(f"astray: {what}", lambda arguments=arguments: unlocked(*arguments), 0, 3, 5, 7, 9)  # type: ignore[misc]
        hub.faults.clear()


def look_in_window(token: str) -> Ran:
    """The window: look a gated model up, give the token for this session, accept the license, download."""
    words = [sys.executable, str(TOP / "packaging" / "proofs" / "window.py"), "--look-up", SHOWN]
    display = environment() | {"QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run(
        words, input=f"{token}\n", capture_output=True, text=True, env=display, cwd=TOP, timeout=300, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def crash(made: Round) -> None:
    """A bug strikes while the token is at hand, in the message, in the notes and in the cause of the error."""
    words = [sys.executable, "-c", _CRASH, "token", "check", "--passphrase-stdin"]
    log = made.home / "logs" / "latchkey.log"
    before = log.stat().st_size

    def run() -> Ran:
        ran = subprocess.run(
            words,
            input=PASSPHRASE,
            capture_output=True,
            text=True,
            env=environment(),
            cwd=TOP,
            timeout=120,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    made.do("a crash", run, _BUG)
    if b"broke while sending" not in log.read_bytes()[before:]:
        made.wrong.append("the crash is not in the log")


def judge(made: Round) -> None:
    """Whether the token went where it had to and nowhere else, and what is left of it on the disk."""
    where = made.with_token()
    for name in where:
        if name not in ("hub", "connections to hub"):
            made.wrong.append(f"the token went to {name}")
    for name, asked in made.steps.items():
        made.wrong += [
            f"{name}: not needed for {each}" for each in asked if each.token and not _NEEDED.search(each.path)
        ]
    for name in ("token set", "token check", "gated: access", "gated: download"):
        if not any(each.token for each in made.steps[name]):
            made.wrong.append(f"{name}: the token was not seen, so nothing is proved")
    strayed = {name for name, asked in made.steps.items() for each in asked if each.listener == "elsewhere"}
    if len(strayed) < 4:
        made.wrong.append(f"few requests went astray: {sorted(strayed)}")
    judge_files(made)


def judge_files(made: Round) -> None:
    """What stands in clear in this person's folders. They are searched once more with the token put there."""
    if found := files_with(made.home, made.forms):
        made.wrong.append(f"the token stands in {found}")
    if not (made.home / "config" / "tokens.vault").exists():
        made.wrong.append("there is no vault")
    (made.home / "planted").write_bytes(b"\0" + made.token.encode())
    if files_with(made.home, made.forms) != ["planted"]:
        made.wrong.append("the search of files is blind")
    (made.home / "planted").unlink()


@contextmanager
def at_hub(capture: Capture, *, tls: bool) -> Iterator[Round]:
    """A person in a home of their own, and a Hub with models for them."""
    with (
        FakeHub(tls=tls) as hub,
        tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as name,
        tempfile.TemporaryDirectory() as shelf,
    ):
        home = Path(name)
        for folder in ("person", "run", "tmp"):
            (home / folder).mkdir(mode=0o700)
        clear = ("DBUS_SESSION_BUS_ADDRESS", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
        for variable in (*clear, "all_proxy", "HF_TOKEN", "LATCHKEY_OFFLINE", "LATCHKEY_POLICY", "SSL_CERT_FILE"):
            os.environ.pop(variable, None)
        os.environ |= {"LATCHKEY_HOME": name, "HOME": str(home / "person"), "XDG_RUNTIME_DIR": str(home / "run")}
        os.environ |= {"TMPDIR": str(home / "tmp"), "HF_ENDPOINT": hub.endpoint, "LC_ALL": "C.UTF-8"}
        if hub.ca_file is not None:
            os.environ["SSL_CERT_FILE"] = str(hub.ca_file)
        accept_everything(home)
        license_text = TOP / "resources" / "licenses" / "apache-2.0.txt"  # by its own words: the window names it so
        for number, repository in enumerate((OPEN, GATED, AGAIN, SHOWN)):
            data = random_model(Path(shelf) / f"{number}.gguf", seed=60 + number)
            made = publish(hub, repository, data, gated=False if repository == OPEN else "manual")
            made.add_file("LICENSE", license_text)
            made.gate_states[PERSON] = "granted"
        yield Round(hub, capture, home, hub.add_token(PERSON, "fineGrained"))


def in_clear(capture: Capture, *, window: bool) -> Round:
    """Without encryption: everything can be read, and the token is only where it has to be."""
    with at_hub(capture, tls=False) as made:
        with ProcessWatch(made.forms) as watch:
            everything(made, window=window)
            crash(made)
        made.wrong += sorted(watch.found)
        if not watch.seen:
            made.wrong.append("no process was looked at")
        with ProcessWatch(made.forms) as control:  # a process that does show it has to be noticed
            subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)", made.token], check=True)
        if not control.found:
            made.wrong.append("the watch over processes is blind")
        judge(made)
    return made


def encrypted(capture: Capture, *, quick: bool) -> Round:
    """With TLS: nothing can be read at all, neither the token nor what was asked for."""
    with at_hub(capture, tls=True) as made:
        give(made)
        made.do("gated: access", lambda: unlocked("access", GATED))
        if not quick:
            get(made, "gated", GATED)
        if found := made.readable(_READABLE):
            made.wrong.append(f"can be read in spite of TLS: {found}")
        if where := made.with_token():
            made.wrong.append(f"the token can be read: {dict(where)}")
        if not [each for each in made.hub.requests("hub") if each.token == made.token]:
            made.wrong.append("the token never got to the Hub")
        judge_files(made)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether an access token is seen where it has no business.")
    parser.add_argument("--quick", action="store_true", help="without the window, and with little of TLS")
    parser.add_argument("--json", action="store_true", help="as one JSON value")
    chosen = parser.parse_args()
    if not apart.is_inside():
        if why := apart.why_not():
            print(json.dumps({"without": why}) if chosen.json else f"packets cannot be seen here: {why}")
            return _BLIND
        apart.go_inside(Path(__file__), sys.argv[1:])
    apart.furnish()
    began = time.monotonic()
    with Capture() as capture:
        rounds = {"in clear": in_clear(capture, window=not chosen.quick), "TLS": encrypted(capture, quick=chosen.quick)}
        figures = {name: (len(made.packets()), dict(made.with_token())) for name, made in rounds.items()}
    if capture.lost:
        rounds["in clear"].wrong.append(f"{capture.lost} packets were not taken in")
    if chosen.json:
        print(json.dumps({name: _as_json(made, *figures[name]) for name, made in rounds.items()}))
    else:
        for name, made in rounds.items():
            _show(name, made, *figures[name])
        print(f"\n{time.monotonic() - began:.0f} s")
    return 1 if any(made.wrong for made in rounds.values()) else 0


def _as_json(made: Round, packets: int, with_token: dict[str, int]) -> dict[str, Any]:
    asked = {
        name: [[each.listener, each.method, each.path, each.token] for each in found]
        for name, found in made.steps.items()
    }
    return {"packets": packets, "with_token": with_token, "asked": asked, "ended": made.ended, "wrong": made.wrong}


def _show(name: str, made: Round, packets: int, with_token: dict[str, int]) -> None:
    print(f"\n{name}: {packets} packets; the token is in {with_token or 'none'}")
    print(f"    {'':26}{'ended':>6}{'hub':>6}{'cdn':>6}{'elsewhere':>11}{'with token':>12}")
    for step, asked in made.steps.items():
        counts = [sum(each.listener == who for each in asked) for who in ("hub", "cdn", "elsewhere")]
        token = sum(each.token for each in asked)
        print(f"    {step:26}{made.ended[step]:>6}{counts[0]:>6}{counts[1]:>6}{counts[2]:>11}{token:>12}")
    needed = sorted({f"{each.method} {each.path}" for asked in made.steps.values() for each in asked if each.token})
    for line in needed:
        print(f"    with the token: {line[:110]}")
    for line in made.wrong:
        print(f"    NOT AS IT HAS TO BE: {line}")


if __name__ == "__main__":
    sys.exit(main())
