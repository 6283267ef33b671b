"""Systems as they are: each ends in what was asked for, or in one sentence; never in a traceback."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.tiny_gguf import scripted_model
from tests.journeys.command import TOP, Ran, Running, Terminal, command, environment, latchkey

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and limits of POSIX systems")
UNKNOWN = ("unshare", "--user", "--map-user=54321")


def shell(line: str, **environ: str) -> Ran:
    """`line` in a shell, in which "$latchkey" is the command."""
    ran = subprocess.run(
        ["bash", "-c", f'latchkey() {{ {sys.executable} -m desktop "$@"; }}; {line}'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment() | environ,
        timeout=120,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode("utf-8", "surrogateescape"), ran.stderr.decode("utf-8", "replace"))


def can_be_unknown() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*UNKNOWN, "true"], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "redirected", "code"),
    [
        ("models list", "| true", 141),
        ("--help", "| true", 141),
        ("models list --json", "| true", 141),
        ("models list", ">&-", 10),
        ("--help", ">&-", 10),
        ("models list", ">/dev/full", 10),
        ("--help", ">/dev/full", 10),
        ("doctor --json", ">/dev/full", 10),
        ("models list", "2>&- >/dev/null", 0),
        ("nonsense", "2>/dev/full", 2),
        ("nonsense", ">&- 2>&- <&-", 2),
        ("ask -", "<&-", 2),
        ("", "<&-", 2),
        ("models remove nothing", "2>&1 >/dev/null | true", 3),
    ],
)
def test_wherever_output_and_input_lead_there_is_a_code_and_at_most_one_sentence(
    arguments: str, redirected: str, code: int
) -> None:
    if "full" in redirected and not Path("/dev/full").exists():
        pytest.skip("no such device here")
    ran = shell(f"latchkey {arguments} {redirected}; exit ${{PIPESTATUS[0]}}")
    assert ran.code == code, ran
    assert ran.err.count("\n") <= 1, ran
    assert "Traceback" not in ran.err + ran.out
    assert "Exception" not in ran.err
    assert "bug" not in ran.err
    if code == 141:
        assert not ran.err


NO_UTF_8 = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}


@pytest.mark.parametrize(
    "environ", [NO_UTF_8, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "cp1252:strict"}, {}]
)
def test_files_may_be_called_anything_and_json_loses_nothing_in_any_locale(environ: dict[str, str], home: Path) -> None:
    file = home / "Grüße 你好.gguf"
    scripted_model(file, ["▁the"])
    ran = shell(f'latchkey models import "{file}" --json; latchkey licenses export "{home}/Größe 你.json"', **environ)
    assert ran.code == 0, ran
    imported = json.loads(ran.out.splitlines()[0])
    assert "Grüße 你好.gguf" in json.dumps(imported, ensure_ascii=False)
    assert (home / "Größe 你.json").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of text alone")
def test_a_file_whose_name_is_no_text_is_said(home: Path) -> None:
    name = str(home) + "/gr\udcfc\udcdfe.gguf"
    for arguments in ("ask hi --model", "models show", "models import", "models check", "licenses show"):
        ran = shell(f"latchkey {arguments} \"$(printf '%b' '{home}/gr\\xfc\\xdfe.gguf')\"")
        assert ran.code == 3, ran
        assert "Traceback" not in ran.err
    shutil.copy(TOP / "resources" / "builtin" / "latchkey-guide.gguf", name)
    assert latchkey("models", "import", name, "--copy").code == 0


@pytest.mark.skipif(not can_be_unknown(), reason="this system lets nobody take another user id")
def test_a_person_whom_the_system_does_not_know(home: Path, tmp_path: Path) -> None:
    """Containers run programs under numbers that no list of users holds."""
    home.chmod(0o777)
    without = {name: value for name, value in environment().items() if name not in ("HOME", "LATCHKEY_HOME")}
    for arguments in (["doctor"], ["ask", "hi"], ["models", "found"]):
        ran = subprocess.run(
            [*UNKNOWN, *command(*arguments)], capture_output=True, env=without, stdin=subprocess.DEVNULL, check=False
        )
        sentence = Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode()).failed_with(10)
        assert "LATCHKEY_HOME" in sentence
        ran = subprocess.run(
            [*UNKNOWN, *command(*arguments)],
            capture_output=True,
            env=without | {"LATCHKEY_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert ran.returncode == 0, ran


@pytest.mark.parametrize("arguments", ["models import x.gguf", "licenses export x.json", "ask hi --model x.gguf"])
def test_a_folder_that_was_removed_while_a_shell_stood_in_it(home: Path, arguments: str) -> None:
    (home / "gone").mkdir()
    ran = shell(f'cd "{home}/gone" && rmdir "{home}/gone" && latchkey {arguments}')
    assert "bug" not in ran.failed_with(3)


@pytest.mark.parametrize("arguments", ["ask hi", "offline on", "licenses log", "conversations list"])
def test_a_home_that_is_a_file(home: Path, arguments: str) -> None:
    (home / "file").touch()
    ran = shell(f"latchkey {arguments}", LATCHKEY_HOME=str(home / "file"))
    assert "Traceback" not in ran.err
    assert "bug" not in ran.err
    assert ran.err.count("\n") <= 1, ran


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("_started_anew")
def test_a_signal_of_the_system_ends_the_command_in_order(number: signal.Signals) -> None:
    running = Running("ask", "Tell me about licenses.", "--max-tokens", "2000", "--ignore-eos")
    running.first_output()
    running.process.send_signal(number)
    ran = running.end()
    assert ran.code == 128 + number, ran
    assert ran.err == ""


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}, {"COLUMNS": "1", "LINES": "1"}, {"NO_COLOR": "1"}])
def test_a_terminal_that_can_do_little(environ: dict[str, str]) -> None:
    terminal = Terminal("ask", "hi", **environ)
    assert terminal.end() == 0, terminal.screen
    assert "\x1b" not in terminal.screen or environ.get("COLUMNS")


@pytest.mark.parametrize("action", ["on", "off"])
def test_a_switch_that_cannot_be_saved_is_not_said_to_hold(home: Path, action: str) -> None:
    assert latchkey("offline", "on").code == 0
    settings = home / "config" / "settings.json"
    before = settings.read_bytes()
    ran = shell(f"ulimit -f 0; latchkey offline {'off' if action == 'off' else 'on'}")
    if action == "on":  # it is on
        assert ran.code == 0, ran
        settings.unlink()
        ran = shell("ulimit -f 0; latchkey offline on")
    else:
        assert settings.read_bytes() == before
    sentence = ran.failed_with(10)
    assert "closed" not in sentence
    assert "not turned" in sentence


@pytest.mark.parametrize("mask", ["000", "777", "277"])
def test_whatever_the_umask_what_is_made_is_this_persons_to_write_and_nobody_elses(home: Path, mask: str) -> None:
    ran = shell(f"umask {mask}; latchkey ask hi; latchkey offline on; latchkey licenses verify")
    assert ran.code == 0, ran
    made = [each for each in home.rglob("*") if not each.is_symlink()]
    assert made
    modes = {str(each.relative_to(home)): each.stat().st_mode & 0o777 for each in made}
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o022 or mode & 0o600 != 0o600}
