"""A process that inherits the pipes it is given and nothing else: no other open file, no token, no proxy."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from desktop.child_process_command import check_program

# What any process needs of the environment. Nothing else reaches it: no tokens, no proxies, no Python settings.
ENVIRONMENT_NAMES = frozenset(
    (
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANGUAGE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT",
        "WINDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "COMSPEC",
        "PATHEXT",
    )
)  # fmt: skip


def start_isolated(
    command: Callable[[Sequence[int]], Sequence[str]],
    inherited: Sequence[int],
    output: int,
    environment: Mapping[str, str],
) -> "subprocess.Popen[bytes]":
    """Start a process with the descriptors `inherited` and its standard output and error in `output`.

    `command` is given the numbers by which the process knows what it inherits: on Windows they are handles.
    Raises OSError where no process can be started, ProgramReplacedError where it would be of another version.
    """
    check_program()
    extra: dict[str, Any]
    if sys.platform == "win32":
        import msvcrt

        numbers = [msvcrt.get_osfhandle(each) for each in inherited]
        for handle in numbers:
            os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": numbers})
        extra = {"startupinfo": startup, "creationflags": subprocess.CREATE_NO_WINDOW}
    else:
        numbers = list(inherited)
        extra = {"pass_fds": numbers}
    return subprocess.Popen(
        [*command(numbers)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=dict(environment),
        **extra,
    )


def basic_environment() -> dict[str, str]:
    """What of this process's environment any other one may see."""
    return {name: value for name, value in os.environ.items() if name.upper() in ENVIRONMENT_NAMES}
