"""A command run beside gnome-keyring, unlocked: under `dbus-run-session`, as a program of its own.

The command starts when the keyring has its name on the bus: a question that comes earlier has the bus start a second
one, and which of the two then answers, and which of them ends, is a matter of chance. Where gnome-keyring does not
start, or dies of a signal meanwhile, the exit code is CRASHED, whatever the command gave.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

CRASHED = 99
BESIDE_UNLOCKED_KEYRING = (sys.executable, str(Path(__file__).resolve()))
"""What stands before the command, on a bus."""
_KEYRING = ("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
_HAS_OWNER = (
    "dbus-send",
    "--session",
    "--print-reply",
    "--dest=org.freedesktop.DBus",
    "/org/freedesktop/DBus",
    "org.freedesktop.DBus.NameHasOwner",
    "string:org.freedesktop.secrets",
)
_START_S = 60.0


def main(command: list[str]) -> int:
    signal.signal(signal.SIGINT, lambda *_: None)  # the command's own matter; it is not handed down to it
    with subprocess.Popen(
        _KEYRING, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as keyring:
        assert keyring.stdin is not None
        keyring.stdin.write(b"secret")
        keyring.stdin.close()
        end = time.monotonic() + _START_S
        while b"boolean true" not in subprocess.run(_HAS_OWNER, capture_output=True, check=False).stdout:
            if keyring.poll() is not None or time.monotonic() > end:
                return CRASHED
            time.sleep(0.05)
        done = subprocess.run(command, check=False)
        crashed = (keyring.poll() or 0) < 0
        keyring.terminate()
    return CRASHED if crashed else done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
