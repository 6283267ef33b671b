"""What a bundle holds: all that Latchkey imports, and nothing that nobody asks for."""

import ast
import lzma
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.gpu_plugin import compile_plugin
from tests.packaging.scripts import TOP, load_script

contents = load_script("bundle/contents.py")
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
        ("PySide6/translations/qt_de.qm", False),
        ("libgomp.so.1", True),
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
