"""A file of every architecture that the catalog names loads and answers, spoken to as its families are."""

import ctypes
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from desktop.engine import unsupported_file
from desktop.engine.load_params import LoadParams
from desktop.engine.worker import llama_api
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.prompt_builder import PromptBuilder
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError
from tests.fakes.architectures import SHAPES, architecture_model
from tests.fakes.families_historic import HISTORIC
from tests.fakes.families_today import TODAY
from tests.fakes.family import TALK, on
from tests.fakes.tiny_gguf import bpe_vocabulary, random_model
from tests.fakes.vocabularies import family_vocabulary
from tests.unit.engine.conftest import Asker

pytestmark = pytest.mark.usefixtures("forked_workers")
Load = Callable[..., Asker]
CATALOG = tomllib.loads((Path(__file__).resolve().parents[3] / "models.toml").read_text(encoding="utf-8"))
PROMPTS = {prompt["id"]: prompt for prompt in CATALOG.get("prompt", [])}
FAMILIES = {family.prompt: family for family in (*HISTORIC, *TODAY)}
RUNNABLE = [model for model in CATALOG["model"] if model.get("architecture") and not model.get("not_runnable")]
PAIRS = sorted({(model["architecture"], model["prompt"]) for model in RUNNABLE if model.get("prompt")})


@pytest.fixture(scope="module")
def log() -> llama_api.LlamaLog:
    log = llama_api.LlamaLog()
    log.start()
    if not llama_api.devices():
        llama_api.start_backends()
    return log


def test_every_architecture_of_the_catalog_has_its_proof() -> None:
    assert {model["architecture"] for model in RUNNABLE} <= set(SHAPES)
    assert set(SHAPES) <= unsupported_file.KNOWN_ARCHITECTURES


@pytest.mark.parametrize("architecture", SHAPES)
def test_an_architecture_loads_and_decodes(model_folder: Path, load: Load, architecture: str) -> None:
    kind = SHAPES[architecture].vocabulary
    vocabulary = family_vocabulary(kind, bos="<s>", eos="</s>", controls=("<|endoftext|>",))
    path = architecture_model(model_folder / "architecture.gguf", architecture, vocabulary)
    assert path.stat().st_size < 2_000_000
    asker = load(path, context_length=256)
    assert asker.client.model is not None
    assert asker.client.model.architecture == architecture
    answers = [asker.ask("The of and", max_tokens=8, ignore_eos=True, conversation="one") for _ in range(2)]
    assert [answer.end.generated_tokens for answer in answers] == [8, 8]
    assert answers[0].text == answers[1].text, "what is kept of the prompt changes nothing"


@pytest.mark.parametrize(("architecture", "prompt"), PAIRS)
def test_a_model_of_the_family_reads_what_its_publisher_writes(
    model_folder: Path, load: Load, log: llama_api.LlamaLog, architecture: str, prompt: str
) -> None:
    """The tokens that reach the model spell the published string; the worker reads as many of them."""
    family, spoken = FAMILIES[prompt], PROMPTS[prompt]
    path = architecture_model(model_folder / "architecture.gguf", architecture, family.words())
    params = LoadParams(str(path), 256 + 256, 1, chat_template=spoken["template"], stops=tuple(spoken.get("stops", ())))
    days = [datetime.now().astimezone()]
    model = LoadedModel(params, 1, log, (ctypes.c_uint8 * 2)(), lambda _: True, "")
    try:
        tokens = PromptBuilder(model).make(GenerateRequest(1, TALK)).tokens
        read = b"".join(model.tokenizer._piece(token, True) for token in tokens).decode()
    finally:
        model.close()
    days.append(datetime.now().astimezone())
    assert family.squeezed(read) in [family.squeezed(on(day, family.published)) for day in days]
    asker = load(path, context_length=512, chat_template=params.chat_template, stops=params.stops)
    answer = asker.ask(*TALK, max_tokens=2, ignore_eos=True)
    assert (answer.end.prompt_tokens, answer.end.dropped_messages) == (len(tokens), 0)


def test_gpt_j_is_known_by_name_and_cannot_be_loaded(tmp_path: Path, load: Load) -> None:
    """llama.cpp lists it and has no loader for it: the catalog's reason for not running it is true."""
    assert "gptj" in unsupported_file.KNOWN_ARCHITECTURES
    path = random_model(tmp_path / "gptj.gguf", architecture="gptj", vocabulary=bpe_vocabulary())
    with pytest.raises(EngineError) as refused:
        load(path)
    assert refused.value.title == "The engine knows this model's architecture, gptj, by name only, and cannot run it."
    assert "unsupported model architecture: 'gptj'" in refused.value.technical
    assert all(model.get("not_runnable") for model in CATALOG["model"] if model.get("architecture") == "gptj")
