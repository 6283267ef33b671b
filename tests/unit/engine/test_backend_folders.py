"""Plug-ins of llama.cpp are loaded from beside it alone."""

import subprocess
import sys
from pathlib import Path

import pytest

_START = """\
import sys
sys.path.insert(0, {top!r})
from desktop.engine.worker import llama_api
{change}
try:
    llama_api.start_backends()
except ImportError as error:
    print("refused:", error)
"""
_NONE_RUNS = "llama_api.cpu_variants = lambda: ()"
_NONE_LOADS = """\
import os
best = llama_api.cpu_variants()[0]
llama_api._cpu_plugins = lambda: {best: llama_api.Path(os.devnull)}
"""
_PLANTED = """\
#include <unistd.h>
int ggml_backend_score(void) { write(1, "planted\\n", 8); return 9999; }
"""
TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plug-in of a stranger's, by the name that llama.cpp looks for."""
    folder = tmp_path_factory.mktemp("planted")
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-o", str(folder / "libggml-cpu-planted.so"), "-"]
    subprocess.run(command, input=_PLANTED.encode(), check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("change", [_NONE_RUNS, _NONE_LOADS])
def test_where_no_variant_runs_none_is_looked_for_in_the_folder_one_is_started_in(change: str, planted: Path) -> None:
    code = _START.format(top=str(TOP), change=change)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=planted, capture_output=True, text=True, check=False, timeout=60
    )
    if not ended.stdout and "index" in ended.stderr:
        pytest.skip("llama.cpp was built for one processor here")
    assert "planted" not in ended.stdout
    assert ended.stdout.startswith("refused:"), ended.stderr[-500:]


@pytest.mark.parametrize("packaged", [False, True])
def test_a_packaged_executable_takes_no_plug_in_that_the_environment_names(packaged: bool, planted: Path) -> None:
    plugin = planted / "libggml-cpu-planted.so"
    change = f"sys.frozen = {packaged}\nprint(llama_api.gpu_plugins(llama_api.LIBRARIES)); sys.exit()"
    ended = subprocess.run(
        [sys.executable, "-c", _START.format(top=str(TOP), change=change)],
        env={"GGML_BACKEND_PATH": str(plugin), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (str(plugin) in ended.stdout) is not packaged
