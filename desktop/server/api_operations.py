"""The operations of the server's interfaces: each takes a request that was read and checked, and answers it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS
from desktop.errors import NotFoundError, UserError
from desktop.server.answer_form import AnswerForm
from desktop.server.answer_response import AnswerResponse
from desktop.server.api_errors import ApiError, ApiStyle, api_error
from desktop.server.chat_completion_request import ChatRequest
from desktop.server.chat_form import ChatForm
from desktop.server.completion_form import CompletionRequest
from desktop.server.embeddings_request import EmbeddingsRequest
from desktop.server.messages_form import MessagesForm
from desktop.server.messages_request import CountRequest, MessagesRequest
from desktop.server.model_request import ModelRequest
from desktop.server.offered_models import OfferedModel, OfferedModels
from desktop.server.responses_form import ResponsesForm
from desktop.server.responses_request import ResponsesRequest
from desktop.server.served_answers import ClientGoneError, ServedAnswers
from desktop.server.server_activity import ServerActivity
from desktop.translation import tr


class ApiOperations:
    """All of them. Each raises ApiError."""

    def __init__(self, answers: ServedAnswers, models: OfferedModels, activity: ServerActivity) -> None:
        self._answers = answers
        self._models = models
        self._activity = activity

    async def health(self) -> dict[str, str]:
        """Whether the server runs. Needs no key."""
        return {"status": "ok"}

    async def list_models(self) -> Response:
        """The models that are offered, in OpenAI's form and in Anthropic's at once."""
        data = [_model_json(each) for each in await self._offered()]
        ids = [each["id"] for each in data]
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        return JSONResponse({"object": "list", "data": data, "has_more": False, **ends})

    async def show_model(self, model_id: str) -> Response:
        """One of them."""
        found = next((each for each in await self._offered() if each.id == model_id), None)
        if found is None:
            raise api_error(NotFoundError(tr("There is no model called {model} here.").format(model=model_id)))
        return JSONResponse(_model_json(found))

    async def chat(self, body: ChatRequest, request: Request) -> Response:
        """Go on with a conversation."""
        told = body.stream_options is not None and body.stream_options.include_usage
        form = ChatForm(
            body.model, top_logprobs=(body.top_logprobs or 0) if body.logprobs else None, include_usage=told
        )
        return await self._answer(body.model_request(), form, request)

    async def complete(self, body: CompletionRequest, request: Request) -> Response:
        """Go on with a text."""
        return await self._answer(body.model_request(), body.form(), request)

    async def respond(self, body: ResponsesRequest, request: Request) -> Response:
        """Go on with a conversation, in the form of OpenAI's Responses."""
        return await self._answer(body.model_request(), ResponsesForm(body), request)

    async def message(self, body: MessagesRequest, request: Request) -> Response:
        """Go on with a conversation, in Anthropic's form."""
        return await self._answer(body.model_request(), MessagesForm(body.model), request, "anthropic")

    async def count_tokens(self, body: CountRequest, request: Request) -> Response:
        """How many tokens a model reads of a conversation."""
        of = await self._answers.model(body.model, request.state.client, request.receive)
        try:
            return JSONResponse({"input_tokens": await self._answers.prompt_tokens(of, body.model_request())})
        except ClientGoneError:
            return Response(status_code=499)

    async def embed(self, body: EmbeddingsRequest, request: Request) -> Response:
        """The vectors of texts."""
        texts = body.texts()
        of = await self._answers.model(body.model, request.state.client, request.receive, "embedding")
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        for begin in range(0, len(texts), MOST_EMBEDDED_TEXTS):
            try:
                found = await self._answers.vectors(of, texts[begin : begin + MOST_EMBEDDED_TEXTS])
            except ClientGoneError:
                return Response(status_code=499)
            if found.truncated:
                number = begin + found.truncated[0]
                said = tr("The model does not read text number {number} whole: it is too long.").format(number=number)
                raise ApiError(400, said, "context_length_exceeded", "input")
            vectors += found.vectors
            tokens += found.tokens
        if body.dimensions is not None and body.dimensions != len(vectors[0]):
            said = tr("The vectors of this model have {length} dimensions.").format(length=len(vectors[0]))
            raise ApiError(400, said, "unsupported_parameter", "dimensions")
        return JSONResponse(body.body(body.model, vectors, tokens))

    async def _answer(
        self, asked: ModelRequest, form: AnswerForm, request: Request, style: ApiStyle = "openai"
    ) -> Response:
        of = await self._answers.model(asked.model, request.state.client, request.receive)
        return AnswerResponse(self._answers, self._activity, of, asked, form, style)

    async def _offered(self) -> list[OfferedModel]:
        try:
            return await asyncio.to_thread(self._models.listed)
        except UserError as error:
            raise api_error(error) from None


def _model_json(model: OfferedModel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.publisher,
        "type": "model",
        "display_name": model.name,
        "created_at": datetime.fromtimestamp(model.created, UTC).isoformat().replace("+00:00", "Z"),
    }
    if model.context_length is not None:
        found["max_model_len"] = model.context_length  # vLLM's name for it
    return found
