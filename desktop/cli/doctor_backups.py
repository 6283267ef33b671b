"""What `latchkey doctor` says of the backups that Latchkey makes by itself; its fields are part of the contract."""

import msgspec

from desktop.backup.backup_folder import BackupFolder
from desktop.byte_size import size_text
from desktop.cli.backup_command import moment
from desktop.cli.command_context import CommandContext
from desktop.translation import tr


class BackupsReport(msgspec.Struct, frozen=True):
    """The backups that Latchkey made by itself: when the last one was (RFC 3339), how many there are, their bytes, and
    whether one is made each week."""

    path: str
    automatic: str
    last: str | None
    count: int
    size: int


def inspect_backups(tools: CommandContext) -> BackupsReport:
    """The automatic backups that are there."""
    kept = BackupFolder(tools.paths.backups).all()
    last = next((moment(each.time) for each in kept if each.reason == "weekly"), None)
    size = sum(each.size for each in kept)
    return BackupsReport(str(tools.paths.backups), tools.settings.automatic_backups, last, len(kept), size)


def backups_line(report: BackupsReport) -> str:
    """It in one line."""
    off = tr("switched off") if report.automatic == "off" else tr("once a week, in a running window")
    if not report.count:
        return tr("none yet; {when}").format(when=off)
    told = tr("{count} in {path}, {size}; the last weekly one of {time}; {when}")
    size, time = size_text(report.size), report.last or "–"
    return told.format(count=report.count, path=report.path, size=size, time=time, when=off)
