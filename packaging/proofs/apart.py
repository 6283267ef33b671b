"""A network of its own for a process and all that it starts: one way out of which whatever is sent is seen, and lost.

It needs Linux, `unshare` and `ip`, and leave to make namespaces, which root has and on many systems everybody.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSIDE = "LATCHKEY_PROOF_APART"
WAY_OUT = "wan"
ADDRESS, GATEWAY = "10.77.0.2", "10.77.0.1"
_ADDRESS_6, _GATEWAY_6 = "fd77::2", "fd77::1"
_NEIGHBOR = "02:00:00:00:00:02"
# Nobody is behind these addresses: what is sent to them is seen and lost.
_FURNISH = (
    "link set lo up",
    f"link add {WAY_OUT} type veth peer name gone",
    f"addr add {ADDRESS}/24 dev {WAY_OUT}",
    "link set gone up",
    f"link set {WAY_OUT} up",
    f"route add default via {GATEWAY}",
    f"neigh add {GATEWAY} lladdr {_NEIGHBOR} dev {WAY_OUT} nud permanent",
)
_FURNISH_6 = (
    f"-6 addr add {_ADDRESS_6}/64 dev {WAY_OUT} nodad",
    f"-6 route add default via {_GATEWAY_6}",
    f"-6 neigh add {_GATEWAY_6} lladdr {_NEIGHBOR} dev {WAY_OUT} nud permanent",
)


def why_not() -> str:
    """Why no network of its own can be had here; "" where it can."""
    missing = [each for each in ("unshare", "ip") if shutil.which(each) is None]
    if sys.platform != "linux" or missing:
        return f"needs Linux with {', '.join(missing) or 'namespaces'}"
    tried = subprocess.run(
        ["unshare", "-rn", "ip", "link", "add", WAY_OUT, "type", "veth", "peer", "name", "gone"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


def is_inside() -> bool:
    """Whether this process has been put into a network of its own by `go_inside`."""
    return INSIDE in os.environ


def go_inside(script: Path, arguments: Sequence[str]) -> None:
    """Begin this script anew in a network of its own. Does not return."""
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, str(script), *arguments])


def furnish() -> None:
    """Loopback, and a way out with routes for both families: without routes a connection would fail before a packet.

    Raises CalledProcessError where that is not allowed.
    """
    for words in _FURNISH:
        subprocess.run(["ip", *words.split()], check=True, capture_output=True)
    for words in _FURNISH_6:  # where the kernel knows no IPv6, nothing can leave by it
        subprocess.run(["ip", *words.split()], check=False, capture_output=True)
