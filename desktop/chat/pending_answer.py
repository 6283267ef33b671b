"""One answer in progress: its text so far, and the message that this makes."""

from collections.abc import Iterable

import msgspec

from desktop.chat.answer_continuation import begun_rounds, continued_text
from desktop.chat.answer_overrides import NO_OVERRIDES, AnswerOverrides
from desktop.chat.answer_record import compared, make_record
from desktop.chat.answer_settings import AnswerSettings
from desktop.chat.answer_timing import timing_of, with_earlier_rounds, with_prompt_parts
from desktop.chat.answer_tools import GatheredTools
from desktop.chat.chat_events import AnswerPhase, AnswerPhaseName
from desktop.chat.context_summary import SummaryRun, plan_summary
from desktop.chat.document_prompt import leading_passages, passage_spans
from desktop.chat.engine_requests import (
    chat_messages,
    dropped_before,
    sampling_record,
    with_sampling,
    with_stops,
)
from desktop.chat.message_pictures import images_of
from desktop.chat.offered_tools import NO_TOOLS, OfferedTools, with_tool_note
from desktop.chat.passage_finder import PassageFinder, PassageRequest
from desktop.chat.reading_progress import ReadingProgress
from desktop.chat.said_parts import SaidParts
from desktop.chat.tool_call_state import ToolCallState
from desktop.chat.tool_round import ToolRound
from desktop.conversation import (
    AnswerRecord,
    ContextChoice,
    Message,
    MessagePart,
    ModelReference,
    NotePart,
    PassagePart,
    Status,
    StopReason,
    SummaryPart,
    Timing,
    ToolCallPart,
)
from desktop.ended_calls import calls_ended
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
    them, None until they were read. `tool_names` are the tool servers to offer, `offered` the tools that are; while
    their calls are made, they are `tool_round`. `calls_left` is how many it may still make.
    """

    def __init__(
        self,
        message: Message,
        overrides: AnswerOverrides = NO_OVERRIDES,
        choice: ContextChoice = "drop-oldest",
    ) -> None:
        self.message, self.again, self.given_by = message, overrides.again, overrides.given_by
        self.passages = leading_passages(message.parts)
        begins = tuple(
            part
            for part in message.parts
            if not isinstance(part, SummaryPart | NotePart) and all(part is not each for each in self.passages)
        )
        self._notes = tuple(part for part in message.parts if isinstance(part, NotePart))
        self._rounds, last = begun_rounds(begins)
        self.images: tuple[RequestImage, ...] | None = None
        self._given_collections, self._given_tools = overrides.collections, overrides.tools
        self.collections: tuple[str, ...] = ()
        self.tool_names: tuple[str, ...] = ()
        self.offered: OfferedTools = NO_TOOLS
        self.tool_round: ToolRound | None = None
        self.calls_left = 0
        self._ended_calls: tuple[ToolCallState, ...] = ()
        self._begun, self._said = bool(begins), SaidParts(begins)
        self._timings: list[Timing] = []
        self.prefill = continued_text(last)
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
        self.collections = counts.collections if self._given_collections is None else self._given_collections
        if self.again is None:
            self.tool_names = counts.tools if self._given_tools is None else self._given_tools

    def passage_request(self, info: ModelInfo | None) -> PassageRequest | None:
        """What passages are to be looked for, for the model of which `info` is known; None where it has those that it
        needs: it is made again, or gone on with."""
        if self.again is not None or self.passages or self._begun:
            return None
        context_length = info.context_length if info is not None else 0
        if not context_length:
            context_length = (self.params.context_length if self.params is not None else None) or _USUAL_CONTEXT
        most = self.options.max_tokens if self.options is not None else None
        request = PassageRequest(self._path, self.collections, self.system_prompt, context_length, most)
        return request if PassageFinder.wanted(request) else None

    @property
    def pictured_path(self) -> tuple[Message, ...]:
        """The branch, where its pictures are to be read, as the model sees them; () where they are, or there are
        none."""
        sees = self.params is not None and bool(self.params.projector)
        path = (*self._path, *self._own_rounds())
        wanted = sees and self.images is None and any(any(images_of(message)) for message in path)
        return path if wanted else ()

    def request(self, request_id: int, *, drops: bool = False) -> GenerateRequest:
        """What the engine is asked. With `drops` the oldest messages are left out where not all fit, whatever was
        chosen."""
        summary = self._summary if self._summary is not None and self._summary.text else None
        dropped = 0 if summary is not None else dropped_before(self._path)
        self.dropped = self.dropped or drops
        drops = drops or self.choice == "drop-oldest"
        options = msgspec.structs.replace(self._round_options(), context_full="drop-oldest" if drops else "stop")
        images = self.images or ()
        shown = {image.sha256 for image in images}
        path = (*self._path, *self._own_rounds())
        messages = chat_messages(with_tool_note(self.system_prompt, options, path), path, summary, self.passages, shown)
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

    def _own_rounds(self) -> tuple[Message, ...]:
        """What the answer says so far that the model reads before it goes on: rounds that ended with results."""
        return (msgspec.structs.replace(self.message, parts=self._rounds, status="complete"),) if self._rounds else ()

    def _round_options(self) -> GenerationOptions:
        """The options for what the model says next; where no call is left, it can make none."""
        options = self.options or GenerationOptions()
        if not self._timings:
            return options
        said = sum(timing.generated_tokens for timing in self._timings)
        left = options.max_tokens if options.max_tokens is None else max(options.max_tokens - said, 1)
        choice = "auto" if self.calls_left > 0 else "none"
        return msgspec.structs.replace(options, max_tokens=left, tool_choice=choice)

    # --- tools -------------------------------------------------------------------------------------------------------

    def offer(self, gathered: GatheredTools, most_calls: int) -> None:
        """These tools are offered, and `most_calls` of them called at most; the notes are part of the answer."""
        self.offered, self.calls_left = gathered.offered, most_calls
        self.note(gathered.notes)
        self.options = msgspec.structs.replace(self.options or GenerationOptions(), tools=gathered.offered.definitions)

    def note(self, sentences: Iterable[str]) -> None:
        """The person is told this, in the answer."""
        self._notes += tuple(map(NotePart, sentences))

    @property
    def may_call(self) -> bool:
        """Whether calls that the model makes now are made: it was offered tools, and has calls left."""
        return bool(self.offered.tools) and self.calls_left > 0

    def spend_call(self) -> bool:
        """Take one of the calls that it may make; False where none is left."""
        self.calls_left -= 1
        return self.calls_left >= 0

    def end_round(self, done: AnswerDone) -> tuple[ToolCallPart, ...]:
        """The model waits for the results of its calls, which these are."""
        known = {part.id for each in self._path for part in each.parts if isinstance(part, ToolCallPart)}
        known |= {part.id for part in self._rounds if isinstance(part, ToolCallPart)}
        self._timings.append(timing_of(done))
        self._generated, self.request_id = 0, None
        return self._said.end_round(done.thinking_s, known)

    @property
    def path(self) -> tuple[Message, ...]:
        """The branch that it answers, root first."""
        return self._path

    @property
    def given_passages(self) -> tuple[PassagePart, ...]:
        """All passages that it was given so far, by tools as well."""
        return (*self.passages, *(part for part in self._rounds if isinstance(part, PassagePart)))

    def take_calls(self, calls: tuple[MessagePart, ...]) -> None:
        """The calls of the round, and the results there are."""
        self._said.take_calls(calls)

    @property
    def tool_calls(self) -> tuple[ToolCallState, ...]:
        """All calls so far, as people see them."""
        return self._ended_calls + (self.tool_round.states if self.tool_round is not None else ())

    def begin_round(self, *, pictures: bool) -> None:
        """All calls have results, with `pictures` perhaps: the model is to go on."""
        self._ended_calls = self.tool_calls
        self._said.begin_round()
        self._rounds, self.tool_round, self.prefill = self._said.earlier, None, ""
        if pictures:
            self.images = None

    # --- a summary of what does not fit ------------------------------------------------------------------------------

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
        self._said.append(delta)

    def snapshot(self) -> Message:
        """The message with what was said so far, still streaming."""
        return self._message("streaming", self._said.parts(), None, "")

    def finish(self, status: Status, done: AnswerDone | None, error: str = "") -> Message:
        """The message as it stays. Without `done` (the engine failed) the timing is what is known."""
        timing = self._refused
        if done is not None:
            timing = timing_of(done)
        elif timing is None and self._timings and self.request_id is None:
            timing = msgspec.structs.replace(self._timings.pop(), stop_reason="cancelled")  # while tools were called
        elif timing is None and self.prompted is not None:
            timing = self._known_timing("cancelled" if status == "stopped" else "end")
        if timing is not None and self.prompted is not None:
            timing = with_prompt_parts(timing, self.prompted)
        if timing is not None:
            timing = with_earlier_rounds(timing, self._timings)
        thinking_s = done.thinking_s if done is not None else None
        parts = self._said.parts(thinking_s)
        message = self._message(status, calls_ended(parts) if self.offered.tools else parts, timing, error)
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
        parts = (*self.passages, *self._notes, *parts)
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
