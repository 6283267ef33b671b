"""What a request asks for and this version cannot do: refused by name, never left out."""

from collections.abc import Collection

from desktop.conversation import (
    ChatMessage,
    DocumentPart,
    ImagePart,
    MessagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.engine.engine_errors import sees_no_pictures
from desktop.engine.generation_options import GenerationOptions, ThinkingOptions
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError
from desktop.translation import tr


def refuse_unsupported(request: GenerateRequest, *, sees: bool = False) -> None:
    """Raise EngineError where `request` holds what would be left out of the prompt, or asks for what is not done.
    `sees` says that the model can be shown pictures."""
    images = {image.sha256 for image in request.images} if sees else set()
    for message in request.messages:
        for part in message.parts:
            if not _can_be_given(part, message, images, raw=request.options.raw_prompt):
                if not sees and _holds_image(part):
                    raise sees_no_pictures()
                raise EngineError(
                    tr("Something in this conversation cannot be given to the model."),
                    tr("It is {part}, and this version of Latchkey does not give that to a model.").format(
                        part=_name(part)
                    ),
                    tr("Ask without it, or start a new conversation."),
                )
        if message.role == "tool" and not message.parts:
            raise EngineError(
                tr("Something in this conversation cannot be given to the model."),
                tr("It is a message of a tool without its result."),
                tr("Start a new conversation."),
            )
    if option := _unsupported_option(request.options):
        raise EngineError(
            tr("The answer cannot be generated as it was asked for."),
            tr("This version of Latchkey does not know the option {option}.").format(option=option),
            tr("Ask without it."),
        )


def _holds_image(part: MessagePart) -> bool:
    return isinstance(part, ImagePart) or (
        isinstance(part, ToolResultPart) and any(isinstance(each, ImagePart) for each in part.content)
    )


def _can_be_given(part: MessagePart, message: ChatMessage, images: Collection[str], *, raw: bool) -> bool:
    """Whether the model is given all of `part`: text, one of the `images` by their sha256, a call in an answer, a
    result of those. A raw prompt is text alone."""
    match part:
        case TextPart():
            return message.role != "tool"
        case ImagePart():
            return message.role != "tool" and not raw and part.sha256 in images
        case ToolCallPart():
            return message.role == "assistant" and not raw
        case ToolResultPart():
            given = (isinstance(each, TextPart) or each.sha256 in images for each in part.content)
            return message.role == "tool" and not raw and all(given)
        case _:
            return False


def _name(part: MessagePart) -> str:
    match part:
        case ThinkingPart():
            return tr("a model's thinking")
        case ImagePart():
            return tr("an image")
        case DocumentPart():
            return tr("a document")
        case ToolCallPart():
            return tr("a call of a tool")
        case ToolResultPart(content=content) if any(isinstance(each, ImagePart) for each in content):
            return tr("an image that a tool gave")
        case ToolResultPart():
            return tr("the result of a tool")
        case TextPart():
            return tr("a text in place of a tool's result")
        case _:
            return tr("something that a newer version wrote")


def _unsupported_option(options: GenerationOptions) -> str:
    """The first option that is asked for and not done yet; "" where all are."""
    undone = {
        "thinking": options.raw_prompt and options.thinking != ThinkingOptions(),
        "tools": options.raw_prompt and bool(options.tools),
    }
    return next((name for name, asked in undone.items() if asked), "")
