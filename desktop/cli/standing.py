"""Where a model stands between being known of and answering: a word for scripts, and the same for people."""

from typing import Literal

from desktop.library.library import Library, LibraryCard, ListedModel
from desktop.translation import tr

State = Literal[
    "ready",
    "to-accept",
    "revoked",
    "license-changed",
    "ledger-broken",
    "forbidden",
    "file-changed",
    "file-missing",
    "not-here",
    "needs-token",
    "needs-access",
    "waiting-for-approval",
    "no-access",
    "cannot-run",
    "closed",
]
_REFUSED: dict[str, State] = {"file": "file-changed", "ledger": "ledger-broken", "not-runnable": "cannot-run"}
_WAITING: dict[str, State] = {
    "revoked": "revoked",
    "text-changed": "license-changed",
    "suspended": "license-changed",
}
_ACCESS: dict[str, State] = {
    "no-token": "needs-token",
    "bad-token": "needs-token",
    "token-lacks-scope": "needs-token",
    "not-requested": "needs-access",
    "reset": "needs-access",
    "pending": "waiting-for-approval",
    "granted": "not-here",
}


def model_status(card: LibraryCard) -> State:
    """The word, from what is known without asking anybody: part of the command's contract."""
    listed, verdict = card.listed, card.verdict
    if listed.subject.gate == "closed":
        return "closed"
    if why_not_runnable(listed):
        return "cannot-run"
    if verdict.refusal in ("policy", "purpose"):
        return "forbidden"
    if listed.model is None:
        access = listed.known.access if listed.known is not None else None
        return "not-here" if access is None else _ACCESS.get(access.state, "no-access")
    if listed.model.state != "here":
        return "file-changed" if listed.model.state == "changed" else "file-missing"
    if verdict.refusal in _REFUSED:
        return _REFUSED[verdict.refusal]
    waiting = next((each for each in verdict.standings if each.needs_acknowledgement), None)
    if waiting is None:
        return "ready" if verdict.error is None else "to-accept"
    return _WAITING.get(waiting.status, "to-accept")


def status_text(state: State) -> str:
    """It in a word or two, for a table."""
    return {
        "ready": tr("ready"),
        "to-accept": tr("to accept"),
        "revoked": tr("revoked"),
        "license-changed": tr("license changed"),
        "ledger-broken": tr("ledger broken"),
        "forbidden": tr("forbidden"),
        "file-changed": tr("file changed"),
        "file-missing": tr("file missing"),
        "not-here": tr("not here"),
        "needs-token": tr("needs a token"),
        "needs-access": tr("needs access"),
        "waiting-for-approval": tr("access pending"),
        "no-access": tr("no access"),
        "cannot-run": tr("cannot run"),
        "closed": tr("closed"),
    }[state]


def command_id(listed: ListedModel) -> str:
    """What names it in a command: of a model with several files here, each after the first goes by an id of its own."""
    return listed.model.id if listed.model is not None else listed.subject.id


def listed_files(library: Library) -> list[ListedModel]:
    """Every model, as the library lists them, and behind those that are here each further file of one."""
    listed = library.listed()
    seen = {each.model.path for each in listed if each.model is not None}
    kept = [library.find_listed(each.id) for each in library.imports.all()]
    more = [each for each in kept if each.model is not None and each.model.path not in seen]
    here = [each for each in listed if each.model is not None]
    return [*here, *more, *(each for each in listed if each.model is None)]


def why_not_runnable(listed: ListedModel) -> str:
    """Why no weights of this model could ever run here, in one sentence; "" where they can."""
    said = listed.subject.not_runnable or (listed.entry.not_runnable if listed.entry else "")
    if said or listed.subject.gate != "closed":
        return said
    return tr("Its weights were never released: it is listed because others were built on it.")
