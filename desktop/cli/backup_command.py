"""`latchkey backup`: everything of a person's in one file."""

import datetime
import os
from argparse import Namespace
from typing import Any

from desktop.backup.backup_folder import BackupFolder
from desktop.backup.backup_manifest import BackupManifest
from desktop.backup.backup_writer import write_backup
from desktop.backup.restore import resume_restore
from desktop.byte_size import percent_text, size_text
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError
from desktop.errors import NotFoundError
from desktop.paths import expanded
from desktop.translation import tr, trn


def run(options: Namespace, tools: CommandContext) -> int:
    if options.list:
        _list(options, tools)
        return DONE
    if not options.file:
        raise UsageError(tr("The file to write is missing."), "", tr("Name one: “latchkey backup FILE”."))
    path = expanded(options.file)
    if os.path.lexists(path) and not options.force:
        raise UsageError(
            tr("{file} is there already.").format(file=path), "", tr("Choose another name, or say “--force”.")
        )
    if not tools.data.exists():
        raise NotFoundError(tr("There is nothing to back up yet."), "", tr("Ask something first."))

    resume_restore(tools.data)

    def progress(done: int, total: int) -> None:
        tools.output.progress(tr("Backing up: {part}").format(part=percent_text(done, total)))

    written = write_backup(tools.data, path, overwrite=options.force, progress=progress)
    if options.json:
        tools.output.json({"file": str(written.file), "size": written.size, **manifest_json(written.manifest)})
        return DONE
    tools.output.line(tr("Wrote {file}: {size}, read again and whole.").format(file=path, size=size_text(written.size)))
    tools.output.line(contents(written.manifest))
    tools.output.line(tr("Access tokens, keys and models are in no backup."))
    for sentence in written.manifest.left_out:
        tools.output.note(sentence)
    return DONE


def _list(options: Namespace, tools: CommandContext) -> None:
    kept = BackupFolder(tools.paths.backups).all()
    if options.json:
        tools.output.json(
            [
                {"file": str(each.file), "reason": each.reason, "created": moment(each.time), "size": each.size}
                for each in kept
            ]
        )
    elif kept:
        tools.output.table([(moment(each.time), each.reason, size_text(each.size), str(each.file)) for each in kept])
    else:
        tools.output.note(tr("Latchkey has made no backup by itself yet; a running window does so once a week."))


def manifest_json(manifest: BackupManifest) -> dict[str, Any]:
    """What a backup holds, as `--json` gives it."""
    counts = manifest.counts
    return {
        "created": moment(manifest.created),
        "app_version": manifest.app_version,
        "conversations": counts.conversations,
        "messages": counts.messages,
        "folders": counts.folders,
        "attachments": counts.attachments,
        "ledger_records": counts.ledger_records,
        "collections": counts.collections,
        "files": [each.name for each in manifest.members if not each.name.startswith("attachments/")],
        "left_out": list(manifest.left_out),
    }


def contents(manifest: BackupManifest) -> str:
    """What a backup holds, in one line."""
    counts = manifest.counts
    parts = [
        trn("{count} conversation", "{count} conversations", counts.conversations).format(count=counts.conversations),
        trn("{count} message", "{count} messages", counts.messages).format(count=counts.messages),
        trn("{count} image", "{count} images", counts.attachments).format(count=counts.attachments),
        trn("{count} record of the ledger", "{count} records of the ledger", counts.ledger_records).format(
            count=counts.ledger_records
        ),
    ]
    if counts.collections:
        words = trn("{count} collection of documents", "{count} collections of documents", counts.collections)
        parts.append(words.format(count=counts.collections))
    files = [each.name.rpartition("/")[2] for each in manifest.members if each.name.startswith("config/")]
    return ", ".join([*parts, *files])


def moment(seconds: float) -> str:
    """A time as RFC 3339 has it, in UTC, to the second."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
