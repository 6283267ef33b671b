"""The license check spares one file an acknowledgement, the built-in model: nothing that is tried here adds another.

The benchmark has a license check of its own, for the file that it wrote itself; neither the window nor a question that
the command asks can reach it.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from desktop.cli.bench.bench_engine import BenchLicenseCheck
from desktop.cli.bench.bench_model import BenchModelShape, RandomWeightsModel, bench_model
from desktop.cli.command_context import CommandContext
from desktop.errors import ForbiddenError, IntegrityError, LicenseError
from desktop.library.file_hashes import FileHashes
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.built_in_model import BUILT_IN_SHA256
from desktop.licenses.license_check import LicenseCheck
from desktop.licenses.license_verdict import decide, is_built_in_file
from desktop.paths import find_paths
from tests.fakes.tiny_gguf import random_model

TOP = Path(__file__).resolve().parents[3] / "desktop"
SHAPE = BenchModelShape("tiny", width=64, layers=2, feed_forward=128, heads=4, key_value_heads=2, vocabulary=2_000)
SOURCES = {path.relative_to(TOP).as_posix(): path.read_text(encoding="utf-8") for path in TOP.rglob("*.py")}


@pytest.fixture
def services(home: Path) -> Iterator[LibraryServices]:
    with closing(build_library_services(find_paths())) as made:
        yield made


@pytest.fixture
def stranger(services: LibraryServices, tmp_path: Path) -> Path:
    """A model that was imported, and whose license nobody accepted."""
    path = random_model(tmp_path / "stranger.gguf")
    services.importer.add(path)
    return path


def sha256_of_file(services: LibraryServices, path: Path) -> str:
    return services.hashes.sha256(path)


# --- what is tried ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["own", "trusted", "except_for", "built_in", "permissive", "allow"])
def test_no_argument_adds_a_file(services: LibraryServices, stranger: Path, name: str) -> None:
    extra: dict[str, Any] = {name: {sha256_of_file(services, stranger)}}
    with pytest.raises(TypeError):
        build_library_services(find_paths(), **extra)
    with pytest.raises(TypeError):
        LicenseCheck(
            subject_of=services.library.subject_at,
            hash_model=services.hashes.hashed_model,
            ledger=services.ledger,
            policy=services.policy,
            license_names=lambda name: (name,),
            **extra,
        )
    with pytest.raises(TypeError):
        CommandContext.engine(None, **extra)  # type: ignore[arg-type]


def test_the_parameters_of_the_license_check_are_those_that_are_known() -> None:
    """A new one is added here by somebody who has seen that it spares no file its license."""
    known = {"self", "subject_of", "hash_model", "ledger", "policy", "license_names", "text", "on_unrecorded"}
    assert set(inspect.signature(LicenseCheck.__init__).parameters) <= known
    known = {"subject", "ledger", "policy", "license_names", "file_sha256", "same_words"}
    assert set(inspect.signature(decide).parameters) <= known
    assert set(inspect.signature(build_library_services).parameters) <= {
        "paths",
        "environ",
        "settings",
        "on_acknowledgement",
        "on_unrecorded",
    }
    assert list(inspect.signature(CommandContext.engine).parameters) == ["self"]
    assert list(inspect.signature(BenchLicenseCheck.__init__).parameters) == ["self", "shape"]


@pytest.mark.parametrize(
    "variable",
    ["LATCHKEY_BUILT_IN_SHA256", "BUILT_IN_SHA256", "LATCHKEY_OWN", "LATCHKEY_LICENSE_CHECK", "LATCHKEY_BENCH"],
)
def test_no_variable_adds_a_file(
    home: Path, services: LibraryServices, stranger: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for value in (sha256_of_file(services, stranger), str(stranger), "off"):
        monkeypatch.setenv(variable, value)
        with closing(build_library_services(find_paths())) as made, pytest.raises(LicenseError):
            made.license_check.admit(stranger)


def test_no_variable_is_read_that_is_not_known() -> None:
    read = {name for source in SOURCES.values() for name in re.findall(r"LATCHKEY_[A-Z_]+", source)}
    assert read == {"LATCHKEY_HOME", "LATCHKEY_OFFLINE", "LATCHKEY_POLICY"}


def test_a_link_with_the_name_of_the_built_in_model_adds_no_file(
    services: LibraryServices, stranger: Path, tmp_path: Path
) -> None:
    link = tmp_path / "builtin" / "latchkey-guide.gguf"
    link.parent.mkdir()
    link.symlink_to(stranger)
    services.importer.add(link)
    with pytest.raises(LicenseError):
        services.license_check.admit(link)
    link.unlink()
    link.symlink_to(find_paths().builtin_model)
    services.importer.add(link)
    services.license_check.admit(link)
    link.unlink()
    link.symlink_to(stranger)
    with pytest.raises(IntegrityError):
        services.license_check.admit(link)


def test_a_file_with_the_name_of_the_built_in_model_is_not_it(
    home: Path, services: LibraryServices, tmp_path: Path
) -> None:
    (tmp_path / "builtin").mkdir()
    other = random_model(tmp_path / "builtin" / "latchkey-guide.gguf")
    services.importer.add(other)
    with pytest.raises(LicenseError):
        services.license_check.admit(other)


def test_a_hash_that_is_not_known_is_not_the_built_in_model(services: LibraryServices) -> None:
    """Of a file nothing is taken at the library's word: an empty hash is that of no file."""
    guide = services.library.find_listed("latchkey-guide").subject
    assert guide.file_sha256 == BUILT_IN_SHA256
    assert is_built_in_file(guide, None)
    assert not is_built_in_file(guide, "")
    assert not services.license_check.verdict(guide, "").allowed


# --- the license check of the benchmark -------------------------------------------------------------------------------


def test_the_benchmark_admits_what_it_wrote_wherever_that_lies(home: Path) -> None:
    written = bench_model(SHAPE, home / "bench")
    check = BenchLicenseCheck(SHAPE)
    (admitted,) = check.admit(written.path)
    assert admitted.path == str(written.path)
    check.record_load(written.path)
    check.check_loaded(written.path)


def test_what_the_benchmark_has_loaded_stays_admitted_while_it_is_read_once_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the bare loop, which loads the same file: the engine asks once a second whether its own may stay."""
    written, check = bench_model(SHAPE, home / "bench"), BenchLicenseCheck(SHAPE)
    check.admit(written.path)
    asked: list[str] = []

    def read(*arguments: Any, **options: Any) -> Any:
        check.check_loaded(written.path)
        asked.append("while it is read")
        return hashed(*arguments, **options)

    hashed = FileHashes.hashed_model
    monkeypatch.setattr(FileHashes, "hashed_model", read)
    check.admit(written.path)
    assert asked


def test_no_argument_has_the_benchmark_admit_another_file(services: LibraryServices, stranger: Path) -> None:
    """Which file it is follows from its shape: that of one that somebody names is computed, not believed."""
    forged: Any = RandomWeightsModel(stranger, sha256_of_file(services, stranger))
    with pytest.raises((AttributeError, TypeError)):
        BenchLicenseCheck(forged)
    for shape in (SHAPE, replace(SHAPE, name=stranger.stem)):
        with pytest.raises(ForbiddenError):
            BenchLicenseCheck(shape).admit(stranger)


def test_a_file_of_the_same_name_is_not_what_the_benchmark_wrote(home: Path, tmp_path: Path) -> None:
    written = bench_model(SHAPE, home / "bench")
    check = BenchLicenseCheck(SHAPE)
    random_model(tmp_path / written.path.name)
    with pytest.raises(ForbiddenError):
        check.admit(tmp_path / written.path.name)
    data = bytearray(written.path.read_bytes())
    data[-1] ^= 1
    written.path.write_bytes(data)
    with pytest.raises(ForbiddenError):
        check.admit(written.path)
    with pytest.raises(ForbiddenError):
        check.check_loaded(written.path)


def test_a_link_leads_the_benchmark_to_no_other_file(home: Path, stranger: Path, tmp_path: Path) -> None:
    written = bench_model(SHAPE, home / "bench")
    check = BenchLicenseCheck(SHAPE)
    link = tmp_path / written.path.name
    link.symlink_to(stranger)
    with pytest.raises(ForbiddenError):
        check.admit(link)
    link.unlink()
    link.symlink_to(written.path)
    check.admit(link)
    link.unlink()
    link.symlink_to(stranger)
    with pytest.raises(ForbiddenError):
        check.record_load(link)
    with pytest.raises(ForbiddenError):
        check.check_loaded(link)


def test_what_the_benchmark_wrote_needs_its_license_everywhere_else(services: LibraryServices) -> None:
    written = bench_model(SHAPE, find_paths().cache / "bench")
    services.importer.add(written.path)
    with pytest.raises(LicenseError):
        services.license_check.admit(written.path)


# --- how the code has to stay -----------------------------------------------------------------------------------------


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(SOURCES[name])


def trees_with(word: str) -> dict[str, ast.Module]:
    """The code of those files that hold this word."""
    return {name: tree_of(name) for name, source in SOURCES.items() if word in source}


def strings_in(tree: ast.AST) -> set[str]:
    """The string literals that are no docstrings."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare
    }


def imports_of(tree: ast.AST) -> set[str]:
    """Names of all modules that are imported anywhere in it, and of what is taken out of them."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def importers_of(module: str) -> set[str]:
    return {
        name
        for name, tree in trees_with(module.rpartition(".")[2]).items()
        if any(each == module or each.startswith(module + ".") for each in imports_of(tree))
    }


def calls_of(name: str) -> dict[str, list[ast.Call]]:
    """The calls of what has this name, bare or as an attribute, by file."""
    found: dict[str, list[ast.Call]] = {}
    for file, tree in trees_with(f"{name}(").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
                found.setdefault(file, []).append(node)
    return found


def test_the_exception_is_one_constant_and_one_comparison() -> None:
    tree = tree_of("licenses/built_in_model.py")
    code = [node for node in tree.body if not isinstance(node, ast.Expr)]
    assert [ast.unparse(node).splitlines()[0] for node in code] == [
        f"BUILT_IN_SHA256 = '{BUILT_IN_SHA256}'",
        "def is_built_in(sha256: str) -> bool:",
    ]
    assert isinstance(code[1], ast.FunctionDef)
    assert [ast.unparse(node) for node in code[1].body[1:]] == ["return sha256 == BUILT_IN_SHA256"]
    assert re.fullmatch(r"[0-9a-f]{64}", BUILT_IN_SHA256)


def test_nothing_but_the_license_check_asks_for_the_exception_and_nothing_replaces_it() -> None:
    assert importers_of("desktop.licenses.built_in_model") == {
        "licenses/license_check.py",
        "licenses/license_subject.py",
        "licenses/license_verdict.py",
    }
    assert {name for name, source in SOURCES.items() if "BUILT_IN_SHA256" in source} == {"licenses/built_in_model.py"}
    for name, tree in trees_with("built_in_model").items():
        assert not [text for text in strings_in(tree) if "built_in_model" in text], name


def test_the_license_check_reads_neither_environment_nor_arguments() -> None:
    for name in ("license_check", "license_verdict", "license_subject", "built_in_model"):
        assert not {"os", "sys"} & imports_of(tree_of(f"licenses/{name}.py")), name


def test_there_are_two_license_checks() -> None:
    made = {
        node.name: name
        for name, tree in trees_with("def admit(").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and {"admit", "record_load", "check_loaded"}
        <= {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    }
    assert made == {
        "LoadCheck": "engine/engine_protocol.py",
        "LicenseCheck": "licenses/license_check.py",
        "BenchLicenseCheck": "cli/bench/bench_engine.py",
    }


def test_the_engine_of_window_and_command_has_the_license_check_of_the_program() -> None:
    calls = calls_of("EngineClient")
    assert "cli/bench/bench_engine.py" in calls
    for name, found in calls.items():
        (check,) = [word.value for call in found for word in call.keywords if word.arg == "license_check"]
        if name != "cli/bench/bench_engine.py":
            assert isinstance(check, ast.Attribute), name
            assert check.attr == "license_check", name
    assert set(calls_of("LicenseCheck")) == {"library/library_services.py"}
    for name, found in calls_of("engine").items():
        assert not [call for call in found if call.args or call.keywords], name


def test_nobody_but_the_benchmark_reaches_its_license_check() -> None:
    assert importers_of("desktop.cli.bench.bench_engine") == {
        "cli/bench/bench_command.py",
        "cli/bench/window_bench_setup.py",
    }
    outside = {name for name in importers_of("desktop.cli.bench") if not name.startswith("cli/bench/")}
    assert outside == {"cli/command_line.py"}
    (case,) = [
        node
        for node in ast.walk(tree_of("cli/command_line.py"))
        if isinstance(node, ast.match_case) and "desktop.cli.bench" in imports_of(node)
    ]
    assert ast.unparse(case.pattern) == "'bench'"
    by_name = {
        name for name, tree in trees_with("cli.bench").items() if any("cli.bench" in text for text in strings_in(tree))
    }
    assert by_name <= {"cli/bench/window_benchmark.py"}
