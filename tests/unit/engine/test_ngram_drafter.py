"""What stood before is found again, and what is kept of it stays right whatever is forgotten."""

import random
from itertools import pairwise

from desktop.engine.worker.ngram_drafter import NgramDrafter

CODE = random.Random(3).choices(range(300), k=400)


def drafter(*tokens: int) -> NgramDrafter:
    made = NgramDrafter()
    made.extend(tokens)
    return made


def steps(prompt: list[int], answer: list[int], most: int = 8) -> float:
    """How many tokens each step gives, where right guesses cost none of their own."""
    made, at, count = drafter(*prompt), 0, 0
    while at < len(answer):
        right = 0
        for guess in made.draft(most):
            if guess != answer[min(at + right, len(answer) - 1)]:
                break
            right += 1
        made.extend(answer[at : at + right + 1])
        at, count = at + right + 1, count + 1
    return len(answer) / count


def test_what_followed_the_same_tokens_before_is_guessed() -> None:
    assert drafter(1, 2, 3, 4, 5, 6, 1, 2).draft(3) == [3, 4, 5]
    assert drafter(1, 2, 3, 4).draft(3) == []
    assert drafter(1, 2, 3, 9, 1, 2).draft(0) == []
    assert drafter().draft(3) == []


def test_the_longest_agreement_wins_and_among_equals_the_most_recent() -> None:
    made = drafter(7, 8, 1, 2, 10, 5, 8, 1, 2, 11, 7, 8, 1, 2)
    assert made.draft(1) == [10]
    assert made.matched == 4
    assert drafter(1, 2, 10, 1, 2, 11, 1, 2).draft(1) == [11]


def test_text_that_repeats_itself_is_guessed_beyond_its_end() -> None:
    assert drafter(1, 2, 3, 1, 2, 3).draft(8) == [1, 2, 3, 1, 2, 3, 1, 2]
    assert drafter(5, 5, 5).draft(4) == [5, 5, 5, 5]


def test_a_place_that_was_right_so_far_is_preferred_to_a_more_recent_one() -> None:
    made = drafter(1, 2, 3, 4, 5, 6, 7, 0, 4, 5, 6, 9, 0, 1, 2, 3, 4)
    assert made.draft(2) == [5, 6]
    made.extend([5, 6])
    assert made.draft(1) == [7]


def test_a_copy_with_changes_is_taken_up_again_after_each() -> None:
    assert steps(CODE, CODE) > 7.5
    assert steps(CODE, [*CODE[:200], 999, *CODE[201:]]) > 7, "one token changed"
    assert steps(CODE, [*CODE[:100], *CODE[110:]]) > 7, "a piece left out"
    assert steps(CODE, [*CODE[:100], *range(900, 910), *CODE[100:]]) > 5.5, "a piece put in"
    renamed = [999 if index % 20 == 5 else token for index, token in enumerate(CODE)]
    assert steps(CODE, renamed) > 4.5


def test_without_repetition_nothing_is_guessed() -> None:
    assert not any(drafter(*range(count)).draft(4) for count in range(0, 200, 7))


def test_replacing_gives_what_a_fresh_start_gives() -> None:
    chance = random.Random(5)
    for _ in range(200):
        first = [chance.randrange(3) for _ in range(40)]
        second = first[: chance.randrange(40)] + [chance.randrange(3) for _ in range(chance.randrange(20))]
        made = drafter(*first)
        made.draft(4)
        made.replace(second)
        fresh = drafter(*second)
        assert made.tokens == second
        assert made.draft(6) == fresh.draft(6)
        assert made.matched == fresh.matched
        made.extend(first)
        fresh.extend(first)
        assert made.draft(6) == fresh.draft(6)


def test_guesses_are_what_a_search_finds() -> None:
    chance = random.Random(8)
    for _ in range(300):
        tokens = [chance.randrange(4) for _ in range(chance.randrange(2, 30))]
        stood = tuple(tokens[-2:]) in list(pairwise(tokens[:-1]))
        assert bool(drafter(*tokens).draft(1)) == stood, tokens
