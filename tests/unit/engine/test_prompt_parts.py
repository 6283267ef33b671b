"""What parts of a prompt take: the tokens that spell them, as they stand in the prompt."""

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.worker.prompt_parts import PromptParts, count_parts
from desktop.engine.worker_messages import GenerateRequest

TURNS = (
    ChatMessage.from_text("system", " Be brief.\n"),
    ChatMessage.from_text("user", "[one]\n\nWhy?"),
    ChatMessage.from_text("assistant", "[two] is so."),
    ChatMessage.from_text("user", "[two, é]\n\nHow?"),
)
SPANS = ((1, 0, 5), (3, 0, 8))


@pytest.mark.parametrize(
    ("spelled", "turns", "dropped", "parts"),
    [
        ("|Be| brief|.||[one|]|Why?|[two] is so.|[|two,| é|]\n\nHow|?|", TURNS, 0, (3, 6)),
        ("|Be brief|. |[on|e]\n|Why?|[two] is so.|\n[two, é|] |How?|", TURNS, 0, (2, 4)),
        ("||Be brief.|||[two, é]||How?", TURNS, 2, (1, 1)),
        ("Be brief.[one]Why?[two] is so.[two,e]How?", TURNS, 0, (None, None)),
        ("BE BRIEF.|[one]|Why?[two] is so.[two, é]How?", TURNS, 0, (None, None)),
        ("[one]|Why?|[two] is so.|[two|, é]|How?", TURNS[1:], 0, (0, 3)),
    ],
    ids=["each its own", "over the ends", "left out", "another spelling", "another system text", "no system"],
)
def test_parts_take_the_tokens_that_spell_them(
    spelled: str, turns: tuple[ChatMessage, ...], dropped: int, parts: tuple[int | None, int | None]
) -> None:
    spans = SPANS if turns is TURNS else tuple((place - 1, start, end) for place, start, end in SPANS)
    pieces = [piece.encode() for piece in spelled.split("|")]
    assert count_parts(pieces, GenerateRequest(1, turns, document_spans=spans), dropped) == PromptParts(*parts)
