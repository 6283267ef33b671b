"""What came of an import, in sentences."""

from collections.abc import Sequence

from desktop.chat.importers.conversation_importer import ChatImportResult
from desktop.translation import tr, trn


def result_text(result: ChatImportResult) -> str:
    """How many chats came and from where, how many were here already, and whether all of it was read."""
    count = result.conversations
    if result.app:
        came = trn("{count} chat came from {app}.", "{count} chats came from {app}.", count)
    else:
        came = trn("{count} chat came.", "{count} chats came.", count)
    sentences = [came.format(count=f"{count:,}", app=result.app)]
    if result.archived:
        archived = trn("{count} of them is in the archive.", "{count} of them are in the archive.", result.archived)
        sentences.append(archived.format(count=f"{result.archived:,}"))
    if result.stopped:
        sentences.append(tr("The rest was cancelled."))
    if result.known:
        known = trn("{count} was here already.", "{count} were here already.", result.known)
        sentences.append(known.format(count=f"{result.known:,}"))
    if result.added:
        added = trn(
            "{count} new message came into chats that were here.",
            "{count} new messages came into chats that were here.",
            result.added,
        )
        sentences.append(added.format(count=f"{result.added:,}"))
    if result.skipped:
        skipped = trn(
            "{count} thing was not taken as it was:", "{count} things were not taken as they were:", len(result.skipped)
        )
        sentences.append(skipped.format(count=len(result.skipped)))
    return " ".join(sentences)


def brief_text(results: Sequence[ChatImportResult]) -> str:
    """How many chats came of all that was imported, and whether anything failed."""
    came = sum(result.conversations for result in results)
    text = trn("{count} chat was imported.", "{count} chats were imported.", came).format(count=f"{came:,}")
    failed = next((result.error for result in results if result.error is not None), None)
    return text if failed is None else f"{text} {failed.title}"
