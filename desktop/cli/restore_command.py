"""`latchkey restore`: what a backup holds, back into this home; and what can be read of a damaged database."""

import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop.backup.backup_reader import open_backup
from desktop.backup.database_repair import RepairReport, repair_database
from desktop.backup.restore import RestoreReport, restore_backup
from desktop.backup.restore_stage import RestoreChoices
from desktop.backup.restore_text import repair_sentences, report_sentences
from desktop.byte_size import percent_text
from desktop.cli.backup_command import contents, manifest_json, moment
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, exit_code
from desktop.cli.output import paragraph
from desktop.errors import NotFoundError, ResourceError
from desktop.paths import expanded
from desktop.translation import tr


def run(options: Namespace, tools: CommandContext) -> int:
    path = expanded(options.file)
    if options.check:
        return _check(path, options, tools)
    if not path.exists():
        raise NotFoundError(tr("There is no file {file}.").format(file=path), "", tr("Check its name and folder."))
    if _is_present_database(path, tools):
        return _repair(options, tools)

    def progress(done: int, total: int) -> None:
        tools.output.progress(tr("Reading the backup: {part}").format(part=percent_text(done, total)))

    choices = RestoreChoices(settings=options.settings, replace=options.replace)
    report = restore_backup(tools.data, path, choices, progress=progress)
    if options.json:
        tools.output.json(report_json(report))
    else:
        _say(tools, report_sentences(report))
        if not options.settings and report.kept:
            _say(tools, iter([tr("With “--settings” they are restored too; those here are then kept aside.")]))
    for problem in report.problems:
        tools.output.note(problem)
    return exit_code(ResourceError("")) if report.problems and not _only_left_out(report) else DONE


def _only_left_out(report: RestoreReport) -> bool:
    """Whether all that is missing was missing in the backup already."""
    return set(report.problems) <= set(report.plan.problems)


def _say(tools: CommandContext, sentences: Iterator[str]) -> None:
    for sentence in sentences:
        for line in paragraph(sentence):
            tools.output.line(line)


def _check(path: Path, options: Namespace, tools: CommandContext) -> int:
    with open_backup(path) as backup:
        backup.verify()
        manifest = backup.manifest
    if options.json:
        tools.output.json({"file": str(path), "ok": True, **manifest_json(manifest)})
        return DONE
    tools.output.line(
        tr("The backup is whole. It was made at {time} by Latchkey {version}.").format(
            time=moment(manifest.created), version=manifest.app_version
        )
    )
    tools.output.line(contents(manifest))
    for sentence in manifest.left_out:
        tools.output.note(sentence)
    return DONE


def _is_present_database(path: Path, tools: CommandContext) -> bool:
    try:
        return path.samefile(tools.paths.database_file)
    except OSError:
        return False


def _repair(options: Namespace, tools: CommandContext) -> int:
    report = repair_database(tools.data, time.time())
    if options.json:
        tools.output.json(_repair_json(report))
    elif report is None:
        tools.output.line(tr("The conversations here are not damaged: nothing was changed."))
    else:
        _say(tools, repair_sentences(report))
    return DONE


def _repair_json(report: RepairReport | None) -> dict[str, Any]:
    if report is None:
        return {"damaged": False}
    return {
        "damaged": True,
        "conversations": report.merge.conversations,
        "messages": report.merge.messages,
        "recovered": report.salvage.headless,
        "lost": report.salvage.lost + report.merge.unreadable,
        "cut": report.salvage.cut,
        "in_part": report.merge.in_part,
        "taken_ids": report.merge.taken_ids,
        "kept": str(report.kept),
    }


def report_json(report: RestoreReport) -> dict[str, Any]:
    """What came of a restore, as `--json` gives it."""
    merge, ledger = report.merge, report.ledger
    return {
        "file": report.plan.file,
        "created": None if report.created is None else moment(report.created),
        "conversations": merge.conversations,
        "messages": merge.messages,
        "folders": merge.folders,
        "extended": merge.extended,
        "unchanged": merge.unchanged,
        "in_bin": merge.in_bin,
        "unreadable": merge.unreadable,
        "in_part": merge.in_part,
        "taken_ids": merge.taken_ids,
        "salvaged": report.plan.salvaged,
        "files": report.files,
        "kept_aside": report.aside,
        "not_restored": report.kept,
        "ledger": {
            "added": ledger.added,
            "known": ledger.known,
            "left_out": ledger.left_out,
            "held": ledger.held,
            "reason": ledger.reason or None,
        },
        "problems": report.problems,
        "safety": None if report.safety is None else str(report.safety),
    }
