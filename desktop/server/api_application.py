"""The interfaces as an application of FastAPI, which checks what comes and describes itself at /openapi.json."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from desktop import __version__
from desktop.server.api_description import responses, without_usual_failures
from desktop.server.api_errors import ApiError
from desktop.server.api_operations import ApiOperations
from desktop.server.request_gate import api_style
from desktop.translation import tr

_log = logging.getLogger(__name__)
_MOST_MISTAKES = 3
# The key is checked before any of this: here it stands for the description.
_KEYS = [
    Security(HTTPBearer(auto_error=False, description="The server's key.")),
    Security(
        APIKeyHeader(
            name="x-api-key", auto_error=False, description="The server's key, as Anthropic's clients send it."
        )
    ),
]
_CHAT = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "m", "choices": [], "usage": {}}
_TEXT = {**_CHAT, "object": "text_completion"}
_RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}


def api_application(operations: ApiOperations) -> FastAPI:
    """The application. It keeps no traces and asks no other machine: FastAPI's telemetry is off, and so are its pages
    for documentation, whose scripts come from elsewhere."""
    application = FastAPI(
        title="Latchkey",
        version=__version__,
        description="Models on this machine, in the interfaces of OpenAI and of Anthropic.",
        docs_url=None,
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    _add_operations(application, operations)
    application.add_exception_handler(ApiError, _refused)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _unknown)
    application.add_exception_handler(Exception, _failed)
    description = without_usual_failures(application.openapi())
    application.openapi_schema = description
    return application


def _add_operations(application: FastAPI, does: ApiOperations) -> None:
    def add(method: str, path: str, operation: Any, tag: str, answer: dict[int | str, Any], **more: Any) -> None:
        application.add_api_route(
            path, operation, methods=[method], tags=[tag], responses=answer, response_class=JSONResponse, **more
        )

    keyed: dict[str, Any] = {"dependencies": _KEYS, "response_model": None}
    add("GET", "/health", does.health, "server", {403: responses({})[403]})
    add("GET", "/v1/models", does.list_models, "models", responses({"object": "list", "data": []}), **keyed)
    add("GET", "/v1/models/{model_id:path}", does.show_model, "models", responses({"id": "m"}), **keyed)
    add("POST", "/v1/chat/completions", does.chat, "openai", responses(_CHAT, streams=True), **keyed)
    add("POST", "/v1/completions", does.complete, "openai", responses(_TEXT, streams=True), **keyed)
    add("POST", "/v1/responses", does.respond, "openai", responses(_RESPONSE, streams=True), **keyed)
    add("POST", "/v1/embeddings", does.embed, "openai", responses({"object": "list", "data": []}), **keyed)
    streamed = responses(_MESSAGE, streams=True, anthropic=True)
    add("POST", "/v1/messages", does.message, "anthropic", streamed, **keyed)
    counted = responses({"input_tokens": 1}, anthropic=True)
    add("POST", "/v1/messages/count_tokens", does.count_tokens, "anthropic", counted, **keyed)


def _answered(error: ApiError, request: Request) -> Response:
    return JSONResponse(error.body(api_style(request.url.path)), error.status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _answered(error, request)


async def _invalid(request: Request, error: Exception) -> Response:
    """What does not fit the description, each mistake with its place. Nothing of the request is repeated."""
    assert isinstance(error, RequestValidationError)
    if "json" not in request.headers.get("content-type", "").lower() and any(
        each["loc"] == ("body",) for each in error.errors()
    ):
        # `curl -d` says that it sends a form. A page elsewhere may do so unasked, so it is not taken for JSON.
        said = tr("The body has to come with the header “Content-Type: application/json”.")
        return _answered(ApiError(400, said, "invalid_request"), request)
    mistakes = [
        f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()[:_MOST_MISTAKES]
    ]
    places = [".".join(map(str, each["loc"][1:])) for each in error.errors()[:1]]
    said = tr("The request is not as it has to be: {mistakes}").format(mistakes="; ".join(mistakes))
    return _answered(ApiError(400, said, "invalid_request", places[0] if places else ""), request)


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {
        404: tr("There is nothing at {path}."),
        405: tr("{path} does not take {method}."),
    }.get(error.status_code, str(error.detail))
    said = said.format(path=request.url.path[:200], method=request.method) if error.status_code in (404, 405) else said
    answer = _answered(ApiError(error.status_code, said), request)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of our own; its traceback goes to the log."""
    _log.critical("uncaught error in the server", exc_info=error)
    return _answered(ApiError(500, tr("The server met an error of its own."), "internal_error"), request)
