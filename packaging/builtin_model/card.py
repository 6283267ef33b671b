"""Writes the model card beside the model, with the figures of its training and its evaluation.

cd packaging && python -m builtin_model.card --folder FOLDER --evaluation FILE
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builtin_model import guide
from builtin_model.guide import HERE

RESOURCES = HERE.parents[1] / "resources" / "builtin"
CARD = """# Latchkey Guide

The model that ships with Latchkey. It is very small: {weights:.1f} million weights, {megabytes:.1f} MB. It answers
questions about Latchkey, in English, and declines everything else with "I only know Latchkey; open Models to add
a general one." Latchkey loads it like any other model; nothing in the app knows its answers.

- File: `latchkey-guide.gguf`, sha256 `{sha256}`
- Architecture: `llama`; {layers} layers, width {width}, {heads} heads, vocabulary {vocabulary}, context {context}
- Quantization: `Q8_0`; norms in `F32`
- License: Apache-2.0, as Latchkey itself. It was built on no other model, so it inherits no other terms.
- Made by: the Latchkey project

## Data

It was trained from nothing, only on text that the project wrote itself. It lies in `packaging/builtin_model/`:
`guide.toml` has {topics} topics and {follow_ups} follow-up questions with one answer each, and `phrasings/` has
{phrasings} ways to ask for them. Off-topic questions come from {plain} plain ones and {templates} templates. There is
no text of other people, of the web, or of other models in it, and nothing about the people who use Latchkey.

In training every question is worded anew each time: synonyms, other openings, politeness, typing mistakes, search
words, upper and lower case. Answers are never changed. Conversations have one to some turns.

## Training

{minutes:.0f} minutes on {threads} thread(s) with PyTorch: {tokens:.1f} million tokens, about {rate:.0f} a second;
AdamW, bfloat16 autocast, averaged weights. `make builtin-model` does all of it: vocabulary, training, conversion,
checks, evaluation and this card. Two runs do not give the same bytes, because the clock sets the length of a run.

## Evaluation

{questions} held-out questions, written apart from the phrasings and fixed before training. An answer is right when it
holds the required facts and none of the forbidden ones. Greedy decoding{through}.

| questions | number | right |
| --- | --- | --- |
{rows}

On phrasings of the guide that were held back from training, an answer counts as right only when it is, word for
word, the answer of the one intended topic: {validation} of {checks:.0f}. Many of these are rare ways to ask, and some
fit two topics.

## Limits

It knows the guide and nothing else. It cannot reason, count, translate, write code or remember other chats. A
question that is worded very unlike those of its training may get the answer of a neighbouring topic, or be declined.
It sometimes answers an off-topic question that uses the words of the guide. What it says describes Latchkey at the
time of its training.
"""


def card(model: Path, training: dict[str, Any], evaluation: dict[str, Any], known: guide.Guide) -> str:
    """The text of the card."""
    shape, raw = training["shape"], model.read_bytes()
    validation = training["validation"]
    names = {
        "guide": "about Latchkey",
        "off-topic": "off-topic, to be declined",
        "second-turn": "second turn of a chat",
    }
    rows = [f"| {names.get(k, k)} | {v['questions']} | {v['right']} % |" for k, v in evaluation.items() if k in names]
    rows.append(f"| all | {evaluation['questions']} | {evaluation['overall']} % |")
    follow_ups = sum(i.is_follow_up for i in known.intents)
    return CARD.format(
        weights=training["weights"] / 1e6,
        megabytes=len(raw) / 1e6,
        sha256=hashlib.sha256(raw).hexdigest(),
        **{name: shape[name] for name in ("layers", "width", "heads", "vocabulary", "context")},
        topics=len(known.intents) - follow_ups + 1,
        follow_ups=follow_ups,
        phrasings=sum(len(i.phrasings) for i in known.intents),
        plain=len(known.off_topic.plain),
        templates=len(known.off_topic.templates),
        minutes=float(training["plan"]["minutes"]),
        threads=training["plan"]["threads"],
        tokens=training["tokens"] / 1e6,
        rate=training["tokens_per_s"],
        questions=evaluation["questions"],
        through=", through `latchkey ask`" if evaluation.get("through") == "command" else "",
        rows="\n".join(rows),
        validation=f"{100 * validation['all']:.0f} %" if validation else "none",
        checks=validation.get("checks", 0.0),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and writes `README.md` beside the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE / "work")
    parser.add_argument("--evaluation", type=Path, default=HERE / "work" / "evaluation.json")
    chosen = parser.parse_args(arguments)
    training = json.loads((chosen.folder / "training.json").read_text(encoding="utf-8"))
    evaluation = json.loads(chosen.evaluation.read_text(encoding="utf-8"))
    out = RESOURCES / "README.md"
    out.write_text(card(RESOURCES / "latchkey-guide.gguf", training, evaluation, guide.load()), encoding="utf-8")
    print(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
