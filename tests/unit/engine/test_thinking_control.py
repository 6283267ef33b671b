"""What a template lets one choose of thinking is found out and used; a budget closes what goes on too long."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import ThinkingOptions
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.thinking_control import ThinkingControl, ThinkingPrompt
from desktop.errors import EngineError
from tests.fakes.parrot import Token, parrot
from tests.unit.engine.conftest import Asker, wait_until

_TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
_ASKS = "{% if add_generation_prompt %}<|im_start|>assistant\n"
THOUGHT = "{# '\\n</think>\\n\\n' #}"
QUESTION = ChatMessage.from_text("user", "Why?")
OFF, ON = ThinkingOptions(enabled=False), ThinkingOptions(enabled=True)


@dataclass(frozen=True)
class Row:
    """`off` and `on` are what ends the prompt then; None: it cannot be asked for. `low` likewise, and `names`."""

    name: str
    template: str
    off: str
    on: str | None = None
    low: str | None = None
    names: tuple[str, ...] = ("off", "budget")


def effort(variable: str, default: str) -> str:
    return f"Effort: {{{{ {variable} if {variable} is defined else '{default}' }}}}\n" + _TURNS


ROWS = [
    Row("qwen3", THOUGHT + _TURNS + _ASKS + "{% if enable_thinking is defined and enable_thinking is false %}"
        "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}",
        "assistant\n<think>\n\n</think>\n\n", "assistant\n"),
    Row("a switch that is set in the template", "{% set enable_thinking = enable_thinking | default(true) %}" + THOUGHT
        + _TURNS + _ASKS + "{{ '<think>' if enable_thinking else '</think>' }}{% endif %}",
        "assistant\n</think>", "assistant\n<think>"),
    Row("deepseek-v3.1", "{% if not thinking is defined %}{% set thinking = false %}{% endif %}" + _TURNS + _ASKS
        + "{{ '<think>' if thinking else '<think></think>' }}{% endif %}",
        "assistant\n<think></think>", "assistant\n<think>"),
    Row("minimax-m3", _TURNS + _ASKS + "{{ '</mm:think>' if thinking_mode == 'disabled' }}{% endif %}",
        "assistant\n</mm:think>", "assistant\n"),
    Row("hunyuan", "{% if reasoning_effort not in ['low', 'high', 'no_think', none] and reasoning_effort is defined %}"
        "{{ raise_exception('no such effort') }}{% endif %}" + _TURNS + _ASKS
        + "{{ '<think></think>' if reasoning_effort == 'no_think' else '<think>' + (reasoning_effort or '') }}"
        "{% endif %}",
        "assistant\n<think></think>", "<think>high", "<think>low", ("off", "budget", "effort")),
    Row("seed-oss", "Budget: {{ thinking_budget if thinking_budget is defined else 'none' }}\n" + _TURNS + _ASKS
        + "{{ '<seed:think></seed:think>' if thinking_budget == 0 }}{% endif %}",
        "<seed:think></seed:think>", "assistant\n"),
    Row("a switch in the question", THOUGHT + _TURNS + _ASKS + "{{ '<think></think>' if '/no_think' in "
        "messages[-1].content else '<think>\\n' }}{% endif %}", "Why? /no_think<|im_end|>\n<|im_start|>assistant\n"
        "<think></think>", "<think>\n"),
    Row("no switch, opened by the prompt", THOUGHT + _TURNS + _ASKS + "{{ '<think>\\n' }}{% endif %}",
        "assistant\n<think>\n\n</think>\n\n", "assistant\n<think>\n"),
    Row("no switch, opened by the model", THOUGHT + _TURNS + _ASKS + "{% endif %}",
        "assistant\n<think>\n\n</think>\n\n", "assistant\n"),
    Row("magistral", "{# [THINK] [/THINK] #}" + _TURNS + _ASKS + "{% endif %}", "assistant\n[THINK][/THINK]",
        "assistant\n"),
    Row("gpt-oss", effort("reasoning_effort", "medium") + "{# <|message|> #}{% if add_generation_prompt %}<|start|>"
        "assistant{% endif %}{# <|channel|> #}", "<|start|>assistant<|channel|>final<|message|>", "<|start|>assistant",
        "Effort: low\n", ("off", "budget", "effort")),
    Row("muse", effort("reasoning_strength", "high") + "{# <|message|> <|start|>assistant to= #}"
        "{% if add_generation_prompt %}<|start|>assistant{% endif %}", "<|start|>assistant to=user<|message|>",
        "<|start|>assistant", "Effort: low\n", ("off", "budget", "effort")),
    Row("no thinking", _TURNS + _ASKS + "{% endif %}", "assistant\n", None, None, ()),
    Row("a word that switches nothing", "{# enable_thinking reasoning_effort #}" + _TURNS + _ASKS + "{% endif %}",
        "assistant\n", None, None, ()),
]  # fmt: skip


def prompt(template: ChatTemplate, chosen: ThinkingPrompt) -> str:
    turn = ChatMessage.from_text("user", f"{QUESTION.text} {chosen.soft_switch}".rstrip())
    return template.render((turn,), variables=chosen.variables) + chosen.prefilled


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_thinking_is_switched_as_the_template_wants_it(row: Row) -> None:
    template = ChatTemplate(row.template, "<s>", "</s>")
    control = ThinkingControl(template)

    def chosen(options: ThinkingOptions) -> str:
        return prompt(template, control.prompt(options, lambda given: prompt(template, given)))

    assert control.names == row.names
    assert chosen(ThinkingOptions()) == template.render((QUESTION,))
    assert chosen(OFF).endswith(row.off)
    if row.on is None:
        with pytest.raises(EngineError, match="cannot be thought about") as refused:
            chosen(ON)
        assert "does not think" in refused.value.detail
    else:
        assert chosen(ON).endswith(row.on)
    if row.low is None:
        with pytest.raises(EngineError, match="cannot be thought about"):
            chosen(ThinkingOptions(effort="low"))
    else:
        assert row.low in chosen(ThinkingOptions(effort="low"))


def test_an_effort_that_a_template_refuses_becomes_the_nearest_it_takes() -> None:
    template = ChatTemplate(next(row.template for row in ROWS if row.name == "hunyuan"), "<s>", "</s>")
    chosen = ThinkingControl(template).prompt(ThinkingOptions(effort="medium"), lambda _: "")
    assert chosen.variables["reasoning_effort"] == "high"


def test_a_template_is_told_of_a_budget_where_it_takes_one() -> None:
    template = ChatTemplate(next(row.template for row in ROWS if row.name == "seed-oss"), "<s>", "</s>")
    chosen = ThinkingControl(template).prompt(ThinkingOptions(budget=512), lambda _: "")
    assert "Budget: 512\n" in prompt(template, chosen)


OPENED = THOUGHT + _TURNS + _ASKS + "{{ '<think>\\n' }}{% endif %}"
LONG = "one two three four five six seven eight nine ten"
Says = Callable[..., Asker]


@pytest.fixture
def says(tmp_path: Path, load: Callable[..., Asker]) -> Says:
    def make(*answer: str | bytes | Token, **options: object) -> Asker:
        return load(parrot(tmp_path / "parrot.gguf", *answer, **options))  # type: ignore[arg-type]

    return make


def test_thinking_ends_with_its_budget_and_the_answer_goes_on(says: Says) -> None:
    """The model goes on with what it says first: a token that is none of its own leads there."""
    asker = says(LONG, Token("</think>", defined=True), "Because.", size=5, template=OPENED)
    wait_until(lambda: asker.client.model is not None and asker.client.model.thinking_controls == ("off", "budget"))
    whole = asker.ask("Why?")
    assert (whole.text, whole.thinking) == ("Because.", LONG)
    cut = asker.ask("Why?", thinking=ThinkingOptions(budget=3), max_tokens=12)
    assert LONG.startswith(cut.thinking)
    assert 10 <= len(cut.thinking) <= 20
    assert cut.text.startswith("one two"), "the model said it again, as its answer"
    assert cut.end.thinking_s is not None
    roomy = asker.ask("Why?", thinking=ThinkingOptions(budget=100))
    assert (roomy.text, roomy.thinking) == ("Because.", LONG)


def test_a_budget_of_nothing_closes_at_once_what_the_prompt_opens(says: Says) -> None:
    asker = says(LONG, size=5, template=OPENED)
    for options in (ThinkingOptions(budget=0), OFF):
        answer = asker.ask("Why?", thinking=options)
        assert (answer.text, answer.thinking) == (LONG, "")


def test_thinking_is_closed_in_the_middle_of_a_fence_too(says: Says) -> None:
    asker = says("So:\n```\nx = 1\n", "y = 2\nz = 3\nw = 4\n", size=5, template=OPENED)
    answer = asker.ask("Why?", thinking=ThinkingOptions(budget=4), max_tokens=40)
    assert answer.thinking.startswith("So:\n```")
    assert "w = 4" not in answer.thinking
    assert answer.text.startswith("So:")


def test_a_model_with_channels_goes_on_in_its_last_one(says: Says) -> None:
    template = next(row.template for row in ROWS if row.name == "gpt-oss")
    marks = ("channel", "message", "end", "start", "return")
    asker = says(
        Token("<|channel|>", control=True), "analysis", Token("<|message|>", control=True), LONG, size=5,
        template=template, controls=tuple(f"<|{mark}|>" for mark in marks),
    )  # fmt: skip
    answer = asker.ask("Why?", thinking=ThinkingOptions(budget=3), max_tokens=60)
    assert LONG.startswith(answer.thinking)
    assert 10 <= len(answer.thinking) <= 20
    assert answer.text == LONG
