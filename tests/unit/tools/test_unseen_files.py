"""Which file of its command a confined tool server does not see."""

import sys
from pathlib import Path

import pytest

from desktop.tools.tool_server import ToolServer
from desktop.tools.unseen_files import unseen_path


@pytest.mark.skipif(sys.platform != "linux", reason="confined on Linux only")
def test_what_is_here_and_was_not_given_is_unseen(tmp_path: Path) -> None:
    script, folder = tmp_path / "server.py", tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    for file in (script, folder / "pyvenv.cfg", folder / "bin" / "python", folder / "inside.py"):
        file.write_text("")
    python = str(folder / "bin" / "python")

    def unseen(*arguments: str, **given: tuple[str, ...]) -> str:
        return unseen_path(ToolServer("s", python, arguments, **given))  # type: ignore[arg-type]

    assert unseen("-u", str(script)) == str(script)
    assert unseen(f"--config={script}") == str(script)
    assert unseen(str(script), readable=(str(tmp_path),)) == ""
    assert unseen(str(script), writable=(str(tmp_path),)) == ""
    assert unseen(str(folder / "inside.py")) == "", "it lies beside the program"
    assert unseen("/usr/share/x", "/nowhere/at/all", "server.py", "--verbose", "\0") == ""
