"""Grades the model on the held-out set: does each answer hold the required facts, and no forbidden one.

    cd packaging && python -m builtin_model.evaluate [--through command|native] [--json FILE]

`command` asks as a person would, with `latchkey ask --temperature 0`, in a home of its own; `native`
asks llama.cpp directly, which takes seconds. The held-out questions were written apart from the
phrasings and are never trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builtin_model.guide import HERE, HeldOut, load_heldout

REFUSAL = "I only know Latchkey"
OFF_TOPIC = "off-topic"
MODEL = HERE.parents[1] / "resources" / "builtin" / "latchkey-guide.gguf"
Ask = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Graded:
    """One answer and what is wrong with it: `missing` facts of which none occurs, `said` forbidden ones."""

    id: str
    kind: str
    turns: tuple[str, ...]
    answer: str
    missing: tuple[tuple[str, ...], ...]
    said: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.missing and not self.said


def grade(question: HeldOut, answer: str) -> Graded:
    """Holds an answer against the rubric; case does not count. Off-topic ones must be declined."""
    lower = answer.lower()
    required = question.required
    if question.kind == OFF_TOPIC:
        required = (*required, (REFUSAL,))
    missing = tuple(any_of for any_of in required if not any(fact.lower() in lower for fact in any_of))
    said = tuple(word for word in question.forbidden if word.lower() in lower)
    return Graded(question.id, question.kind, question.turns, answer, missing, said)


def figures(graded: Sequence[Graded]) -> dict[str, Any]:
    """Shares of right answers in percent: overall and by kind, with the number of questions."""
    kinds = {kind: [g for g in graded if g.kind == kind] for kind in sorted({g.kind for g in graded})}
    found: dict[str, Any] = {"overall": _share(graded), "questions": len(graded)}
    for kind, some in kinds.items():
        found[kind] = {"right": _share(some), "questions": len(some)}
    found["failures"] = [asdict(g) for g in graded if not g.right]
    return found


def _share(graded: Sequence[Graded]) -> float:
    return round(100 * sum(g.right for g in graded) / max(1, len(graded)), 1)


def by_command(turns: Sequence[str], home: Path) -> str:
    """Asks through `latchkey ask`; several turns are asked one by one in a new conversation.

    Raises RuntimeError with the command's own words when it fails.
    """
    options = ["--temperature", "0", "--max-tokens", "300", "--json"]
    if len(turns) > 1:
        options += ["--conversation", _new_conversation(home)]
    text = ""
    for turn in turns:
        text = str(json.loads(_run(["ask", turn, *options], home))["text"])
    return text


def _run(arguments: Sequence[str], home: Path) -> str:
    """What `latchkey` prints. Raises RuntimeError with its own words when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "desktop", *arguments],
        cwd=HERE.parents[1], env={**os.environ, "LATCHKEY_HOME": str(home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"latchkey {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _new_conversation(home: Path) -> str:
    """The id of an empty conversation made in `home`: `latchkey ask` continues conversations only."""
    sys.path.insert(0, str(HERE.parents[1]))
    from desktop.conversation import Conversation
    from desktop.paths import find_paths
    from desktop.storage.conversation_store import ConversationStore
    from desktop.storage.database import Database

    made = Conversation(id=uuid.uuid4().hex, created_at=time.time(), updated_at=time.time())
    database = Database(find_paths({"LATCHKEY_HOME": str(home)}).database_file)
    database.open()
    ConversationStore(database).create(made)
    database.close()
    return made.id


def evaluate(questions: Sequence[HeldOut], ask: Ask) -> dict[str, Any]:
    """Asks all of them and gives `figures`."""
    return figures([grade(question, ask(question.turns)) for question in questions])


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, prints; ends with 1 when the figures are under what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--through", choices=("command", "native"), default="native")
    parser.add_argument("--model", type=Path, default=MODEL, help="only with --through native")
    parser.add_argument("--heldout", type=Path, default=HERE / "heldout.toml")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args(arguments)
    questions = load_heldout(chosen.heldout)
    if chosen.through == "native":
        from builtin_model.native import Native

        with Native(chosen.model) as native:
            found = evaluate(questions, native.answer)
    else:
        with tempfile.TemporaryDirectory() as home:
            found = evaluate(questions, lambda turns: by_command(turns, Path(home)))
    found["through"] = chosen.through
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    for failure in found["failures"]:
        print(f"{failure['id']}: {' / '.join(failure['turns'])}\n    {failure['answer'][:160]!r}")
        print(f"    missing {failure['missing']} said {failure['said']}")
    print(json.dumps({name: value for name, value in found.items() if name != "failures"}))
    enough = found["overall"] >= 85 and found.get(OFF_TOPIC, {"right": 0})["right"] >= 90
    return 0 if enough else 1


if __name__ == "__main__":
    raise SystemExit(main())
