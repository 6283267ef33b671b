"""What came of an import, in sentences."""

from desktop.chat.importers.conversation_importer import ImportResult
from desktop.translation import tr, trn


def result_text(result: ImportResult) -> str:
    """How many chats came and from where, how many were here already, and whether all of it was read."""
    count = result.conversations
    if result.app:
        came = trn("{count} chat came from {app}.", "{count} chats came from {app}.", count)
    else:
        came = trn("{count} chat came.", "{count} chats came.", count)
    sentences = [came.format(count=count, app=result.app)]
    if result.archived:
        archived = trn("{count} of them is in the archive.", "{count} of them are in the archive.", result.archived)
        sentences.append(archived.format(count=result.archived))
    if result.stopped:
        sentences.append(tr("The rest was cancelled."))
    if result.known:
        known = trn("{count} was here already.", "{count} were here already.", result.known)
        sentences.append(known.format(count=result.known))
    if result.added:
        added = trn(
            "{count} new message came into chats that were here.",
            "{count} new messages came into chats that were here.",
            result.added,
        )
        sentences.append(added.format(count=result.added))
    if result.skipped:
        skipped = trn(
            "{count} thing was not taken as it was:", "{count} things were not taken as they were:", len(result.skipped)
        )
        sentences.append(skipped.format(count=len(result.skipped)))
    return " ".join(sentences)
