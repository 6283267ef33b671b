"""What `latchkey doctor` finds of the license desk: the policy, the ledger with its key, and the catalog."""

from typing import Literal

import msgspec

from desktop.cli.tools import Tools
from desktop.errors import IntegrityError, UserError
from desktop.licenses.verdict import ledger_broken
from desktop.translation import tr


class PolicyFound(msgspec.Struct, frozen=True):
    """The policy. `path` is its file, or files, or the one that does not hold, or where one is looked for; `state` says
    whether there is one that holds."""

    path: str | None
    state: Literal["none", "in force", "broken"]
    reason: str | None = None


class LedgerFound(msgspec.Struct, frozen=True):
    """The ledger. `holds` is None where its key cannot be reached; `sealed_by` says where the key is kept, `unsealed`
    how many records were sealed with another one that is out of reach."""

    path: str
    records: int
    holds: bool | None
    sealed_by: str | None
    reason: str | None = None
    unsealed: int = 0


class CatalogFound(msgspec.Struct, frozen=True):
    """The catalog: how many models and licenses it holds, and its mistakes. `own` is a person's own file, if any."""

    path: str
    own: str | None
    models: int
    licenses: int
    problems: tuple[str, ...] = ()


def find_policy(tools: Tools, problems: list[UserError]) -> PolicyFound:
    """The policy in force, if any. What is wrong is added to `problems`."""
    files = tools.assembly.policy.files
    there = [each for each in files if each.exists]
    for each in there:
        try:
            each.current()
        except UserError as problem:
            problems.append(problem)
            return PolicyFound(str(each.path), "broken", problem.detail)
    paths = ", ".join(str(each.path) for each in there or files[:1])
    return PolicyFound(paths, "in force" if there else "none")


def find_ledger(tools: Tools, problems: list[UserError]) -> LedgerFound:
    """Whether the ledger holds. What is wrong is added to `problems`."""
    path = str(tools.paths.ledger_file)
    try:
        check = tools.desk.check()
    except UserError as problem:  # the keyring is locked, say: nothing is known to be wrong
        problems.append(problem)
        return LedgerFound(path, 0, None, None, problem.title)
    if not check.ok:
        problems.append(ledger_broken(check.reason))
    unsealed = sum(each.last - each.first + 1 for each in check.segments if not each.sealed)
    return LedgerFound(path, check.records, check.ok, check.sealed_by or None, check.reason or None, unsealed)


def find_catalog(tools: Tools, problems: list[UserError]) -> CatalogFound:
    """What the catalog holds, and its mistakes. What is wrong is added to `problems`."""
    paths, library = tools.paths, tools.library
    found = tuple(str(problem) for problem in library.problems)
    problems.extend(IntegrityError(tr("The catalog has a mistake: {problem}.").format(problem=each)) for each in found)
    own = str(paths.own_catalog) if paths.own_catalog.exists() else None
    return CatalogFound(str(paths.catalog), own, len(library.catalog.model), len(library.catalog.license), found)


def find_keyring(tools: Tools, problems: list[UserError]) -> str:
    """Whether a keyring can be used."""
    try:
        in_file = tools.assembly.ledger.place == "file"
    except UserError as problem:
        if str(problem) not in map(str, problems):  # the ledger may have said so already
            problems.append(problem)
        return problem.title
    return tr("not used: the ledger's key is kept in a file") if in_file else tr("keeps the ledger's key")


def told_policy(policy: PolicyFound) -> str:
    """It in one line."""
    words = {"none": tr("none"), "in force": tr("in force"), "broken": tr("BROKEN, so no model may be loaded")}
    return words[policy.state] + (f" ({policy.path})" if policy.path else "")


def told_ledger(ledger: LedgerFound) -> str:
    """It in one line."""
    if ledger.holds is None:
        return str(ledger.reason)
    if not ledger.holds:
        return tr("DOES NOT HOLD: {reason}").format(reason=ledger.reason)
    if not ledger.records:
        return tr("nothing recorded yet")
    kept = tr("the keyring") if ledger.sealed_by == "keyring" else tr("a file")
    told = tr("holds, {count} records, its key is in {place}").format(count=ledger.records, place=kept)
    return told + (", " + tr("{count} of them unsealed").format(count=ledger.unsealed) if ledger.unsealed else "")


def told_catalog(catalog: CatalogFound) -> str:
    """It in one line."""
    told = tr("{models} models, {licenses} licenses").format(models=catalog.models, licenses=catalog.licenses)
    if catalog.own:
        told += ", " + tr("with your own file {file}").format(file=catalog.own)
    return told + (", " + tr("{count} MISTAKES").format(count=len(catalog.problems)) if catalog.problems else "")
