"""One answer in progress: its text so far, and the message that this makes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from desktop.chat.answer_continuation import continued_parts, continued_text
from desktop.chat.answer_record import compared, make_record
from desktop.chat.answer_settings import AnswerSettings, OptionsChange
from desktop.chat.chat_events import AnswerPhase, AnswerPhaseName
from desktop.chat.context_summary import SummaryRun, plan_summary
from desktop.chat.document_prompt import passage_spans
from desktop.chat.engine_requests import (
    chat_messages,
    dropped_before,
    sampling_record,
    with_sampling,
    with_stops,
)
from desktop.chat.message_pictures import images_of
from desktop.chat.passage_finder import PassageFinder, PassageRequest
from desktop.chat.reading_progress import ReadingProgress
from desktop.conversation import (
    AnswerPart,
    AnswerRecord,
    ContextChoice,
    Message,
    MessagePart,
    ModelReference,
    PassagePart,
    Status,
    StopReason,
    SummaryPart,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
)
from desktop.engine.generation_options import GenerationOptions, with_cache_limit
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import (
    AnswerDone,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    ModelInfo,
    PromptPrepared,
    PromptProgress,
    ToolCallDelta,
)
from desktop.safe_text import repair_surrogates


@dataclass(frozen=True)
class AnsweringModel:
    """The model that gives one answer in place of the one chosen: how it is loaded, what it is called, its file."""

    params: LoadParams
    reference: ModelReference
    path: Path


class AnswerOverrides(msgspec.Struct, frozen=True):
    """What holds for one answer alone, in place of the options that count otherwise, of the system prompt that does,
    of what was chosen for a full context, and of the collections to search; None: nothing does. `change` is what it
    changes of the options. With `again` that answer is made again: asked for with these options as they are, while
    nothing else is answered. `given_by` takes the place of the model chosen."""

    options: GenerationOptions | None = None
    system_prompt: str | None = None
    context_full: ContextChoice | None = None
    change: OptionsChange | None = None
    again: Message | None = None
    given_by: AnsweringModel | None = None
    collections: tuple[str, ...] | None = None


_PartKind = Literal["text", "thinking"] | tuple[str, str]
"""Of what was said: text, thinking, or a call by its id and its tool's name."""
NO_OVERRIDES = AnswerOverrides()
_USUAL_CONTEXT = 4096


class PendingAnswer:
    """An answer that waits or is in progress. Lives on the main thread.

    `message` is the empty turn it fills; what `overrides` leave open counts as for its conversation when the engine is
    asked. `request_id` is None until then. `params` is how the model was loaded that answers, None until it is known
    which one does. `stopped` says that the person stopped it, whatever the engine makes of that. `choice` is what
    happens where its prompt does not fit the context; `dropped` says that it was asked for without the oldest in spite
    of that. A `message` that says something already is gone on with. `passages` are those of documents that the model
    is given before the question. `again` is the answer that is made again with it, None where none is.
    `beside_others`: others were generated meanwhile. `given_by` is the model where it is not the one chosen: it is
    asked at once, beside others of its conversation. `images` are the pictures of its branch as the model is shown
    them, None until they were read.
    """

    def __init__(
        self,
        message: Message,
        overrides: AnswerOverrides = NO_OVERRIDES,
        choice: ContextChoice = "drop-oldest",
    ) -> None:
        self.message, self.again, self.given_by = message, overrides.again, overrides.given_by
        self._begins = tuple(part for part in message.parts if not isinstance(part, SummaryPart | PassagePart))
        self.passages = tuple(part for part in message.parts if isinstance(part, PassagePart))
        self.images: tuple[RequestImage, ...] | None = None
        self._given_collections = overrides.collections
        self._collections: tuple[str, ...] = ()
        self.prefill = continued_text(self._begins)
        self.beside_others = False
        self.info: ModelInfo | None = None
        self._given_prompt, self._change = overrides.system_prompt, overrides.change
        self.system_prompt = repair_surrogates(overrides.system_prompt or "")
        self.options = overrides.options
        self.choice = choice
        self.summary_run: SummaryRun | None = None
        self.dropped = False
        self._path: tuple[Message, ...] = ()
        self._summary = message.summary
        self._refused: Timing | None = None
        self.request_id: int | None = None
        self.params: LoadParams | None = None
        self.stopped = False
        self.phase: AnswerPhaseName | None = None
        self.prompted: PromptPrepared | None = None
        self._reading: ReadingProgress | None = None
        self.model: ModelReference | None = None
        self.sampling: dict[str, float | int | str | None] | None = None
        self._generated = 0
        self._tokens_per_s: float | None = None
        self._said: list[tuple[_PartKind, list[str]]] = []

    @property
    def conversation_id(self) -> str:
        return self.message.conversation_id

    @property
    def used_tokens(self) -> int:
        """What prompt and answer take of the context so far."""
        return (self.prompted.prompt_tokens if self.prompted else 0) + self._generated

    @property
    def tokens_per_s(self) -> float | None:
        return self._tokens_per_s

    def prepare(
        self, path: Iterable[Message], counts: AnswerSettings, info: ModelInfo | None, model: ModelReference | None
    ) -> None:
        """`model`, of which `info` is known, answers `path` with what `counts` for its conversation."""
        self._path, self.model = tuple(path), model
        if self._given_prompt is None:
            self.system_prompt = repair_surrogates(counts.system_prompt)
        options = self.options or counts.options_for(info)
        if self.again is None:
            options = self._change(options) if self._change is not None else options
            options = with_sampling(options, self.message.sampling or {})
            options = with_stops(options, counts.own_stops)
        # An answer that is made again says how far the one before was kept, which may be too far here.
        options = with_cache_limit(options, counts.options.cache)
        self.options, self.sampling = options, sampling_record(options) or None
        self._collections = counts.collections if self._given_collections is None else self._given_collections

    def passage_request(self, info: ModelInfo | None) -> PassageRequest | None:
        """What passages are to be looked for, for the model of which `info` is known; None where it has those that it
        needs: it is made again, or gone on with."""
        if self.again is not None or self.passages or self._begins:
            return None
        context_length = info.context_length if info is not None else 0
        if not context_length:
            context_length = (self.params.context_length if self.params is not None else None) or _USUAL_CONTEXT
        most = self.options.max_tokens if self.options is not None else None
        request = PassageRequest(self._path, self._collections, self.system_prompt, context_length, most)
        return request if PassageFinder.wanted(request) else None

    @property
    def pictured_path(self) -> tuple[Message, ...]:
        """The branch, where its pictures are to be read, as the model sees them; () where they are, or there are
        none."""
        sees = self.params is not None and bool(self.params.projector)
        wanted = sees and self.images is None and any(any(images_of(message)) for message in self._path)
        return self._path if wanted else ()

    def request(self, request_id: int, *, drops: bool = False) -> GenerateRequest:
        """What the engine is asked. With `drops` the oldest messages are left out where not all fit, whatever was
        chosen."""
        summary = self._summary if self._summary is not None and self._summary.text else None
        dropped = 0 if summary is not None else dropped_before(self._path)
        self.dropped = self.dropped or drops
        drops = drops or self.choice == "drop-oldest"
        options = msgspec.structs.replace(
            self.options or GenerationOptions(), context_full="drop-oldest" if drops else "stop"
        )
        images = self.images or ()
        shown = {image.sha256 for image in images}
        messages = chat_messages(self.system_prompt, self._path, summary, self.passages, shown)
        # One that is made again is of no conversation: nothing that is kept of one may be in the context beside it.
        kept_as = self.conversation_id if self.again is None else ""
        return GenerateRequest(
            request_id,
            messages,
            options,
            kept_as,
            dropped_messages=dropped,
            prefill=self.prefill,
            images=images,
            document_spans=passage_spans(messages),
        )

    def begin_summary(self, needed_tokens: int, context_length: int, *, thinks: bool) -> SummaryRun | None:
        """Begin to summarize what does not fit; None where nothing can be."""
        plan = plan_summary(
            self._path,
            self.system_prompt,
            needed_tokens=needed_tokens,
            context_length=context_length,
            max_tokens=self.options.max_tokens if self.options is not None else None,
            thinks=thinks,
            passages=self.passages,
        )
        self.summary_run = SummaryRun(plan) if plan is not None else None
        return self.summary_run

    def end_summary(self) -> None:
        """It was made, or failed: what there is of it is part of the answer."""
        run, self.summary_run = self.summary_run, None
        if run is not None and not run.stopped:
            self._summary = run.part

    def edit_summary(self, text: str) -> bool:
        """Have its summary say `text`; False where it has none by now."""
        if self._summary is None or not self._summary.text:
            return False
        self._summary = msgspec.structs.replace(self._summary, text=text)
        return True

    def pin(self, pinned: bool) -> None:
        """Its message was pinned, or is no longer."""
        self.message = msgspec.structs.replace(self.message, pinned=pinned)

    def refuse(self, needed_tokens: int, context_length: int) -> None:
        """It is not begun: its prompt takes `needed_tokens`, which the context has no room for."""
        self._refused = Timing(needed_tokens, stop_reason="context-full", context_length=context_length)

    def begin_reading(self, prompted: PromptPrepared, now: float) -> None:
        """Its prompt is counted, and read from `now` on, in seconds."""
        self.prompted = prompted
        self._reading = ReadingProgress(prompted.cached_tokens, now)

    def reading(self, progress: PromptProgress, now: float) -> AnswerPhase | None:
        """How far its prompt is read; None where that takes no time to speak of."""
        state = self._reading.note(progress.done, progress.total, now) if self._reading is not None else None
        if state is None:
            return None
        tokens = state.done, state.total
        return AnswerPhase(self.conversation_id, self.message.id, "reading", state.fraction, tokens, state.seconds_left)

    def append(self, delta: Delta | ToolCallDelta | DeltaReplacement) -> None:
        """Go on with `delta`; or with the whole answer so far, where it is sent anew."""
        self._generated = max(self._generated, delta.generated_tokens)
        if delta.tokens_per_s is not None:
            self._tokens_per_s = delta.tokens_per_s
        if isinstance(delta, DeltaReplacement):
            self._said = [_said(part) for part in delta.parts]
            return
        if isinstance(delta, ToolCallDelta):
            self._add((delta.call_id, delta.name), delta.arguments)
        elif delta.text:
            self._add("thinking" if delta.thinking else "text", delta.text)

    def _add(self, kind: _PartKind, text: str) -> None:
        if not self._said or self._said[-1][0] != kind:
            self._said.append((kind, []))
        self._said[-1][1].append(text)

    def snapshot(self) -> Message:
        """The message with what was said so far, still streaming."""
        return self._message("streaming", _parts(self._said, None), None, "")

    def finish(self, status: Status, done: AnswerDone | None, error: str = "") -> Message:
        """The message as it stays. Without `done` (the engine failed) the timing is what is known."""
        timing = self._refused
        if done is not None:
            timing = timing_of(done)
        elif timing is None and self.prompted is not None:
            timing = self._known_timing("cancelled" if status == "stopped" else "end")
        if timing is not None and self.prompted is not None:
            timing = _with_parts(timing, self.prompted)
        thinking_s = done.thinking_s if done is not None else None
        message = self._message(status, _parts(self._said, thinking_s), timing, error)
        return msgspec.structs.replace(message, record=self._record(message, done.seed if done is not None else None))

    def _record(self, message: Message, seed: int | None) -> AnswerRecord | None:
        """What `message`, the finished answer, was made from; None where its prompt was not read."""
        if self.prompted is None:
            return None
        drops = self.dropped or self.choice == "drop-oldest"
        options = msgspec.structs.replace(
            self.options or GenerationOptions(), context_full="drop-oldest" if drops else "stop"
        )
        record = make_record(self.system_prompt, options, self.params, self.info, self.prompted, seed)
        record = msgspec.structs.replace(record, continues=len(self.prefill), beside_others=self.beside_others)
        return record if self.again is None else compared(record, message, self.again)

    def _message(self, status: Status, parts: tuple[MessagePart, ...], timing: Timing | None, error: str) -> Message:
        parts = (*self.passages, *continued_parts(self._begins, parts))
        return msgspec.structs.replace(
            self.message,
            parts=parts if self._summary is None else (self._summary, *parts),
            status=status,
            model=self.model,
            sampling=self.sampling,
            timing=timing,
            error=error,
        )

    def _known_timing(self, stop_reason: StopReason) -> Timing | None:
        prompted = self.prompted
        if prompted is None:
            return None
        return Timing(
            prompt_tokens=prompted.prompt_tokens,
            cached_tokens=prompted.cached_tokens,
            generated_tokens=self._generated,
            tokens_per_s=self._tokens_per_s,
            stop_reason=stop_reason,
            context_length=prompted.context_length,
            dropped_messages=prompted.dropped_messages,
        )


def _with_parts(timing: Timing, prompted: PromptPrepared) -> Timing:
    """`timing` with what the parts of the prompt take, where the worker knows it."""
    system, documents = prompted.system_tokens, prompted.document_tokens
    if system is None or documents is None:
        return timing
    return msgspec.structs.replace(timing, system_tokens=system, document_tokens=documents)


def _said(part: AnswerPart) -> tuple[_PartKind, list[str]]:
    match part:
        case ToolCallPart():
            return (part.id, part.name), [part.arguments]
        case ThinkingPart():
            return "thinking", [part.text]
        case TextPart():
            return "text", [part.text]


def _parts(said: Iterable[tuple[_PartKind, list[str]]], thinking_s: float | None) -> tuple[MessagePart, ...]:
    parts: list[MessagePart] = []
    for kind, pieces in said:
        text = "".join(pieces)
        if kind == "thinking":
            parts.append(ThinkingPart(text, thinking_s))
            thinking_s = None
        elif kind == "text":
            parts.append(TextPart(text))
        else:
            parts.append(ToolCallPart(*kind, text))
    return tuple(parts)


def timing_of(done: AnswerDone) -> Timing:
    """How an answer went, as it is stored with it."""
    return Timing(
        prompt_tokens=done.prompt_tokens,
        cached_tokens=done.cached_tokens,
        generated_tokens=done.generated_tokens,
        time_to_first_token_s=done.time_to_first_token_s,
        tokens_per_s=done.tokens_per_s,
        stop_reason=done.stop_reason,
        seed=done.seed,
        context_length=done.context_length,
        dropped_messages=done.dropped_messages,
        memory_tokens=done.memory_tokens,
        disk_tokens=done.disk_tokens,
        drafted_tokens=done.drafted_tokens,
        accepted_tokens=done.accepted_tokens,
    )
