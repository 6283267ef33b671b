"""Tries the team server on this machine: two replicas, kills in mid-answer, what leaves. Prints what it found as JSON.

    python packaging/cluster/try_cluster.py [--real]

It runs in a network of its own where one can be had, and every packet is captured. By default the servers are real and
their engine is scripted: it sleeps for each token, so that two replicas compute twice what one does on any machine.
With --real they answer with the real model of the tests. Ends with 1 where something is not as it has to be.
"""

import argparse
import http.client
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
import real_model
from proofs import apart
from proofs.packets import Capture, may_capture

from cluster import team_server
from cluster.team_homes import TeamConfig, prepare_homes

_KEY, _MODEL, _PORT = "lk-team-0123456789abcdef", "latchkey-guide", 18536
_REAL_MODEL = "smollm2-135m-instruct"
_TEXT = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
_RATE, _WORDS = 25.0, 40
_BACK_WITHIN_S = 120.0


@dataclass
class Told:
    """What one client was told: `words` of its answer, and `error` where it ended in one."""

    number: int
    status: int = 0
    words: str = ""
    error: str = ""
    ended: bool = False
    cached: int = 0
    tokens: int = 0

    @property
    def whole(self) -> bool:
        """Whether it came to its end."""
        return self.ended and not self.error

    @property
    def server(self) -> str:
        """The process that answered: scripted answers begin with it."""
        return self.words.partition(" ")[0]


def ask(
    number: int, *, stream: bool = True, heard: Callable[[Told], None] = lambda _: None, then: Sequence[Any] = ()
) -> Told:
    """Ask as client `number`, and say what comes `then`. `heard` is called with each piece."""
    told = Told(number)
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=300)
    model = _REAL_MODEL if "--real" in sys.argv else _MODEL
    asked = {"role": "user", "content": f"secret-{number}, please tell me about it at length"}
    body = {
        "model": model,
        "messages": [asked, *then],
        "stream": stream,
        "max_tokens": 200,
        "temperature": 0,
        "ignore_eos": True,
    }
    body |= {"stream_options": {"include_usage": True}} if stream else {}
    headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        told.status = response.status
        if not stream or told.status != 200:
            whole = json.loads(response.read())
            told.error = whole.get("error", {}).get("message", "")
            told.words = "" if told.error else whole["choices"][0]["message"]["content"]
            return told
        for line in response:
            if not line.startswith(b"data: "):
                continue
            if line == b"data: [DONE]\n":
                told.ended = True
                continue
            event = json.loads(line[6:])
            told.error = event.get("error", {}).get("message", "")
            if event.get("usage"):
                told.tokens = event["usage"]["completion_tokens"]
                told.cached = (event["usage"].get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            for each in event.get("choices", ()):
                told.words += each["delta"].get("content") or ""
            heard(told)
    except (OSError, http.client.HTTPException) as error:
        told.error = f"closed: {error!r}"
    finally:
        connection.close()
    return told


def together(count: int, first: int = 0, **more: Any) -> list[Told]:
    """So many clients at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda n: ask(n, **more), range(first, first + count)))


def servers() -> list[psutil.Process]:
    """The processes of `latchkey serve` that descend from this one."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            words = each.cmdline()
        except psutil.Error:
            continue
        if "--api-key-file" in words and "serve" in words:
            found.append(each)
    return found


def running_replicas() -> int:
    """How many Ray says are running."""
    from ray import serve

    states = serve.status().applications["team"].deployments["replica"].replica_states
    return int(states.get("RUNNING", 0))


def kill_in_mid_answer(process: Callable[[Told], int], how: signal.Signals, clients: int = 6) -> dict[str, Any]:
    """Ask at once, and end the process that answers the first client once it has heard some of it."""
    killed: list[tuple[int, float]] = []

    def heard(told: Told) -> None:
        if told.number == 0 and not killed and len(told.words) > 60:
            killed.append((process(told), time.monotonic()))
            os.kill(killed[0][0], how)

    before = {each.pid for each in servers()}
    with ThreadPoolExecutor(2) as pool:
        answers = pool.submit(together, clients, heard=heard)
        while not killed:
            time.sleep(0.01)
        after = pool.submit(together, 4, 100)  # Ray has not noticed yet
        back = wait_for_another(before, killed[0][1])
        found, late = answers.result(), after.result()
    whole, lost = [each for each in found if each.whole], [each for each in found if each.error]
    return {
        "whole": len(whole),
        "told_of_the_loss": len(lost),
        "neither": len(found) - len(whole) - len(lost),
        "said": sorted({each.error for each in lost}),
        "asked_right_after": f"{sum(each.whole for each in late)} of {len(late)}",
        "another_replica_after_s": round(back, 1),
        "foreign_words": foreign([*found, *late]),
    }


def wait_for_another(before: set[int], since: float) -> float:
    """Seconds since that time, once two servers run again of which one is new."""
    while (taken := time.monotonic() - since) < _BACK_WITHIN_S:
        pids = {each.pid for each in servers()}
        if len(pids - before) == 1 and running_replicas() == 2 and len(pids) == 2:
            return taken
        time.sleep(0.2)
    raise TimeoutError(f"no second replica came back: {servers()}")


def client_gone() -> int:
    """Connections that the servers still hold for an answer whose client has gone."""
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=60)
    body = {"model": _MODEL, "messages": [{"role": "user", "content": "secret-150, go on"}], "stream": True}
    headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    connection.getresponse().read(300)
    assert busy_connections() > 0
    connection.close()
    begun = time.monotonic()
    while busy_connections() and time.monotonic() - begun < 20:
        time.sleep(0.1)
    return busy_connections()


def busy_connections() -> int:
    """How many requests the servers have at this moment, seen by who is connected to them."""
    return sum(c.status == psutil.CONN_ESTABLISHED for each in servers() for c in each.net_connections("inet"))


def foreign(found: list[Told]) -> int:
    """How many answers hold a word that another client sent, which scripted answers repeat all the time."""
    return sum(f"secret-{n}," in each.words for each in found for n in range(200) if n != each.number)


def serve_scripted(words: list[str]) -> None:
    """In the place of `latchkey serve`: the real server, with an engine that repeats what it was asked, slowly."""
    from desktop.library.library_services import build_library_services
    from desktop.paths import find_paths
    from desktop.server.api_key import keys_from_file
    from desktop.server.api_server import ApiServer
    from desktop.server.offered_models import OfferedModels
    from desktop.settings import Settings
    from tests.fakes.fake_engine import FakeAnswer, FakeEngine

    class Unrecorded(OfferedModels):
        """The scripted engine loads nothing that a ledger could tell of."""

        def record_client(self, *_: Any) -> None:
            """Nothing."""

    def script(request: Any) -> FakeAnswer:
        word = request.messages[-1].text.split()[0]
        return FakeAnswer(f"{os.getpid()} " + f"{word} " * _WORDS, tokens_per_s=_RATE)

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    services = build_library_services(find_paths())
    engine = FakeEngine(script, at_once="at-once" in words)
    models = Unrecorded(engine, services.library, services.license_check, services.policy, Settings, parallel=4)
    models.preload(_MODEL)
    server = ApiServer(engine, models)
    url = server.start("127.0.0.1", 0, keys_from_file(Path(words[words.index("--api-key-file") + 1])))
    print(json.dumps({"url": url}), flush=True)
    ended.wait()
    server.stop()


def try_scripted(team: TeamConfig) -> dict[str, Any]:
    found: dict[str, Any] = {}

    shares: list[list[int]] = []

    def rate() -> float:
        together(2, first=60)  # so that each replica is known
        begun = time.monotonic()
        answers = together(8)
        assert all(each.whole for each in answers), answers
        shares.append(sorted(Counter(each.server for each in answers).values()))
        return (_WORDS + 1) * 8 / (time.monotonic() - begun)

    team_server.deploy(team, 1, _PORT)
    one = rate()
    team_server.deploy(team, 2, _PORT)
    two = rate()
    found["tokens_per_s"] = {
        "one": round(one, 1),
        "two": round(two, 1),
        "ratio": round(two / one, 2),
        "answers": shares,
    }
    team = replace(team, command=(*team.command, "at-once"))
    team_server.deploy(team, 2, _PORT)
    again = [{ask(n, stream=False).server for _ in range(2)} for n in range(4)]
    found["replicas_of_turns"] = [len(each) for each in again]
    found["wrong_key"] = wrong_key()
    found["left_by_a_client_that_is_gone"] = client_gone()
    found["server_killed"] = kill_in_mid_answer(lambda told: int(told.server), signal.SIGKILL)
    found["replica_killed"] = kill_in_mid_answer(lambda told: psutil.Process(int(told.server)).ppid(), signal.SIGKILL)
    found["server_hangs"] = kill_in_mid_answer(lambda told: int(told.server), signal.SIGSTOP)
    found["scaled_down"] = scale_down(team)
    return found


def wrong_key() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=30)
    connection.request("GET", "/v1/models", headers={"Authorization": "Bearer no-key-of-this-team"})
    return connection.getresponse().status


def scale_down(team: TeamConfig) -> dict[str, Any]:
    """One replica less while both answer."""
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(together, 6)
        time.sleep(1)
        team_server.deploy(team, 1, _PORT)
        found = answers.result()
    begun = time.monotonic()
    while len(servers()) > 1 and time.monotonic() - begun < _BACK_WITHIN_S:
        time.sleep(0.5)
    return {"whole": sum(each.whole for each in found), "of": 6, "servers_left": len(servers())}


def main() -> int:
    if "--api-key-file" in sys.argv:
        serve_scripted(sys.argv[1:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    if importlib.util.find_spec("ray") is None:
        print("Ray is not installed: pip install 'latchkey[cluster]'")
        return 0
    if not apart.is_inside() and not apart.why_not():
        apart.go_inside(Path(__file__).resolve(), sys.argv[1:])
    if apart.is_inside():
        apart.furnish()
    found = tried(real=options.real)
    print(json.dumps(found, indent=1))
    wrong = judged(found)
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def judged(found: dict[str, Any]) -> list[str]:
    """What is not as it has to be."""
    kills = {name: each for name, each in found.items() if isinstance(each, dict) and "neither" in each}
    wrong = [
        f"{name}: {each}"
        for name, each in kills.items()
        if each["neither"] or each["foreign_words"] or not each["told_of_the_loss"] or not each["whole"]
    ]
    wrong += [
        f"{name}: not all whole right after" for name, each in kills.items() if each["asked_right_after"] != "4 of 4"
    ]
    if found["packets"]["beyond_loopback"] or found["packets"]["lost"] or found["listening_beyond_loopback"]:
        wrong.append("something left this machine, or listened for others")
    scripted = {
        "two replicas": found.get("tokens_per_s", {"ratio": 2})["ratio"] >= 1.8,
        "turns at one replica": all(n == 1 for n in found.get("replicas_of_turns", ())),
        "wrong key": found.get("wrong_key", 401) == 401,
        "a client that is gone": not found.get("left_by_a_client_that_is_gone"),
        "scaled down": found.get("scaled_down", {}).get("whole", 6) == 6,
    }
    return wrong + [f"not as it has to be: {name}" for name, right in scripted.items() if not right]


def tried(*, real: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="team-") as folder:
        place = Path(folder)
        key_file = place / "keys"
        key_file.write_text(f"tester {_KEY}\n", encoding="utf-8")
        key_file.chmod(0o600)
        command = (sys.executable, "-m", "desktop") if real else (sys.executable, str(Path(__file__).resolve()))
        prepare_homes(place / "state", 2)
        team = TeamConfig(place / "state", key_file, command, parallel=3 if real else 1, drain_s=60)
        if not may_capture():
            raise SystemExit("packets cannot be captured here: run it as root, or where namespaces are allowed")
        with Capture() as capture:
            team_server.start_ray(2)
            try:
                found = try_real(team) if real else try_scripted(team)
                found["listening_beyond_loopback"] = team_server.open_addresses()
            finally:
                team_server.stop()
        left = [str(each) for each in capture.packets if each.interface != "lo"]
        found["packets"] = {"all": len(capture.packets), "beyond_loopback": left[:10], "lost": capture.lost}
    return found


def try_real(team: TeamConfig) -> dict[str, Any]:
    """With a real model: what its cache does, a kill in mid-answer, and the ledgers."""
    each(team, "models", "import", str(real_model.models_folder() / real_model.SMOLLM2.name))
    accept = ("licenses", "accept", _REAL_MODEL, "--text-sha256", _TEXT, "--license", "Apache-2.0")
    each(team, *accept, "--as", "Trial", "--purpose", "research")
    team_server.deploy(team, 2, _PORT)
    together(4, first=50)  # loads it in both
    found: dict[str, Any] = {"memory_mb": [round(megabytes(each)) for each in servers()]}
    first = ask(0)
    more = [{"role": "assistant", "content": first.words}, {"role": "user", "content": "And how do I stop it?"}]
    found["cached_tokens_of_turns"] = [first.cached, ask(0, then=more).cached]

    def answering(told: Told) -> int:
        del told
        return max(servers(), key=lambda each: len(each.net_connections("inet"))).pid

    found["server_killed"] = kill_in_mid_answer(answering, signal.SIGKILL)
    each(team, "licenses", "verify", "--json")
    each(team, "licenses", "export", str(team.state / "{replica}.json"))
    found["ledgers"] = sorted(each.name for each in team.state.glob("*.json"))
    return found


def each(team: TeamConfig, *words: str) -> None:
    """A command in every replica's home. Raises CalledProcessError."""
    command = [sys.executable, team_server.__file__, "each", "--state", str(team.state), *words]
    subprocess.run(command, check=True, stdout=sys.stderr)


def megabytes(server: psutil.Process) -> float:
    """What a server and the processes under it have for themselves."""
    return sum(each.memory_full_info().uss for each in (server, *server.children(recursive=True))) / 1e6


if __name__ == "__main__":
    sys.exit(main())
