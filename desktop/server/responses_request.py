"""`POST /v1/responses`: what it takes, and what that asks of a model. Nothing is kept between requests."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import (
    GenerationOptions,
    JsonSchemaFormat,
    NamedTool,
    ToolDefinition,
)
from desktop.safe_text import repair_surrogates
from desktop.server.api_errors import ApiError
from desktop.server.chat_completion_request import ANY_OBJECT, Effort, thinking_options
from desktop.server.model_request import (
    MOST_TOOLS,
    ModelRequest,
    RequestImages,
    conversation_messages,
    json_text,
    refused,
)
from desktop.server.sampling_fields import ApiBody, SamplingFields, TokenCount
from desktop.translation import tr


class InputText(ApiBody):
    """Text of a message, of whoever."""

    type: Literal["input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"]
    text: str = ""


class InputImage(ApiBody):
    """An image in a data: address."""

    type: Literal["input_image"]
    image_url: str | None = None


InputContent = str | list[Annotated[InputText | InputImage, Field(discriminator="type")]]


class MessageItem(ApiBody):
    """A message of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: InputContent


class CallItem(ApiBody):
    """A call that the model made earlier."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str = ""


class ResultItem(ApiBody):
    """What a call gave."""

    type: Literal["function_call_output"]
    call_id: str
    output: InputContent


class ThoughtItem(ApiBody):
    """What the model thought: it is not given to it again."""

    type: Literal["reasoning"]


InputItem = Annotated[CallItem | ResultItem | ThoughtItem, Field(discriminator="type")] | MessageItem


class ResponsesTool(ApiBody):
    """A function that the model may call."""

    type: Literal["function"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ChosenName(ApiBody):
    """The tool that has to be called."""

    type: Literal["function"]
    name: str


class TextFormat(ApiBody):
    """The form of the answer's text."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class TextOptions(ApiBody):
    """How the answer's text is to be."""

    format: TextFormat = TextFormat()


class ReasoningOptions(ApiBody):
    """How the model thinks."""

    effort: Effort | None = None


class ResponsesRequest(SamplingFields):
    """What a model is to go on with, in the form of OpenAI's Responses."""

    model: str
    input: str | Annotated[list[InputItem], Field(min_length=1, max_length=10_000)]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: TokenCount | None = None
    tools: Annotated[list[ResponsesTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenName | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions = TextOptions()
    reasoning: ReasoningOptions | None = None
    previous_response_id: str | None = Field(None, description="Not taken: nothing is kept between requests.")
    conversation: Any = Field(None, description="Not taken: nothing is kept between requests.")
    truncation: Literal["auto", "disabled"] | None = Field(
        None, description="With auto the oldest turns are left out of a conversation that is too long."
    )
    background: bool | None = Field(None, description="Not taken.")

    def model_request(self) -> ModelRequest:
        """What it asks of the model. Raises ApiError."""
        self._refuse_unknown()
        images = RequestImages()
        said = [ChatMessage.from_text("system", repair_surrogates(self.instructions))] if self.instructions else []
        if isinstance(self.input, str):
            said.append(ChatMessage.from_text("user", repair_surrogates(self.input)))
        else:
            said += _messages(self.input, images)
        messages, prefill = conversation_messages(said)
        options = GenerationOptions(
            self.sampling(),
            max_tokens=self.max_output_tokens,
            response_format=self._format(),
            thinking=thinking_options(self.reasoning.effort if self.reasoning is not None else None),
            tools=tuple(
                ToolDefinition(
                    repair_surrogates(each.name),
                    repair_surrogates(each.description or ""),
                    json_text(each.parameters or {"type": "object", "properties": {}}),
                )
                for each in self.tools or ()
            ),
            tool_choice=self._tool_choice(),
            ignore_eos=self.ignore_eos,
            context_full="drop-oldest" if self.truncation == "auto" else "stop",
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
        for name in ("previous_response_id", "conversation", "background"):
            if getattr(self, name):
                raise refused(name, tr("This server keeps nothing between requests: send the whole conversation."))

    def _format(self) -> JsonSchemaFormat | None:
        asked = self.text.format
        if asked.type == "text":
            return None
        if asked.type == "json_object":
            return JsonSchemaFormat(ANY_OBJECT)
        if asked.schema_ is None:
            raise refused("text.format", tr("text.format needs its schema."))
        return JsonSchemaFormat(json_text(asked.schema_))

    def _tool_choice(self) -> Literal["auto", "none", "required"] | NamedTool:
        if isinstance(self.tool_choice, ChosenName):
            return NamedTool(repair_surrogates(self.tool_choice.name))
        return self.tool_choice or "auto"


def _messages(items: list[Any], images: RequestImages) -> Iterator[ChatMessage]:
    names: dict[str, str] = {}
    for number, each in enumerate(items):
        param = f"input.{number}"
        match each:
            case MessageItem():
                role = "system" if each.role == "developer" else each.role
                parts = _parts(each.content, images, param)
                if role != "user" and any(isinstance(part, ImagePart) for part in parts):
                    raise refused(param, tr("Images stand in messages of the user alone."))
                yield ChatMessage(role, parts)
            case CallItem():
                names[each.call_id] = repair_surrogates(each.name)
                call = ToolCallPart(
                    repair_surrogates(each.call_id), names[each.call_id], repair_surrogates(each.arguments)
                )
                yield ChatMessage("assistant", (call,))
            case ResultItem():
                if each.call_id not in names:
                    raise ApiError(
                        400,
                        tr("The message of a tool names no call that was made before it."),
                        "invalid_call_id",
                        param,
                    )
                parts = _parts(each.output, images, param)
                yield ChatMessage(
                    "tool", (ToolResultPart(repair_surrogates(each.call_id), names[each.call_id], parts),)
                )
            case _:
                pass


def _parts(content: InputContent, images: RequestImages, param: str) -> tuple[TextPart | ImagePart, ...]:
    if isinstance(content, str):
        return (TextPart(repair_surrogates(content)),) if content else ()
    found: list[TextPart | ImagePart] = []
    for each in content:
        if isinstance(each, InputImage):
            if each.image_url is None:
                raise refused(param, tr("An image has to come in a data: address: this server keeps no files."))
            found.append(images.add_url(each.image_url, param))
        elif each.text:
            found.append(TextPart(repair_surrogates(each.text)))
    return tuple(found)
