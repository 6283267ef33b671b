"""`POST /v1/chat/completions`: what it takes, and what that asks of a model."""

from typing import Annotated, Any, Literal

from pydantic import Field

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import (
    MOST_LOGPROBS,
    GenerationOptions,
    GrammarFormat,
    JsonSchemaFormat,
    NamedTool,
    ThinkingOptions,
    ToolDefinition,
)
from desktop.safe_text import repair_surrogates
from desktop.server.api_errors import ApiError
from desktop.server.model_request import (
    MOST_TOOLS,
    ModelRequest,
    RequestImages,
    conversation_messages,
    json_text,
    refused,
)
from desktop.server.sampling_fields import ApiBody, SamplingFields, Stops, TokenCount, biases, stop_texts
from desktop.translation import tr

ANY_OBJECT = '{"type": "object"}'
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class TextContent(ApiBody):
    """Text within a message."""

    type: Literal["text"]
    text: str


class ImageAddress(ApiBody):
    """Where an image is: in a data: address."""

    url: str


class ImageContent(ApiBody):
    """An image within a message of the user's."""

    type: Literal["image_url"]
    image_url: ImageAddress


Content = str | list[Annotated[TextContent | ImageContent, Field(discriminator="type")]]


class CalledFunction(ApiBody):
    """A function that the model called, with the JSON text of its arguments."""

    name: str
    arguments: str = ""


class CallBody(ApiBody):
    """A call that the model made earlier."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class MessageBody(ApiBody):
    """A message of the conversation. What the model thought (`reasoning_content`) is not given to it again."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    tool_calls: list[CallBody] | None = None
    tool_call_id: str | None = None


class FunctionBody(ApiBody):
    """A function that the model may call; `parameters` is the JSON Schema of its arguments."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolBody(ApiBody):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionBody


class ChosenFunction(ApiBody):
    """The name of a function."""

    name: str


class ChosenTool(ApiBody):
    """The tool that has to be called."""

    type: Literal["function"]
    function: ChosenFunction


class SchemaBody(ApiBody):
    """A JSON Schema with its name."""

    name: str = ""
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class FormatBody(ApiBody):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaBody | None = None


class StreamOptions(ApiBody):
    """What a stream tells besides."""

    include_usage: bool = False


class ChatRequest(SamplingFields):
    """A conversation that a model is to go on with."""

    model: str
    messages: Annotated[list[MessageBody], Field(min_length=1, max_length=10_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    min_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    stop: Stops | None = None
    n: int | None = Field(None, description="Only 1.")
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    logit_bias: dict[str, float] | None = None
    tools: Annotated[list[ToolBody], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: FormatBody | None = None
    grammar: str | None = Field(None, description="The answer is a sentence of this grammar, in llama.cpp's GBNF.")
    reasoning_effort: Effort | None = None
    functions: Any = Field(None, description="Not taken: use tools.")
    modalities: list[str] | None = Field(None, description='Only ["text"].')

    def model_request(self) -> ModelRequest:
        """What it asks of the model. Raises ApiError."""
        self._refuse_unknown()
        images = RequestImages()
        messages, prefill = conversation_messages(_messages(self.messages, images))
        tools = tuple(
            ToolDefinition(
                repair_surrogates(each.function.name),
                repair_surrogates(each.function.description or ""),
                json_text(each.function.parameters or {"type": "object", "properties": {}}),
            )
            for each in self.tools or ()
        )
        options = GenerationOptions(
            self.sampling(),
            max_tokens=self.max_completion_tokens or self.max_tokens,
            min_tokens=self.min_tokens,
            stop=stop_texts(self.stop),
            response_format=self._format(),
            thinking=thinking_options(self.reasoning_effort),
            tools=tools,
            tool_choice=self._tool_choice(),
            logit_bias=biases(self.logit_bias),
            logprobs=max(1, self.top_logprobs or 0) if self.logprobs else 0,
            ignore_eos=self.ignore_eos,
            context_full="stop",
        )
        return ModelRequest(
            self.model,
            messages,
            options,
            prefill,
            images.files,
            one_call=self.parallel_tool_calls is False,
            stream=bool(self.stream),
        )

    def _refuse_unknown(self) -> None:
        if self.n not in (None, 1):
            raise refused("n", tr("This server gives one answer to a request: n has to be 1."))
        if self.functions is not None:
            raise refused("functions", tr("functions is not taken any more: describe them as tools."))
        if set(self.modalities or ()) - {"text"}:
            raise refused("modalities", tr("This server answers with text alone."))
        if self.top_logprobs and not self.logprobs:
            raise refused("top_logprobs", tr("top_logprobs needs logprobs."))

    def _format(self) -> JsonSchemaFormat | GrammarFormat | None:
        asked = self.response_format
        if self.grammar is not None:
            if asked is not None and asked.type != "text":
                raise refused("grammar", tr("A grammar and a response_format cannot be had together."))
            return GrammarFormat(repair_surrogates(self.grammar))
        if asked is None or asked.type == "text":
            return None
        if asked.type == "json_object":
            return JsonSchemaFormat(ANY_OBJECT)
        if asked.json_schema is None:
            raise refused("response_format", tr("response_format needs its json_schema."))
        return JsonSchemaFormat(json_text(asked.json_schema.schema_))

    def _tool_choice(self) -> Literal["auto", "none", "required"] | NamedTool:
        if isinstance(self.tool_choice, ChosenTool):
            return NamedTool(repair_surrogates(self.tool_choice.function.name))
        return self.tool_choice or "auto"


def thinking_options(effort: Effort | None) -> ThinkingOptions:
    """How a model thinks, by OpenAI's word for it."""
    match effort:
        case None:
            return ThinkingOptions()
        case "none" | "minimal":
            return ThinkingOptions(enabled=False)
        case "xhigh" | "max":
            return ThinkingOptions(effort="high")
        case _:
            return ThinkingOptions(effort=effort)


def _messages(given: list[MessageBody], images: RequestImages) -> list[ChatMessage]:
    names: dict[str, str] = {}
    found: list[ChatMessage] = []
    for number, each in enumerate(given):
        parts = _parts(each.content, images, f"messages.{number}.content")
        if each.role == "tool":
            found.append(_result(each, parts, names, number))
            continue
        if each.role != "user" and any(isinstance(part, ImagePart) for part in parts):
            raise refused(f"messages.{number}", tr("Images stand in messages of the user alone."))
        calls = []
        for call in each.tool_calls or () if each.role == "assistant" else ():
            names[call.id] = repair_surrogates(call.function.name)
            calls.append(
                ToolCallPart(repair_surrogates(call.id), names[call.id], repair_surrogates(call.function.arguments))
            )
        role = "system" if each.role == "developer" else each.role
        found.append(ChatMessage(role, (*parts, *calls)))
    return found


def _result(each: MessageBody, parts: tuple[TextPart | ImagePart, ...], names: dict[str, str], at: int) -> ChatMessage:
    if each.tool_call_id is None or each.tool_call_id not in names:
        raise ApiError(
            400,
            tr("The message of a tool names no call that was made before it."),
            "invalid_tool_call_id",
            f"messages.{at}.tool_call_id",
        )
    return ChatMessage("tool", (ToolResultPart(repair_surrogates(each.tool_call_id), names[each.tool_call_id], parts),))


def _parts(content: Content | None, images: RequestImages, param: str) -> tuple[TextPart | ImagePart, ...]:
    if isinstance(content, str):
        return (TextPart(repair_surrogates(content)),) if content else ()
    found: list[TextPart | ImagePart] = []
    for number, each in enumerate(content or ()):
        if isinstance(each, ImageContent):
            found.append(images.add_url(each.image_url.url, f"{param}.{number}"))
        elif each.text:
            found.append(TextPart(repair_surrogates(each.text)))
    return tuple(found)
