"""What `latchkey doctor` says of the collections of documents; its fields are part of the contract."""

import msgspec

from desktop.byte_size import size_text
from desktop.cli.command_context import CommandContext
from desktop.errors import UserError
from desktop.translation import tr, trn


class CollectionsReport(msgspec.Struct, frozen=True):
    """The collections: their file, its bytes, and how many collections, files and pages are in it. `reason` says why
    it cannot be read."""

    path: str
    size: int = 0
    collections: int = 0
    files: int = 0
    pages: int = 0
    unread: int = 0
    reason: str | None = None


def check_collections(tools: CommandContext, problems: list[UserError]) -> CollectionsReport:
    """What there is. That the file cannot be read, or does not hold, is added to `problems`."""
    path = tools.paths.documents_file
    if not path.exists():
        return CollectionsReport(str(path))
    size = path.stat().st_size
    try:
        tools.documents.open()
        found = tools.collections.collections()
    except UserError as problem:
        problems.append(problem)
        return CollectionsReport(str(path), size, reason=problem.title)
    return CollectionsReport(
        str(path),
        size,
        len(found),
        sum(each.files for each in found),
        sum(each.pages for each in found),
        sum(each.unread for each in found),
    )


def collections_line(report: CollectionsReport) -> str:
    """It in one line."""
    if report.reason is not None:
        return report.reason
    if not report.collections:
        return tr("none yet")
    parts = [
        trn("{count} collection", "{count} collections", report.collections).format(count=report.collections),
        trn("{count} file", "{count} files", report.files).format(count=report.files),
        trn("{count} page", "{count} pages", report.pages).format(count=report.pages),
        size_text(report.size),
    ]
    if report.unread:
        parts.append(trn("{count} not read", "{count} not read", report.unread).format(count=report.unread))
    return ", ".join(parts)
