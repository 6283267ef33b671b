"""What holds for one answer alone."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from desktop.chat.answer_settings import OptionsChange
from desktop.conversation import ContextChoice, Message, ModelReference
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams


@dataclass(frozen=True)
class AnsweringModel:
    """The model that gives one answer in place of the one chosen: how it is loaded, what it is called, its file."""

    params: LoadParams
    reference: ModelReference
    path: Path


class AnswerOverrides(msgspec.Struct, frozen=True):
    """What holds for one answer alone, in place of the options that count otherwise, of the system prompt that does,
    of what was chosen for a full context, of the collections to search and of the tool servers to offer; None: nothing
    does. `change` is what it changes of the options. With `again` that answer is made again: asked for with these
    options as they are, while nothing else is answered. `given_by` takes the place of the model chosen."""

    options: GenerationOptions | None = None
    system_prompt: str | None = None
    context_full: ContextChoice | None = None
    change: OptionsChange | None = None
    again: Message | None = None
    given_by: AnsweringModel | None = None
    collections: tuple[str, ...] | None = None
    tools: tuple[str, ...] | None = None


NO_OVERRIDES = AnswerOverrides()
