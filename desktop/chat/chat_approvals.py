"""What a person allowed for one chat: kept in memory, for as long as the program runs and the chat is there."""

from collections.abc import Iterable

from desktop.tools.tool_permission import ToolApproval


class ChatApprovals:
    """By the ids of conversations. Shared by all windows; on the main thread alone."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[ToolApproval, ...]] = {}

    def add(self, conversation_id: str, approval: ToolApproval) -> None:
        """A person allowed a tool for this chat."""
        self._given[conversation_id] = tuple(dict.fromkeys((*self.of(conversation_id), approval)))

    def of(self, conversation_id: str) -> tuple[ToolApproval, ...]:
        """All that was allowed for this chat."""
        return self._given.get(conversation_id, ())

    def forget(self, conversation_ids: Iterable[str]) -> None:
        """These chats were deleted: what was allowed for them holds no more."""
        for conversation_id in conversation_ids:
            self._given.pop(conversation_id, None)
