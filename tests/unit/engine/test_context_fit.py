"""What is left out where a conversation does not fit: whole rounds, the oldest first; never what is pinned."""

import itertools
from collections.abc import Sequence

import pytest

from desktop.conversation import ChatMessage, ChatRole
from desktop.engine.engine_errors import error_from_event, failure_event
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.context_fit import ContextFit, TokenizedTurns, droppable_counts, without_oldest
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError, EngineError
from tests.unit.engine.test_prompts import FAMILIES, PROMPTS

LIMIT = 100


def turn(role: ChatRole, words: str, *, pinned: bool = False) -> ChatMessage:
    return ChatMessage(role, ChatMessage.from_text(role, words).parts, pinned)


def talk(rounds: int, *, pinned: Sequence[int] = ()) -> list[ChatMessage]:
    """A system message, and rounds of twice ten words; those `pinned` are pinned by their answers."""
    made = [turn("system", "be brief")]
    for number in range(rounds):
        made += [turn("user", f"q{number} " + "w " * 9), turn("assistant", f"a{number} " + "w " * 9)]
        made[-1] = turn("assistant", made[-1].text, pinned=number in pinned)
    return made[:-1]


def count_words(turns: Sequence[ChatMessage]) -> TokenizedTurns:
    return TokenizedTurns(list(range(sum(len(each.text.split()) for each in turns))), "")


def request(turns: Sequence[ChatMessage], **more: object) -> GenerateRequest:
    options = GenerationOptions(context_full=more.pop("context_full", "drop-oldest"))  # type: ignore[arg-type]
    return GenerateRequest(1, tuple(turns), options, "c", **more)  # type: ignore[arg-type]


def heads(turns: Sequence[ChatMessage]) -> list[str]:
    return [each.text.split()[0] for each in turns]


def fitted(turns: Sequence[ChatMessage]) -> list[str]:
    """The first words of the messages that stay."""
    _, dropped = ContextFit(LIMIT).fit(request(turns), count_words)
    return heads(without_oldest(turns, dropped))


def test_what_fits_with_room_for_an_answer_is_whole() -> None:
    assert ContextFit(LIMIT).fit(request(talk(4)), count_words)[1] == 0
    assert ContextFit(LIMIT).fit(request(talk(5)), count_words)[1] > 0


def test_system_and_last_round_stay_and_questions_go_with_their_answers() -> None:
    assert fitted(talk(7)) == ["be", "q5", "a5", "q6"]
    long = [*talk(7)[:-1], turn("user", "last " * 80)]
    assert fitted(long) == ["be", "last"]


def test_a_pinned_answer_stays_with_its_question() -> None:
    assert fitted(talk(7, pinned=[1])) == ["be", "q1", "a1", "q6"]
    assert fitted(talk(7, pinned=[1, 3])) == ["be", "q1", "a1", "q3", "a3", "q6"], (
        "less room stays, nothing pinned goes"
    )


def test_what_is_pinned_may_be_too_much_and_that_is_told() -> None:
    with pytest.raises(EngineError, match="unpin"):
        ContextFit(LIMIT).fit(request(talk(7, pinned=range(6))), count_words)


def test_results_of_tools_go_with_their_calls() -> None:
    turns = talk(3)
    turns[3:3] = [turn("tool", "result"), turn("assistant", "after")]
    assert droppable_counts(turns) == [4, 6]
    assert heads(without_oldest(turns, 4)) == ["be", "q1", "a1", "q2"]


def test_the_same_ones_are_left_out_until_more_have_to_go() -> None:
    fit = ContextFit(LIMIT)
    counts = [fit.fit(request(talk(rounds)), count_words)[1] for rounds in range(5, 14)]
    assert counts == sorted(counts)
    assert len(set(counts)) <= len(counts) / 2


def test_a_new_worker_leaves_out_what_the_last_answer_did_without() -> None:
    """What it has in memory of the prompt then begins the same."""
    assert ContextFit(LIMIT).fit(request(talk(6), dropped_messages=4), count_words)[1] == 4
    assert ContextFit(LIMIT).fit(request(talk(6)), count_words)[1] == 8
    assert ContextFit(LIMIT).fit(request(talk(6), dropped_messages=2), count_words)[1] == 8, "no longer enough"
    assert ContextFit(LIMIT).fit(request(talk(6), dropped_messages=3), count_words)[1] == 8, "no whole round"


def test_where_none_may_be_left_out_it_is_refused_by_an_error_of_its_own() -> None:
    with pytest.raises(ContextFullError) as caught:
        ContextFit(LIMIT).fit(request(talk(5), context_full="stop"), count_words)
    told = error_from_event(failure_event(1, caught.value))
    assert type(told) is ContextFullError
    assert told.needed_tokens == len(count_words(talk(5)).tokens)
    assert "100" in told.detail
    assert ContextFit(LIMIT).fit(request(talk(4), context_full="stop"), count_words)[1] == 0


def test_a_single_turn_is_answered_as_there_is_nothing_to_choose() -> None:
    long = [turn("user", "w " * 90)]
    assert ContextFit(LIMIT).fit(request(long, context_full="stop"), count_words)[1] == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_no_template_is_broken_whatever_goes(name: str) -> None:
    """Strict templates refuse roles that do not alternate, or a conversation that does not begin with the person."""
    family = FAMILIES[name]
    template = ChatTemplate(PROMPTS[name]["template"], family.bos, family.eos)
    for pinned in ((), (0,), (1, 2), (3,)):
        turns = talk(5, pinned=pinned)
        for dropped in (0, *droppable_counts(turns)):
            kept = without_oldest(turns, dropped)
            roles = [each.role for each in kept[1:]]
            assert roles[::2] == ["user"] * len(roles[::2])
            assert all(one != other for one, other in itertools.pairwise(roles))
            text = template.render(kept)
            assert all(f"a{number}" in text for number in pinned)
            assert "q4" in text
