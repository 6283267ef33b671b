"""Offline, nothing opens a socket; and online nothing does either as long as nobody asks for anything.

    python packaging/proofs/silence.py [--quick] [--json]

The whole app runs, as the processes it consists of, in a network of its own. Three witnesses look on, none of which is
the app: every packet that leaves (packets.py), every call for a socket (syscalls.py), and every socket that Python
makes (trap.py). The last row is the control: the same app asks for something, and all three have to see it. It ends
with 1 where a row is not as it has to be. What cannot be had here is left out and said. `--quick` is for every run of
the tests: without strace, and with less of the same in each row.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import real_model
from minilm import MINILM

from desktop.cli.exit_codes import INTERRUPTED
from proofs import apart, syscalls
from proofs.packets import Capture
from proofs.papers import make_papers
from proofs.trap import Noted, Trap, strangers
from tests.accepting import import_and_accept

TOP = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 180
_EVIDENCE_S = 30
_TOKEN = "hf_" + "Quiet" * 6
_PASSPHRASE = "correct horse battery staple"
_OFF_LINE = 8
_MODEL = "acme/tiny-GGUF"
_PAPERS, _SURVEY, _PICTURE = "{home}/given/papers", "{home}/given/survey.pdf", "{home}/given/picture.png"


@dataclass(frozen=True)
class Step:
    """One process of the app: its arguments, what it reads, and the exit codes that are right; none for the window."""

    name: str
    arguments: tuple[str, ...]
    stdin: str = ""
    codes: tuple[int, ...] = (0,)
    window: bool = False
    until_seen: bool = False


@dataclass(frozen=True)
class Row:
    """One way of keeping Latchkey quiet. `loud` is the control, in which something has to be seen. `servers`: programs
    of somebody else's run, which may ask for sockets; what counts there is what leaves. `prepare` puts into the home
    what no command does while nothing may leave it."""

    name: str
    steps: tuple[Step, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    setting: bool = False
    policy: bool = False
    loud: bool = False
    servers: bool = False
    prepare: Callable[[Path], None] | None = None


@dataclass
class Seen:
    """What the witnesses saw in one row. `packets` and `calls` are None where there was no such witness."""

    row: str
    loud: bool
    packets: list[str] | None = None
    calls: syscalls.Calls | None = None
    noted: list[Noted] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    servers: bool = False

    @property
    def reaching(self) -> list[str]:
        """What Python did that could lead to another machine."""
        return [str(each) for each in self.noted if each.reaches_out]

    def judge(self) -> None:
        """Add what is not as it has to be."""
        found = {"packets": self.packets}
        if not self.servers:
            found["trapped"] = self.reaching
        if self.calls is not None and not self.servers:
            found["calls"] = [f"{self.calls.inet_sockets} sockets"] * (self.calls.inet_sockets > 0) + self.calls.leaving
        for witness, what in found.items():
            if what is not None and bool(what) != self.loud:
                self.wrong.append(f"{witness}: {what[:5] if what else 'saw nothing of a request'}")
        if not self.servers and (unknown := strangers(self.noted)):
            self.wrong.append(f"programs without a trap: {unknown}")


def steps(*, quick: bool, window: bool, off_line: bool) -> tuple[Step, ...]:
    """What a person does: in the window, and with every command that could ask the Hub for something."""
    search = ("--search", "tiny") if off_line else ()
    idle = ("--idle", "0.5" if quick else "5")
    shown = Step("window", ("--documents", _SURVEY, _PICTURE, *search, *idle), window=True)
    local = (
        Step("ask", ("ask", "How do I stop an answer?", "--max-tokens", "8")),
        Step("models list", ("models", "list")),
        Step("doctor", ("doctor",), codes=(0, 1, 6, 9)),
    )
    asking = (
        Step("models search", ("models", "search", "tiny"), codes=(_OFF_LINE,)),
        Step("models get", ("models", "get", _MODEL), codes=(_OFF_LINE,)),
        Step("access", ("access", _MODEL), codes=(_OFF_LINE,)),
        Step("token check", ("token", "check", "--passphrase-stdin"), _PASSPHRASE, (_OFF_LINE,)),
    )
    about = ("--collection", "Papers", "--file", _SURVEY, "--max-tokens", "4")
    documents = (
        Step("collections create", ("collections", "create", "Papers")),
        Step("collections add", ("collections", "add", "Papers", _PAPERS)),
        Step("ask of documents", ("ask", "Where do wolves live?", *about)),
    )
    sought = Step("collections search", ("collections", "search", "Papers", "Where do wolves live?"))
    if quick:
        shown_first = (shown, *(documents if off_line else ())) if window else ()
        return (*shown_first, *((asking if window else asking[:2]) if off_line else ()))
    return (shown, *local, *documents, sought, *(asking if off_line else ()))


def tool_steps(refused: int) -> tuple[Step, ...]:
    """A server by a command, which tries to get out, and one behind an address at which nobody listens."""
    out = Step("tools try of a command", ("tools", "try", "here", "out", '{"text": ""}'))
    return out, Step("tools try of an address", ("tools", "try", "away"), codes=(refused,))


def rows(*, quick: bool, namespace: bool) -> tuple[Row, ...]:
    """All of them, the control last."""
    everything = steps(quick=quick, window=True, off_line=True)
    less = steps(quick=quick, window=not quick, off_line=True)
    refused = {"HF_ENDPOINT": "http://127.0.0.1:9"}  # nobody listens there: so it needs no network
    loud = [Step("window", ("--search", "tiny", "--idle", "0"), window=True)] * (not quick)
    loud.append(Step("models search", ("models", "search", "tiny"), codes=(9,)))
    control = [Row("online, asked", tuple(loud), refused, loud=True)]
    if namespace and not quick:
        asked = Step("models search", ("models", "search", "tiny"), codes=(9, INTERRUPTED), until_seen=True)
        control.append(Row("online, asked by name", (asked,), loud=True))
    if namespace and not quick:
        control += [
            Row("offline, tool servers", tool_steps(_OFF_LINE), setting=True, servers=True),
            Row("online, tool servers", tool_steps(9), loud=True, servers=True),
        ]
    return (
        Row("offline by the setting", everything, setting=True),
        Row("offline by LATCHKEY_OFFLINE", less, {"LATCHKEY_OFFLINE": "1"}),
        Row("offline by policy", less, policy=True),
        Row("online, nothing asked", steps(quick=quick, window=True, off_line=False)),
        *control,
    )


class Watch:
    """Runs rows with all the witnesses that can be had."""

    def __init__(self, folder: Path, capture: Capture | None, *, strace: bool, meaning: Path | None) -> None:
        self._folder, self._capture, self._strace, self._meaning = folder, capture, strace, meaning
        self._trap = Trap(folder)

    def run(self, row: Row) -> Seen:
        """Do all of a row, in a home of its own."""
        seen = Seen(row.name, row.loud, servers=row.servers)
        with _home(row, self._meaning) as environ:
            self._trap.forget()
            before = len(self._capture.taken()) if self._capture is not None else 0
            for step in row.steps:
                self._do(step, environ, seen)
            if self._capture is not None:
                seen.packets = [str(each) for each in self._capture.taken()[before:]]
            seen.noted = self._trap.noted()
        seen.judge()
        return seen

    def _do(self, step: Step, environ: dict[str, str], seen: Seen) -> None:
        written = self._folder / "calls.txt"
        script = [str(TOP / "packaging" / "proofs" / "window.py")] if step.window else ["-m", "desktop"]
        given = [each.replace("{home}", environ["LATCHKEY_HOME"]) for each in step.arguments]
        command = [str(self._trap.python), *script, *given]
        if self._strace:
            command = syscalls.watched(command, written)
        before = len(self._capture.taken()) if self._capture is not None else 0
        display = {"QT_QPA_PLATFORM": "offscreen"} if step.window else {}
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environ, **display},
            cwd=TOP,
            start_new_session=True,
        ) as process:
            try:
                if step.until_seen:
                    self._interrupt_once_seen(process, before)
                out, err = process.communicate(step.stdin, timeout=_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
        seen.told[step.name] = json.loads(out) if step.window and out else process.returncode
        if process.returncode not in step.codes:
            seen.wrong.append(f"{step.name} ended with {process.returncode}: {(err + out)[-300:]}")
        if self._strace:
            calls = syscalls.read_calls(written.read_text(errors="replace").splitlines())
            seen.calls = seen.calls or syscalls.Calls()
            seen.calls.add(calls)

    def _interrupt_once_seen(self, process: "subprocess.Popen[str]", before: int) -> None:
        """Nobody answers a question for a name here, and asking again and again takes a while: one is enough."""
        end = time.monotonic() + _EVIDENCE_S
        assert self._capture is not None
        while process.poll() is None and len(self._capture.taken()) == before and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)


@contextmanager
def _home(row: Row, meaning: Path | None) -> Iterator[dict[str, str]]:
    """The environment of a person in a home of their own, set up as `row` says, with the embedding model `meaning`."""
    with tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        for folder in ("person", "run"):
            (home / folder).mkdir(mode=0o700)
        kept = {key: value for key, value in os.environ.items() if key in _KEPT}
        kept |= {"LATCHKEY_HOME": name, "HOME": str(home / "person"), "XDG_RUNTIME_DIR": str(home / "run")}
        kept |= {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(TOP)}
        os.environ["LATCHKEY_HOME"] = name
        make_papers(home / "given")
        if meaning is not None:
            import_and_accept(home, meaning)
        if any(step.arguments[:1] == ("token",) for step in row.steps):
            set_token = (sys.executable, "-m", "desktop", "token", "set", "--place", "vault")
            given = f"{_TOKEN}\n{_PASSPHRASE}\n"
            quiet = {**kept, "LATCHKEY_OFFLINE": "1"}
            subprocess.run(set_token, input=given, text=True, env=quiet, cwd=TOP, check=True, capture_output=True)
        if row.servers:
            _add_tool_servers(kept)
        if row.prepare is not None:
            row.prepare(home)
        if row.setting:
            switch = (sys.executable, "-m", "desktop", "offline", "on")
            subprocess.run(switch, env=kept, cwd=TOP, check=True, capture_output=True)
        if row.policy:
            (home / "policy.toml").write_text("offline = true\n", encoding="utf-8")
            kept["LATCHKEY_POLICY"] = str(home / "policy.toml")
        yield {**kept, **row.environ}


def _add_tool_servers(environ: dict[str, str]) -> None:
    """Add and allow the servers of `tool_steps`."""
    script = TOP / "tests" / "fakes" / "scripted_tool_server.py"
    here = ("here", "--read", str(script.parent), "--", sys.executable, str(script), "good", apart.GATEWAY)
    for arguments in (("add", *here), ("add", "away", "http://127.0.0.1:9/mcp"), ("allow", "here"), ("allow", "away")):
        command = (sys.executable, "-m", "desktop", "tools", *arguments)
        subprocess.run(command, env=environ, cwd=TOP, check=True, capture_output=True)


_KEPT = ("PATH", "LANG", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "LD_LIBRARY_PATH")


def main(made: Callable[..., tuple[Row, ...]] = rows, script: Path = Path(__file__)) -> int:
    """Run what `made` gives, as the program in the file `script`."""
    parser = argparse.ArgumentParser(description="Whether anything leaves this machine while nothing may.")
    parser.add_argument("--quick", action="store_true", help="without strace, and with less in each row")
    parser.add_argument("--json", action="store_true", help="as one JSON value")
    chosen = parser.parse_args()
    if not apart.is_inside() and not apart.why_not():
        apart.go_inside(script, sys.argv[1:])
    without = [] if apart.is_inside() else [f"packets: {apart.why_not()}"]
    no_calls = "not with --quick" if chosen.quick else syscalls.why_not()
    without += [f"calls: {no_calls}"] if no_calls else []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="proof-")))
        capture = None
        if apart.is_inside():
            apart.furnish()
            capture = stack.enter_context(Capture())
        meaning = real_model.models_folder() / MINILM.name
        has_meaning = not chosen.quick and real_model.is_there(MINILM, meaning.parent)
        without += [] if has_meaning or chosen.quick else ["search by meaning: needs “make real-model”"]
        watch = Watch(folder, capture, strace=not no_calls, meaning=meaning if has_meaning else None)
        seen = [watch.run(row) for row in made(quick=chosen.quick, namespace=capture is not None)]
    if capture is not None and capture.lost:
        seen[0].wrong.append(f"{capture.lost} packets were not taken in")
    if chosen.json:
        print(json.dumps({"without": without, "rows": [_as_json(each) for each in seen]}))
    else:
        _show(seen, without)
    return 1 if any(each.wrong for each in seen) else 0


def _as_json(seen: Seen) -> dict[str, Any]:
    return {
        "row": seen.row,
        "loud": seen.loud,
        "processes": [each.command for each in seen.noted if each.event == "begins"],
        "packets": seen.packets,
        "inet_sockets": None if seen.calls is None else seen.calls.inet_sockets,
        "leaving": None if seen.calls is None else seen.calls.leaving,
        "trapped": seen.reaching,
        "told": seen.told,
        "wrong": seen.wrong,
    }


def _show(seen: Sequence[Seen], without: Sequence[str]) -> None:
    print(f"{'':32}processes  packets  inet sockets  inet connects  trapped")
    for each in seen:
        calls = each.calls
        figures = (
            len({noted.process for noted in each.noted}),
            "–" if each.packets is None else len(each.packets),
            "–" if calls is None else calls.inet_sockets,
            "–" if calls is None else len(calls.leaving),
            len(each.reaching),
        )
        cells = "".join(f"{figure!s:>{width}}" for figure, width in zip(figures, (9, 9, 14, 15, 9), strict=True))
        print(f"{each.row:32}{cells}")
        for line in each.wrong:
            print(f"    NOT AS IT HAS TO BE: {line}")
    loud = [each for each in seen if each.loud]
    for each in loud:
        print(f"\nseen in “{each.row}”, the first of each:")
        for what in ((each.packets or [])[:3], (each.calls.leaving if each.calls else [])[:3], each.reaching[:2]):
            print(*(f"    {line}" for line in what), sep="\n")
    _show_local([each for each in seen if not each.loud])
    for line in without:
        print(f"left out: {line}")


def _show_local(seen: Sequence[Seen]) -> None:
    """Sockets that do not leave the machine, and what they are for."""
    sockets: Counter[str] = Counter()
    local: Counter[str] = Counter()
    for each in seen:
        if each.calls is not None:
            sockets += each.calls.sockets
            local += each.calls.local
    if sockets:
        print("\nwithin this machine, in the quiet rows:", ", ".join(f"{n} {name}" for name, n in sockets.items()))
    places: Counter[str] = Counter()
    for place, count in local.items():
        why = syscalls.reason(place)
        places[why or place] += count
    for why, count in places.most_common():
        print(f"    {count:4} × {why}")


if __name__ == "__main__":
    sys.exit(main())
