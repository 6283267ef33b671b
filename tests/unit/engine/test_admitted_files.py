"""The worker opens each file of a model before it gives up all others."""

import subprocess
import sys
from pathlib import Path

import pytest

from desktop.engine.worker.admitted_files import AdmittedFiles, FileChangedError
from desktop.file_stamp import ModelFile, stamp_from_stat

ROOT = Path(__file__).parents[3]
MANY = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from tests.unit.engine.test_admitted_files import admitted
names = admitted(Path({folder!r}), 200).names()
again = [open(name, "rb") for name in names]
print(len(again))
"""


def admitted(folder: Path, count: int) -> AdmittedFiles:
    files = [folder / f"m-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    for file in files:
        file.write_bytes(b"GGUF")
    return AdmittedFiles([ModelFile(str(file), stamp_from_stat(file.stat())) for file in files])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_model_in_more_files_than_a_process_may_open_at_first_is_loaded(tmp_path: Path) -> None:
    """llama.cpp opens each of them once more."""
    code = MANY.format(root=str(ROOT), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("200", "")


def test_the_file_that_changed_is_named_by_its_place(tmp_path: Path) -> None:
    files = admitted(tmp_path, 3)
    assert len(files.names()) == 3
    (tmp_path / "m-00002-of-00003.gguf").write_bytes(b"GGUF!")
    with pytest.raises(FileChangedError) as caught:
        files.names()
    assert caught.value.number == 1
