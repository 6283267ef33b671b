"""The readers of all exports that are understood."""

from desktop.chat.importers.imported_conversation import ConversationReader
from desktop.chat.importers.latchkey_reader import LatchkeyReader
from desktop.chat.importers.llama_ui_reader import LlamaUiReader
from desktop.chat.importers.sharegpt_reader import ShareGptReader


def all_readers() -> tuple[ConversationReader, ...]:
    """One of each, in the order in which they are asked: what many programs write comes last."""
    return (LatchkeyReader(), LlamaUiReader(), ShareGptReader())
