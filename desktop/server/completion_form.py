"""`POST /v1/completions`: a prompt as it is, and what a model writes behind it. For older programs and benchmarks."""

from typing import Annotated, Any

from pydantic import Field

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.token_logprobs import TokenLogprob
from desktop.safe_text import repair_surrogates
from desktop.server.answer_form import COMMENT, data_event, new_id, now, token_text
from desktop.server.answer_pieces import AnswerEnd, CollectedAnswer, Piece, TextPiece
from desktop.server.api_errors import ApiError
from desktop.server.chat_completion_request import StreamOptions
from desktop.server.chat_form import DONE, finish_reason, usage
from desktop.server.model_request import ModelRequest, refused
from desktop.server.sampling_fields import SamplingFields, Stops, TokenCount, biases, stop_texts
from desktop.translation import tr

_USUAL_TOKENS = 16
_MOST_LOGPROBS = 5


class CompletionRequest(SamplingFields):
    """A text that a model is to go on with, without its chat template."""

    model: str
    prompt: str | list[str] | list[int] | list[list[int]] = Field(description="A text, or a list of one.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenCount | None = Field(None, description="16 where it is left out.")
    min_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    stop: Stops | None = None
    n: int | None = Field(None, description="Only 1.")
    best_of: int | None = Field(None, description="Only 1.")
    echo: bool | None = None
    suffix: str | None = Field(None, description="Not taken.")
    logprobs: Annotated[int, Field(ge=0, le=_MOST_LOGPROBS)] | None = None
    logit_bias: dict[str, float] | None = None

    @property
    def text(self) -> str:
        """The prompt. Raises ApiError where it is none, or several."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if len(given) != 1 or not isinstance(given[0], str):
            raise refused("prompt", tr("This server takes one prompt in a request, as a text."))
        return repair_surrogates(given[0])

    def model_request(self) -> ModelRequest:
        """What it asks of the model. Raises ApiError."""
        for name in ("n", "best_of"):
            if getattr(self, name) not in (None, 1):
                raise refused(
                    name, tr("This server gives one answer to a request: {name} has to be 1.").format(name=name)
                )
        if self.suffix:
            raise refused("suffix", tr("This server fills in no gaps: leave out the suffix."))
        options = GenerationOptions(
            self.sampling(),
            max_tokens=self.max_tokens or _USUAL_TOKENS,
            min_tokens=self.min_tokens,
            stop=stop_texts(self.stop),
            logit_bias=biases(self.logit_bias),
            logprobs=0 if self.logprobs is None else max(1, self.logprobs),
            raw_prompt=True,
            ignore_eos=self.ignore_eos,
            context_full="stop",
        )
        messages = (ChatMessage.from_text("user", self.text),)
        return ModelRequest(self.model, messages, options, stream=bool(self.stream))

    def form(self) -> "CompletionForm":
        """How it is answered."""
        include_usage = self.stream_options is not None and self.stream_options.include_usage
        return CompletionForm(
            self.model, self.text if self.echo else "", top_logprobs=self.logprobs, include_usage=include_usage
        )


class CompletionForm:
    """An answer as `text_completion`. `echo` is the text that it begins with; the rest as in `ChatForm`."""

    def __init__(
        self, model: str, echo: str = "", *, top_logprobs: int | None = None, include_usage: bool = False
    ) -> None:
        self._model, self._echo, self._top, self._include_usage = model, echo, top_logprobs, include_usage
        self._id, self._created = new_id("cmpl-"), now()
        self._offset = len(echo)

    def begin(self, prompt_tokens: int, cached_tokens: int) -> bytes:
        return self._chunk(self._echo) if self._echo else b""

    def piece(self, piece: Piece) -> bytes:
        return self._chunk(piece.text, piece.logprobs) if isinstance(piece, TextPiece) else b""

    def keep_alive(self) -> bytes:
        return COMMENT

    def end(self, end: AnswerEnd) -> bytes:
        last = self._chunk("", finish=finish_reason(end.reason))
        if self._include_usage:
            last += data_event({**self._head(), "choices": [], "usage": usage(end)})
        return last + DONE

    def fail(self, error: ApiError) -> bytes:
        return data_event(error.body("openai")) + DONE

    def whole(self, answer: CollectedAnswer, end: AnswerEnd) -> dict[str, Any]:
        choice = self._choice(self._echo + answer.text, tuple(answer.logprobs), finish_reason(end.reason))
        return {**self._head(), "choices": [choice], "usage": usage(end)}

    def _head(self) -> dict[str, Any]:
        return {"id": self._id, "object": "text_completion", "created": self._created, "model": self._model}

    def _chunk(self, text: str, logprobs: tuple[TokenLogprob, ...] = (), finish: str | None = None) -> bytes:
        chunk: dict[str, Any] = {**self._head(), "choices": [self._choice(text, logprobs, finish)]}
        if self._include_usage:
            chunk["usage"] = None
        return data_event(chunk)

    def _choice(self, text: str, logprobs: tuple[TokenLogprob, ...], finish: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text, "logprobs": self._logprobs(logprobs), "finish_reason": finish}

    def _logprobs(self, tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
        if self._top is None or not tokens:
            return None
        offsets = []
        for each in tokens:
            offsets.append(self._offset)
            self._offset += len(token_text(each))
        return {
            "tokens": [token_text(each) for each in tokens],
            "token_logprobs": [each.logprob for each in tokens],
            "top_logprobs": [{token_text(one): one.logprob for one in each.top[: self._top]} for each in tokens],
            "text_offset": offsets,
        }
