"""The real model, greedy and without a limit, goes on saying one paragraph for ever: that is ended."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.worker.repetition_detector import RepetitionDetector
from desktop.engine.worker_messages import AnswerDone, Delta, GenerateRequest
from tests.fakes.like_texts import LIKE_TEXTS
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.loading import tokens_of

pytestmark = pytest.mark.real_model

PARAGRAPH = (
    "The harbour lies at the foot of the hill. In the morning the boats come back, and people wait for them on the "
    "pier with baskets and old newspapers. Then the market begins, and by noon everything is sold.\n\n"
)
# By itself it falls into a repetition with some rounding of its numbers and not with another: processors differ.
SAID = (
    ChatMessage.from_text("user", "Tell me about the harbour, again and again."),
    ChatMessage.from_text("assistant", 6 * PARAGRAPH),
)
GO_ON = ChatMessage.from_text("user", "Go on.")
TURNS = (*SAID, GO_ON, SAID[1], GO_ON)
ENOUGH = 2600
Ask = Callable[[SamplingParams], tuple[str, AnswerDone]]


@pytest.fixture
def ask(real_model_file: Path, tmp_path: Path) -> Ask:
    def asked(sampling: SamplingParams) -> tuple[str, AnswerDone]:
        client = EngineClient(license_check=OpenLoadCheck(), logs=tmp_path / "logs", cache=tmp_path / "cache")
        try:
            client.load_and_wait(LoadParams(str(real_model_file), context_length=4096, threads=1))
            request = GenerateRequest(
                client.next_id(), TURNS, GenerationOptions(sampling, ENOUGH, stop_on_repetition=True)
            )
            text, end = "", None
            for event in client.answer(request):
                if isinstance(event, Delta):
                    text += event.text
                elif isinstance(event, AnswerDone):
                    end = event
        finally:
            client.close()
        assert end is not None
        return text, end

    return asked


def test_a_paragraph_said_for_ever_is_ended_and_regenerating_leads_on(ask: Ask) -> None:
    text, end = ask(SamplingParams(temperature=0))
    assert end.stop_reason == "repetition"
    assert end.generated_tokens < 1500
    assert text.count(text[-200:]) >= 3
    again, end = ask(SamplingParams(temperature=0, repeat_penalty=1.1, repeat_last_n=256))
    assert end.stop_reason == "end"
    assert len(again) < len(text) / 2


@pytest.mark.parametrize("name", LIKE_TEXTS)
def test_texts_that_are_meant_to_be_alike_are_never_told(real_model_file: Path, name: str) -> None:
    detector = RepetitionDetector()
    assert not any(map(detector.add, tokens_of(real_model_file, LIKE_TEXTS[name])))
