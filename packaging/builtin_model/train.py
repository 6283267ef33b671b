"""Trains the model for a given number of minutes and keeps the averaged weights.

    cd packaging && python -m builtin_model.train --minutes 55

The learning rate follows the clock, so a run ends when it should on any machine; with
`--million-tokens` it follows the amount of text instead, for a machine that is busy with other work. A run that was
stopped goes on from its last checkpoint with `--resume`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from builtin_model import data, guide, tokenizer
from builtin_model.model import GuideModel, Shape
from builtin_model.tokenizer import END, Tokenizer


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run; with `million_tokens` it ends after those and not by the clock."""

    minutes: float = 55.0
    million_tokens: float = 0.0
    folder: Path = guide.HERE / "work"
    guide_folder: Path = guide.HERE
    validation: float = 0.04
    seed: int = 1
    threads: int = 2
    batch_tokens: int = 2048
    rate: float = 2e-3
    warm_up: float = 0.02
    decay: float = 0.1
    dropout: float = 0.1
    average: float = 0.999
    report_minutes: float = 4.0


def warmed(share: float, warm_up: float) -> float:
    """Factor of the learning rate at `share` (0 to 1) of the time: a ramp, then half a cosine."""
    if share < warm_up:
        return (share + 1e-3) / (warm_up + 1e-3)
    along = min(1.0, (share - warm_up) / (1 - warm_up))
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * along))


def padded(examples: Sequence[data.Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, targets (both batch by length) and the weights of the targets."""
    length = max(len(e.ids) for e in examples) - 1
    inputs = torch.full((len(examples), length), END)
    targets = torch.full((len(examples), length), END)
    weights = torch.zeros(len(examples), length)
    for row, example in enumerate(examples):
        ids = torch.tensor(example.ids)
        inputs[row, : len(ids) - 1] = ids[:-1]
        targets[row, : len(ids) - 1] = ids[1:]
        weights[row, : len(ids) - 1] = torch.tensor(example.weights[1:])
    return inputs, targets, weights


def loss_of(model: GuideModel, examples: Sequence[data.Example]) -> Tensor:
    """Weighted mean cross-entropy; logits are computed only where a target counts."""
    inputs, targets, weights = padded(examples)
    counted = weights > 0
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.logits(model.states(inputs)[counted])
    each = F.cross_entropy(logits.float(), targets[counted], reduction="none")
    kept = weights[counted]
    return (each * kept).sum() / kept.sum()


@torch.no_grad()
def right(model: GuideModel, checks: Sequence[data.Check]) -> list[tuple[bool, bool]]:
    """For each check: is the whole greedy answer right, and are its first 16 tokens.

    The greedy answer is exactly the wanted one if and only if each wanted token is the most
    likely one after the wanted tokens before it; so one pass per question suffices.
    """
    model.eval()
    order = sorted(range(len(checks)), key=lambda i: len(checks[i].prompt + checks[i].answer))
    results: list[tuple[bool, bool]] = [(False, False)] * len(checks)
    for at in range(0, len(order), 48):
        chosen = order[at : at + 48]
        rows = [checks[i].prompt + checks[i].answer for i in chosen]
        inputs = torch.full((len(rows), max(map(len, rows))), END)
        for row, ids in enumerate(rows):
            inputs[row, : len(ids)] = torch.tensor(ids)
        with torch.autocast("cpu", torch.bfloat16):
            best = model(inputs).argmax(-1)
        for row, index in enumerate(chosen):
            check = checks[index]
            start = len(check.prompt) - 1
            said = best[row, start : start + len(check.answer)].tolist()
            results[index] = (said == check.answer, said[:16] == check.answer[:16])
    model.train()
    return results


def report(model: GuideModel, checks: Sequence[data.Check]) -> dict[str, float]:
    """Share of exactly right answers, overall and by kind (and how many checks there were)."""
    results = right(model, checks)
    good: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for check, (exact, _) in zip(checks, results, strict=True):
        for name in ("all", check.kind):
            count[name] += 1
            good[name] += exact
    shares = {name: round(good[name] / count[name], 4) for name in count}
    return {**shares, "checks": float(len(checks))}


def mistakes(
    model: GuideModel, checks: Sequence[data.Check], whole: guide.Guide, tok: Tokenizer
) -> list[dict[str, str]]:
    """The wrongly answered checks, each with the key whose answer was given instead."""
    answers = [(i.answer, i.key) for i in whole.intents] + [(whole.off_topic.answer, guide.OFF_TOPIC)]
    wrong = [c for c, (ok, _) in zip(checks, right(model, checks), strict=True) if not ok]
    model.eval()
    found = []
    for check in wrong:
        text = tok.decode(model.greedy(check.prompt, END, 10))
        given = next((key for answer, key in answers if answer.startswith(text)), text)
        found.append({"question": check.question, "wanted": check.key, "given": given})
    return found


class Run:
    """One training run: weights, their average, optimizer, and where it stands."""

    def __init__(self, plan: Plan, shape: Shape) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.shape = shape
        self.model = GuideModel(shape, plan.dropout)
        self.averaged = GuideModel(shape)
        self.averaged.load_state_dict(self.model.state_dict())
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        vectors = [p for p in self.model.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": plan.decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=plan.rate, betas=(0.9, 0.98), fused=True,
        )  # fmt: skip
        self.seconds = 0.0
        self.steps = 0
        self.tokens = 0

    @property
    def share(self) -> float:
        """How much of the run is done, 0 to 1 and a little more."""
        if self.plan.million_tokens > 0:
            return self.tokens / (1e6 * self.plan.million_tokens)
        return self.seconds / (60 * self.plan.minutes)

    def step(self, examples: Sequence[data.Example]) -> float:
        """One update; gives the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * warmed(self.share, self.plan.warm_up)
        began = time.monotonic()
        loss = loss_of(self.model, examples)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        self._average()
        self.tokens += sum(len(e.ids) for e in examples)
        self.seconds += time.monotonic() - began
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.plan.average, (1 + self.steps) / (10 + self.steps))
        pairs = zip(self.averaged.parameters(), self.model.parameters(), strict=True)
        for old, new in pairs:
            old.lerp_(new, 1 - keep)

    def save(self) -> None:
        """Writes the checkpoint, first beside itself, so that a stop leaves a whole one."""
        path = self.plan.folder / "checkpoint.pt"
        state = {
            "shape": asdict(self.shape),
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "at": (self.seconds, self.steps, self.tokens),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def resume(self) -> None:
        """Goes back to the checkpoint. Raises FileNotFoundError when there is none."""
        state = torch.load(self.plan.folder / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.seconds, self.steps, self.tokens = state["at"]


def load_averaged(folder: Path) -> GuideModel:
    """The averaged model of the last checkpoint, ready to answer."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    model = GuideModel(Shape(**state["shape"]))
    model.load_state_dict(state["averaged"])
    return model.eval()


def train(plan: Plan, shape: Shape, mixture: data.Mixture, resume: bool = False) -> GuideModel:
    """Runs `plan` and gives the averaged model; writes checkpoint and report into its folder."""
    torch.set_num_threads(plan.threads)
    plan.folder.mkdir(parents=True, exist_ok=True)
    heldout = guide.load_heldout(plan.guide_folder / "heldout.toml")
    banned = guide.banned_questions(heldout)
    whole = guide.without(guide.load(plan.guide_folder), banned)
    guide.assert_apart(whole, heldout)
    learned, held = guide.split(whole, plan.validation)
    vocabulary = plan.folder / "vocabulary.model"
    tok = Tokenizer(vocabulary) if resume else tokenizer.train(learned, vocabulary, shape.vocabulary)
    checks = data.checks(held, whole, tok)
    run = Run(plan, shape)
    if resume:
        run.resume()
    stream = data.Stream(learned, tok, plan.seed + run.steps, mixture, banned)
    weights = sum(p.numel() for p in run.model.parameters())
    print(f"{weights / 1e6:.2f}M weights, {len(learned.intents)} intents, {len(checks)} checks", flush=True)
    figures: dict[str, object] = {"weights": weights, "plan": {k: str(v) for k, v in asdict(plan).items()}}
    figures |= {"shape": asdict(shape), "mixture": asdict(mixture)}
    next_report = run.seconds + 60 * plan.report_minutes
    for examples in data.batches(stream, plan.batch_tokens, shape.context):
        loss = run.step(examples)
        done = run.share >= 1
        if run.seconds >= next_report or done:
            next_report += 60 * plan.report_minutes
            shares = report(run.averaged, checks) if checks else {}
            rate = run.tokens / run.seconds
            print(
                f"{run.seconds / 60:5.1f} min  step {run.steps}  loss {loss:.3f}  {rate:.0f} tok/s  {shares}",
                flush=True,
            )
            run.save()
            figures |= {"validation": shares, "tokens": run.tokens, "steps": run.steps, "tokens_per_s": rate}
        if done:
            break
    wrong = mistakes(run.averaged, checks, whole, tok)
    (plan.folder / "mistakes.json").write_text(json.dumps(wrong, indent=1, ensure_ascii=False))
    (plan.folder / "training.json").write_text(json.dumps(figures, indent=1))
    return run.averaged


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    fields = {**vars(Plan()), **vars(Shape()), **vars(data.Mixture())}
    for name, value in fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value) if not isinstance(value, Path) else Path, default=value
        )
    parser.add_argument("--resume", action="store_true")
    chosen = vars(parser.parse_args(arguments))
    plan = replace(Plan(), **{k: chosen[k] for k in vars(Plan())})
    shape = replace(Shape(), **{k: chosen[k] for k in vars(Shape())})
    mixture = replace(data.Mixture(), **{k: chosen[k] for k in vars(data.Mixture())})
    train(plan, shape, mixture, chosen["resume"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
