"""Answers for other programs: each asked of the engine and followed to its end.

Requests share the model's context: the engine computes up to `parallel` of them at once, and the others wait in their
order. What it keeps of prompts it keeps under a name that is made of the client and of how its conversation begins, so
that a turn finds the turns before it. Tokens of one client never reach another: what is shared is only what need not be
read again, and of that a client can learn no more than that somebody sent the same beginning before.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

from starlette.types import Receive

from desktop.chat.message_pictures import PictureDecoder, decoded, side_for
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_errors import sees_no_pictures
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.engine.unsupported_file import ModelKind
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, GenerateRequest, PromptPrepared, RequestFailed
from desktop.errors import UserError
from desktop.library.library_model import LibraryModel
from desktop.server.api_errors import ApiError, api_error, failed_answer, failed_load, stopping_error
from desktop.server.event_bridge import EventBridge, Interruption
from desktop.server.model_request import ModelRequest
from desktop.server.offered_models import OfferedModels
from desktop.server.server_activity import ServerActivity
from desktop.translation import tr

MOST_ANSWERS = 256
"""Answers under way or waiting, of all clients together."""
KEEP_ALIVE_S = 10.0


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class AskedModel:
    """A model that `client` asks something of, and how it is loaded. `receive` tells when the client has gone."""

    model: LibraryModel
    params: LoadParams
    client: str
    receive: Receive


class ServedAnswers:
    """All answers of one server."""

    def __init__(
        self, engine: MultiModelEngine, models: OfferedModels, activity: ServerActivity, pictures: PictureDecoder | None
    ) -> None:
        self._engine = engine
        self._models = models
        self._activity = activity
        self._pictures = pictures
        self._under_way: dict[int, EventBridge] = {}
        self._stopped = False

    def stop(self) -> None:
        """End every answer, and say that the server stops. On the loop."""
        self._stopped = True
        for bridge in self._under_way.values():
            bridge.interrupt(Interruption.SERVER_STOPS)

    async def model(self, model_id: str, client: str, receive: Receive, kind: ModelKind = "chat") -> AskedModel:
        """The model with this id. Raises ApiError."""
        try:
            model = await asyncio.to_thread(self._models.find, model_id, kind)
            return AskedModel(model, await asyncio.to_thread(self._models.params, model), client, receive)
        except UserError as error:
            raise api_error(error) from None

    def thinks(self, asked: AskedModel) -> bool:
        """Whether what the model says first may turn out to be thinking. It is known once its prompt is prepared."""
        info = self._models.info(asked.params)
        return info is not None and info.thinks

    async def events(self, of: AskedModel, asked: ModelRequest) -> AsyncGenerator[AnswerEvent | None, None]:
        """The events of the answer, up to AnswerDone; None where nothing came for a while. Raises ApiError where it
        fails, ClientGoneError. Leaving early cancels the answer."""
        request_id = self._engine.next_id()
        request = GenerateRequest(
            request_id,
            asked.messages,
            asked.options,
            conversation=conversation_name(of.client, asked),
            prefill=asked.prefill,
            images=await self._images(of, asked),
        )
        ask = lambda bridge: self._engine.generate(request, bridge.put, params=of.params)  # noqa: E731
        async with self._asked(request_id, of, ask) as bridge:
            while True:
                taken = await bridge.take(KEEP_ALIVE_S)
                if not taken:
                    yield None
                for event in taken:
                    if isinstance(event, Interruption | RequestFailed):
                        raise self._failure(event, of)
                    if len(taken) > 1:
                        await asyncio.sleep(0)  # a client that has gone is noticed meanwhile
                    if bridge.interrupted:
                        break
                    if isinstance(event, EmbedResult):
                        continue
                    if isinstance(event, PromptPrepared):
                        await self._record(of)
                    self._activity.speed(request_id, getattr(event, "tokens_per_s", None))
                    yield event
                    if isinstance(event, AnswerDone):
                        return

    async def prompt_tokens(self, of: AskedModel, asked: ModelRequest) -> int:
        """How many tokens the model reads of a conversation: an answer is asked for, and given up once they are
        counted. Raises as `events`."""
        async with contextlib.aclosing(self.events(of, asked)) as events:
            async for event in events:
                if isinstance(event, PromptPrepared):
                    return event.prompt_tokens
        raise ApiError(500, tr("The tokens could not be counted."), "internal_error")

    async def vectors(self, of: AskedModel, texts: tuple[str, ...]) -> EmbedResult:
        """The vectors of up to MOST_EMBEDDED_TEXTS texts. Raises as `events`."""
        request = EmbedRequest(self._engine.next_id(), texts)
        ask = lambda bridge: self._engine.embed(request, bridge.put, params=of.params)  # noqa: E731
        async with self._asked(request.id, of, ask) as bridge:
            while True:
                for event in await bridge.take(KEEP_ALIVE_S):
                    if isinstance(event, Interruption | RequestFailed):
                        raise self._failure(event, of)
                    if isinstance(event, EmbedResult):
                        await self._record(of)
                        return event

    @contextlib.asynccontextmanager
    async def _asked(
        self, request_id: int, of: AskedModel, ask: Callable[[EventBridge], None]
    ) -> AsyncIterator[EventBridge]:
        """The events of something that is asked of the engine; it is cancelled where the block is left before its
        end."""
        if self._stopped:
            raise stopping_error()
        if len(self._under_way) >= MOST_ANSWERS:
            raise ApiError(429, tr("The server has too much to do: try again later."), "busy")
        bridge = self._under_way[request_id] = EventBridge()
        self._activity.begin(request_id, of.client, of.model.id, of.params.parallel)
        watch = asyncio.create_task(_tell_when_gone(of.receive, bridge))
        try:
            ask(bridge)
            yield bridge
        finally:
            watch.cancel()
            del self._under_way[request_id]
            bridge.interrupt(Interruption.CLIENT_GONE)  # what still comes is for nobody
            self._engine.cancel(request_id)  # of one that is over, nothing comes of it
            self._activity.end(request_id)

    def _failure(self, event: Interruption | RequestFailed, of: AskedModel) -> Exception:
        match event:
            case Interruption.CLIENT_GONE:
                return ClientGoneError()
            case Interruption.SERVER_STOPS:
                return stopping_error()
            case Interruption.TOO_SLOW:
                return ApiError(400, tr("The answer was not read quickly enough."), "too_slow")
            case _ if self._models.info(of.params) is None:
                return failed_load(event)
            case _:
                return failed_answer(event)

    async def _record(self, of: AskedModel) -> None:
        try:
            await asyncio.to_thread(self._models.record_client, of.model, of.client)
        except UserError as error:
            raise api_error(error) from None

    async def _images(self, of: AskedModel, asked: ModelRequest) -> tuple[RequestImage, ...]:
        """Its pictures, decoded in a process of their own. Raises ApiError."""
        if not asked.images:
            return ()
        if not of.params.projector or self._pictures is None:
            raise api_error(sees_no_pictures())
        reader, side = self._pictures, side_for(len(asked.images))
        found = []
        for sha256, data in asked.images.items():
            try:
                found.append(await asyncio.to_thread(decoded, sha256, data, "", reader, side))
            except UserError as error:
                raise api_error(error) from None
        return tuple(found)


async def _tell_when_gone(receive: Receive, bridge: EventBridge) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    bridge.interrupt(Interruption.CLIENT_GONE)


def conversation_name(client: str, asked: ModelRequest) -> str:
    """The name under which the engine keeps what was read of a conversation: that of the one of this client that begins
    so."""
    after_system = next((at for at, each in enumerate(asked.messages) if each.role != "system"), 0)
    begins = repr((client, asked.model, asked.messages[: after_system + 1]))
    return f"server-{hashlib.sha256(begins.encode('utf-8', 'replace')).hexdigest()[:32]}"
