"""An answer as `ask --json` gives it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from desktop.chat.citations import passages_of
from desktop.cli.asked_documents import AnswerCitation, cited_passages
from desktop.conversation import Message, StopReason, Timing, ToolOutcome
from desktop.engine.token_logprobs import TokenCandidate, TokenLogprob
from desktop.engine.worker_messages import ModelInfo
from desktop.library.library_model import LibraryModel


class SpeculationResult(msgspec.Struct, frozen=True):
    """How many tokens were guessed ahead, and how many of them the model would have said too."""

    drafted: int
    accepted: int


class AskCache(msgspec.Struct, frozen=True):
    """Tokens of the prompt that were not read again: from a state kept in memory, and from one on the disk."""

    memory_tokens: int
    disk_tokens: int


class AskToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call of a tool that the model wrote; `arguments` is JSON text as it wrote it.

    `tool` is the tool's name at its `server`, left out where there is none of this name; `sent` the arguments that a
    person put in place of the model's. `outcome`, `by`, `seconds` and `size` are as in `ToolResultPart`, `result` is
    the text that the model was given.
    """

    id: str
    name: str
    arguments: str
    server: str = ""
    tool: str = ""
    sent: str = ""
    outcome: ToolOutcome | None = None
    by: str = ""
    seconds: float = 0.0
    size: int = 0
    result: str | None = None


class AskAdapter(msgspec.Struct, frozen=True):
    """An adapter (LoRA) that was on the model, with the hash of the file that was loaded."""

    id: str
    file_sha256: str
    scale: float


class AskResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer as `ask --json` gives it: fields and their names are part of the command's contract.

    `conversation` is the id of the one that keeps the answer, left out where none does. `logprobs` are there where they
    were asked for, in the form that llama-server gives them, `adapters` where --lora named some. Where the model was
    given passages of documents, `passages` counts them and `citations` are those that the answer cites;
    `wrong_citations` are numbers in it that no passage has.
    """

    text: str
    thinking: str
    model: str
    file_sha256: str
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    time_to_first_token_s: float | None
    tokens_per_s: float | None
    cache: AskCache
    stop_reason: StopReason
    seed: int | None
    engine: str
    speculation: SpeculationResult
    tool_calls: list[AskToolCall]
    conversation: str | None = None
    logprobs: list[dict[str, Any]] | None = None
    adapters: list[AskAdapter] | None = None
    citations: list[AnswerCitation] | None = None
    wrong_citations: list[int] | None = None
    passages: int | None = None


def ask_result(
    text: str, thinking: str, model: LibraryModel, sha256: str, timing: Timing, info: ModelInfo
) -> AskResult:
    """The answer `text` of `model`, whose file has the hash `sha256`."""
    return AskResult(
        text=text,
        thinking=thinking,
        model=model.id,
        file_sha256=sha256,
        prompt_tokens=timing.prompt_tokens,
        cached_tokens=timing.cached_tokens,
        generated_tokens=timing.generated_tokens,
        time_to_first_token_s=timing.time_to_first_token_s,
        tokens_per_s=timing.tokens_per_s,
        cache=AskCache(timing.memory_tokens, timing.disk_tokens),
        stop_reason=timing.stop_reason,
        seed=timing.seed,
        engine=info.engine,
        speculation=SpeculationResult(timing.drafted_tokens, timing.accepted_tokens),
        tool_calls=[],
    )


def with_citations(asked: AskResult, path: Sequence[Message]) -> AskResult:
    """`asked` with what it cites of the passages in `path`; as it is where there are none."""
    passages = passages_of(path)
    if not passages:
        return asked
    citations, wrong = cited_passages(asked.text, passages)
    return msgspec.structs.replace(asked, citations=citations, wrong_citations=wrong or None, passages=len(passages))


def logprob_json(token: TokenLogprob | TokenCandidate) -> dict[str, Any]:
    """A token's log probability, in llama-server's form."""
    form: dict[str, Any] = {
        "id": token.token,
        "token": token.text.decode("utf-8", "replace"),
        "bytes": list(token.text),
        "logprob": token.logprob,
    }
    if isinstance(token, TokenLogprob):
        form["top_logprobs"] = [logprob_json(each) for each in token.top]
    return form
