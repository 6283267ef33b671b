"""An organization's policy: what it forbids is not loaded, and a policy that cannot be read forbids everything."""

from pathlib import Path

import pytest

from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import Ran, latchkey
from tests.journeys.desk import waiting

GUIDE = "latchkey-guide"
pytestmark = pytest.mark.usefixtures("accepted")


def under(policy: Path, *arguments: str) -> Ran:
    return latchkey(*arguments, LATCHKEY_POLICY=str(policy))


@pytest.fixture
def policy(home: Path) -> Path:
    return home / "policy.toml"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[deny]\nlicense = ["apache-2.0"]\n', "Apache-2.0"),
        ('[allow]\nlicense = ["MIT"]\n', "Apache-2.0"),
        ('[deny]\npublisher = ["Latchkey"]\n', "Latchkey"),
        ('[deny]\ngate = ["open"]\n', "open"),
        ('purpose = ["commercial"]\n', "research"),
    ],
    ids=["denied", "not allowed", "publisher", "gate", "purpose"],
)
def test_what_the_policy_forbids_is_not_loaded_though_it_was_accepted(policy: Path, text: str, what: str) -> None:
    policy.write_text('contact = "licenses@example.org"\n' + text)
    refusal = under(policy, "ask", "hi").failed_with(8)
    assert "Forbidden by your organization" in refusal
    assert what in refusal
    assert "licenses@example.org" in refusal
    assert "forbidden" in under(policy, "models", "list").out
    assert latchkey("ask", "hi", "--max-tokens", "2").code == 0


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


def test_a_purpose_that_the_policy_forbids_cannot_be_declared(policy: Path) -> None:
    policy.write_text('purpose = ["research"]\n')
    latchkey("licenses", "revoke", GUIDE)
    (needed,) = waiting(GUIDE)
    line = ["licenses", "accept", GUIDE, "--text-sha256", needed["text_sha256"], "--as", "Ada", "--purpose"]
    assert "commercial" in under(policy, *line, "commercial").failed_with(8)
    assert under(policy, *line, "research").code == 0


def test_doctor_names_a_policy_in_force(policy: Path) -> None:
    policy.write_text('purpose = ["research"]\n')
    assert under(policy, "doctor", "--json").json["policy"] == {
        "path": str(policy),
        "state": "in force",
        "reason": None,
    }
