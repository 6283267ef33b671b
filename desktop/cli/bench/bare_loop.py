"""The bare loop, asked from here: a process of its own that runs nothing but llama.cpp's C functions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import desktop
from desktop.engine.interface import Door
from desktop.engine.messages import ModelInfo
from desktop.errors import EngineError
from desktop.translation import tr


class BareLoop:
    """The baseline, loaded as the engine loaded the same file: threads, layers on the GPU, context. Close it.

    `door` is asked before, as it is for every load. Raises UserError where it refuses the file. With `cores` it is
    bound to these, with a thread for each.
    """

    def __init__(self, model: Path, like: ModelInfo, door: Door, cores: frozenset[int] = frozenset()) -> None:
        door.admit(model)
        script = Path(desktop.__file__).parent / "engine" / "worker" / "baseline.py"
        threads = len(cores) or like.threads
        settings = [str(threads), str(like.gpu_layers), str(like.context_length), *(str(core) for core in cores)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script), str(model), *settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def measure(self, prompt: int, tokens: int) -> tuple[float, float]:
        """Seconds for `prompt` tokens with the first token after them, and for the other `tokens` - 1."""
        if self._process.stdin is None:
            raise AssertionError("the baseline has a pipe to its standard input")
        self._process.stdin.write(json.dumps({"prompt": prompt, "tokens": tokens}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return float(answer["prompt_s"]), float(answer["decode_s"])

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise EngineError(
                tr("The baseline of the benchmark ended early."),
                tr("Its exit code is {code}.").format(code=self._process.wait(10)),
                tr("Close other programs, so that the model fits into memory twice."),
            )
        answer: dict[str, Any] = json.loads(line)
        return answer
