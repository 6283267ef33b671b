"""What a person sets for the answers of one conversation, of its folder or of a model: changed value by value."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from desktop.background import Background
from desktop.chat.answer_settings import MAX_TOKENS, AnswerPlace, preset_names
from desktop.chat.chat_events import AnswerPlaceChanged, ChatEvent
from desktop.chat.preset_file import PresetFile
from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.generation_options import SamplingParams
from desktop.errors import UserError
from desktop.settings import ModelSettings, Settings
from desktop.storage.chat_options_store import ChatOptionsStore
from desktop.struct_repair import without_lone_surrogates

OptionsHolder = TypeVar("OptionsHolder", Conversation, Folder, ModelSettings)
OptionChanges = Mapping[str, Any]
"""New values by name: "system_prompt", the fields of `ChatOptions`, and those of its sampling; None or "": not set."""
LOAD_FIELDS = ("threads", "gpu_layers", "parallel", "key_type", "value_type")
"""What a model's settings say of its loading, the context length apart. They take them as `OptionChanges` as well."""
ConversationChange = Callable[[Conversation], Conversation]
_SAMPLING = frozenset((*SamplingParams.__struct_fields__, MAX_TOKENS))


def changed_options(holder: OptionsHolder, changes: OptionChanges) -> OptionsHolder:
    """`holder` with `changes` made to its system prompt and options."""
    sampling = dict(holder.options.sampling)
    own: dict[str, Any] = {}
    for name, value in changes.items():
        if name in _SAMPLING:
            sampling[name] = value
        elif name != "system_prompt":
            own[name] = _stored_option(name, value)
    own["sampling"] = {name: value for name, value in sampling.items() if value is not None}
    prompt = {"system_prompt": changes["system_prompt"] or ""} if "system_prompt" in changes else {}
    if isinstance(holder, ModelSettings):
        return msgspec.structs.replace(holder, **own, **prompt)
    options = without_lone_surrogates(msgspec.structs.replace(holder.options, **own))
    return msgspec.structs.replace(holder, options=options, **prompt)


def own_values(holder: Conversation | Folder | ModelSettings) -> dict[str, Any]:
    """What `holder` itself says, by the names of `OptionChanges`."""
    options = holder.options
    said = {name: getattr(options, name) for name in ChatOptions.__struct_fields__ if name != "sampling"}
    said |= options.sampling | {"system_prompt": holder.system_prompt or None}
    if isinstance(holder, ModelSettings):
        said |= {name: getattr(holder, name) for name in LOAD_FIELDS}
    return {name: value for name, value in said.items() if value not in (None, ())}


def _stored_option(name: str, value: Any) -> Any:
    if name in ("collections", "tools"):
        return tuple(value or ())
    return value or None if name == "preset" else value


class AnswerPlaces:
    """Reads where answers are asked for: on the database's thread. Without `presets` there are none."""

    def __init__(self, store: ChatOptionsStore, presets: PresetFile | None, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._presets = presets
        self._settings = settings

    def read(self, conversation_id: str, model_id: str) -> AnswerPlace:
        """The place of an answer of the model `model_id`. Raises UserError where it, or a preset that is named, cannot
        be read."""
        head, folder = self._store.place_of(conversation_id)
        place = AnswerPlace(head, folder)
        named = preset_names(self._settings(), model_id, place)
        if not named or self._presets is None:
            return place
        found = {name: preset for name in named if (preset := self._presets.followed(name)) is not None}
        return msgspec.structs.replace(place, presets=found)


class ConversationOptions:
    """Every method is called on the main thread and returns at once. `tell` is the listener of the chat session;
    `change_fresh` changes the conversation of this id where it is not stored yet, and gives it, else None."""

    def __init__(
        self,
        store: ChatOptionsStore,
        background: Background,
        change_fresh: Callable[[str, ConversationChange], Conversation | None],
        tell: Callable[[ChatEvent], None],
        failed: Callable[[str | None], Callable[[UserError], None]],
    ) -> None:
        self._store = store
        self._background = background
        self._change_fresh = change_fresh
        self._tell = tell
        self._failed = failed

    def change(self, conversation_id: str, changes: OptionChanges) -> None:
        """Make `changes` to what the answers of a conversation are asked with. AnswerPlaceChanged."""
        change = lambda head: changed_options(head, changes)  # noqa: E731 - one change for both places
        fresh = self._change_fresh(conversation_id, change)

        def told(head: Conversation | None) -> None:
            if (now := head or fresh) is not None:
                self._tell(AnswerPlaceChanged(now, None))

        # Asked of the database as well: it may just be storing a fresh one as it was before.
        self._background.database(
            lambda: self._store.change_conversation(conversation_id, change), told, self._failed(conversation_id)
        )

    def change_folder(self, folder_id: str, changes: OptionChanges) -> None:
        """Make `changes` to what answers in a folder are asked with. AnswerPlaceChanged."""

        def told(folder: Folder | None) -> None:
            if folder is not None:
                self._tell(AnswerPlaceChanged(None, folder))

        self._background.database(
            lambda: self._store.change_folder(folder_id, lambda folder: changed_options(folder, changes)),
            told,
            self._failed(None),
        )

    def read_folder(self, folder_id: str, on_result: Callable[[Folder | None], None]) -> None:
        """Read a folder; `on_result` is called on the main thread. ChatFailed otherwise."""
        self._background.database(lambda: self._store.folder(folder_id), on_result, self._failed(None))
