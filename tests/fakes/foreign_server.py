"""A server of somebody else's: that of llama-cpp-python, as its extra `server` installs it. Arguments are its own.

The wheel's compute plug-ins are loaded first: its server leaves that to llama.cpp, which does not find them there.
"""

import ctypes
import runpy
import sys
from pathlib import Path

import llama_cpp

if __name__ == "__main__":
    libraries = Path(llama_cpp.__file__).parent / "lib"
    if (loaded := next(libraries.glob("libggml.so.0"), None)) is not None:
        ctypes.CDLL(str(loaded)).ggml_backend_load_all_from_path(str(libraries).encode())
    sys.argv[0] = "llama_cpp.server"
    runpy.run_module("llama_cpp.server", run_name="__main__")
