"""Checks that llama.cpp reads the file as it was trained: same ids, same greedy answers.

    cd packaging && python -m builtin_model.check --folder FOLDER --model FILE

`expect.py` has to have run before. Ends with 1 when an id differs, or when more than one answer in
ten does: the file is quantized, so a near tie may fall the other way.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from builtin_model.guide import HERE
from builtin_model.native import Native


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE / "work")
    parser.add_argument("--model", type=Path, default=HERE.parents[1] / "resources" / "builtin" / "latchkey-guide.gguf")
    chosen = parser.parse_args(arguments)
    expected = json.loads((chosen.folder / "expected.json").read_text())
    with Native(chosen.model) as native:
        differing = 0
        for prompt in expected["prompts"]:
            ids = native.tokenized(native.rendered(prompt["messages"]))
            if ids != prompt["ids"]:
                differing += 1
                print(f"ids differ: {prompt['messages'][-1]['content']!r}")
                print(f"  trained {prompt['ids']}\n  given   {ids}")
        other = 0
        for answer in expected["answers"]:
            text = native.answer([answer["question"]])
            if text != answer["text"]:
                other += 1
                print(f"answers differ: {answer['question']!r}\n  {answer['text']!r}\n  {text!r}")
    prompts, answers = len(expected["prompts"]), len(expected["answers"])
    print(f"{prompts - differing} of {prompts} prompts tokenized alike, {answers - other} of {answers} answers alike")
    return 1 if differing or other * 10 > answers else 0


if __name__ == "__main__":
    raise SystemExit(main())
