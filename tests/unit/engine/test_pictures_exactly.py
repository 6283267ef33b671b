"""Pictures reach the model as llama.cpp's own mtmd library reads them: the same logits, however the prompt is cut into
batches and whatever was read before. In this process, without a worker."""

import ctypes
import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.engine.worker import llama_api
from desktop.engine.worker.cancellation import Cancellation
from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.picture_encoder import PictureEncoder
from desktop.engine.worker.scheduler import Scheduler
from desktop.engine.worker_messages import AnswerDone, GenerateRequest
from tests.fakes.pictures import asked, picture
from tests.fakes.tiny_gguf import bpe_vocabulary, random_model
from tests.fakes.tiny_projector import MROPE, tiny_projector

ARCHITECTURES = {"mlp": "qwen2", "gemma3": "gemma3", "qwen2vl_merger": "qwen2vl"}


class Seeing:
    """A model that sees, with what answers for it, and mtmd's own way of reading beside it."""

    def __init__(self, path: Path, projector: Path, batch: int) -> None:
        self._cancellation = Cancellation()
        params = LoadParams(str(path), context_length=2048, threads=1, projector=str(projector), batch_tokens=batch)
        self.model = LoadedModel(
            params, 1, LlamaLog(), self._cancellation.flag, lambda _: True, "", projector_file=str(projector)
        )
        assert self.model.projector is not None
        self.encoder = PictureEncoder(self.model.projector)
        self.events: list[Any] = []
        self.scheduler = Scheduler(self.model, self.events.append, self._cancellation, encoder=self.encoder)
        self._ids = iter(range(1, 1000))

    def ask(self, *messages: ChatMessage, images: tuple[RequestImage, ...], tokens: int = 0) -> AnswerDone:
        """Read the prompt, and generate so many tokens."""
        options = GenerationOptions(SamplingParams(temperature=0), max_tokens=tokens, ignore_eos=True)
        self.scheduler.add(
            GenerateRequest(next(self._ids), messages, options, conversation="one", images=images), time.perf_counter()
        )
        while self.scheduler.busy:
            self.scheduler.step()
        done = self.events[-1]
        assert isinstance(done, AnswerDone), done
        return done

    def logits(self) -> Any:
        """Of the last token that was read."""
        found = llama.llama_get_logits_ith(self.model.context, -1)
        return np.array(found[: self.model.tokenizer.size])

    def logits_of_mtmd(self, text: str, images: tuple[RequestImage, ...]) -> Any:
        """Of the last token of `text`, with a picture in place of each "<__media__>", in a context of its own."""
        api = importlib.import_module("llama_cpp.mtmd_cpp")
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_threads, params.n_threads_batch = 2048, 1, 1
        context = llama.llama_init_from_model(self.model.handle, params)
        assert self.model.projector is not None
        mtmd = self.model.projector._context
        data = [ctypes.cast(ctypes.c_char_p(each.rgb), ctypes.POINTER(ctypes.c_uint8)) for each in images]
        maps = [api.mtmd_bitmap_init(each.width, each.height, rgb) for each, rgb in zip(images, data, strict=True)]
        chunks = api.mtmd_input_chunks_init()
        given = api.mtmd_input_text(text.encode(), len(text.encode()), self.model.tokenizer.adds_bos, True)
        bitmaps = (ctypes.c_void_p * len(maps))(*maps)
        assert api.mtmd_tokenize(mtmd, chunks, ctypes.byref(given), bitmaps, len(maps)) == 0
        past = llama.llama_pos(0)
        assert api.mtmd_helper_eval_chunks(mtmd, context, chunks, 0, 0, 512, True, ctypes.byref(past)) == 0
        found = np.array(llama.llama_get_logits_ith(context, -1)[: self.model.tokenizer.size])
        for each in maps:
            api.mtmd_bitmap_free(each)
        api.mtmd_input_chunks_free(chunks)
        llama.llama_free(context)
        return found

    def close(self) -> None:
        self.encoder.close()
        self.model.close()


def rendered(*turns: tuple[str, str]) -> str:
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"


@pytest.fixture
def seeing(tmp_path: Path) -> Iterator[Callable[..., Seeing]]:
    llama_api.start_backends()
    made: list[Seeing] = []

    def make(kind: str, batch: int = 512, layers: int = 2) -> Seeing:
        architecture = ARCHITECTURES[kind]
        path = random_model(
            tmp_path / "model.gguf",
            architecture=architecture,
            vocabulary=bpe_vocabulary("qwen2"),
            layers=6 if architecture == "gemma3" else 2,
            metadata=MROPE if architecture == "qwen2vl" else None,
        )
        projector = tiny_projector(tmp_path / "mmproj.gguf", kind=kind, side=64, layers=layers)
        made.append(Seeing(path, projector, batch))
        return made[-1]

    yield make
    for each in made:
        each.close()


def assert_close(ours: Any, theirs: Any) -> None:
    spread = float(np.std(theirs))
    assert float(np.max(np.abs(ours - theirs))) < 0.02 * spread, "logits differ beyond rounding"


@pytest.mark.parametrize("kind", ARCHITECTURES)
@pytest.mark.parametrize("batch", [512, 32])
def test_a_prompt_with_pictures_gives_the_logits_that_mtmd_gives(
    seeing: Callable[..., Seeing], kind: str, batch: int
) -> None:
    model, one, other = seeing(kind, batch), picture(1), picture(2)
    question = rendered(("user", "the of <__media__><__media__>and to"))
    theirs = model.logits_of_mtmd(question, (one, other))
    done = model.ask(asked("the of ", one, other, "and to"), images=(one, other))
    assert_close(model.logits(), theirs)
    swapped = model.logits_of_mtmd(question, (other, one))
    assert float(np.max(np.abs(theirs - swapped))) > 0.1 * float(np.std(theirs)), "the model does not look"
    # A second question about the same pictures reads neither of them again, and none in place of another.
    second = (asked("the of ", one, other, "and to"), ChatMessage.from_text("assistant", "in is"), asked("it you"))
    text = rendered(("user", "the of <__media__><__media__>and to"), ("assistant", "in is"), ("user", "it you"))
    again = model.ask(*second, images=(one, other))
    if kind != "gemma3":  # its window may have lost what it needs
        assert again.cached_tokens > done.prompt_tokens - 20
    assert_close(model.logits(), model.logits_of_mtmd(text, (one, other)))
    third = model.ask(asked("the of ", one, one, "and to"), images=(one,))
    assert third.cached_tokens < done.prompt_tokens
    assert_close(model.logits(), model.logits_of_mtmd(question, (one, one)))


def test_a_picture_that_nobody_waits_for_is_given_up_in_the_middle(seeing: Callable[..., Seeing]) -> None:
    projector = seeing("mlp", layers=12).model.projector
    assert projector is not None
    (piece,) = projector.prepare(picture(1)).pieces
    asked: list[bool] = []

    def stopped(answer: bool) -> bool:
        asked.append(answer)
        return answer

    assert projector.encode(piece, lambda: stopped(False)) is not None
    whole = len(asked)
    asked.clear()
    assert projector.encode(piece, lambda: stopped(True)) is None
    assert len(asked) < whole / 2
