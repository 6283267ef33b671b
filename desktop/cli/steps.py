"""What stands between a person and a first answer, as steps with the very commands."""

import shlex
from dataclasses import dataclass

from desktop.catalog.entries import Entry
from desktop.cli.model_facts import why_not_runnable
from desktop.library.models import Card, Listed
from desktop.licenses.door import LicenseStanding, accept_command
from desktop.translation import tr


@dataclass(frozen=True)
class Step:
    """One thing to do: a sentence, and the commands that do it. None, where nothing can be done."""

    sentence: str
    commands: tuple[str, ...] = ()


def steps_of(card: Card) -> list[Step]:
    """What is still to be done before the model answers, in order; the last step is to ask it. Where nothing can be
    done there is one step, which says why."""
    listed, verdict = card.listed, card.verdict
    if reason := why_not_runnable(listed):
        return [Step(reason)]
    if verdict.error is not None and verdict.refusal in ("policy", "not-runnable"):
        return [Step(str(verdict.error))]
    steps = []
    if verdict.error is not None and verdict.refusal == "ledger":
        steps.append(Step(str(verdict.error), ("latchkey licenses verify",)))
    afresh = verdict.refusal == "ledger"
    steps += [_accept(listed, each) for each in verdict.standings if afresh or each.status != "in-force"]
    if verdict.error is not None and verdict.refusal in ("purpose", "file"):
        steps.append(Step(str(verdict.error)))
    if listed.model is None:
        steps += _get(listed)
    name = shlex.quote(listed.subject.id) if listed.model is not None or _recognized(listed) else "ID"
    return [*steps, Step(tr("Ask it something."), (f'latchkey ask "…" --model {name}',))]


def state_of(card: Card) -> str:
    """Where the model stands, in a word or two, for a table."""
    listed, verdict = card.listed, card.verdict
    if listed.subject.gate == "closed":
        return tr("closed")
    if why_not_runnable(listed):
        return tr("cannot run")
    if verdict.refusal in ("policy", "purpose"):
        return tr("forbidden")
    if listed.model is None:
        return tr("not here")
    states = {
        "": tr("ready"),
        "file": tr("file changed"),
        "ledger": tr("ledger broken"),
        "not-runnable": tr("cannot run"),
    }
    if verdict.refusal in states:
        return states[verdict.refusal]
    waiting = next((each for each in verdict.standings if each.status != "in-force"), None)
    return {
        "revoked": tr("revoked"),
        "text-changed": tr("license changed"),
        "suspended": tr("license changed"),
    }.get(waiting.status if waiting else "", tr("to accept"))


def _accept(listed: Listed, standing: LicenseStanding) -> Step:
    subject, needed = listed.subject, standing.needed
    sentence = {
        "revoked": tr("Read the license {license} and accept it again: you revoked it."),
        "text-changed": tr("The license {license} has a new text. See what changed, and accept it again."),
        "suspended": tr("The license {license} has a new text. See what changed, and accept it again."),
    }.get(standing.status, tr("Read the license {license} and accept it.")).format(license=needed.name)
    if needed.comes_from != subject.id:
        sentence += " " + tr("It comes from {ancestor}.").format(ancestor=needed.from_name)
    changed = standing.status in ("text-changed", "suspended")
    read = (
        f"latchkey licenses show {shlex.quote(subject.id)} --changes"
        if changed
        else f"latchkey licenses show {needed.id}"
    )
    return Step(sentence, (read, accept_command(subject, needed)))


def _get(listed: Listed) -> list[Step]:
    """How its file comes here. Latchkey does not fetch files yet: a person does, and imports them."""
    entry, gate = listed.entry, listed.subject.gate
    steps = []
    if gate is not None and gate != "open":
        steps.append(Step(gate_sentence(gate)))
    if entry is not None:
        sentence = _where(entry)
        if not _recognized(listed):
            sentence += " " + tr(
                "The file is then listed under an id of its own, and its licenses are accepted for that."
            )
        steps.append(Step(sentence, ("latchkey models import FILE.gguf",)))
    return steps


def _recognized(listed: Listed) -> bool:
    """Whether a file of this model is known by its hash, so that it is taken for the model wherever it comes from."""
    return listed.entry is not None and any(file.sha256 for file in listed.entry.file)


def _where(entry: Entry) -> str:
    """Where a file for llama.cpp is to be had."""
    if entry.gguf:
        sentence = tr("This version does not download yet: get a file from huggingface.co/{repository} and import it.")
        return sentence.format(repository=entry.gguf)
    if any(base.relation == "difference" for base in entry.base):
        return tr(
            "It is published as a difference to the weights it was built on: add the two, make a GGUF file of the sum,"
            " and import it."
        )
    if entry.repository:
        sentence = tr(
            "No GGUF file of it is known: make one of the weights at huggingface.co/{repository}, and import it."
        )
        return sentence.format(repository=entry.repository)
    return tr("No GGUF file of it is known: one made of its weights can be imported.")


def gate_sentence(gate: str) -> str:
    """What a gate means for a person."""
    return {
        "open": tr("Anybody can fetch its weights."),
        "click-through": tr("Its publisher hands out the weights to those who apply and agree to the terms."),
        "hub-auto": tr("On the Hub one agrees to its publisher's terms, and has access at once."),
        "hub-manual": tr("On the Hub one asks for access, and its publisher decides."),
        "closed": tr("Its weights are not to be had."),
    }.get(gate, gate)
