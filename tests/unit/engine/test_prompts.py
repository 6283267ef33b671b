"""Every prompt of the catalog reads as its publisher writes it, and each of its stops ends an answer."""

import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.worker.chat_template import PLAIN_STOPS, ChatTemplate
from tests.fakes.families_historic import HISTORIC
from tests.fakes.families_today import TODAY
from tests.fakes.family import QUESTION, TALK, Family, on
from tests.fakes.tiny_gguf import CHATML, scripted_model, spm_vocabulary
from tests.fakes.vocabularies import spelling
from tests.unit.engine.conftest import Asker

pytestmark = pytest.mark.usefixtures("forked_workers")
Load = Callable[..., Asker]
CATALOG = tomllib.loads((Path(__file__).resolve().parents[3] / "models.toml").read_text(encoding="utf-8"))
PROMPTS: dict[str, dict[str, Any]] = {prompt["id"]: prompt for prompt in CATALOG.get("prompt", [])}
FAMILIES = {family.prompt: family for family in (*HISTORIC, *TODAY)}
STOPS = [(name, stop) for name, prompt in PROMPTS.items() for stop in prompt.get("stops", [])]


def rendered(family: Family, *turns: ChatMessage) -> str:
    """`turns` as the catalog's template writes them, with the begin token that the family's vocabulary adds."""
    text = ChatTemplate(PROMPTS[family.prompt]["template"], family.bos, family.eos).render(turns)
    return family.bos + text if family.add_bos and not text.startswith(family.bos) else text


def test_every_prompt_that_the_catalog_names_is_compared_with_its_publisher() -> None:
    named = {model["prompt"] for model in CATALOG["model"] if model.get("prompt")}
    assert named <= set(PROMPTS)
    assert set(PROMPTS) == set(FAMILIES)
    assert all(prompt.get("source") for prompt in PROMPTS.values())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_conversation_reads_as_published(family: Family) -> None:
    days = [datetime.now().astimezone()]
    text = rendered(family, *TALK)
    days.append(datetime.now().astimezone())
    assert family.squeezed(text) in [family.squeezed(on(day, family.published)) for day in days]


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if family.alone], ids=lambda f: f.prompt)
def test_the_publishers_own_system_text_stands_where_nobody_gives_one(family: Family) -> None:
    days = [datetime.now().astimezone()]
    text = rendered(family, QUESTION)
    days.append(datetime.now().astimezone())
    assert family.squeezed(text) in [family.squeezed(on(day, family.alone)) for day in days]


@pytest.mark.parametrize(("name", "stop"), STOPS, ids=[f"{name}-{stop!r}" for name, stop in STOPS])
def test_each_stop_ends_an_answer_before_itself(model_folder: Path, load: Load, name: str, stop: str) -> None:
    """The model says a word and the stop (a token, or text in two halves), over and over; its end is another token."""
    family, half = FAMILIES[name], len(stop) // 2
    is_token = stop in (family.bos, family.eos, *family.controls)
    spoken = [" ledger", *([stop] if is_token else [stop[:half], stop[half:]])]
    vocabulary = family.words([piece for piece in spoken if piece != stop], eos="<|spare|>")
    pieces = [piece if piece == stop and is_token else spelling(piece, family.vocabulary) for piece in spoken]
    path = scripted_model(model_folder / "stops.gguf", pieces, vocabulary=vocabulary, template=None, loops=True)
    prompt = PROMPTS[name]
    asker = load(path, chat_template=prompt["template"], stops=tuple(prompt["stops"]))
    answer = asker.ask(*TALK, max_tokens=20)
    assert (answer.text or answer.thinking).strip() == "ledger", "some prompts open the model's thinking"
    assert (answer.end.stop_reason, answer.end.generated_tokens) == ("end", 1 if is_token else 3)


def test_a_template_in_the_file_comes_before_the_catalogs(model_folder: Path, load: Load) -> None:
    path = model_folder / "stops.gguf"
    scripted_model(path, ["▁the", "▁of", "▁to"], template=CHATML)
    own = load(path).ask(*TALK)
    given = load(path, chat_template="{{ messages[-1].content }}", stops=("of",)).ask(*TALK)
    assert given.text == own.text == "the of to"
    assert given.end.prompt_tokens == own.end.prompt_tokens
    scripted_model(path, ["▁the", "▁of", "▁to"], template=None)
    bare = load(path, chat_template="{{ messages[-1].content }}", stops=("of",)).ask(*TALK)
    assert bare.text == "the "
    assert bare.end.prompt_tokens < own.end.prompt_tokens


def test_a_stop_that_is_a_token_of_the_vocabulary_ends_an_answer_unseen(model_folder: Path, load: Load) -> None:
    """Even where the file calls it no end: its spelling never shows, so no text could be searched for it."""
    vocabulary = spm_vocabulary(controls=("<|me|>", "<|you|>"))
    path = scripted_model(model_folder / "stops.gguf", ["▁the", "<|you|>", "▁of"], vocabulary=vocabulary, template=None)
    asker = load(path, chat_template="{{ messages[-1].content }}<|me|>")
    assert asker.ask("Hello").text == "the of"
    assert asker.ask("Hello", stop=("<|you|>",)).text == "the"


def test_the_catalogs_plain_prompt_is_the_engines_own() -> None:
    plain = PROMPTS["plain"]
    assert tuple(plain["stops"]) == PLAIN_STOPS
    for turns in (TALK, TALK[:2], TALK[1:], (QUESTION,)):
        assert ChatTemplate(plain["template"], "", "").render(turns) == ChatTemplate("", "", "").render(turns)


def test_a_base_model_goes_on_with_the_text_as_it_is() -> None:
    template = ChatTemplate(PROMPTS["completion"]["template"], "", "")
    text = "  def add(a, b):\n    return "
    assert template.render([ChatMessage.from_text("user", text)]) == text
    talk = [
        ChatMessage.from_text("user", text),
        ChatMessage.from_text("assistant", "a + b"),
        ChatMessage.from_text("user", "Then"),
        ChatMessage.from_text("assistant", "x"),
    ]
    assert template.render(talk) == f"{text}a + b\n\nThen x"
