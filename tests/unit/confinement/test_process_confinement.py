"""A confined process changes no file, reaches no other, opens no socket, reads its own files; and does its work."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.confinement.process_confinement import own_files
from desktop.confinement.seccomp import ALLOWED_CALLS, BY_ARGUMENT, MACHINES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's confinement is Linux's")

ROOT = Path(__file__).parents[3]
UPROBES = {335, 336}  # on x86_64; called from elsewhere than a probe they end the process, whatever a filter says
CONFINED = """
import sys, json, os
sys.path.insert(0, {root!r})
from pathlib import Path
from desktop.confinement import process_confinement as confinement
from tests.fakes import attacks
own, kept, folder = Path({own!r}), Path({kept!r}), Path({folder!r})
attempts = dict(
    out=attacks.ways_out(), others=attacks.others(os.getppid()), work=attacks.its_work(own),
    own=attacks.changes(own, folder), kept=attacks.changes(kept, folder),
    reading=dict(passwd=lambda: open("/etc/passwd").read(), secret=lambda: kept.read_text(),
                 home=lambda: os.listdir(folder),
                 environment=lambda: open("/proc/" + str(os.getppid()) + "/environ").read()),
)
{pretence}
told = [confinement.confine_calls(), confinement.confine_files([os.open(own, os.O_RDONLY)])]
if told[0] != "seccomp":
    print(json.dumps([told, dict(), dict()]))
    sys.exit()
tried = {{kind: {{name: attacks.outcome(each) for name, each in some.items()}} for kind, some in attempts.items()}}
numbers = attacks.by_number({numbers!r})
print(json.dumps([told, tried, numbers]))
"""
WITHOUT_LANDLOCK = """
def none(*_):
    raise confinement.ConfinementError("this kernel does not have it")
confinement.version = confinement.apply_landlock = none
"""
WITH_A_GPU = """
calls, files = confinement.confine_calls, confinement.confine_files
drivers = folder / "drivers"
drivers.mkdir()
confinement.confine_calls = lambda: calls(gpu=True)
confinement.confine_files = lambda own: files(own, gpu=True, drivers_folder=drivers)
attempts["drivers"] = dict(
    device=lambda: os.open("/dev/null", os.O_RDWR),
    cache=lambda: (drivers / "a").write_text("a"), folder=lambda: (drivers / "b").mkdir(),
    moved=lambda: (drivers / "a").rename(drivers / "c"), removed=lambda: (drivers / "c").unlink(),
)
"""


@dataclass(frozen=True)
class Outcomes:
    """What a confined process could and could not do, by kind and attempt."""

    told: list[str]
    tried: dict[str, dict[str, str]]
    numbers: dict[str, str]
    kept: Path

    def done(self, kind: str) -> set[str]:
        return {name for name, outcome in self.tried[kind].items() if outcome == "done"}

    def unrefused(self, *kinds: str) -> dict[str, str]:
        """What was not refused by name, whatever came of it."""
        every = {name: outcome for kind in kinds for name, outcome in self.tried[kind].items()}
        return {name: outcome for name, outcome in every.items() if outcome not in ("EPERM", "EACCES", "ENOSYS")}


@pytest.fixture
def confined(disk_path: Path) -> Callable[..., Outcomes]:
    """Confine a process, after `pretence`, and see what it can still do."""

    def run(pretence: str = "") -> Outcomes:
        folder = disk_path / "home"
        folder.mkdir()
        own, kept = folder / "m.gguf", folder / "kept.txt"
        own.write_text("model")
        kept.write_text("secret")
        column = list(MACHINES).index(platform.machine())
        listed = {numbers[column] for numbers in (ALLOWED_CALLS | BY_ARGUMENT).values()}
        numbers = [number for number in range(600) if number not in listed | UPROBES]
        code = CONFINED.format(
            root=str(ROOT), own=str(own), kept=str(kept), folder=str(folder), pretence=pretence, numbers=numbers
        )
        command = [sys.executable, "-I", "-c", code]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
        told, tried, by_number = json.loads(done.stdout)
        assert kept.read_text() == "secret"
        assert own.read_text() == "model"
        return Outcomes(told, tried, by_number, kept)

    if platform.machine() not in MACHINES:
        pytest.skip("there is no filter for this machine")
    return run


def seen_as(outcomes: Outcomes, *told: str) -> None:
    if outcomes.told != [*told]:
        pytest.skip(f"this kernel confines less: {outcomes.told}")


def test_a_confined_process_can_do_its_work_and_nothing_else(confined: Callable[..., Outcomes]) -> None:
    outcomes = confined()
    seen_as(outcomes, "seccomp", "landlock")
    assert outcomes.done("work") == set(outcomes.tried["work"])
    assert outcomes.unrefused("out", "others", "own", "kept", "reading") == {}
    assert {each.name for each in outcomes.kept.parent.iterdir()} == {"kept.txt", "m.gguf"}


def test_without_landlock_it_still_changes_nothing_and_reaches_nobody(confined: Callable[..., Outcomes]) -> None:
    """As on a kernel before 5.13, or one where it is switched off: what is left is to read files."""
    outcomes = confined(WITHOUT_LANDLOCK)
    seen_as(outcomes, "seccomp", "no landlock: this kernel does not have it")
    assert outcomes.done("work") == set(outcomes.tried["work"])
    assert outcomes.unrefused("out", "others", "own", "kept") == {}
    assert {each.name for each in outcomes.kept.parent.iterdir()} == {"kept.txt", "m.gguf"}


def test_no_other_system_call_passes(confined: Callable[..., Outcomes]) -> None:
    outcomes = confined()
    if outcomes.told[0] != "seccomp":
        pytest.skip(f"this kernel confines less: {outcomes.told}")
    assert set(outcomes.numbers.values()) == {"EPERM", "ENOSYS"}


def test_drivers_of_a_gpu_write_devices_and_their_folder(confined: Callable[..., Outcomes]) -> None:
    outcomes = confined(WITH_A_GPU)
    seen_as(outcomes, "seccomp", "landlock")
    assert outcomes.done("drivers") == set(outcomes.tried["drivers"])
    assert outcomes.done("work") == set(outcomes.tried["work"])
    for kind in ("out", "others", "kept"):
        assert not outcomes.done(kind) - {"lock"}, kind
    assert outcomes.done("reading") == {"passwd"}


def test_of_a_checkout_only_the_program_is_read() -> None:
    """What else a person keeps in that folder is none of the worker's business."""
    assert (ROOT / "pyproject.toml").exists()
    assert ROOT not in own_files()
    assert ROOT / "desktop" in own_files()


def test_a_home_that_cannot_be_found_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert ROOT / "desktop" in own_files()
    assert Path("/") not in own_files()
