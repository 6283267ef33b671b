"""What a reader that a document took over can do: send text, and nothing else. Tried from inside the process itself,
where the document would be parsed."""

import json
import os
import platform
import sys
from pathlib import Path

import pytest

from desktop.confinement.seccomp import ALLOWED_CALLS, BY_ARGUMENT, MACHINES
from desktop.documents.document_reader import DocumentReader
from tests.fakes.reader_impostor import reader_command

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's confinement is Linux's")

UPROBES = {335, 336}  # on x86_64; called from elsewhere than a probe they end the process, whatever a filter says
ATTEMPTS = """
def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

pipes = [int(sys.argv[sys.argv.index(each) + 1]) for each in ("--in", "--out")]
inherited = [each for each in range(256) if each > 2 and is_open(each) and each not in pipes]
told = [name for name, value in os.environ.items() if value == "secret"]
own, kept, folder = Path({own!r}), Path({kept!r}), Path({folder!r})
attempts = dict(
    out=attacks.ways_out(), others=attacks.others(os.getppid()), work=attacks.its_work(own),
    own=attacks.changes(own, folder), kept=attacks.changes(kept, folder),
    reading=dict(
        document=own.read_bytes, secret=kept.read_text, home=lambda: os.listdir(folder),
        passwd=lambda: open("/etc/passwd").read(), hosts=lambda: open("/etc/hosts").read(),
        root=lambda: os.listdir("/"), processes=lambda: os.listdir("/proc"),
        environment=lambda: open("/proc/" + str(os.getppid()) + "/environ").read(),
        memory=lambda: open("/proc/self/maps").read(), processor=lambda: open("/proc/cpuinfo").read(),
        groups=lambda: open("/proc/self/cgroup").read(),
        parent=lambda: os.listdir("/proc/" + str(os.getppid()) + "/fd"),
        homes=lambda: os.listdir(Path.home()), etc=lambda: os.listdir("/etc"), temporary=lambda: os.listdir("/tmp"),
        devices=lambda: os.listdir("/dev"), shared=lambda: os.open("/dev/shm/latchkey", os.O_RDWR | os.O_CREAT),
        mapped=lambda: os.listdir("/dev/shm"), running=lambda: os.listdir("/run"), kept=lambda: os.listdir("/var"),
        checkout=lambda: open({root!r} + "/pyproject.toml").read(),
    ),
)
attempts["work"].pop("own limits")  # they were what this process had before it lowered them
numbers = {numbers!r}
"""
ATTACK = """
tried = {kind: {name: attacks.outcome(each) for name, each in some.items()} for kind, some in attempts.items()}
send(PageText(1, json.dumps([tried, attacks.by_number(numbers), inherited, told])))
"""


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="there is no filter for this machine")
def test_a_reader_can_do_its_work_and_nothing_else(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    own, kept = folder / "document.pdf", folder / "kept.txt"
    own.write_text("document")
    kept.write_text("secret")
    column = list(MACHINES).index(platform.machine())
    listed = {numbers[column] for numbers in (ALLOWED_CALLS | BY_ARGUMENT).values()}
    numbers = [number for number in range(600) if number not in listed | UPROBES]
    root = str(Path(__file__).parents[3])
    prepared = ATTEMPTS.format(own=str(own), kept=str(kept), folder=str(folder), root=root, numbers=numbers)
    scripts = tmp_path_factory.mktemp("scripts")
    secrets = ("HF_TOKEN", "HTTPS_PROXY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH", "LATCHKEY_HOME")
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    opened = os.open(kept, os.O_RDONLY)
    os.set_inheritable(opened, True)
    reader = DocumentReader(tmp_path / "logs", command=reader_command(scripts, ATTACK, prepared))
    try:
        confinement = reader.confinement()
        tried, by_number, inherited, told = json.loads(reader.read_bytes(b"taken over", "a.bad").pages[0].text)
    finally:
        reader.close()
        os.close(opened)
    assert (inherited, told) == ([], [])
    if "this kernel" in confinement:
        pytest.skip(f"this kernel confines less: {confinement}")
    assert confinement == "landlock+seccomp"
    refused = ("EPERM", "EACCES", "ENOSYS")
    for kind in ("out", "others", "own", "kept", "reading"):
        assert {name: came for name, came in tried[kind].items() if came not in refused} == {}, kind
    assert {name for name, came in tried["work"].items() if came != "done"} == {"read", "map"}
    assert set(by_number.values()) == {"EPERM", "ENOSYS"}
    left = {each.name: each.read_text() for each in folder.iterdir()}
    assert left == {"document.pdf": "document", "kept.txt": "secret"}
