"""What is asked for, as the body of OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat).

What has no name there that all endpoints know is left out: top_k, min_p, the repetition penalty and every other sampler
beyond temperature, top_p and the two penalties; `ignore_eos`, `min_tokens`, speculation, biases by text and
log-probabilities. What an answer would be another one without is refused: a grammar, a raw prompt, the beginning of an
answer that is to be gone on with.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from desktop.conversation import ChatMessage, ImagePart, MessagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.endpoints.endpoint_errors import not_supported
from desktop.endpoints.picture_file import data_url
from desktop.engine.generation_options import GenerationOptions, GrammarFormat, JsonSchemaFormat, NamedTool
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError, ResourceError
from desktop.safe_text import repair_surrogates
from desktop.translation import tr

LARGEST_BODY = 128 << 20
"""Bytes of one request at most."""
_MOST_STOPS = 4  # OpenAI's limit, which others have as well


def chat_request(
    model: str, request: GenerateRequest, messages: Iterable[ChatMessage], *, streamed: bool = True
) -> bytes:
    """The body that asks `model` for an answer to `messages`, with the options and pictures of `request`; `streamed` as
    it comes, else whole.

    Raises EngineError where something is asked for that cannot be had, ResourceError where it is too large.
    """
    options = request.options
    _refuse(request)
    images = {each.sha256: each for each in request.images}
    body: dict[str, Any] = {
        "model": model,
        "messages": [each for message in messages for each in _message(message, images)],
        "stream": streamed,
        **({"stream_options": {"include_usage": True}} if streamed else {}),
        **_sampling(options),
        **_tools(options),
    }
    if isinstance(options.response_format, JsonSchemaFormat):
        form = {"name": "answer", "schema": _schema(options.response_format.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    data = msgspec.json.encode(body)
    if len(data) > LARGEST_BODY:
        raise ResourceError(
            tr("This conversation is too large to be sent."),
            tr("Its pictures and texts are more than {count} MB.").format(count=LARGEST_BODY >> 20),
            tr("Start a new conversation, or ask without the pictures."),
        )
    return data


def _refuse(request: GenerateRequest) -> None:
    options = request.options
    if isinstance(options.response_format, GrammarFormat):
        raise not_supported(tr("an answer by a grammar"))
    if options.raw_prompt:
        raise not_supported(tr("an answer to a raw prompt"))
    if request.prefill or request.begun:
        raise not_supported(tr("going on with an answer from where it ended"))


def _sampling(options: GenerationOptions) -> dict[str, Any]:
    sampling = options.sampling
    given: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
        "max_tokens": options.max_tokens,
        "stop": list(options.stop[:_MOST_STOPS]) or None,
        "reasoning_effort": options.thinking.effort,
    }
    biases = {str(token): max(-100.0, min(100.0, bias)) for token, bias in options.logit_bias if isinstance(token, int)}
    return {name: value for name, value in given.items() if value is not None} | (
        {"logit_bias": biases} if biases else {}
    )


def _tools(options: GenerationOptions) -> dict[str, Any]:
    if not options.tools:
        return {}
    choice: Any = options.tool_choice
    if isinstance(choice, NamedTool):
        choice = {"type": "function", "function": {"name": choice.name}}
    functions = (
        {"name": each.name, "description": each.description, "parameters": _schema(each.parameters)}
        for each in options.tools
    )
    return {"tools": [{"type": "function", "function": each} for each in functions], "tool_choice": choice}


def _schema(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EngineError(
            tr("The JSON Schema cannot be read."), str(error)[:300], tr("Correct it, or ask without it.")
        ) from error


def _message(message: ChatMessage, images: Mapping[str, RequestImage]) -> list[dict[str, Any]]:
    """A message as the interface has it: results of tools stand in messages of their own, one each."""
    if message.role == "tool":
        return [_result(part) for part in message.parts if isinstance(part, ToolResultPart)]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCallPart)]
    content = [each for part in message.parts if (each := _content(part, images)) is not None]
    told: dict[str, Any] = {"role": message.role, "content": _plain(content)}
    if calls:
        told["tool_calls"] = calls
        told["content"] = told["content"] or None
    return [told]


def _content(part: MessagePart, images: Mapping[str, RequestImage]) -> dict[str, Any] | None:
    match part:
        case TextPart():
            return {"type": "text", "text": repair_surrogates(part.text)}
        case ImagePart():
            image = images.get(part.sha256)
            if image is None:
                raise EngineError(
                    tr("This model cannot see pictures."),
                    tr("There is an image in the conversation."),
                    tr("Choose a model that sees, or ask without the image."),
                )
            return {"type": "image_url", "image_url": {"url": data_url(image)}}
        case _:
            return None


def _plain(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Texts alone as one: that is what every endpoint takes."""
    if all(each["type"] == "text" for each in content):
        return "".join(each["text"] for each in content)
    return content


def _call(part: ToolCallPart) -> dict[str, Any]:
    function = {"name": part.name, "arguments": repair_surrogates(part.arguments)}
    return {"id": part.id, "type": "function", "function": function}


def _result(part: ToolResultPart) -> dict[str, Any]:
    texts = [each.text if isinstance(each, TextPart) else tr("[An image]") for each in part.content]
    return {"role": "tool", "tool_call_id": part.call_id, "content": repair_surrogates("\n".join(texts))}
