"""What `latchkey doctor` finds beside the folders: policy, ledger and catalog, network and tokens, and the engine test.

The fields of the reports and their names are part of the command's contract.
"""

from typing import Literal

import msgspec

from desktop.byte_size import size_text
from desktop.cli.command_context import CommandContext
from desktop.cli.offline_command import offline_report
from desktop.credentials.token_store import TokenPlace
from desktop.engine.kernel_report import KernelChoice
from desktop.errors import EngineError, IntegrityError, UserError
from desktop.licenses.license_verdict import ledger_broken_error
from desktop.network.proxy import proxy_for
from desktop.network.url import parse_url
from desktop.translation import tr, trn


class PromptCacheReport(msgspec.Struct, frozen=True):
    """States of conversations on the disk: how many, their bytes, and how many these may be. `reason` says why none can
    be kept."""

    path: str
    files: int
    size: int
    budget: int
    reason: str | None


class StoredTokenReport(msgspec.Struct, frozen=True):
    """That there is a token for a host, and where. Never its value."""

    host: str
    place: TokenPlace | None


class NetworkReport(msgspec.Struct, frozen=True):
    """What is set for the network. `proxy` is host and port, None for the direct way, "?" for one that cannot be used;
    `hub` is None for no address.

    `keyring` says whether tokens can be kept there, `backend` which one it is. `requests` counts the log.
    """

    offline: bool
    reason: str | None
    hub: str | None
    proxy: str | None
    keyring: Literal["ready", "locked", "absent"]
    backend: str | None
    vault: bool
    tokens: tuple[StoredTokenReport, ...]
    requests: int


def check_network(tools: CommandContext, problems: list[UserError]) -> NetworkReport:
    """What is set. What is wrong is added to `problems`."""
    online = tools.online
    switched = offline_report(tools)
    hub = proxy = None
    try:
        hub = online.endpoint
        proxy = "?"
        through = proxy_for(parse_url(hub), tools.settings.proxy)
        proxy = through.authority if through is not None else None
    except UserError as problem:
        problems.append(problem)
    tokens = online.tokens
    keyring = tokens.options()[0].status
    try:
        requests = online.requests.count() if online.requests.path.exists() else 0
    except UserError as problem:
        problems.append(problem)
        requests = 0
    return NetworkReport(
        offline=switched.offline,
        reason=switched.reason or None,
        hub=hub,
        proxy=proxy,
        keyring=keyring,
        backend=tokens.keyring_name if keyring == "ready" else None,
        vault=tokens.vault.exists,
        tokens=tuple(StoredTokenReport(host, tokens.place(host)) for host in tokens.hosts()),
        requests=requests,
    )


def network_line(found: NetworkReport) -> str:
    """The switch, the Hub and the way there, in one line."""
    parts = [
        (found.reason or tr("offline")) if found.offline else tr("online, used only when you ask for something there"),
        tr("the Hub is {hub}").format(hub=found.hub) if found.hub else tr("THE HUB'S ADDRESS IS NONE"),
        tr("through the proxy {proxy}").format(proxy=found.proxy) if found.proxy else tr("no proxy"),
        trn("{count} request in the log", "{count} requests in the log", found.requests).format(count=found.requests),
    ]
    return ", ".join(part.rstrip(".") for part in parts)


def tokens_line(found: NetworkReport) -> str:
    """Which hosts there is a token for, and where it could be kept, in one line."""
    keyring = {
        "ready": tr("the keyring {backend} keeps them").format(backend=found.backend or ""),
        "locked": tr("the keyring is locked"),
        "absent": tr("there is no keyring, so a vault with a passphrase keeps them"),
    }[found.keyring]
    kept = ", ".join(
        tr("for {host} in {place}").format(host=each.host, place=each.place)
        if each.place
        else tr("for {host}").format(host=each.host)
        for each in found.tokens
    )
    return f"{kept or tr('none')}; {keyring}"


class EngineTestReport(msgspec.Struct, frozen=True):
    """The engine test. `failed` are the kernels that are wrong: "MUL_MAT Q4_0 in AMX, batch 8, 64 rows: why"."""

    state: Literal["not made yet", "passed", "failed in part", "nothing works"]
    chosen: KernelChoice | None = None
    tested: int = 0
    failed: tuple[str, ...] = ()


def check_kernels(tools: CommandContext, problems: list[UserError]) -> EngineTestReport:
    """What the test found, without making it. That nothing works is added to `problems`."""
    record = tools.kernel_check.record()
    if record is None:
        return EngineTestReport("not made yet")
    failed = tuple(each.description for each in record.failed)
    if record.chosen is None:
        title = tr("llama.cpp computes nothing rightly on this processor.")
        problems.append(EngineError(title, "", tr("“latchkey engine test” says more.")))
        return EngineTestReport("nothing works", None, record.tested, failed)
    return EngineTestReport("failed in part" if failed else "passed", record.chosen, record.tested, failed)


def kernels_line(found: EngineTestReport) -> str:
    """It in one line."""
    if found.state == "not made yet":
        return tr("not made yet; “latchkey engine test” makes it")
    if found.chosen is None:
        return tr("nothing works")
    used = kernel_choice_text(found.chosen)
    if not found.failed:
        return tr("all {count} kernels are right; used: {what}").format(count=found.tested, what=used)
    return tr("{wrong} of {count} kernels are wrong, “latchkey engine test” says which; used: {what}").format(
        wrong=len(found.failed), count=found.tested, what=used
    )


def kernel_choice_text(choice: KernelChoice) -> str:
    """What is on and what is off, in words."""
    parts = [tr("CPU variant {name}").format(name=choice.variant)] if choice.variant else []
    parts.append(tr("extra buffers on") if choice.extra_buffers else tr("extra buffers OFF"))
    parts.append(tr("flash attention on") if choice.flash_attention else tr("flash attention OFF"))
    return ", ".join(parts)


class PolicyReport(msgspec.Struct, frozen=True):
    """The policy. `path` is its file, or files, or the one that does not hold, or where one is looked for; `state` says
    whether there is one that holds."""

    path: str | None
    state: Literal["none", "in force", "broken"]
    reason: str | None = None


class LedgerReport(msgspec.Struct, frozen=True):
    """The ledger. `holds` is None where its key cannot be reached; `sealed_by` says where the key is kept, `unsealed`
    how many records were sealed with another one that is out of reach."""

    path: str
    records: int
    holds: bool | None
    sealed_by: str | None
    reason: str | None = None
    unsealed: int = 0


class CatalogReport(msgspec.Struct, frozen=True):
    """The catalog: how many models and licenses it holds, and its mistakes. `own` is a person's own file, if any."""

    path: str
    own: str | None
    models: int
    licenses: int
    problems: tuple[str, ...] = ()


def check_policy(tools: CommandContext, problems: list[UserError]) -> PolicyReport:
    """The policy in force, if any. What is wrong is added to `problems`."""
    files = tools.assembly.policy.files
    there = [each for each in files if each.exists]
    for each in there:
        try:
            each.current()
        except UserError as problem:
            problems.append(problem)
            return PolicyReport(str(each.path), "broken", problem.detail)
    paths = ", ".join(str(each.path) for each in there or files[:1])
    return PolicyReport(paths, "in force" if there else "none")


def check_ledger(tools: CommandContext, problems: list[UserError]) -> LedgerReport:
    """Whether the ledger holds. What is wrong is added to `problems`."""
    path = str(tools.paths.ledger_file)
    try:
        check = tools.acknowledgements.check()
    except UserError as problem:  # the keyring is locked, say: nothing is known to be wrong
        problems.append(problem)
        return LedgerReport(path, 0, None, None, problem.title)
    if not check.ok:
        problems.append(ledger_broken_error(check.reason))
    unsealed = sum(each.last - each.first + 1 for each in check.segments if not each.sealed)
    return LedgerReport(path, check.records, check.ok, check.sealed_by or None, check.reason or None, unsealed)


def inspect_catalog(tools: CommandContext, problems: list[UserError]) -> CatalogReport:
    """What the catalog holds, and its mistakes. What is wrong is added to `problems`."""
    paths, library = tools.paths, tools.library
    found = tuple(str(problem) for problem in library.problems)
    problems.extend(IntegrityError(tr("The catalog has a mistake: {problem}.").format(problem=each)) for each in found)
    own = str(paths.own_catalog) if paths.own_catalog.exists() else None
    return CatalogReport(str(paths.catalog), own, len(library.catalog.model), len(library.catalog.license), found)


def check_keyring(tools: CommandContext, problems: list[UserError]) -> str:
    """Whether a keyring can be used."""
    try:
        in_file = tools.assembly.ledger.place == "file"
    except UserError as problem:
        if str(problem) not in map(str, problems):  # the ledger may have said so already
            problems.append(problem)
        return problem.title
    return tr("not used: the ledger's key is kept in a file") if in_file else tr("keeps the ledger's key")


def inspect_prompt_cache(tools: CommandContext) -> PromptCacheReport:
    """What the prompt cache takes on the disk. That it cannot be kept is no problem: prompts are read again."""
    use = tools.prompt_cache.use()
    return PromptCacheReport(str(use.path), use.files, use.size, use.budget, use.problem or None)


def prompt_cache_line(report: PromptCacheReport) -> str:
    """It in one line."""
    told = tr("{size} of at most {budget}, in {path}").format(
        size=size_text(report.size), budget=size_text(report.budget), path=report.path
    )
    return told + (f" ({tr('nothing can be kept')}: {report.reason})" if report.reason else "")


def policy_line(policy: PolicyReport) -> str:
    """It in one line."""
    words = {"none": tr("none"), "in force": tr("in force"), "broken": tr("BROKEN, so no model may be loaded")}
    return words[policy.state] + (f" ({policy.path})" if policy.path else "")


def ledger_line(ledger: LedgerReport) -> str:
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


def catalog_line(catalog: CatalogReport) -> str:
    """It in one line."""
    told = tr("{models} models, {licenses} licenses").format(models=catalog.models, licenses=catalog.licenses)
    if catalog.own:
        told += ", " + tr("with your own file {file}").format(file=catalog.own)
    return told + (", " + tr("{count} MISTAKES").format(count=len(catalog.problems)) if catalog.problems else "")
