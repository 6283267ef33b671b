"""Compares how fast two builds of llama.cpp decode: that of a bundle, and one for this processor alone.

    python packaging/bundle/compare_engines.py MODEL.gguf LIBRARIES LIBRARIES [--rounds 9] [--threads 2]

LIBRARIES are folders with libllama and its plug-ins. Both are loaded before anything is measured and take turns after
every answer, since other programs may compute meanwhile; the medians of their times are compared. Prints one JSON
value: tokens a second of both, and the ratio of the first to the second, for decoding and for reading a prompt.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
_PROMPT, _TOKENS, _CONTEXT = 256, 96, 2048


class BareLoop:
    """The bare decoding loop of `latchkey bench`, with the llama.cpp in the folder `libraries`."""

    def __init__(self, model: Path, libraries: Path, threads: int) -> None:
        environment = {**os.environ, "LLAMA_CPP_LIB_PATH": str(libraries), "PYTHONPATH": str(TOP)}
        script = TOP / "desktop" / "engine" / "worker" / "baseline.py"
        command = [sys.executable, str(script), str(model.resolve()), str(threads), "0", str(_CONTEXT)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=libraries,  # where llama.cpp itself looks for a plug-in of one processor alone
        )
        self._answer()

    def measure(self) -> tuple[float, float]:
        """Tokens a second of a prompt and of decoding."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"prompt": _PROMPT, "tokens": _TOKENS}) + "\n")
        self._process.stdin.flush()
        times = self._answer()
        return _PROMPT / times["prompt_s"], (_TOKENS - 1) / times["decode_s"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The process ended: are these the libraries of llama.cpp?")
        return json.loads(line)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("libraries", type=Path, nargs=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    loops = [BareLoop(options.model, folder.resolve(), options.threads) for folder in options.libraries]
    try:
        for loop in loops:
            loop.measure()
        found: list[list[tuple[float, float]]] = [[], []]
        for round_ in range(options.rounds):
            for which in (0, 1) if round_ % 2 == 0 else (1, 0):
                found[which].append(loops[which].measure())
    finally:
        for loop in loops:
            loop.close()
    prompt, decode = ([statistics.median(each[part] for each in of) for of in found] for part in (0, 1))
    print(
        json.dumps(
            {
                "decode": [round(each, 1) for each in decode],
                "decode_ratio": round(decode[0] / decode[1], 3),
                "prompt": [round(each, 1) for each in prompt],
                "prompt_ratio": round(prompt[0] / prompt[1], 3),
            }
        )
    )


if __name__ == "__main__":
    main()
