"""What the OpenAPI description says of answers: their kinds, and the statuses that tell of failures."""

from typing import Any

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """A failure in OpenAI's form."""

    error: ErrorDetail


class AnthropicErrorDetail(BaseModel):
    """What went wrong."""

    type: str
    message: str


class AnthropicErrorBody(BaseModel):
    """A failure in Anthropic's form."""

    type: str
    error: AnthropicErrorDetail


_FAILURES = {
    400: "The request cannot be answered as it is.",
    401: "The key is missing or wrong.",
    403: "A license is not in force, a policy forbids it, or the request names another host or origin.",
    404: "There is no such model.",
    408: "The request did not come to its end.",
    413: "The request is too large.",
    429: "The server has too much to do.",
    500: "The server met an error of its own.",
    503: "The model cannot be loaded, or the server is stopping.",
}


def responses(example: dict[str, Any], *, streams: bool = False, anthropic: bool = False) -> dict[int | str, Any]:
    """The responses of an operation that gives JSON with the fields of `example`, or a stream of events as well."""
    content: dict[str, Any] = {
        "application/json": {"schema": {"type": "object", "required": list(example)}, "example": example}
    }
    if streams:
        content["text/event-stream"] = {"schema": {"type": "object", "required": ["data"]}}
    failure = AnthropicErrorBody if anthropic else ErrorBody
    found: dict[int | str, Any] = {
        status: {"model": failure, "description": said} for status, said in _FAILURES.items()
    }
    return {200: {"description": "The answer.", "content": content}, **found}


def without_usual_failures(description: dict[str, Any]) -> dict[str, Any]:
    """`description` without the status 422, which FastAPI adds to every operation: it is 400 here."""
    for operations in description["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        description["components"]["schemas"].pop(name, None)
    return description
