"""Makes the built-in model from its text: vocabulary, training, conversion, checks, evaluation, card.

    .venv-train/bin/python packaging/builtin_model/build.py [--minutes 55] [--resume] [any option of train.py]

Run by `make builtin-model`. Training needs PyTorch, which is in `.venv-train`; the checks need llama.cpp
and the `latchkey` command, which are in `.venv`. So each step is a process of its own.

The program knows its own model by the file's sha256. A new file has another one, which has to be written into
`desktop/licenses/built_in_model.py` and `models.toml` before the program takes it for its own: this stops there, says
so, and goes on with `--convert-only`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGING = Path(__file__).resolve().parents[1]
ROOT = PACKAGING.parent
# Threads that spin while they wait for each other lose most of their time on a machine that is busy.
QUIET = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
WORK = Path(__file__).resolve().parent / "work"


def step(python: Path, module: str, *options: str, may_fail: bool = False) -> int:
    """Runs one module and gives its exit code. Raises SystemExit when it fails and may not."""
    print(f"== {module} {' '.join(options)}", flush=True)
    done = subprocess.run(
        [str(python), "-m", f"builtin_model.{module}", *options], cwd=PACKAGING, env=QUIET, check=False
    )
    if done.returncode and not may_fail:
        raise SystemExit(f"{module} failed with {done.returncode}")
    return done.returncode


def ensure_known(model: Path) -> None:
    """Raises SystemExit with the sha256 of `model` where the program or its catalog does not know it yet."""
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    places = ("desktop/licenses/built_in_model.py", "models.toml")
    unknowing = [place for place in places if sha256 not in (ROOT / place).read_text(encoding="utf-8")]
    if unknowing:
        raise SystemExit(
            f"The model is another one now: its sha256 is {sha256}, its size {model.stat().st_size:_}.\n"
            f"Write them into {' and '.join(unknowing)}, then go on with --convert-only."
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and runs all steps; gives 1 when the model is not good enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="55", help="of training; all other steps take about ten")
    parser.add_argument("--through", choices=("command", "native"), default="command", help="how to evaluate")
    parser.add_argument("--convert-only", action="store_true", help="take the last checkpoint as it is")
    chosen, more = parser.parse_known_args(arguments)
    trainer, runner = Path(sys.executable), ROOT / ".venv" / "bin" / "python"
    if not chosen.convert_only:
        step(trainer, "train", "--minutes", chosen.minutes, "--folder", str(WORK), *more)
    step(trainer, "convert", "--folder", str(WORK))
    step(trainer, "expect", "--folder", str(WORK))
    step(runner, "check", "--folder", str(WORK))
    ensure_known(ROOT / "resources" / "builtin" / "latchkey-guide.gguf")
    figures = WORK / "evaluation.json"
    enough = step(runner, "evaluate", "--through", chosen.through, "--json", str(figures), may_fail=True)
    step(trainer, "card", "--folder", str(WORK), "--evaluation", str(figures))
    return enough


if __name__ == "__main__":
    raise SystemExit(main())
