"""Whether Qt can open a window here, found out before Qt is asked: where it cannot, it aborts with a core dump.

X11 and Wayland are asked through their own C libraries, which Qt loads in any case: that costs a millisecond. What
cannot be asked so, such as a Qt platform that somebody named, is tried in a process of its own.
"""

import contextlib
import ctypes
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from desktop.child_process_command import DISPLAY_PROBE, is_packaged
from desktop.translation import tr

_ANSWER_S = 5.0
_PROBE_S = 15.0
_NEEDS_NO_DISPLAY = ("offscreen", "minimal")
_PLUGINS_MOVED = ("QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")
_PROBE_CODE = "import sys; sys.path[:] = sys.argv[1:]; from desktop.ui.system.display import probe; probe()"


def display_problem(environ: Mapping[str, str], choose: Callable[[str], None]) -> str:
    """Why no window can be opened, as a sentence's end; "" where one can.

    Where `environ` names two displays and one of them is dead, `choose` is called with the Qt platform of the other
    one, since Qt would try them in its own order and wait for the dead one.
    """
    if not sys.platform.startswith(("linux", "freebsd", "openbsd", "netbsd")):
        return ""
    named = environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if named in _NEEDS_NO_DISPLAY:
        return ""
    if named not in ("", "xcb", "wayland") or any(environ.get(name) for name in _PLUGINS_MOVED):
        return _try_in_process(named)
    dead = {platform: _ask(platform, environ) for platform in _candidates(named, environ)}
    alive = [platform for platform, why in dead.items() if not why]
    if alive and len(alive) < len(dead):
        choose(alive[0])
    return "" if alive else next(iter(dead.values()), tr("no display is named"))


def offscreen_problem() -> str:
    """Why Qt cannot start without a display, as a sentence's end; "" where it can."""
    return _plugin_problem("offscreen")


def probe() -> None:
    """Start Qt and end this process: with 0 where there is a screen. Where Qt aborts, no core is dumped."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication(["latchkey"])
    sys.exit(0 if application.primaryScreen() is not None else 1)


def missing_library(error: ImportError) -> str:
    """Why Qt could not be loaded, as a sentence's end."""
    return tr("a library is missing or damaged ({reason})").format(reason=" ".join(str(error).split()))


def _candidates(named: str, environ: Mapping[str, str]) -> list[str]:
    """The Qt platforms that the environment has a display for."""
    if named:
        return [named]
    names = {"wayland": ("WAYLAND_DISPLAY", "WAYLAND_SOCKET"), "xcb": ("DISPLAY",)}
    return [platform for platform, variables in names.items() if any(environ.get(each) for each in variables)]


def _ask(platform: str, environ: Mapping[str, str]) -> str:
    """Why the display of a Qt platform cannot be used; "" where it can."""
    if why := _plugin_problem(platform):
        return why
    if platform == "wayland" and environ.get("WAYLAND_SOCKET"):
        return ""  # a connection that can be used once
    answered, heard = threading.Event(), []

    def ask() -> None:
        with contextlib.suppress(OSError, AttributeError):
            heard.append(_x11_answers() if platform == "xcb" else _wayland_answers())
        answered.set()

    with _quiet():
        # Where nothing ever answers, the thread stays in its call: nobody waits for it.
        threading.Thread(target=ask, name="display", daemon=True).start()
        in_time = answered.wait(_ANSWER_S)
    name = environ.get("DISPLAY" if platform == "xcb" else "WAYLAND_DISPLAY", "")
    if not name and heard != [True]:
        return tr("no display is named")
    if not in_time:
        return tr("the display {name} does not answer").format(name=name)
    return "" if heard == [True] else tr("the display {name} cannot be reached").format(name=name)


def _x11_answers() -> bool:
    """xcb_connect(3): DISPLAY and the X cookie are found as Qt finds them."""
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    sound = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return sound


def _wayland_answers() -> bool:
    """wl_display_connect and one round trip: a compositor that hangs accepts connections all the same."""
    wayland = ctypes.CDLL("libwayland-client.so.0")
    wayland.wl_display_connect.restype = ctypes.c_void_p
    wayland.wl_display_connect.argtypes = [ctypes.c_char_p]
    wayland.wl_display_roundtrip.argtypes = wayland.wl_display_disconnect.argtypes = [ctypes.c_void_p]
    display = wayland.wl_display_connect(None)
    if not display:
        return False
    sound = wayland.wl_display_roundtrip(display) >= 0
    wayland.wl_display_disconnect(display)
    return sound


def _plugin_problem(platform: str) -> str:
    """What keeps Qt's plugin from being loaded, such as a library that this system lacks; "" for nothing."""
    found = importlib.util.find_spec("PySide6")
    if found is None or found.origin is None:
        return ""  # importing it will say so
    plugin = Path(found.origin).parent / "Qt" / "plugins" / "platforms" / f"libq{platform}.so"
    if not plugin.exists():
        return ""  # a system's own Qt keeps it elsewhere
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return missing_library(ImportError(str(error)))
    return ""


def _try_in_process(platform: str) -> str:
    import subprocess  # costs more than all the rest, and is seldom needed

    if is_packaged():
        command = [sys.executable, DISPLAY_PROBE]
    else:
        command = [sys.executable, "-c", _PROBE_CODE, *sys.path]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        ended = None
    if ended is not None and ended.returncode == 0:
        return ""
    return tr("Qt cannot start with {name}").format(name=platform or "QT_PLUGIN_PATH")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The C libraries write their own reasons to standard error."""
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
