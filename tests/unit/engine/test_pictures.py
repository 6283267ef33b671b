"""Pictures given to a real worker: seen, told apart, read once, beside other answers; and what goes wrong with them."""

import os
import queue
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.prompt_cache_folder import PromptCacheFolder, SavingPolicy
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, PromptPrepared, PromptProgress, RequestFailed
from desktop.errors import EngineError
from tests.fakes.pictures import asked, picture
from tests.fakes.tiny_gguf import random_model
from tests.fakes.tiny_projector import MROPE, tiny_projector
from tests.unit.engine.conftest import Answer, Asker, children, wait_until

pytestmark = pytest.mark.usefixtures("forked_workers")
Load = Callable[..., Asker]
Files = Callable[[str], Path]
WORDS = "what the of and to in is it " * 8
LONG: dict[str, Any] = {"max_tokens": 16, "ignore_eos": True}


@pytest.fixture
def seeing(load: Load, model_file: Files, tmp_path: Path) -> Callable[..., Asker]:
    """Load the model "llama" with a projector."""

    def make(**params: Any) -> Asker:
        projector = tiny_projector(tmp_path / "mmproj.gguf")
        return load(model_file("llama"), projector=str(projector), **params)

    return make


def test_a_model_with_its_projector_tells_pictures_apart(seeing: Callable[..., Asker]) -> None:
    asker, one, other = seeing(), picture(1), picture(2)
    info = asker.client.model
    assert info is not None
    assert info.pictures is not None
    assert info.pictures.tokens(96, 64) == 16

    def ask(*images: RequestImage, conversation: str) -> Answer:
        given = tuple(dict.fromkeys(images))
        return asker.ask(asked(*images, WORDS), images=given, conversation=conversation, **LONG)

    first = ask(one, conversation="a")
    assert first.prompted is not None
    (seen,) = first.prompted.images
    assert (seen.sha256, seen.width, seen.height, seen.tokens, seen.tiles) == (one.sha256, 96, 64, 16, 1)
    second, again = ask(other, conversation="b"), ask(one, conversation="c")
    assert first.text != second.text
    assert again.text == first.text
    assert second.end.cached_tokens < 16 < again.end.cached_tokens, "another picture's state was used"
    both = ask(one, other, one, conversation="d")
    assert both.prompted is not None
    assert [each.sha256 for each in both.prompted.images] == [one.sha256, other.sha256, one.sha256]
    assert both.prompted.prompt_tokens == first.end.prompt_tokens + 32
    # The same name for other pixels is another picture.
    renamed = RequestImage(one.sha256, other.width, other.height, other.rgb)
    assert ask(renamed, conversation="e").text == second.text
    # One that a tool gave, and one in a turn long ago.
    result = ToolResultPart("1", "look", (TextPart("seen:"), ImagePart(one.sha256, "image/png")))
    called = ChatMessage("assistant", (ToolCallPart("1", "look", "{}"),))
    given = asker.ask("look", called, ChatMessage("tool", (result,)), images=(one,), **LONG)
    assert given.prompted is not None
    assert len(given.prompted.images) == 1
    turns = (asked(one, WORDS), ChatMessage.from_text("assistant", first.text), "and now")
    later = asker.ask(*turns, images=(one,), conversation="a", **LONG)
    assert later.end.cached_tokens >= first.end.prompt_tokens


def test_a_picture_read_before_a_restart_is_not_read_again(
    make_client: Callable[..., EngineClient], tmp_path: Path
) -> None:
    path = random_model(tmp_path / "m.gguf", architecture="qwen2vl", metadata=MROPE)
    projector = str(tiny_projector(tmp_path / "mmproj.gguf", kind="qwen2vl_merger"))
    place, one = tmp_path / "states", picture(1, 256, 256)
    turn, said = asked(one, WORDS), []
    for _ in range(2):
        folder = PromptCacheFolder(place, policy=SavingPolicy(idle_s=0.02, min_new_tokens=64))
        client = make_client(prompt_cache=folder)
        client.load_and_wait(LoadParams(str(path), threads=1, projector=projector))
        asker = Asker(client)
        said.append(asker.ask(turn, images=(one,), conversation="a", cache="disk", **LONG))
        other = picture(2, 256, 256)
        fresh = asker.ask(asked(other, WORDS), images=(other,), conversation="b", cache="off", **LONG)
        wait_until(lambda: any(place.glob("*.state")))
        client.close()
    assert said[1].text == said[0].text != fresh.text
    assert said[1].end.disk_tokens > 256
    assert fresh.end.cached_tokens == 0


def test_answers_about_pictures_are_computed_beside_others(seeing: Callable[..., Asker]) -> None:
    asker, one, other = seeing(parallel=3), picture(1), picture(2)
    questions: list[tuple[ChatMessage, tuple[RequestImage, ...]]] = [
        (asked("the of ", one), (one,)),
        (ChatMessage.from_text("user", "the of and to " * 60), ()),
        (asked(other, "in ", one, "is"), (other, one)),
    ]
    alone = [asker.ask(turn, images=images, cache="off", **LONG).text for turn, images in questions]
    events: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()
    answers = {}
    for turn, images in questions:
        request = asker.request(turn, images=images, cache="off", **LONG)
        answers[request.id] = Answer()
        asker.client.generate(request, events.put)
    left = len(answers)
    while left:
        event = events.get(timeout=60)
        assert not isinstance(event, RequestFailed), event
        answers[event.id].take(event)
        left -= isinstance(event, AnswerDone)
    assert [answer.text for answer in answers.values()] == alone


def next_progress(events: "queue.SimpleQueue[AnswerEvent]", count: int) -> list[PromptProgress]:
    """The next so many."""
    found: list[PromptProgress] = []
    while len(found) < count:
        event = events.get(timeout=60)
        assert not isinstance(event, RequestFailed | AnswerDone), event
        found += [event] if isinstance(event, PromptProgress) else []
    return found


def test_a_stop_and_a_killed_worker_are_survived_in_mid_picture(load: Load, tmp_path: Path) -> None:
    path = random_model(tmp_path / "m.gguf", architecture="qwen2vl", metadata=MROPE)
    projector = tiny_projector(tmp_path / "mmproj.gguf", kind="qwen2vl_merger", seen=128, layers=60)
    asker, large = load(path, projector=str(projector)), picture(3, 256, 256)
    events: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()

    def begin(image: RequestImage) -> int:
        request = asker.request(asked(image, "what"), images=(image,), **LONG)
        asker.client.generate(request, events.put)
        while not isinstance(events.get(timeout=60), PromptPrepared):
            pass
        return request.id

    def end() -> AnswerDone:
        while not isinstance(event := events.get(timeout=60), AnswerDone | RequestFailed):
            pass
        assert isinstance(event, AnswerDone), event
        return event

    asker.client.cancel(begin(large))
    stopped = end()
    assert (stopped.stop_reason, stopped.generated_tokens) == ("cancelled", 0)
    (process,) = children()
    begin(large)
    read = [event.done for event in next_progress(events, 2)]
    assert read[0] < read[1] < read[0] + 256, "the picture counts as read, as far as it is encoded"
    os.kill(process, signal.SIGABRT)
    assert end().generated_tokens == 16
    assert children() != [process]
    assert asker.client.model is not None
    assert asker.client.model.sees_images


@pytest.mark.parametrize("kind", ["mlp", "qwen2vl_merger"])
def test_a_picture_of_any_shape_is_looked_at(load: Load, tmp_path: Path, kind: str) -> None:
    named: dict[str, Any] = {"architecture": "qwen2vl", "metadata": MROPE} if kind != "mlp" else {}
    path = random_model(tmp_path / "m.gguf", **named)
    asker = load(path, projector=str(tiny_projector(tmp_path / "mmproj.gguf", kind=kind)))
    for size in ((1, 1), (4096, 1), (1, 4096), (3, 2), (640, 480)):
        image = picture(1, *size)
        assert asker.ask(asked(image, "what"), images=(image,), **LONG).text, size


def test_a_model_without_a_projector_says_that_it_sees_nothing(load: Load, model_file: Files) -> None:
    asker, one = load(model_file("llama")), picture(1)
    assert asker.client.model is not None
    assert not asker.client.model.sees_images
    given = ToolResultPart("1", "look", (ImagePart(one.sha256, "image/png"),))
    for turn in (asked(one, "what"), ChatMessage("tool", (given,))):
        with pytest.raises(EngineError, match="cannot see pictures"):
            asker.ask(turn, images=(one,))


def test_a_picture_that_was_not_handed_over_is_refused(seeing: Callable[..., Asker]) -> None:
    asker, one = seeing(), picture(1)
    with pytest.raises(EngineError, match="an image"):
        asker.ask(asked(one, "what"))
    broken = RequestImage(one.sha256, 97, 64, one.rgb)
    with pytest.raises(EngineError, match="size"):
        asker.ask(asked(one, "what"), images=(broken,))
