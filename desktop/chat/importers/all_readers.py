"""The readers of all exports that are understood."""

from desktop.chat.importers.chatgpt_reader import ChatGptReader
from desktop.chat.importers.claude_reader import ClaudeReader
from desktop.chat.importers.gpt4all_reader import Gpt4AllReader
from desktop.chat.importers.imported_conversation import ConversationReader
from desktop.chat.importers.jan_reader import JanReader
from desktop.chat.importers.latchkey_reader import LatchkeyReader
from desktop.chat.importers.llama_ui_reader import LlamaUiReader
from desktop.chat.importers.lm_studio_reader import LmStudioReader
from desktop.chat.importers.open_webui_reader import OpenWebUiReader
from desktop.chat.importers.sharegpt_reader import ShareGptReader


def all_readers() -> tuple[ConversationReader, ...]:
    """One of each, in the order in which they are asked: what many programs write comes last."""
    return (
        LatchkeyReader(),
        ChatGptReader(),
        ClaudeReader(),
        LmStudioReader(),
        JanReader(),
        Gpt4AllReader(),
        OpenWebUiReader(),
        LlamaUiReader(),
        ShareGptReader(),
    )
