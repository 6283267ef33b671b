"""`latchkey doctor`: a report on this machine and installation, for finding and reporting problems."""

import os
import platform
import shutil
from argparse import Namespace
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from desktop import __version__
from desktop.byte_size import size_text
from desktop.cli.command_context import CommandContext
from desktop.cli.doctor_backups import BackupsReport, backups_line, inspect_backups
from desktop.cli.doctor_checks import (
    CatalogReport,
    EngineTestReport,
    LedgerReport,
    NetworkReport,
    PolicyReport,
    PromptCacheReport,
    catalog_line,
    check_kernels,
    check_keyring,
    check_ledger,
    check_network,
    check_policy,
    inspect_catalog,
    inspect_prompt_cache,
    kernels_line,
    ledger_line,
    network_line,
    policy_line,
    prompt_cache_line,
    tokens_line,
)
from desktop.cli.doctor_collections import CollectionsReport, check_collections, collections_line
from desktop.cli.doctor_tools import ToolServersReport, check_tool_servers, tool_servers_line
from desktop.cli.exit_codes import DONE, exit_code
from desktop.cli.load_choices import LoadReport, report_load
from desktop.engine.engine_errors import driver_failed, gpu_unused
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.hardware import available_memory, cpu_features, cpu_name, total_memory, usable_cores
from desktop.engine.worker_messages import ComputeDevice, ProbeResult
from desktop.errors import ResourceError, UserError
from desktop.translation import tr, trn

_PACKAGES = ("llama-cpp-python", "PySide6-Essentials", "msgspec", "Jinja2", "numpy")


class FolderReport(msgspec.Struct, frozen=True):
    """A folder Latchkey uses. `free` is bytes left on its disk, None where there is no telling."""

    purpose: str
    path: str
    exists: bool
    writable: bool
    free: int | None


class DoctorReport(msgspec.Struct, frozen=True):
    """Everything that was found. `problems` are sentences; none means that all is well."""

    versions: dict[str, str | None]
    system: dict[str, Any]
    cpu: dict[str, Any]
    memory: dict[str, int | None]
    devices: tuple[ComputeDevice, ...]
    engine_test: EngineTestReport
    load: LoadReport | None
    folders: tuple[FolderReport, ...]
    database: str
    collections: CollectionsReport
    log: str
    sandbox: str
    document_sandbox: str
    tool_servers: ToolServersReport
    keyring: str
    policy: PolicyReport
    ledger: LedgerReport
    catalog: CatalogReport
    network: NetworkReport
    prompt_cache: PromptCacheReport
    backups: BackupsReport
    problems: tuple[str, ...]


def run(options: Namespace, tools: CommandContext) -> int:
    """Look, print, and give the exit code of the first problem found."""
    problems: list[UserError] = []
    report = _examine(tools, problems)
    if options.json:
        tools.output.json(report)
    else:
        _print(report, tools)
    return exit_code(problems[0]) if problems else DONE


def _examine(tools: CommandContext, problems: list[UserError]) -> DoctorReport:
    folders = _folders(tools, problems)
    database = _database(tools, problems)
    collections = check_collections(tools, problems)
    probed = _probe(tools, problems)
    policy, ledger, catalog = (
        check_policy(tools, problems),
        check_ledger(tools, problems),
        inspect_catalog(tools, problems),
    )
    network = check_network(tools, problems)
    packages = {name: _version(name) for name in _PACKAGES}
    return DoctorReport(
        versions={
            "latchkey": __version__,
            "python": platform.python_version(),
            "llama.cpp": probed.llama_cpp if probed else None,
            "llama.cpp build": probed.build if probed else None,
            **packages,
        },
        system={"platform": platform.platform(), "machine": platform.machine(), "display": _display()},
        cpu={
            "name": cpu_name(),
            "cores": usable_cores(),
            "features": list(probed.cpu_features if probed else cpu_features()),
        },
        memory={"total": total_memory(), "available": available_memory()},
        devices=probed.devices if probed else (),
        engine_test=check_kernels(tools, problems),
        load=report_load(tools, probed) if probed else None,
        folders=folders,
        database=database,
        collections=collections,
        log=str(tools.paths.log_file),
        sandbox=probed.confinement if probed else "unknown: the engine does not start",
        document_sandbox=_document_sandbox(tools, problems),
        tool_servers=check_tool_servers(tools, problems),
        keyring=check_keyring(tools, problems),
        policy=policy,
        ledger=ledger,
        catalog=catalog,
        network=network,
        prompt_cache=inspect_prompt_cache(tools),
        backups=inspect_backups(tools),
        problems=tuple(str(problem) for problem in problems),
    )


def _probe(tools: CommandContext, problems: list[UserError]) -> ProbeResult | None:
    with tools.engine() as engine:
        try:
            found = engine.probe_and_wait()
        except UserError as problem:
            problems.append(problem)
            return None
    problems += [gpu_unused(problem) for problem in found.gpu_problems]
    failure = FallbackStore(tools.paths.load_fallbacks).driver_failure()
    if failure is not None:
        problems.append(driver_failed(failure.plugin, failure.reason))
    return found


def _document_sandbox(tools: CommandContext, problems: list[UserError]) -> str:
    try:
        return tools.document_reader.confinement()
    except UserError as problem:
        problems.append(problem)
        return "unknown: the process does not start"


def _folders(tools: CommandContext, problems: list[UserError]) -> tuple[FolderReport, ...]:
    paths = tools.paths
    purposes = {
        "settings": paths.config,
        "conversations": paths.data,
        "models": paths.models,
        "cache": paths.cache,
        "logs": paths.logs,
    }
    folders = tuple(_folder(purpose, path) for purpose, path in purposes.items())
    problems.extend(_unwritable(folder) for folder in folders if not folder.writable)
    return folders


def _unwritable(folder: FolderReport) -> ResourceError:
    return ResourceError(
        tr("The folder for {purpose} cannot be written: {path}.").format(purpose=folder.purpose, path=folder.path),
        "",
        tr("Make it writable, or set LATCHKEY_HOME to another folder."),
    )


def _folder(purpose: str, path: Path) -> FolderReport:
    """A folder that is not there yet counts as writable where it could be made."""
    nearest = next(place for place in (path, *path.parents) if place.exists() or place == place.parent)
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    try:
        free = shutil.disk_usage(nearest).free
    except OSError:
        free = None
    return FolderReport(purpose, str(path), path.is_dir(), writable, free)


def _database(tools: CommandContext, problems: list[UserError]) -> str:
    if not tools.paths.database_file.exists():
        return "not made yet"
    try:
        count = len(tools.conversation_store.conversations(limit=1_000_000))
    except UserError as problem:
        problems.append(problem)
        return problem.title
    return tr("in order, {count} conversations").format(count=count)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _display() -> str | None:
    names = ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")
    return next((f"{name}={os.environ[name]}" for name in names if os.environ.get(name)), None)


def _print(report: DoctorReport, tools: CommandContext) -> None:
    line = tools.output.line
    for name, version in report.versions.items():
        line(f"{name}: {version or tr('unknown')}")
    line(f"{report.system['platform']}, {tr('display')}: {report.system['display'] or tr('none')}")
    count = int(report.cpu["cores"])
    cores = trn("{count} core", "{count} cores", count).format(count=count)
    line(f"{report.cpu['name']}, {cores}: {' '.join(report.cpu['features'])}")
    line(
        tr("memory: {available} of {total} available").format(
            available=_size(report.memory["available"]), total=_size(report.memory["total"])
        )
    )
    for device in report.devices:
        line(f"{tr('device')} {device.name} ({device.kind}): {device.description}, {_size(device.memory_total)}")
    for folder in report.folders:
        state = tr("writable") if folder.writable else tr("NOT WRITABLE")
        line(f"{folder.purpose}: {folder.path} ({state}, {_size(folder.free)} {tr('free')})")
    for name, value in (
        (tr("engine test"), kernels_line(report.engine_test)),
        (tr("conversations file"), report.database),
        (tr("collections"), collections_line(report.collections)),
        (tr("log"), report.log),
        (tr("sandbox"), report.sandbox),
        (tr("sandbox of documents"), report.document_sandbox),
        (tr("tool servers"), tool_servers_line(report.tool_servers)),
        (tr("keyring"), report.keyring),
        (tr("policy"), policy_line(report.policy)),
        (tr("ledger"), ledger_line(report.ledger)),
        (tr("catalog"), catalog_line(report.catalog)),
        (tr("network"), network_line(report.network)),
        (tr("access tokens"), tokens_line(report.network)),
        (tr("prompt cache"), prompt_cache_line(report.prompt_cache)),
        (tr("backups"), backups_line(report.backups)),
    ):
        line(f"{name}: {value}")
    if report.load is not None:
        _print_load(report.load, tools)
    line()
    line("\n".join(report.problems) if report.problems else tr("Everything is in order."))


def _print_load(load: LoadReport, tools: CommandContext) -> None:
    line = tools.output.line
    line()
    line(tr("{model} would be loaded now like this:").format(model=load.model))
    if load.problem:
        line(load.problem)
    for each in load.choices:
        line(f"{each.name}: {each.value}. {each.reason}" + (f" [{each.override}]" if each.override else ""))
    for notice in load.notices:
        line(notice)


def _size(size: int | None) -> str:
    return tr("unknown") if size is None else size_text(size, "gigabytes")
