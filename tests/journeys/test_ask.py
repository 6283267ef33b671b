"""`latchkey ask`: one question, one answer, with the model that travels with the app."""

import hashlib

import pytest

from desktop.paths import find_paths
from tests.journeys.command import latchkey

pytestmark = pytest.mark.usefixtures("accepted")

FIELDS = {
    "text": str,
    "thinking": str,
    "model": str,
    "file_sha256": str,
    "prompt_tokens": int,
    "cached_tokens": int,
    "generated_tokens": int,
    "time_to_first_token_s": float,
    "tokens_per_s": float,
    "cache": dict,
    "stop_reason": str,
    "seed": int,
    "engine": str,
    "speculation": dict,
    "tool_calls": list,
}


def test_a_question_gets_an_answer_and_nothing_is_kept() -> None:
    ran = latchkey("ask", "How do I add a model?", "--temperature", "0")
    assert ran.code == 0, ran
    assert ran.err == ""
    assert "model" in ran.out.lower()
    assert ran.out.endswith("\n")
    assert not ran.out.endswith("\n\n")
    assert not find_paths().database_file.exists()


def test_json_holds_exactly_the_fields_of_the_contract() -> None:
    ran = latchkey("ask", "What is Latchkey?", "--json")
    assert ran.code == 0, ran
    assert ran.err == ""
    answer = ran.json
    assert {name: type(value) for name, value in answer.items()} == FIELDS
    assert answer["model"] == "latchkey-guide"
    assert answer["file_sha256"] == hashlib.sha256(find_paths().builtin_model.read_bytes()).hexdigest()
    assert answer["stop_reason"] == "end"
    assert answer["text"].strip()
    assert answer["prompt_tokens"] > 0
    assert answer["generated_tokens"] > 1
    assert answer["time_to_first_token_s"] > 0
    assert answer["tokens_per_s"] > 0
    assert answer["cache"] == {"memory_tokens": 0, "disk_tokens": 0}
    assert set(answer["speculation"]) == {"drafted", "accepted"}


def test_guessing_ahead_can_be_asked_for_and_left_off_and_gives_the_same_text() -> None:
    words = "the of and to in is it you that he was for on are with have the of and to in is it you that he was for on "
    line = ["ask", words, "--ignore-eos", "--temperature", "0", "--max-tokens", "200", "--json", "--speculation"]
    plain, guessed = latchkey(*line, "off").json, latchkey(*line, "on").json
    assert plain["speculation"] == {"drafted": 0, "accepted": 0}
    assert 0 < guessed["speculation"]["accepted"] <= guessed["speculation"]["drafted"]
    assert guessed["text"] == plain["text"]


def test_a_draft_model_guesses_too_and_has_to_be_accepted_as_well() -> None:
    builtin = str(find_paths().builtin_model)
    line = ["ask", "What is Latchkey?", "--json", "--speculation", "on", "--temperature", "0"]
    told = latchkey(*line, "--draft-model", builtin)
    assert told.code == 0, told
    assert told.json["speculation"]["accepted"] > 0
    assert latchkey(*line, "--draft-model", "no-such-model").code == 3
    assert latchkey(*line, "--draft-model", builtin, "--conversation", "new").code == 2


def test_the_question_may_come_from_standard_input() -> None:
    options = ["--temperature", "0", "--json"]
    spoken = latchkey("ask", "What is a license?", *options).json
    piped = latchkey("ask", "-", *options, stdin="What is a license?").json
    assert piped["text"] == spoken["text"]
    assert piped["prompt_tokens"] == spoken["prompt_tokens"]


def test_without_a_display_what_is_piped_in_is_answered() -> None:
    ran = latchkey(stdin="What is Latchkey?\n")
    assert ran.code == 0, ran
    assert ran.out.strip()
    assert not find_paths().database_file.exists()


def test_a_seed_makes_an_answer_repeatable_and_another_seed_another_answer() -> None:
    def answer(seed: int) -> str:
        line = ["ask", "a", "--raw-prompt", "--temperature", "3", "--max-tokens", "60", "--json"]
        told = latchkey(*line, "--seed", str(seed)).json
        assert told["seed"] == seed
        return str(told["text"])

    assert answer(7) == answer(7)
    assert answer(7) != answer(8)


def test_an_answer_told_with_its_seed_can_be_had_again() -> None:
    line = ["ask", "a", "--raw-prompt", "--temperature", "3", "--max-tokens", "60", "--json"]
    first = latchkey(*line).json
    again = latchkey(*line, "--seed", str(first["seed"])).json
    assert again["text"] == first["text"]


def test_max_tokens_ends_the_answer_there() -> None:
    answer = latchkey("ask", "What is Latchkey?", "--max-tokens", "3", "--json").json
    assert answer["generated_tokens"] == 3
    assert answer["stop_reason"] == "length"


def test_a_raw_prompt_reaches_the_model_without_the_template_around_it() -> None:
    line = ["ask", "What is Latchkey?", "--max-tokens", "1", "--json"]
    assert latchkey(*line, "--raw-prompt").json["prompt_tokens"] < latchkey(*line).json["prompt_tokens"]


def test_a_system_prompt_is_read_by_the_model() -> None:
    line = ["ask", "What is Latchkey?", "--max-tokens", "1", "--json"]
    plain = latchkey(*line).json["prompt_tokens"]
    assert latchkey(*line, "--system", "Answer like a pirate would, at sea.").json["prompt_tokens"] > plain


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [(["ask", ""], ""), (["ask", " \n\t "], ""), (["ask", "-"], ""), (["ask", "-"], " \n")],
    ids=["nothing", "blanks", "empty input", "blank input"],
)
def test_an_empty_question_is_wrong_usage(arguments: list[str], stdin: str) -> None:
    assert "empty" in latchkey(*arguments, stdin=stdin).failed_with(2)


def test_without_a_display_an_empty_pipe_is_told_both_ways_to_begin() -> None:
    said = latchkey(stdin="").failed_with(2)
    assert "no question on standard input" in said
    assert "There is no display" in said


@pytest.mark.parametrize(
    "question",
    [
        "What is \U0001f511\U0001f468\u200d\U0001f469\u200d\U0001f467?",
        "מה זה Latchkey?\u200f",
        "a\u202eb\ufeffc",
        "one\x00two\x00",
        "\x00",
        "\ufffe\uffff" * 50,
    ],
    ids=["emoji", "right-to-left", "marks", "NUL inside", "NUL alone", "noncharacters"],
)
def test_an_odd_question_is_answered(question: str) -> None:
    ran = latchkey("ask", "-", "--max-tokens", "8", "--json", stdin=question)
    assert ran.code == 0, ran
    assert ran.json["generated_tokens"] > 0


def test_bytes_that_are_no_text_are_taken_as_replacement_characters() -> None:
    assert latchkey("ask", "-", "--max-tokens", "4", stdin=b"caf\xe9 \xff\xfe?").code == 0


def test_a_question_far_longer_than_the_context_ends_with_a_sentence_or_an_answer() -> None:
    ran = latchkey("ask", "-", "--max-tokens", "4", stdin="All work and no play. " * 9091)
    if ran.code:
        assert ran.failed_with(6)
    else:
        assert ran.out.strip()


def test_the_version_is_told() -> None:
    assert latchkey("--version").out.startswith("latchkey 0.")


def test_where_no_record_can_be_kept_no_model_is_loaded_and_the_reason_is_told() -> None:
    ran = latchkey("ask", "What is Latchkey?", "--json", LATCHKEY_HOME="/dev/null/home")
    assert ran.code == 10, ran
    assert ran.out == ""
    assert "not writable" in ran.err
    assert "Traceback" not in ran.err
