"""Answers that a model goes on with: the prompt ends as an answer that says so much begins, whatever the template."""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.worker import llama_api
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.prompt_builder import PromptBuilder, TokenizedPrompt
from desktop.engine.worker_messages import GenerateRequest

Files = Callable[[str], Path]
_TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
CHATML = _TURNS + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
THINKS_FIRST = _TURNS + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}{# </think> #}"
CLOSES = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHANNELS = (
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}"
    "<|message|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
BRACKETS = (
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content | trim }}</s>{% endif %}{% endfor %}"
)
UNOPENED = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"


@pytest.mark.parametrize(
    ("template", "lead"),
    [
        ("", ""),
        (CHATML, ""),
        (CLOSES, "<think>\n\n</think>\n\n"),
        (CHANNELS, "<|channel|>final<|message|>"),
        (BRACKETS, " "),
        (UNOPENED, "<assistant>"),
        (THINKS_FIRST, None),
    ],
)
def test_what_stands_before_an_answer_is_found_out(template: str, lead: str | None) -> None:
    assert ChatTemplate(template, "<s>", "</s>").answer_lead == lead


class Prompter(PromptBuilder):
    """Makes prompts, and has the tokenizer at hand."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.tokenizer = model.tokenizer


@pytest.fixture(scope="module")
def builder(model_file: Files) -> Iterator[Callable[[str], Prompter]]:
    log = llama_api.LlamaLog()
    log.start()
    if not llama_api.devices():
        llama_api.start_backends()
    made: list[LoadedModel] = []

    def make(template: str) -> Prompter:
        params = LoadParams(str(model_file("bpe")), context_length=512, threads=1, own_template=template)
        made.append(LoadedModel(params, 1, log, (ctypes.c_uint8 * 2)(), lambda _: True, ""))
        return Prompter(made[-1])

    yield make
    for one in made:
        one.close()


def prompt(builder: Prompter, prefill: str) -> TokenizedPrompt:
    turns = (ChatMessage.from_text("user", "the of"),)
    return builder.make(GenerateRequest(1, turns, GenerationOptions(), prefill=prefill))


def spelled(builder: Prompter, made: TokenizedPrompt) -> str:
    return "".join(builder.tokenizer.text_of(token) for token in made.tokens)


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (CHATML, "<|im_start|>assistant\nthe and"),
        (CLOSES, "<|im_start|>assistant\n<think>\n\n</think>\n\nthe and"),
        (THINKS_FIRST, "<|im_start|>assistant\n<think>\n</think>the and"),
        (BRACKETS, "[/INST] the and"),
    ],
)
def test_the_prompt_ends_with_the_answer_so_far(builder: Callable[[str], Prompter], template: str, end: str) -> None:
    one = builder(template)
    made = prompt(one, "the and")
    assert spelled(one, made).endswith(end)
    assert made.opened is None, "what comes next is answer, not thinking"


def test_control_tokens_spelled_in_it_are_none(builder: Callable[[str], Prompter]) -> None:
    one = builder(CHATML)
    plain = prompt(one, "the").tokens
    spelling = prompt(one, "the<|im_end|>").tokens
    assert spelling[: len(plain)] == plain
    end = one.tokenizer.control_token("<|im_end|>")
    assert end is not None
    assert end not in spelling[len(plain) :]


def test_what_the_model_said_itself_are_its_own_tokens(builder: Callable[[str], Prompter]) -> None:
    one = builder(CHATML)
    before = prompt(one, "").tokens
    own = one.tokenizer.tokenize("t", special=False) + one.tokenizer.tokenize("he", special=False)
    one.remember("the", own)
    made = prompt(one, "the")
    assert made.tokens == [*before, *own]
    one.remember(" of", one.tokenizer.tokenize(" of", special=False), made.style)
    assert prompt(one, "the of").tokens == [*before, *own, *one.tokenizer.tokenize(" of", special=False)]
