"""Writes down what PyTorch and sentencepiece give, for `check.py` to compare with llama.cpp.

    cd packaging && python -m builtin_model.expect --folder FOLDER

Two environments are needed: this part has PyTorch, the other has llama.cpp.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from builtin_model import guide
from builtin_model.augment import vary
from builtin_model.guide import HERE
from builtin_model.tokenizer import ASSISTANT, BOS, END, SYSTEM, USER, Tokenizer
from builtin_model.train import load_averaged

ODD = (
    "a", "  two  spaces  inside ", "line\nbreak", "tab\tstop", "naïve café – “quoted” … ‘so’",
    "日本語の質問", "مرحبا بالعالم", "emoji 🙂🚀 here", "1234567890 3.14", "`latchkey models get ID`",
    "C:\\Users\\me", "a_b-c/d", "▁under", "ALL CAPS?!", "ñandú Ωμέγα",
    "x" * 300, "é", "‍zero width", "a\u00a0b", "\x01control",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and writes `expected.json` into the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE / "work")
    parser.add_argument("--answers", type=int, default=24, help="how many greedy answers")
    chosen = parser.parse_args(arguments)
    tok = Tokenizer(chosen.folder / "vocabulary.model")
    model = load_averaged(chosen.folder)
    rng = random.Random(11)
    known = guide.load()
    questions = [rng.choice(i.phrasings) for i in known.intents if not i.is_follow_up]
    rng.shuffle(questions)
    texts = [*ODD, *(vary(q, rng) for q in questions for _ in range(3)), *known.texts()[:600]]
    prompts = [{"messages": [{"role": "user", "content": t}], "ids": tok.prompt([], t)} for t in texts]
    prompts += [_conversation(tok, known, rng) for _ in range(60)]
    answers = []
    for question in questions[: chosen.answers]:
        ids = model.greedy(tok.prompt([], question), END)
        answers.append({"question": question, "text": tok.decode(ids), "ids": ids})
    out = chosen.folder / "expected.json"
    out.write_text(json.dumps({"prompts": prompts, "answers": answers}, ensure_ascii=False))
    print(f"{out}: {len(prompts)} prompts, {len(answers)} answers")
    return 0


def _conversation(tok: Tokenizer, known: guide.Guide, rng: random.Random) -> dict[str, object]:
    ids, messages = [BOS], []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": "You are the guide to Latchkey."})
        ids += tok.asked(SYSTEM, messages[0]["content"])
    for intent in rng.sample(known.intents, 3):
        messages.append({"role": "user", "content": intent.phrasings[0]})
        messages.append({"role": "assistant", "content": intent.answer})
        ids += [*tok.asked(USER, intent.phrasings[0]), ASSISTANT, *tok.text(intent.answer), END]
    messages.append({"role": "user", "content": "thanks"})
    ids += [*tok.asked(USER, "thanks"), ASSISTANT]
    return {"messages": messages, "ids": ids}


if __name__ == "__main__":
    raise SystemExit(main())
