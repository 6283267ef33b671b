"""A plug-in of llama.cpp for GPUs that computes nothing, and does as it starts what a broken driver does."""

import subprocess
from importlib import metadata
from pathlib import Path

RELEASE = metadata.version("llama-cpp-python")
_SOURCE = """\
#include <stdlib.h>
#include <unistd.h>
{said}
int ggml_backend_score(void) {{ return 1; }}
void *ggml_backend_init(void) {{ {body} return 0; }}
"""


def compile_plugin(
    folder: Path, name: str, *, release: str = RELEASE, body: str = "", libraries: tuple[str, ...] = ()
) -> Path:
    """A plug-in in `folder` that says it is of `release` ("": it says nothing), runs `body` (of C) as it starts, and is
    linked to `libraries`, which are not there."""
    for library in libraries:
        _compile(folder / library, "", f"-Wl,-soname,{library}")
    made = folder / f"libggml-{name}.so"
    said = f'const char latchkey_llama_cpp[64] = "{release}";' if release else ""
    linked = (f"-L{folder}", "-Wl,--no-as-needed", *(f"-l:{library}" for library in libraries))
    _compile(made, _SOURCE.format(said=said, body=body), *linked)
    for library in libraries:
        (folder / library).unlink()
    return made


def _compile(made: Path, source: str, *flags: str) -> None:
    command = ["cc", "-shared", "-fPIC", "-o", str(made), "-x", "c", "-", "-x", "none", *flags]
    subprocess.run(command, input=source.encode(), check=True, capture_output=True)
