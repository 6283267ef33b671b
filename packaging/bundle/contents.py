"""What goes into a bundle and what stays out: lists for latchkey.spec, with nothing of PyInstaller's."""

import fnmatch
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath

Entry = tuple[str, str, str]
"""As PyInstaller has it: where a file goes, where it comes from, of which kind it is."""

WHOLE_PACKAGES = ("desktop",)
"""With all their modules and files, whether imports lead there or not."""
FURTHER_MODULES = ("llama_cpp.llama_cpp", "llama_cpp.mtmd_cpp", "logging.handlers")
"""Imported by name: PyInstaller, which follows imports, finds no way to them."""
WITH_LIBRARIES = ("llama_cpp",)
WITH_DATA = ("docx", "jsonschema", "jsonschema_specifications", "latex2mathml", "ziafont", "ziamath")
WITH_SUBMODULES = ("keyring.backends", "pygments.lexers", "pygments.styles", "docx", "mcp.client", "mcp.server")

EXCLUDED_MODULES = (
    # Of Python: what nothing here uses, and what only developing does.
    "_tkinter", "curses", "distutils", "doctest", "ensurepip", "idlelib", "lib2to3", "pip", "pydoc", "pydoc_data",
    "setuptools", "pkg_resources", "test", "tkinter", "turtle", "turtledemo", "unittest", "venv", "wheel",
    # Of the libraries.
    "PIL.ImageQt", "PIL.ImageTk", "PIL._avif", "PIL._imagingft", "PIL._imagingcms", "PIL._imagingtk",
    "PIL._imagingmath", "lxml.html", "lxml.objectify", "lxml.isoschematron", "lxml.builder", "lxml.sax",
    "numpy.f2py", "numpy.testing", "numpy.distutils", "numpy._pyinstaller", "numpy.conftest",
    "pygments.sphinxext", "pygments.cmdline",
    # llama-cpp-python's server and its high-level class (desktop/engine/worker/llama_api.py says why).
    "diskcache", "llama_cpp.server", "llama_cpp.llama", "llama_cpp.llama_chat_format",
)  # fmt: skip
_EXCLUDED_PARTS = frozenset(("tests", "test", "testing", "include", "examples", "__pycache__"))
"""Folders of packages that stay out wherever they lie."""
_OWN_FOLDERS = ("desktop",)

_QT_PLUGINS = (
    "platforms/*xcb*", "platforms/*wayland*", "platforms/*offscreen*", "platforms/*windows*", "platforms/*cocoa*",
    "platforms/*minimal.*",
    "imageformats/*svg*", "imageformats/*jpeg*", "imageformats/*gif*", "imageformats/*webp*", "imageformats/*ico.*",
    "iconengines/*", "platformthemes/*xdgdesktopportal*", "platforminputcontexts/*compose*",
    "platforminputcontexts/*ibus*", "printsupport/*", "styles/*", "wayland-shell-integration/*xdg-shell*",
    "wayland-decoration-client/*",
)  # fmt: skip
"""What Qt loads by itself, of what a window of ours uses. The theme of GTK would bring all of GTK along."""
_QT_LIBRARIES = (
    "Core", "Gui", "Widgets", "Svg", "DBus", "Network", "PrintSupport", "OpenGL", "XcbQpa", "WaylandClient",
)  # fmt: skip

# Libraries that belong to the system, on Linux: the C and C++ run times, the way to the graphics card and its driver,
# what reads settings of the desktop, and what keeps secrets on the wire. Another version of them breaks drivers, themes
# and fonts, and would miss what the system mends.
SYSTEM_LIBRARIES = (
    "libstdc++.so.*", "libgcc_s.so.*", "libGL.so.*", "libEGL.so.*", "libGLX.so.*", "libGLdispatch.so.*",
    "libOpenGL.so.*", "libvulkan.so.*", "libdrm.so.*", "libgbm.so.*", "libX11.so.*", "libX11-xcb.so.*", "libxcb.so.*",
    "libXau.so.*", "libXdmcp.so.*", "libwayland-*.so.*", "libfontconfig.so.*", "libfreetype.so.*", "libglib-2.0.so.*",
    "libgthread-2.0.so.*", "libgobject-2.0.so.*", "libgio-2.0.so.*", "libgmodule-2.0.so.*", "libdbus-1.so.*",
    "libexpat.so.*", "libsystemd.so.*", "libp11-kit.so.*", "libgpg-error.so.*", "libcap.so.*", "libselinux.so.*",
    "libmount.so.*", "libblkid.so.*", "libcuda.so.*",
    "libcups.so.*", "libreadline.so.*", "libtinfo.so.*",
    "libgssapi_krb5.so.*", "libkrb5.so.*", "libkrb5support.so.*", "libk5crypto.so.*", "libcom_err.so.*",
    "libkeyutils.so.*", "libresolv.so.*", "libz.so.*", "libzstd.so.*", "libcrypto.so.*", "libssl.so.*",
)  # fmt: skip
_UNWANTED = (
    "*/libllama-common*", "*/llama_cpp/lib/cmake/*", "*/llama_cpp/lib/pkgconfig/*", "*.pyi", "*.pyx", "*.pxd", "*.h",
    "*/PySide6/Qt/translations/*", "*/PySide6/translations/*", "*/PySide6/Qt/qml/*", "*/PySide6/typesystems/*",
    "*/lib-dynload/_test*", "*/lib-dynload/_ctypes_test*", "*/lib-dynload/xx*", "*/PIL/_avif*", "*/PIL/_imagingft*",
    "*/PIL/_imagingcms*", "*/PIL/_imagingmath*", "*/PIL/_imagingtk*", "*/lxml/objectify*", "*/lxml/isoschematron/*",
    # OpenGL drawn by the processor, 20 MB: what widgets draw needs none.
    "*/PySide6/opengl32sw.dll",
    # Texts of licenses and bills of materials: account.py puts all of them in one place.
    "*.dist-info/licenses/*", "*.dist-info/sboms/*",
    "*/direct_url.json", "*/RECORD", "*/INSTALLER", "*/REQUESTED",
    "*/.gitattributes",
)  # fmt: skip
# Of Pillow's own libraries, those whose formats are not taken: desktop/image_format.py.
_UNWANTED_OF_PILLOW = ("libavif*", "libharfbuzz*", "libbrotli*", "libfreetype*", "liblcms2*")


def named_packages(dependencies: Iterable[str]) -> list[str]:
    """The packages whose metadata goes in, so that they can be asked for their version: those of requirements such as
    "httpcore[socks]>=1.0.9,<2", and Latchkey itself."""
    return ["latchkey", *(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in dependencies)]


def wanted_module(name: str) -> bool:
    """Whether a module of a package that is taken whole goes in."""
    parts = name.split(".")
    if parts[0] not in _OWN_FOLDERS and not _EXCLUDED_PARTS.isdisjoint(parts):
        return False
    return not any(name == each or name.startswith(f"{each}.") for each in EXCLUDED_MODULES)


def wanted(place: str, *, linux: bool = sys.platform == "linux") -> bool:
    """Whether the file that a bundle would hold at `place`, below its folder of contents, goes in."""
    path = PurePath(place.replace("\\", "/"))
    text, name = f"/{path.as_posix()}", path.name
    if path.parts[0] not in _OWN_FOLDERS and not _EXCLUDED_PARTS.isdisjoint(path.parts[:-1]):
        return False
    if linux and any(fnmatch.fnmatchcase(name, each) for each in SYSTEM_LIBRARIES):
        return False
    if any(fnmatch.fnmatchcase(text, each) for each in _UNWANTED):
        return False
    if "pillow.libs" in path.parts and any(fnmatch.fnmatchcase(name, each) for each in _UNWANTED_OF_PILLOW):
        return False
    if "PySide6" in path.parts:
        return _wanted_of_qt(path)
    return True


def kept(entries: Iterable[Entry]) -> list[Entry]:
    """Those of a table of contents that go in, each place once, in a fixed order."""
    found = {place: (place, source, kind) for place, source, kind in entries if wanted(place)}
    return [found[place] for place in sorted(found)]


def reached(entries: Sequence[Entry], needed: Callable[[Path], Iterable[str]]) -> list[Entry]:
    """`entries` without the system's libraries that nothing asks for any more: those that came with what `kept` left
    out. They lie at the top; all that lies deeper belongs to a package. `needed` gives the names of the libraries that
    a file (a source) is linked to.
    """
    libraries = {place: (place, source, kind) for place, source, kind in entries if _is_library(place)}
    found = [entry for entry in entries if entry[0] not in libraries]
    ahead = list(found)
    while ahead:
        _, source, _ = ahead.pop()
        for name in needed(Path(source)) if Path(source).is_file() else ():  # a link's source is where it leads
            if (library := libraries.pop(PurePath(name).name, None)) is not None:
                found.append(library)
                ahead.append(library)
    return sorted(found)


def _is_library(place: str) -> bool:
    return len(PurePath(place).parts) == 1 and place.startswith("lib") and ".so" in place


def _wanted_of_qt(path: PurePath) -> bool:
    if "plugins" in path.parts:
        inside = "/".join(path.parts[path.parts.index("plugins") + 1 :])
        return any(fnmatch.fnmatchcase(inside, each) for each in _QT_PLUGINS)
    framework = next((part for part in path.parts if part.endswith(".framework")), "")
    if framework:  # macOS: with its properties, or it could not be signed
        return framework.removeprefix("Qt").removesuffix(".framework") in _QT_LIBRARIES
    name = path.name
    for beginning in ("libQt6", "Qt6", "Qt"):
        if name.startswith(beginning) and not name.endswith((".py", ".pyc")):
            module = name.removeprefix(beginning).partition(".")[0]
            return module in _QT_LIBRARIES or not module
    return True
