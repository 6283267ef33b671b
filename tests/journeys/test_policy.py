"""An organization's policy: what it forbids is not loaded, and a policy that cannot be read forbids everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import TIMEOUT_S, Ran, environment, latchkey
from tests.journeys.desk import accept_all, ask, tiny_apache, waiting

pytestmark = pytest.mark.usefixtures("home")


def under(policy: Path, *arguments: str) -> Ran:
    return latchkey(*arguments, LATCHKEY_POLICY=str(policy))


# The real command, with the fixed place of the policy in a folder of the test's. Nothing outside of code can do that.
SYSTEM = """
import dataclasses, pathlib, sys
from desktop.cli import command_line
usual, place = command_line.find_paths, pathlib.Path(sys.argv.pop(1))
command_line.find_paths = lambda: dataclasses.replace(usual(), system_policy=place)
sys.exit(command_line.run(sys.argv))
"""


def with_system_policy(policy: Path, *arguments: str, **environ: str) -> Ran:
    line = [sys.executable, "-c", SYSTEM, str(policy), *arguments]
    ran = subprocess.run(
        line, capture_output=True, env=environment() | environ, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


@pytest.fixture
def policy(home: Path) -> Path:
    return home / "policy.toml"


@pytest.mark.parametrize("variables", [{"LATCHKEY_POLICY": "/dev/null"}, {"XDG_CONFIG_DIRS": "/nonexistent"}], ids=str)
def test_no_account_takes_the_policy_of_the_system_off(policy: Path, variables: dict[str, str]) -> None:
    policy.write_text('[deny]\npublisher = ["Latchkey"]\n')
    assert with_system_policy(policy, "ask", "hi", **variables).code == 8
    policy.unlink()
    assert with_system_policy(policy, "ask", "hi", "--max-tokens", "2").code == 0


def test_a_variable_adds_to_the_policy_of_the_system(policy: Path, home: Path) -> None:
    policy.write_text("imports = false\n")
    (home / "mine.toml").write_text('[deny]\npublisher = ["Latchkey"]\n')
    both = {"LATCHKEY_POLICY": str(home / "mine.toml")}
    path = random_model(home / "some.gguf")
    refusal = with_system_policy(policy, "models", "import", str(path), **both).failed_with(8)
    assert "files of your own" in refusal
    assert "Latchkey" in with_system_policy(policy, "ask", "hi", **both).failed_with(8)
    assert with_system_policy(policy, "ask", "hi", "--max-tokens", "2").code == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_a_pipe_in_the_place_of_a_policy_is_told_and_waited_for_by_nobody(policy: Path) -> None:
    os.mkfifo(policy)
    assert "cannot be read" in with_system_policy(policy, "ask", "hi").failed_with(8)
    assert "cannot be read" in under(policy, "ask", "hi").failed_with(8)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[deny]\nlicense = ["apache-2.0"]\n', "Apache-2.0"),
        ('[allow]\nlicense = ["MIT"]\n', "Apache-2.0"),
        ('[deny]\npublisher = ["Latchkey"]\n', "Latchkey"),
        ('[deny]\ngate = ["open"]\n', "open"),
    ],
    ids=["denied", "not allowed", "publisher", "gate"],
)
def test_what_the_policy_forbids_is_not_loaded_though_it_is_a_part_of_latchkey(
    policy: Path, text: str, what: str
) -> None:
    policy.write_text('contact = "licenses@example.org"\n' + text)
    refusal = under(policy, "ask", "hi").failed_with(8)
    assert "Forbidden by your organization" in refusal
    assert what in refusal
    assert "licenses@example.org" in refusal
    assert "forbidden" in under(policy, "models", "list").out
    assert latchkey("ask", "hi", "--max-tokens", "2").code == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[deny]\nlicense = ["apache-2.0"]\n', "Apache-2.0"),
        ('[allow]\nlicense = ["MIT"]\n', "Apache-2.0"),
        ('purpose = ["commercial"]\n', "personal"),
    ],
    ids=["denied", "not allowed", "purpose"],
)
def test_what_the_policy_forbids_is_not_loaded_though_it_was_accepted(
    policy: Path, home: Path, text: str, what: str
) -> None:
    model = tiny_apache(home)
    accept_all(model)
    policy.write_text('contact = "licenses@example.org"\n' + text)
    refusal = under(policy, "ask", "hi", "--model", model).failed_with(8)
    assert "Forbidden by your organization" in refusal
    assert what in refusal
    assert "licenses@example.org" in refusal
    assert "forbidden" in under(policy, "models", "list").out
    assert ask(model).code == 0


@pytest.mark.parametrize("text", ["[deny\n", "denied = 1\n", 'purpose = ["profit"]\n'])
def test_a_policy_that_cannot_be_read_stops_every_load(policy: Path, text: str) -> None:
    policy.write_text(text)
    assert "policy cannot be read" in under(policy, "ask", "hi").failed_with(8)
    report = under(policy, "doctor", "--json")
    assert report.code == 8, report
    assert report.json["policy"]["state"] == "broken"
    assert report.json["policy"]["path"] == str(policy)


def test_a_policy_that_is_named_and_missing_stops_every_load(policy: Path) -> None:
    assert "does not exist" in under(policy, "ask", "hi").failed_with(8)


def test_a_policy_may_forbid_files_from_elsewhere(policy: Path, home: Path) -> None:
    policy.write_text("imports = false\n")
    path = random_model(home / "some.gguf")
    assert "files of your own" in under(policy, "models", "import", str(path)).failed_with(8)
    assert under(policy, "ask", "hi", "--max-tokens", "2").code == 0


def test_a_purpose_that_the_policy_forbids_cannot_be_declared(policy: Path, home: Path) -> None:
    policy.write_text('purpose = ["research"]\n')
    model = tiny_apache(home)
    (needed,) = waiting(model)
    line = ["licenses", "accept", model, "--text-sha256", needed["text_sha256"], "--as", "Ada", "--purpose"]
    assert "commercial" in under(policy, *line, "commercial").failed_with(8)
    assert under(policy, *line, "research").code == 0


def test_doctor_names_a_policy_in_force(policy: Path) -> None:
    policy.write_text('purpose = ["research"]\n')
    assert under(policy, "doctor", "--json").json["policy"] == {
        "path": str(policy),
        "state": "in force",
        "reason": None,
    }
