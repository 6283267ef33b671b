"""Which llama.cpp set-up compiles: one that is right with the compiler that is there, and no other's."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
LIST_OF_VARIANTS = """\
        ggml_add_cpu_backend_variant(x64)
        ggml_add_cpu_backend_variant(sse42              SSE42)
        if (NOT MSVC)
            ggml_add_cpu_backend_variant(cooperlake     SSE42 AVX F16C)
        endif()
        ggml_add_cpu_backend_variant(haswell            SSE42 AVX F16C FMA AVX2 BMI2)
            ggml_add_cpu_backend_variant(sapphirerapids SSE42 AVX AMX_TILE AMX_INT8)
"""


@pytest.fixture
def llama_wheel() -> ModuleType:
    spec = importlib.util.spec_from_file_location("llama_wheel", PACKAGING / "llama_wheel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiler(folder: Path, words: str) -> str:
    """A compiler that calls the real one with `words` more."""
    path = folder / "compiler"
    path.write_text(f'#!/bin/sh\nexec cc "$@" {words}\n')
    path.chmod(0o755)
    return str(path)


def amx(compiler: str) -> str:
    probe = [str(PACKAGING / "amx_probe.sh"), compiler]
    return subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()


def knows_amx() -> bool:
    source = ["-mamx-tile", "-x", "c", "-c", "-o", "/dev/null", "/dev/null"]
    return subprocess.run(["cc", *source], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not knows_amx(), reason="needs a compiler that knows AMX")
class TestAmxProbe:
    def test_a_compiler_that_drops_stores_is_wrong_and_the_same_one_without_optimizing_is_right(
        self, tmp_path: Path
    ) -> None:
        """What GCC 11 and 12 do by themselves is done to any compiler: `_tile_loadconfig` told to read 8 bytes."""
        faulty = tmp_path / "faulty.h"
        faulty.write_text(
            "#include <immintrin.h>\n"
            "#undef _tile_loadconfig\n"
            '#define _tile_loadconfig(c) __asm__ volatile("ldtilecfg\\t%X0" :: "m" (*((const void **)(c))))\n'
        )
        assert amx(compiler(tmp_path, f"-O0 -include {faulty}")) == "right"
        if "clang" not in subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout:
            assert amx(compiler(tmp_path, f"-O3 -include {faulty}")) == "wrong"

    def test_a_compiler_that_hands_over_all_is_right(self, tmp_path: Path) -> None:
        right = tmp_path / "right.h"
        right.write_text(
            "#include <immintrin.h>\n"
            "#undef _tile_loadconfig\n"
            "struct all { char bytes[64]; };\n"
            '#define _tile_loadconfig(c) __asm__ volatile("ldtilecfg\\t%X0" :: "m" (*((const struct all *)(c))))\n'
        )
        assert amx(compiler(tmp_path, f"-O3 -include {right}")) == "right"

    def test_a_compiler_that_does_not_know_amx_is_told_apart(self, tmp_path: Path) -> None:
        assert amx(compiler(tmp_path, "-no-such-option")) == "none"


def test_variants_that_are_not_wanted_are_not_compiled(llama_wheel: ModuleType, tmp_path: Path) -> None:
    listed = tmp_path / "vendor/llama.cpp/ggml/src/CMakeLists.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(LIST_OF_VARIANTS)
    build = llama_wheel.Build()
    build.amx = "wrong"
    llama_wheel._without_variants(tmp_path, build)
    kept = [line.split("(")[1].split()[0].rstrip(")") for line in listed.read_text().splitlines() if "variant" in line]
    assert kept == ["sse42", "haswell"]
    listed.write_text(LIST_OF_VARIANTS)
    build.amx = "right"
    llama_wheel._without_variants(tmp_path, build)
    assert "sapphirerapids" in listed.read_text()


@pytest.mark.parametrize("name", ["CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_ARGS"])
def test_a_wheel_of_other_flags_is_another_wheel(
    llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = llama_wheel.Build().key, llama_wheel._surroundings()
    assert (llama_wheel.Build().key, llama_wheel._surroundings()) == before
    monkeypatch.setenv(name, "-DNDEBUG")
    assert llama_wheel.Build().key != before[0]
    assert llama_wheel._surroundings() != before[1]


def test_a_wheel_of_another_compiler_is_another_wheel(
    llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = llama_wheel.Build().key, llama_wheel._surroundings()
    other = tmp_path / "cc"
    other.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo other 1.0 || exec {shutil.which("cc")} "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert llama_wheel.Build().key != before[0]
    assert llama_wheel._surroundings() != before[1]


def test_another_processor_asks_for_another_wheel_only_where_one_is_compiled_for_it_alone(
    llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, here = llama_wheel.Build(), llama_wheel._surroundings()
    keys = {}
    for processor in ("one", "another"):
        monkeypatch.setattr(llama_wheel, "_processor", lambda processor=processor: processor)
        assert llama_wheel._surroundings() != here
        for variants in (True, False):
            build.variants = variants
            keys[processor, variants] = build.key
    assert keys["one", True] == keys["another", True]
    assert keys["one", False] != keys["another", False]


def test_the_compiler_is_told_to_do_without_faulty_amx_where_no_variant_can_be_left_out(
    llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_wheel, "_amx", lambda *command: "wrong")
    monkeypatch.setattr(llama_wheel, "_accepts", lambda *_: False)
    assert "-mno-amx-tile" in llama_wheel.Build().c_flags
    monkeypatch.setattr(llama_wheel, "_amx", lambda *command: "right")
    assert llama_wheel.Build().c_flags == ""


@pytest.mark.skipif(not knows_amx(), reason="needs a compiler that knows AMX")
class TestAmxHeader:
    """A compiler with the fault keeps AMX, which is two to six times as fast where a processor has it."""

    def test_it_mends_the_compiler_that_is_here(self, tmp_path: Path) -> None:
        assert amx(compiler(tmp_path, f"-include {PACKAGING / 'amx_tile_config.h'}")) == "right"

    def test_a_wheel_is_made_with_it_where_the_compiler_alone_is_wrong(
        self, llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(llama_wheel, "_amx", lambda compiler, *flags: "right" if flags else "wrong")
        mended = llama_wheel.Build()
        assert mended.mended
        assert mended.amx == "right"
        assert "-mno-amx" not in mended.c_flags
        monkeypatch.setattr(llama_wheel, "_amx", lambda *command: "right")
        assert not llama_wheel.Build().mended
        assert llama_wheel.Build().key != mended.key

    def test_the_place_of_the_checkout_makes_no_other_wheel(
        self, llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(llama_wheel, "_amx", lambda compiler, *flags: "right" if flags else "wrong")
        key = llama_wheel.Build().key
        elsewhere = tmp_path / "my projects"
        elsewhere.mkdir()
        moved = shutil.copy(llama_wheel._AMX_HEADER, elsewhere)
        monkeypatch.setattr(llama_wheel, "_AMX_HEADER", Path(moved))
        assert llama_wheel.Build().key == key


@pytest.mark.skipif(not knows_amx(), reason="needs a compiler that knows AMX")
class TestPortableBuild:
    """What goes into a bundle runs on processors that nobody here has."""

    def test_it_holds_all_variants_amx_among_them(self, llama_wheel: ModuleType) -> None:
        build = llama_wheel.Build(portable=True)
        assert "-DGGML_CPU_ALL_VARIANTS=ON" in build.cmake_args
        assert "-DGGML_NATIVE=OFF" in build.cmake_args
        assert build.amx == "right"
        assert build.key == llama_wheel.Build().key

    def test_a_compiler_that_does_not_know_all_variants_makes_none(
        self, llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(llama_wheel, "_accepts", lambda *_: False)
        if llama_wheel.platform.machine() == "x86_64" and llama_wheel.sys.platform == "linux":
            with pytest.raises(SystemExit, match="GCC 11"):
                llama_wheel.Build(portable=True)
