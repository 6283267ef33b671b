"""What a package says of the command: its man page and its completions, made of the parser."""

import argparse
import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.cli.arguments import parser

PACKAGING = str(Path(__file__).resolve().parents[2] / "packaging")
sys.path.append(PACKAGING)  # appended: a folder of that name must not hide the library
import command_pages as pages  # noqa: E402

sys.path.remove(PACKAGING)
DAY = datetime.date(2026, 11, 29)


def test_the_man_page_names_every_command_and_option() -> None:
    page = pages.man_page(parser(), DAY)
    assert page.startswith(".TH LATCHKEY 1 2026-11-29 ")
    for name, each in pages.commands_of(parser()):
        own = [
            action for action in each._actions if not isinstance(action, argparse._HelpAction | argparse._VersionAction)
        ]
        options = [option for action in own for option in action.option_strings]
        assert [option for option in options if option.replace("-", r"\-") not in page] == [], name


def test_a_line_of_text_means_nothing_to_roff() -> None:
    top = argparse.ArgumentParser("x", description="Ends.")
    one = top.add_subparsers().add_parser("one", description=".so /etc/passwd")
    one.add_argument("--back", help=r"a\b -c 'd 100%%")
    page = pages.man_page(top, DAY)
    assert "\n.so" not in page
    assert r"a\eb \-c 'd 100%" in page


def test_the_day_is_that_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert pages.page_date() == datetime.date(2001, 9, 9)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_a_command(tmp_path: Path) -> None:
    script = tmp_path / "latchkey.bash"
    script.write_text(pages.completion("bash"))
    asked = f'. {script}; COMP_WORDS=(latchkey models sh); COMP_CWORD=2; _shtab_latchkey; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["show"]
