"""What a person asks for in the sidebar, as values."""

from dataclasses import dataclass
from typing import Literal

RequestKind = Literal[
    "pin",
    "unpin",
    "move",
    "tag",
    "untag",
    "archive",
    "unarchive",
    "delete",
    "restore",
    "erase",
    "new-folder",
    "new-chat",
    "fold",
    "unfold",
    "place-folder",
    "folder-model",
    "delete-folder",
    "export",
    "print",
]


@dataclass(frozen=True)
class OrderRequest:
    """Something to be done with conversations (`ids`) or a folder. `folder_id` is where "move" puts them, None for no
    folder; `tag` what "tag" and "untag" are about; `position` where "place-folder" puts the folder; `model_id` what new
    conversations in it begin with, None for the model in use. "export" without ids is about all of them."""

    kind: RequestKind
    ids: tuple[str, ...] = ()
    folder_id: str | None = None
    tag: str = ""
    position: int = 0
    model_id: str | None = None
