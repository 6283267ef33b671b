"""The rules of the house bite: each is broken on purpose here, or held against the code as it stands."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

import desktop

TOP = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted((TOP / "desktop").rglob("*.py"))
BANNED_NAMES = {"utils", "util", "core", "services", "managers", "helpers", "common", "misc"}
LOCAL_ONLY = {"QLocalServer", "QLocalSocket"}


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def shared(places: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The names in (name, place) that are found in more than one place, each with its places."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in places:
        found[name].append(place)
    return {name: found[name] for name in found if len(found[name]) > 1}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=False)


def test_import_contracts_hold() -> None:
    result = lint_imports(TOP)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_import_contract_notices_a_breach(tmp_path: Path) -> None:
    shutil.copytree(TOP / "desktop", tmp_path / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    breach = (
        "import gguf, httpx2, keyring, llama_cpp, mcp, openpyxl, pydantic, socketserver, sqlite3, urllib.request\n"
        "from PySide6.QtCore import QObject\n"
        "import desktop.storage\n"
    )
    (tmp_path / "desktop" / "catalog" / "breach.py").write_text(breach, encoding="utf-8")
    (tmp_path / "desktop" / "storage" / "breach.py").write_text("import desktop.catalog.breach\n", encoding="utf-8")
    (tmp_path / "desktop" / "ui" / "parts" / "breach.py").write_text("import desktop.ui.chat\n", encoding="utf-8")
    circle = tmp_path / "desktop" / "ui" / "sidebar"
    for name, other in (("breach_a", "breach_b"), ("breach_b", "breach_a")):
        (circle / f"{name}.py").write_text(f"import desktop.ui.sidebar.{other}\n", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    for contract in PROJECT["tool"]["importlinter"]["contracts"]:
        assert f"{contract['name']} BROKEN" in result.stdout, result.stdout


def test_a_new_package_has_to_be_given_its_floor(tmp_path: Path) -> None:
    shutil.copytree(TOP / "desktop", tmp_path / "desktop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    (tmp_path / "desktop" / "attic").mkdir()
    (tmp_path / "desktop" / "attic" / "__init__.py").write_text('"""Nowhere."""\n', encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    assert "attic" in result.stdout


def test_a_file_name_leads_to_one_module() -> None:
    """Whoever reads a name in a traceback or an import opens one file. Two names are Python's own, in each folder."""
    given = {"__init__.py", "__main__.py"}
    assert not shared([(path.name, name_of(path)) for path in SOURCES if path.name not in given])


def test_a_class_name_leads_to_one_class() -> None:
    classes = [
        (node.name, name_of(path))
        for path in SOURCES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert not shared(classes)


def test_every_folder_of_code_is_a_package() -> None:
    """Without an __init__.py, import contracts do not see what lies in it."""
    assert not [name_of(path) for path in SOURCES if not (path.parent / "__init__.py").exists()]


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Every module of the code, parsed once: each rule is one test, and names all the modules that break it."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def test_modules_say_why_they_exist_and_stay_readable(trees: dict[Path, ast.Module]) -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    silent = [name_of(path) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)]
    assert not silent, "a module begins with a docstring"
    assert not {name: count for name, count in lines.items() if count > 400}, "split these files by meaning"
    banned = [name for name in lines if not BANNED_NAMES.isdisjoint({Path(name).stem, *Path(name).parts})]
    assert not banned, "name it after what it means"


def test_qt_opens_no_network_sockets(trees: dict[Path, ast.Module]) -> None:
    """Import contracts cannot look inside PySide6: only its machine-local sockets are used (one window per person)."""
    network = "PySide6.QtNetwork"
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == network:
                assert {alias.name for alias in node.names} <= LOCAL_ONLY, name_of(path)
            elif isinstance(node, ast.ImportFrom) and node.module == "PySide6":
                assert "QtNetwork" not in {alias.name for alias in node.names}, name_of(path)
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith(network) for alias in node.names), name_of(path)


LISTENING_CALLS = {"bind", "listen", "create_server", "start_server", "start_unix_server"}


def test_only_the_server_listens(trees: dict[Path, ast.Module]) -> None:
    """Qt's machine-local socket aside, by which a second start reaches the first window."""
    for path, tree in trees.items():
        if path.is_relative_to(TOP / "desktop" / "server") or path.stem == "single_instance":
            continue
        nodes = list(ast.walk(tree))
        calls = {
            node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert LISTENING_CALLS.isdisjoint(calls), name_of(path)
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert "http.server" not in imported, name_of(path)


def test_one_version_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert desktop.__version__ == version
    assert f"## {version}" in (TOP / "CHANGELOG.md").read_text(encoding="utf-8")


def test_ci_names_tests_that_there_are() -> None:
    script = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    named = re.findall(r"\btests/[^\s\"']+", script)
    assert named
    assert not [pattern for pattern in named if not list(TOP.glob(pattern))]


def test_folder_packaging_does_not_hide_the_library_of_that_name() -> None:
    """pip, pytest and hatchling import `packaging`; an __init__.py in ours would be found first."""
    assert not (TOP / "packaging" / "__init__.py").exists()


def test_make_help_names_every_target() -> None:
    if shutil.which("make") is None:
        pytest.skip("no make here")
    shown = subprocess.run(["make", "-C", str(TOP), "help"], capture_output=True, text=True, check=True).stdout
    for target in (
        "run",
        "test",
        "check",
        "bench",
        "soak",
        "package",
        "screenshots",
        "builtin-model",
        "real-model",
        "help",
    ):
        assert f"make {target} " in shown


@pytest.fixture(scope="module")
def wheel_contents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    arguments = [sys.executable, "-c", code, str(folder)]
    built = subprocess.run(arguments, cwd=TOP, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    contents = folder / "contents"
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as archive:
        archive.extractall(contents)
    return contents


def test_wheel_carries_resources_and_catalog(wheel_contents: Path) -> None:
    data = wheel_contents / "desktop" / "_data"
    assert (data / "models.toml").read_bytes() == (TOP / "models.toml").read_bytes()
    shipped = {path.relative_to(data) for path in (data / "resources").rglob("*") if path.is_file()}
    here = {path.relative_to(TOP) for path in (TOP / "resources").rglob("*") if path.is_file()}
    assert shipped == here


def test_wheel_carries_nothing_that_only_development_needs(wheel_contents: Path) -> None:
    tops = {path.name for path in wheel_contents.iterdir()}
    assert tops == {"desktop", f"latchkey-{PROJECT['project']['version']}.dist-info"}
    assert not list(wheel_contents.rglob("*.pyc"))


def test_code_in_the_wheel_finds_its_resources(wheel_contents: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from desktop.paths import find_paths\n"
        "paths = find_paths()\n"
        "print(paths.resources, paths.catalog, paths.builtin_model.is_file(), sep='\\n')"
    )
    arguments = [sys.executable, "-c", code, str(wheel_contents)]
    shown = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    data = wheel_contents / "desktop" / "_data"
    assert shown == [str(data / "resources"), str(data / "models.toml"), "True"]


GUARDED = """
import socket, subprocess, sys, warnings
import pytest

def test_reaches_out():
    socket.create_connection(("192.0.2.1", 80), timeout=0.1)

def test_reaches_out_and_hides_it():
    try:
        socket.socket().connect(("192.0.2.1", 80))
    except Exception:
        pass

def test_asks_for_a_name():
    try:
        socket.getaddrinfo("example.invalid", 443)
    except Exception:
        pass

def test_reaches_this_machine_unasked():
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)

@pytest.mark.loopback
def test_reaches_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()

def test_speaks_to_a_neighbor(home):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "s"))
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(home / "s"))
        client.close()

def test_leaves_a_process():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=subprocess.DEVNULL)

def test_ends_its_process():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_warns():
    warnings.warn("old", DeprecationWarning)

def test_qt_warns(qtbot):
    from PySide6.QtCore import qWarning
    qWarning("careless")

@pytest.mark.xfail
def test_passes_against_expectation():
    pass

def test_has_a_home(home):
    import os
    from desktop.paths import find_paths
    assert find_paths().data.is_relative_to(home)
    assert not list(home.iterdir())
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"

@pytest.mark.soak
def test_takes_hours():
    raise AssertionError("soak tests run only when asked for")
"""


def test_tests_are_guarded(tmp_path: Path) -> None:
    """The guards of tests/conftest.py and of pyproject.toml fail exactly the tests that they should."""
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    shutil.copy(TOP / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_guarded.py").write_text(GUARDED, encoding="utf-8")
    report = tmp_path / "report.xml"
    arguments = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", "test_guarded.py"]
    run = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    passed: set[str | None] = set()
    failed: set[str | None] = set()
    for case in ElementTree.parse(report).iter("testcase"):
        (failed if case.find("failure") is not None or case.find("error") is not None else passed).add(case.get("name"))
    assert passed - failed == {
        "test_reaches_this_machine",
        "test_speaks_to_a_neighbor",
        "test_ends_its_process",
        "test_has_a_home",
    }, run.stdout
    assert failed == {
        "test_reaches_out",
        "test_reaches_out_and_hides_it",
        "test_asks_for_a_name",
        "test_reaches_this_machine_unasked",
        "test_leaves_a_process",
        "test_warns",
        "test_qt_warns",
        "test_passes_against_expectation",
    }, run.stdout
