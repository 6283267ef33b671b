"""How one family is spoken to, as its publisher documents it, and the vocabulary that its models have."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desktop.conversation import ChatMessage
from tests.fakes.tiny_gguf import Vocabulary
from tests.fakes.vocabularies import family_vocabulary

QUESTION = ChatMessage.from_text("user", "What is a ledger?")
TALK = (
    ChatMessage.from_text("system", "You are a careful assistant."),
    QUESTION,
    ChatMessage.from_text("assistant", "A book of records."),
    ChatMessage.from_text("user", "Who keeps it?"),
)


@dataclass(frozen=True)
class Family:
    """`published` is what a model reads for TALK, `alone` for QUESTION where the format has a system text of its own.

    Both begin with the begin token where its models are given one; `<today %Y>` in them stands for the day, so written.
    `prompt` is the catalog's id, `vocabulary` the kind (see `family_vocabulary`).
    """

    prompt: str
    vocabulary: str
    published: str
    alone: str = ""
    bos: str = "<s>"
    eos: str = "</s>"
    controls: tuple[str, ...] = ()
    add_bos: bool = True
    space_prefix: bool = True

    def words(self, pieces: Sequence[str] = (), *, eos: str = "") -> Vocabulary:
        """Its vocabulary, with `pieces` of text besides; `eos` for another end token than its own."""
        return family_vocabulary(
            self.vocabulary,
            bos=self.bos,
            eos=eos or self.eos,
            controls=(*self.controls, self.eos),
            pieces=pieces,
            add_bos=self.add_bos,
            space_prefix=self.space_prefix,
        )

    def squeezed(self, text: str) -> str:
        """`text` without the space that SPM vocabularies put behind control tokens and at the beginning."""
        if self.vocabulary != "spm" or not self.space_prefix:
            return text
        marks = "|".join(re.escape(token) for token in (self.bos, self.eos, *self.controls))
        return re.sub(rf"({marks}|^) ", r"\1", text)


def on(day: datetime, text: str) -> str:
    """`text` with the day written in."""
    return re.sub(r"<today (.+?)>", lambda found: day.strftime(found[1]), text)
