"""One answer as an HTTP response: a stream of events, or one JSON value."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from desktop.engine.worker_messages import AnswerDone, AnswerEvent, PromptPrepared
from desktop.server.answer_form import AnswerForm
from desktop.server.answer_pieces import AnswerEnd, AnswerPieces, CollectedAnswer, answer_end
from desktop.server.api_errors import ApiError, ApiStyle
from desktop.server.model_request import ModelRequest
from desktop.server.served_answers import AskedModel, ClientGoneError, ServedAnswers
from desktop.server.server_activity import ServedRequest, ServerActivity

_EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class AnswerResponse(Response):
    """The answer to `asked` in this form. Its status is that of its first event: until then nothing is sent."""

    def __init__(
        self,
        answers: ServedAnswers,
        activity: ServerActivity,
        of: AskedModel,
        asked: ModelRequest,
        form: AnswerForm,
        style: ApiStyle,
    ) -> None:
        super().__init__()
        self._answers, self._activity = answers, activity
        self._of, self._asked, self._form, self._style = of, asked, form, style
        self._status = 0
        self._end: AnswerEnd | None = None
        self._error = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.monotonic()
        scope["state"]["noted"] = True
        try:
            async with contextlib.aclosing(self._answers.events(self._of, self._asked)) as events:
                if self._asked.stream:
                    await self._stream(events, send)
                else:
                    await self._send_json(200, await self._whole(events), send)
        except ApiError as error:
            self._error = error.message
            if self._status:
                await send({"type": "http.response.body", "body": self._form.fail(error), "more_body": False})
            else:
                await self._send_json(error.status, error.body(self._style), send)
        except ClientGoneError:
            self._status = self._status or 499
        finally:
            self._note(scope["path"], time.monotonic() - begun)

    async def _whole(self, events: AsyncIterator[AnswerEvent | None]) -> dict[str, Any]:
        answer = CollectedAnswer()
        async for event in events:
            if event is None:
                continue
            answer.take(event)
            if isinstance(event, AnswerDone):
                self._end = answer_end(event, self._asked.options.stop)
            elif self._asked.one_call and len(answer.calls) > 1:
                del answer.calls[1:]
                self._end = AnswerEnd("tool-calls")
                break
        assert self._end is not None
        return self._form.whole(answer, self._end)

    async def _stream(self, events: AsyncIterator[AnswerEvent | None], send: Send) -> None:
        pieces = AnswerPieces()
        async for event in events:
            data = b""
            if event is None or isinstance(event, PromptPrepared):
                data = await self._begin(event, send)
                pieces = AnswerPieces(holds=self._answers.thinks(self._of))
            elif not self._status:
                data = await self._begin(None, send)
            if event is not None:
                for piece in pieces.take(event):
                    if self._asked.one_call and pieces.calls > 1:
                        self._end = AnswerEnd("tool-calls")
                        break
                    data += self._form.piece(piece)
            if isinstance(event, AnswerDone):
                self._end = answer_end(event, self._asked.options.stop)
            if self._end is not None:
                data += self._form.end(self._end)
                await send({"type": "http.response.body", "body": data, "more_body": False})
                return
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})

    async def _begin(self, event: PromptPrepared | None, send: Send) -> bytes:
        """Begin the stream where that was not done; what is to be sent."""
        if self._status:
            return self._form.keep_alive() if event is None else b""
        self._status = 200
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        return (
            self._form.begin(event.prompt_tokens, event.cached_tokens) if event is not None else self._form.begin(0, 0)
        )

    async def _send_json(self, status: int, value: dict[str, Any], send: Send) -> None:
        self._status = status
        data = json.dumps(value, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
        if status in (429, 503):
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data, "more_body": False})

    def _note(self, path: str, seconds: float) -> None:
        end = self._end or AnswerEnd("cancelled")
        self._activity.note(
            ServedRequest(
                time.time(),
                self._of.client,
                path,
                self._status,
                self._of.model.id,
                end.prompt_tokens,
                end.generated_tokens,
                end.tokens_per_s,
                seconds,
                self._error,
            )
        )
