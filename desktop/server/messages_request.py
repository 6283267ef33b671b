"""`POST /v1/messages`, Anthropic's interface: what it takes, and what that asks of a model."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import (
    GenerationOptions,
    JsonSchemaFormat,
    NamedTool,
    SamplingParams,
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
from desktop.server.sampling_fields import ApiBody, TokenCount, stop_texts
from desktop.translation import tr


class TextBlock(ApiBody):
    """Text."""

    type: Literal["text"]
    text: str


class ImageSource(ApiBody):
    """The bytes of an image, in base64."""

    type: Literal["base64"]
    data: str


class ImageBlock(ApiBody):
    """An image."""

    type: Literal["image"]
    source: ImageSource


class ToolUseBlock(ApiBody):
    """A call that the model made earlier."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any] = Field(default_factory=dict)


ResultContent = str | list[Annotated[TextBlock | ImageBlock, Field(discriminator="type")]]


class ToolResultBlock(ApiBody):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: ResultContent = ""
    is_error: bool = False


class ThinkingBlock(ApiBody):
    """What the model thought: it is not given to it again."""

    type: Literal["thinking", "redacted_thinking"]


Block = Annotated[TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock, Field(discriminator="type")]


class AnthropicMessage(ApiBody):
    """A message of the conversation."""

    role: Literal["user", "assistant"]
    content: str | list[Block]


class AnthropicTool(ApiBody):
    """A tool that the model may call; `input_schema` is the JSON Schema of its arguments."""

    type: Literal["custom"] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str | None = None
    input_schema: dict[str, Any]


class AnthropicChoice(ApiBody):
    """Which tool is to be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class AnthropicThinking(ApiBody):
    """Whether the model thinks, and for how many tokens at most."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class AnthropicFormat(ApiBody):
    """The answer is JSON that conforms to a schema."""

    type: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(ApiBody):
    """How the answer is to be."""

    format: AnthropicFormat | None = None


class CountRequest(ApiBody):
    """A conversation whose tokens are to be counted."""

    model: str
    messages: Annotated[list[AnthropicMessage], Field(min_length=1, max_length=10_000)]
    system: str | list[TextBlock] | None = None
    tools: Annotated[list[AnthropicTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: AnthropicChoice | None = None
    thinking: AnthropicThinking | None = None

    def model_request(self) -> ModelRequest:
        """What it asks of the model. Raises ApiError."""
        images = RequestImages()
        system = "\n\n".join(each.text for each in self.system) if isinstance(self.system, list) else self.system
        said = [ChatMessage.from_text("system", repair_surrogates(system))] if system else []
        messages, prefill = conversation_messages([*said, *_messages(self.messages, images)])
        options = GenerationOptions(
            thinking=self._thinking(),
            tools=tuple(
                ToolDefinition(
                    repair_surrogates(each.name),
                    repair_surrogates(each.description or ""),
                    json_text(each.input_schema),
                )
                for each in self.tools or ()
            ),
            tool_choice=self._tool_choice(),
            context_full="stop",
        )
        one_call = self.tool_choice is not None and self.tool_choice.disable_parallel_tool_use
        return ModelRequest(self.model, messages, options, prefill, images.files, one_call=one_call)

    def _thinking(self) -> ThinkingOptions:
        """A model thinks where that was asked for, as this interface has it."""
        if self.thinking is None or self.thinking.type == "disabled":
            return ThinkingOptions(enabled=False)
        if self.thinking.type == "adaptive":
            return ThinkingOptions()
        return ThinkingOptions(enabled=True, budget=self.thinking.budget_tokens)

    def _tool_choice(self) -> Literal["auto", "none", "required"] | NamedTool:
        chosen = self.tool_choice
        if chosen is None:
            return "auto"
        match chosen.type:
            case "any":
                return "required"
            case "tool":
                if not chosen.name:
                    raise refused("tool_choice", tr("tool_choice needs the name of the tool."))
                return NamedTool(repair_surrogates(chosen.name))
            case kind:
                return kind


class MessagesRequest(CountRequest):
    """A conversation that a model is to go on with, in Anthropic's form."""

    max_tokens: TokenCount
    stream: bool | None = None
    stop_sequences: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=16)] | None
    ) = None
    temperature: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    output_config: OutputConfig | None = None
    ignore_eos: bool = Field(False, description="The model cannot end its answer: for benchmarks.")

    def model_request(self) -> ModelRequest:
        """What it asks of the model. Raises ApiError."""
        asked = super().model_request()
        options = msgspec.structs.replace(
            asked.options,
            sampling=SamplingParams(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k),
            max_tokens=self.max_tokens,
            stop=stop_texts(self.stop_sequences),
            response_format=self._format(),
            ignore_eos=self.ignore_eos,
        )
        return dataclasses.replace(asked, options=options, stream=bool(self.stream))

    def _format(self) -> JsonSchemaFormat | None:
        asked = self.output_config.format if self.output_config is not None else None
        return JsonSchemaFormat(json_text(asked.schema_)) if asked is not None else None


def _messages(given: list[AnthropicMessage], images: RequestImages) -> Iterator[ChatMessage]:
    """As chat templates know them: the results of tools in messages of their own, before what the user says to them."""
    names: dict[str, str] = {}
    for number, each in enumerate(given):
        if isinstance(each.content, str):
            yield ChatMessage.from_text(each.role, repair_surrogates(each.content))
            continue
        param = f"messages.{number}"
        said: list[TextPart | ImagePart | ToolCallPart] = []
        results: list[ToolResultPart] = []
        for block in each.content:
            match block:
                case TextBlock():
                    said.append(TextPart(repair_surrogates(block.text)))
                case ImageBlock():
                    said.append(images.add(block.source.data, param))
                case ToolUseBlock():
                    names[block.id] = repair_surrogates(block.name)
                    said.append(ToolCallPart(repair_surrogates(block.id), names[block.id], json_text(block.input)))
                case ToolResultBlock():
                    results.append(_result(block, names, images, param))
                case _:
                    pass
        kinds = {type(part) for part in said}
        if (each.role == "assistant" and (ImagePart in kinds or results)) or (
            each.role == "user" and ToolCallPart in kinds
        ):
            raise refused(param, tr("A block stands in a message of a role that it does not belong to."))
        if results:
            yield ChatMessage("tool", tuple(results))
        yield ChatMessage(each.role, tuple(said))


def _result(block: ToolResultBlock, names: dict[str, str], images: RequestImages, param: str) -> ToolResultPart:
    if block.tool_use_id not in names:
        raise ApiError(
            400, tr("The message of a tool names no call that was made before it."), "invalid_tool_use_id", param
        )
    content: list[TextPart | ImagePart] = []
    if isinstance(block.content, str):
        content.append(TextPart(repair_surrogates(block.content)))
    else:
        for each in block.content:
            if isinstance(each, ImageBlock):
                content.append(images.add(each.source.data, param))
            else:
                content.append(TextPart(repair_surrogates(each.text)))
    return ToolResultPart(
        repair_surrogates(block.tool_use_id), names[block.tool_use_id], tuple(content), is_error=block.is_error
    )
