"""The real program, killed with SIGKILL at random moments, hundreds of times: what it said was done is done.

Each round starts a program in one home, kills it, and holds what is left against the books (`kill_promises.py`): both
databases are sound, nothing is missing that was acknowledged but the last second of a growing answer, the program
starts again, and nothing that was half written stays. LATCHKEY_KILLS is how many kills there are, LATCHKEY_KILL_SEED
what they follow from, LATCHKEY_KILL_ONLY the kinds of work, with commas between.

That a machine loses its power is out of reach here: what the system has taken, it keeps.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop.engine.engine_build import engine_build
from desktop.engine.hardware import cpu_fingerprint
from desktop.engine.kernel_check import KernelStore
from desktop.engine.kernel_report import KernelReport
from tests.fakes.tiny_gguf import random_model
from tests.soak.kill_exchanges import backup, export, restore, take_in
from tests.soak.kill_operations import (
    PATIENCE_S,
    TOP,
    Attempt,
    Life,
    ask,
    licenses,
    migrate,
    migrate_ledger,
    order,
    settings,
    window,
)
from tests.soak.process_forker import Forked, ProcessForker

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("LATCHKEY_KILLS", "200"))
SEED = os.environ.get("LATCHKEY_KILL_SEED") or str(random.SystemRandom().randrange(1 << 32))
ONLY = os.environ.get("LATCHKEY_KILL_ONLY", "")
ORPHAN_S = 10.0


@dataclass(frozen=True)
class Operation:
    """A kind of work, and how often it is chosen."""

    name: str
    weight: int
    begin: Callable[[Life, random.Random], Attempt]


OPERATIONS = (
    Operation("ask", 4, ask),
    Operation("window", 6, window),
    Operation("order", 2, order),
    Operation("settings", 2, settings),
    Operation("licenses", 3, licenses),
    Operation("migrate", 2, migrate),
    Operation("migrate-ledger", 1, migrate_ledger),
    Operation("export", 3, export),
    Operation("import", 3, take_in),
    Operation("backup", 3, backup),
    Operation("restore", 3, restore),
)


@dataclass
class Tally:
    """What happened: kills and ends by kind, the faults, the longest that a worker outlived its program."""

    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    outlived_s: float = 0.0
    parts: int = 0
    interrupted: int = 0

    def in_words(self, kept: int, lasted: float) -> str:
        """All of it, in lines."""
        return (
            f"seed {SEED}: {sum(self.kills.values())} kills in {lasted:.0f} s\n"
            f"  killed: {dict(self.kills)}\n"
            f"  ended before: {dict(self.ends)}\n"
            f"  promises held against the disk: {kept}; answers cut off: {self.interrupted}\n"
            f"  half-written files cleaned away: {self.parts}; a worker outlived its app by {self.outlived_s:.1f} s\n"
            f"  faults: {len(self.faults)}\n"
        )


class Killer:
    """Starts programs in a life, kills them, and looks at what they left."""

    def __init__(self, life: Life, choose: random.Random) -> None:
        self.life, self.tally = life, Tally()
        self._choose = choose
        self._lasts: dict[str, float] = {}

    def round(self, operation: Operation) -> None:
        """One program, killed at a random moment; the first of its kind runs to its end, to know how long it takes."""
        life = self.life
        life.look()
        attempt = operation.begin(life, self._choose)
        home = attempt.home or life.home
        for key, value in attempt.promises:
            life.promises.about_to(key, value)
        moment = attempt.lasts or self._lasts.get(operation.name, 0.0)
        delay = self._choose.uniform(0, moment * 1.1) if moment else PATIENCE_S
        whole_group = self._choose.random() < 0.5
        began = time.monotonic()
        forked = life.start(attempt.program, attempt.arguments, home)
        over, killed_at = forked.watch(delay), time.monotonic()
        started: list[psutil.Process] = []
        if not over:
            started = forked.kill(whole_group=whole_group)
            killed_at = time.monotonic()
        forked.close()
        self._note(operation, attempt, forked, killed_at - began)
        where = f"{operation.name} {attempt.arguments[:3]} after {killed_at - began:.3f} s ({forked.code})"
        found = self._left(started) + self._look(home, attempt, forked, killed_at)
        self.tally.faults += [f"{where}: {each}" for each in found]

    def _note(self, operation: Operation, attempt: Attempt, forked: Forked, lasted: float) -> None:
        name, promises = operation.name, self.life.promises
        if forked.code == -9:
            self.tally.kills[name] += 1
        else:
            self.tally.ends[name] += 1
            self._lasts[name] = max(lasted, self._lasts.get(name, 0.0) * 0.9)
        if forked.code not in (0, -9):
            said = forked.err.whole.decode(errors="replace")[-500:]
            self.tally.faults.append(f"{name} {attempt.arguments} ended with {forked.code}: {said}")
        if attempt.program == "window":
            promises.take_lines(_lines(forked))
        elif forked.code == 0:
            for key, value in attempt.promises:
                promises.done(key, value)

    # --- what a kill left ------------------------------------------------------------------------------------------

    def _left(self, started: list[psutil.Process]) -> list[str]:
        """Processes that outlived the one that started them."""
        began = time.monotonic()
        _, alive = psutil.wait_procs(started, timeout=ORPHAN_S)
        self.tally.outlived_s = max(self.tally.outlived_s, time.monotonic() - began)
        running = [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        for each in running:
            each.kill()
        return [f"{each} still ran after {ORPHAN_S} s" for each in running]

    def _look(self, home: Path, attempt: Attempt, forked: Forked, killed_at: float) -> list[str]:
        parts = list(home.rglob(".latchkey-*.part"))
        self.tally.parts += len(parts)
        for each in (*parts, *home.glob("data/attachments/.*")):  # as if it had been long ago
            os.utime(each, (0, 0))
        found = self._starts(home)
        # Those of images go when a window starts, with images that nobody names.
        left = [each for each in parts if each.exists() and "attachments" not in each.parts]
        found += [f"{each} was not cleaned away" for each in left]
        if home == self.life.home:
            found += self._goes_on()
        for file in sorted((home / "data").glob("*.db")):
            found += sound(file)
        if home == self.life.home:
            disk = self.life.look()
            found += self.life.promises.faults(disk, killed_at)
        return found + (attempt.check(self.life, forked, killed_at) if attempt.check is not None else [])

    def _starts(self, home: Path) -> list[str]:
        """The program starts again, and both its databases hold."""
        forked = self.life.run("look", home=home)
        if forked.code == 0:
            return []
        said = forked.out.whole[-500:] + forked.err.whole[-500:]
        return [f"it did not start again: {forked.code}, {said.decode(errors='replace')}"]

    def _goes_on(self) -> list[str]:
        """Where an answer was cut off a window is started, which has to say that it was stopped."""
        before = {each.id: each for each in self.life.look().messages.values() if each.status == "streaming"}
        self.tally.interrupted += len(before)
        if not before and self._choose.random() < 0.8:
            return []
        opened = self.life.run("window", "start", "0")
        found = []
        if opened.code != 0 or not any("ready" in line for _, line in _lines(opened)):
            found.append(f"no window: {opened.code} {opened.err.whole.decode(errors='replace')[-500:]}")
        after = self.life.look().messages
        for each in before.values():
            now = after.get(each.id)
            if now is None or (now.status, now.text) != ("stopped", each.text):
                found.append(f"the answer {each} is {now}")
        return found + [f"{each} is still in progress" for each in after.values() if each.status == "streaming"]


def _lines(forked: Forked) -> Iterator[tuple[float, dict[str, Any]]]:
    """The lines of a driven window that are whole, each with the moment of its end."""
    rest = b""
    for at, piece in forked.out.pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                yield at, json.loads(line)


def sound(file: Path) -> list[str]:
    """What is wrong in a database that no program has open."""
    found: list[str] = []
    with closing(sqlite3.connect(file)) as connection:
        found += [each for (each,) in connection.execute("PRAGMA quick_check(5)") if each != "ok"]
        found += [f"a reference leads nowhere: {each}" for each in connection.execute("PRAGMA foreign_key_check")]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for index in {"title_words", "message_words", "message_bigrams", "message_signs"} & tables:
            content = 0 if index in ("message_bigrams", "message_signs") else 1
            try:
                connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', {content})")
            except sqlite3.DatabaseError as error:
                if not _has_streaming(connection):
                    found.append(f"{index}: {error}")
        if "messages" in tables:
            strange = "SELECT count(*) FROM messages m JOIN messages p ON p.id = m.parent_id "
            strange += "WHERE p.conversation_id <> m.conversation_id OR p.number >= m.number"
            found += [f"{count} in a wrong tree" for (count,) in connection.execute(strange) if count]
            leaf = "SELECT count(*) FROM conversations WHERE leaf_id NOT IN (SELECT id FROM messages)"
            found += [f"{count} leaves that are not there" for (count,) in connection.execute(leaf) if count]
        connection.rollback()
    return [f"{file.name}: {each}" for each in found]


def _has_streaming(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM messages WHERE status = 'streaming' LIMIT 1").fetchone())


@pytest.fixture
def killer(home: Path, tmp_path: Path) -> Iterator[Killer]:
    choose = random.Random(SEED)
    (home / "config").mkdir()
    # Answers that go on for seconds, so that there is something to lose.
    settings = {"threads": 1, "sampling": {"max_tokens": 1500, "temperature": 2.5, "min_p": 0.0, "top_p": 1.0}}
    settings |= {"answer_notifications": "off", "stop_on_repetition": False, "context_full": "drop-oldest"}
    (home / "config" / "settings.json").write_text(json.dumps(settings))
    KernelStore(home / "data" / "engine-test.json").save(KernelReport(engine_build(), cpu_fingerprint(), (), None))
    forker = ProcessForker({**os.environ, "PYTHONPATH": str(TOP)})
    life = Life(home, tmp_path / "scratch", forker)
    try:
        file = random_model(tmp_path / "apache.gguf", seed=11)
        model = json.loads(life.run("command", "models", "import", str(file), "--json").out.whole)
        life.model, life.text_sha256 = model["id"], model["licenses"][0]["text_sha256"]
        yield Killer(life, choose)
    finally:
        forker.close()


def test_killed_at_any_moment_it_keeps_what_it_said(
    killer: Killer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choose = random.Random(f"{SEED} which")
    chosen = [each for each in OPERATIONS if not ONLY or each.name in ONLY.split(",")]
    tally = killer.tally
    began = time.monotonic()
    for each in chosen:
        if each.name != "window":
            killer.round(each)  # to its end
    while sum(tally.kills.values()) < KILLS and sum(tally.ends.values()) < 3 * KILLS + 50:
        killer.round(choose.choices(chosen, [each.weight for each in chosen])[0])
        if tally.faults and not (tmp_path / "first-fault").exists():
            shutil.copytree(killer.life.home, tmp_path / "first-fault", ignore_dangling_symlinks=True)
        told = tally.in_words(killer.life.promises.kept, time.monotonic() - began)
        (tmp_path / "tally").write_text("\n".join((told, *tally.faults)))  # for who ends it before it is over
    with capsys.disabled():
        sys.stdout.write("\n" + tally.in_words(killer.life.promises.kept, time.monotonic() - began))
    assert tally.faults == [], f"seed {SEED}:\n" + "\n".join(tally.faults)
