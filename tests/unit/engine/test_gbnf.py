"""GBNF means here what it means to llama.cpp, and a grammar that would end or hang it is refused with a reason."""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.engine.generation_options import GrammarFormat
from desktop.engine.worker.llama_api import llama, start_backends
from desktop.errors import EngineError
from tests.unit.engine.byte_vocabulary import takes

_JSON = r"""
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array  ::= "[" ws (
             value ("," ws value)*
           )? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws # no control characters
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ws
ws     ::= | " " | "\n" [ \t]{0,20}
"""
# A grammar, and texts that llama.cpp is asked about as well: some are sentences of it, some are not.
CASES = [
    ('root ::= "yes" | "no"', ["yes", "no", "ye", "yesno", ""]),
    ('root ::= ("a" | "ab") ("bc" | "c")', ["abc", "ac", "abbc", "ab", "abcc"]),
    ('root ::= [a-z]* "x" [^x]', ["x!", "abxx!", "xx", "xé"]),
    ('root ::= "ab"{2,3} "c"? .', ["ababz", "abababc\n", "abab", "ababababz", "ab!"]),
    ('root ::= ("a"? "b"?)* "c"', ["c", "abbaac", "abcc"]),
    ('root ::= a{2} b*\na ::= [\\x41-\\u0043\\U000000e9]\nb ::= "\\t" | "\\"" | "\\\\"', ["AB", 'éA\t"\\', "A", "D"]),
    ('root ::= "(" root ")" | "日本"', ["日本", "((日本))", "(日本", "本"]),
    ('root ::= s\ns ::= "a" s "b" | "a" s "c" | "a"', ["a", "aab", "aaacb", "aaabc", "ab"]),
    ("# a comment\nroot ::= a # more\n  \n\na ::= [-+] [0-9-]+", ["-1", "+1-2", "1", "+"]),
    (_JSON, ['{"a": [1, -2.5, {"b\\n": null}], "é": true}', "{}", '{"a" 1}', '{"a":01}', '{"a":"\n"}', '{"a":1']),
]


@pytest.fixture(scope="module")
def llama_takes(model_file: Callable[[str], Path]) -> Iterator[Callable[[str, str], bool]]:
    """llama.cpp's own answer to `takes`: its sampler asked about one byte after another."""
    start_backends()
    parameters = llama.llama_model_default_params()
    parameters.vocab_only = True
    model = llama.llama_model_load_from_file(str(model_file("llama")).encode(), parameters)
    vocabulary = llama.llama_model_get_vocab(model)
    first = next(n for n in range(600) if llama.llama_vocab_get_text(vocabulary, n) == b"<0x00>")

    def ask(grammar: str, text: str) -> bool:
        sampler = llama.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        assert sampler, "llama.cpp takes this grammar"
        try:
            for token in (*(first + byte for byte in text.encode()), llama.llama_vocab_eos(vocabulary)):
                data = (llama.llama_token_data * 1)((token, 1.0, 0.0))
                array = llama.llama_token_data_array(data, 1, -1, False)
                llama.llama_sampler_apply(sampler, ctypes.byref(array))
                if data[0].logit < 0:
                    return False
                llama.llama_sampler_accept(sampler, token)
            return True
        finally:
            llama.llama_sampler_free(sampler)

    yield ask
    llama.llama_model_free(model)


@pytest.mark.parametrize(("grammar", "texts"), CASES, ids=lambda value: str(value)[:30])
def test_the_same_texts_are_sentences_as_in_llama_cpp(
    grammar: str, texts: list[str], llama_takes: Callable[[str, str], bool]
) -> None:
    ours = {text: takes(GrammarFormat(grammar), text) for text in texts}
    assert ours == {text: llama_takes(grammar, text) for text in texts}
    assert set(ours.values()) == {True, False}


def test_left_recursion_that_llama_cpp_refuses_is_understood() -> None:
    form = GrammarFormat('root ::= root "," [0-9] | [0-9]')
    assert takes(form, "1,2,3")
    assert not takes(form, "1,,2")


REFUSED = [
    ('rot ::= "a"', "no rule “root”"),
    ("root ::= a b\na ::= [a]", "“b” is named but not defined"),
    ('root ::= "a" root', "“root”: it never ends"),
    ('root ::= "a" | x\nx ::= "b" x', "“x”: it never ends"),
    ('root ::= "a', "Line 1: the text ends too early"),
    ('root ::= "a"\nb ::= (', "Line 2"),
    ("root ::= [z-a]", "runs backwards"),
    ("root ::= []", "set of characters is empty"),
    ('root ::= "\\q"', "escape is not known"),
    ('root ::= "\\uD800"', "no such character"),
    ("root ::= *", "nothing to repeat"),
    ('root ::= "a"{3,2}', "number of repetitions"),
    ('root ::= "a"{99999}', "number of repetitions"),
    ('root ::= "a"{99999999999999999999}', "number of repetitions"),
    ("root ::= <[1]>", "tokens by number or name"),
    ("root = a", "“::=” is missing"),
    ('root ::= "a" )', "where the rule should end"),
    ("<html>", "name is missing"),
    ("root ::= " + "(" * 10_000 + '"a"' + ")" * 10_000, "nested too deeply"),
    ("".join(f"r{n} ::= r{n + 1}\n" for n in range(20_000)) + 'root ::= r0\nr20000 ::= "a"', "longer than"),
    ("".join(f"r{n}::=r{n + 1}\n" for n in range(4_000)), "rules and groups"),
]


@pytest.mark.parametrize(("grammar", "reason"), REFUSED, ids=lambda text: text[:30])
def test_what_is_no_grammar_is_refused_with_its_reason(grammar: str, reason: str) -> None:
    with pytest.raises(EngineError, match="grammar cannot be used") as caught:
        takes(GrammarFormat(grammar), "a")
    assert reason in caught.value.detail


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        ("root ::= r0\n" + "".join(f"r{n} ::= r{n + 1} | r{n + 1}\n" for n in range(60)) + 'r60 ::= "a"', "a"),
        ('root ::= (("a"*)*)* "b"', "a" * 30 + "b"),
        ('root ::= e root "x" | "y"\ne ::= f\nf ::= "" | ""', "y" + "x" * 50),
        ('root ::= s\ns ::= "a" s "b" | "a" s "c" | "a"', "a" * 300 + "bc" * 149 + "b"),
    ],
    ids=["two to the 60 paths", "empty repeated", "hidden left recursion", "two to the 300 stacks"],
)
def test_grammars_that_hang_llama_cpp_do_not_hang(grammar: str, text: str) -> None:
    assert takes(GrammarFormat(grammar), text)


def test_a_grammar_that_grows_too_large_while_it_is_followed_is_told() -> None:
    form = GrammarFormat("root ::= a{0,2000}\na ::= [a]?")
    with pytest.raises(EngineError, match="could not be kept to its grammar") as caught:
        takes(form, "a" * 60)
    assert caught.value.remedy
