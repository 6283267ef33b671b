"""What a bundle holds: all that Latchkey imports, and nothing that nobody asks for."""

import ast
import lzma
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.fakes.gpu_plugin import compile_plugin
from tests.packaging.scripts import TOP, load_script

contents = load_script("bundle/contents.py")
build = load_script("bundle/build.py")
symbol_versions = build.symbol_versions
entry = load_script("bundle/entry.py")
DESKTOP = TOP / "desktop"


@dataclass(frozen=True)
class Imports:
    """The modules that Latchkey names in its imports, and those that it names in calls of `import_module`."""

    written: frozenset[str]
    called: frozenset[str]


@pytest.fixture(scope="module")
def imports() -> Imports:
    written: set[str] = set()
    called: set[str] = set()
    for file in DESKTOP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                written |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                written |= {node.module} | {f"{node.module}.{each.name}" for each in node.names}
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
                called |= {
                    each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
    return Imports(frozenset(written), frozenset(called))


def test_nothing_that_latchkey_imports_is_left_out(imports: Imports) -> None:
    assert [name for name in sorted(imports.written) if not contents.wanted_module(name)] == []


def test_modules_imported_by_name_are_listed(imports: Imports) -> None:
    """PyInstaller finds no way to what `importlib.import_module` is given."""
    assert imports.called <= set(contents.FURTHER_MODULES) | imports.written
    assert "llama_cpp.llama_cpp" in imports.called


@pytest.mark.parametrize(
    ("place", "goes_in"),
    [
        ("desktop/_data/resources/builtin/latchkey-guide.gguf", True),
        ("desktop/storage/migrations/0001.sql", True),
        ("llama_cpp/lib/libggml-cpu-haswell.so", True),
        ("llama_cpp/lib/libllama-common.so.0", False),
        ("llama_cpp/include/llama.h", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", True),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("PySide6/Qt/lib/libQt6Widgets.so.6", True),
        ("PySide6/Qt/lib/libQt6Qml.so.6", False),
        ("PySide6/Qt/lib/libicudata.so.73", True),
        ("PySide6/QtWidgets.abi3.so", True),
        ("PySide6/Qt6Core.dll", True),
        ("PySide6/plugins/platforms/qwindows.dll", True),
        ("PySide6/Qt6Quick.dll", False),
        ("PySide6/opengl32sw.dll", False),
        ("PySide6/msvcp140.dll", True),
        ("PySide6/plugins/styles/qmodernwindowsstyle.dll", True),
        ("PySide6/Qt/plugins/platforms/libqcocoa.dylib", True),
        ("PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.dylib", False),
        ("PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore", True),
        ("PySide6/Qt/lib/QtCore.framework/Resources/Info.plist", True),
        ("PySide6/Qt/lib/QtQml.framework/Versions/A/QtQml", False),
        ("PySide6/Qt/lib/QtQml.framework/Resources/Info.plist", False),
        ("PySide6/translations/qt_de.qm", False),
        ("libgomp.so.1", True),
        ("keyring-25.7.0.dist-info/METADATA", True),
        ("keyring-25.7.0.dist-info/licenses/LICENSE", False),
        ("platformdirs-4.14.9.dist-info/sboms/a.cdx.json", False),
        ("libGL.so.1", False),
        ("libvulkan.so.1", False),
        ("libstdc++.so.6", False),
        ("libssl.so.3", False),
        ("numpy/tests/data.txt", False),
        ("pillow.libs/libavif-c6062d5f.so.16.4.2", False),
        ("pillow.libs/libjpeg-6dc8d115.so.62.4.0", True),
    ],
)
def test_files_of_packages(place: str, goes_in: bool) -> None:
    assert contents.wanted(place, linux=True) is goes_in
    assert contents.wanted(place.replace("/", "\\"), linux=True) is goes_in


def test_libraries_of_what_is_left_out_stay_out_too(tmp_path: Path) -> None:
    links = {"plugin.so": ["liba.so.1"], "liba.so.1": ["libb.so.2"], "libb.so.2": [], "libgtk-3.so.0": ["libb.so.2"]}
    for name in links:
        (tmp_path / name).touch()
    entries = [
        ("Qt/plugin.so", str(tmp_path / "plugin.so"), "BINARY"),
        *((name, str(tmp_path / name), "BINARY") for name in links if name.startswith("lib")),
        ("liblinked.so.3", "Qt/liblinked.so.3", "SYMLINK"),
    ]
    found = contents.reached(entries, lambda file: links[file.name])
    assert [place for place, _, _ in found] == ["Qt/plugin.so", "liba.so.1", "libb.so.2"]


def test_every_dependency_can_be_asked_for_its_version() -> None:
    lines = ["httpcore[socks]>=1.0.9,<2", "PySide6-Essentials>=6.11.3,<6.12", "msgspec"]
    assert contents.named_packages(lines) == ["latchkey", "httpcore", "PySide6-Essentials", "msgspec"]


@pytest.mark.skipif(sys.platform != "linux", reason="the list is for Linux")
def test_each_library_left_to_the_system_is_one_that_a_package_of_debian_holds() -> None:
    deb = load_script("linux/deb.py")
    unknown = [name for name in deb.PACKAGES if contents.wanted(name, linux=True)]
    assert unknown == []
    with pytest.raises(SystemExit, match=r"libunheard\.so\.1"):
        deb.depends({"libunheard.so.1"}, "2.35")
    assert deb.depends({"libc.so.6", "libz.so.1", "libssl.so.3", "libcrypto.so.3", "libvulkan.so.1"}, "2.35") == (
        "libc6 (>= 2.35), libssl3, zlib1g"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="it is an ELF file")
def test_a_plug_in_for_graphics_cards_is_packed_and_brings_no_library_along(tmp_path: Path) -> None:
    build = load_script("bundle/build.py")
    plugin = compile_plugin(tmp_path, "vulkan", libraries=("libvulkan.so.1", "libggml-base.so.0"))
    build.pack_plugin(plugin, tmp_path)
    assert lzma.decompress((tmp_path / "libggml-vulkan.so.xz").read_bytes()) == plugin.read_bytes()
    with pytest.raises(SystemExit, match=r"libggml-cuda\.so needs libcublas\.so\.12"):
        build.pack_plugin(compile_plugin(tmp_path, "cuda", libraries=("libcuda.so.1", "libcublas.so.12")), tmp_path)


COMPILES = pytest.mark.skipif(
    sys.platform != "linux" or None in (shutil.which("cc"), shutil.which("readelf")), reason="compiles, for Linux"
)


@COMPILES
@pytest.mark.parametrize(
    ("path", "left"), [("/built/here/lib", ""), ("$ORIGIN/lib", "$ORIGIN/lib"), ("$ORIGIN:/built", "$ORIGIN:/built")]
)
def test_a_file_looks_for_libraries_in_no_folder_of_the_machine_that_built(
    path: str, left: str, tmp_path: Path
) -> None:
    (tmp_path / "a.c").write_text("int main(void) { return 3; }\n")
    program = tmp_path / "program"
    subprocess.run(["cc", "-o", program, tmp_path / "a.c", f"-Wl,-rpath,{path}"], check=True)
    needed = build.elf.needed_libraries(program)
    assert build.search_path.forget_search_path(program) == ("" if left else path)
    assert re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", build.elf.readelf("--dynamic", program)) == ([left] if left else [])
    assert build.elf.needed_libraries(program) == needed
    assert subprocess.run([program], check=False).returncode == 3


@COMPILES
def test_a_file_that_asks_for_the_newest_hypot_alone_runs_with_an_older_c_library(tmp_path: Path) -> None:
    """On a system before glibc 2.35 the compiler asks for the old one by itself, and there is nothing to do."""
    (tmp_path / "a.c").write_text(
        "#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
        'int main(int n, char **v) { printf("%g %d\\n", hypot(atof(v[1]), atof(v[2])), n); return 0; }\n'
    )
    program = tmp_path / "program"
    subprocess.run(["cc", "-o", program, tmp_path / "a.c", "-lm"], check=True)
    length = program.stat().st_size
    asked = symbol_versions.ask_for_older(program)
    assert asked <= {"hypot"}
    assert build.elf.newest_glibc([program]) <= (2, 34)
    assert program.stat().st_size == length
    ended = subprocess.run([program, "3", "4"], capture_output=True, text=True, check=True)
    assert ended.stdout == "5 3\n"
    assert symbol_versions.ask_for_older(program) == frozenset()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a program that runs is not replaced so")
def test_a_bundle_that_is_updated_while_it_runs_goes_on_with_its_own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = SimpleNamespace(_filename="/opt/latchkey/latchkey")
    monkeypatch.setitem(sys.modules, "pyimod02_importers", SimpleNamespace(pyz_archive=archive))
    entry.keep_modules()
    assert Path(archive._filename).samefile(sys.executable)
    archive._filename = "/opt/latchkey/latchkey"
    monkeypatch.setattr(entry, "_RUNNING", tmp_path / "none")
    entry.keep_modules()
    assert archive._filename == "/opt/latchkey/latchkey", "where /proc is not mounted it stays as it was"
