"""`latchkey conversations rerun`: an answer again from its record, and whether it is the same. It is kept nowhere."""

from argparse import Namespace

import msgspec

from desktop.chat.active_model import model_reference
from desktop.chat.answer_record import compared, make_record, prefill_of, recorded_load, rerun_options
from desktop.chat.answer_record_text import rerun_text
from desktop.chat.answer_timing import timing_of
from desktop.chat.document_prompt import document_parts
from desktop.chat.engine_requests import chat_messages, dropped_before, load_params
from desktop.chat.offered_tools import with_tool_note
from desktop.cli.acceptance_prompt import admit_or_prompt
from desktop.cli.command_context import CommandContext
from desktop.cli.conversations_command import kept_conversation, kept_message
from desktop.cli.exit_codes import DONE, INTERRUPTED
from desktop.cli.terminal_answer import NullAnswerWriter, TerminalAnswerWriter, load_model, stream_answer
from desktop.conversation import AnswerRecord, Message, StopReason, TextPart, ThinkingPart
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import GenerateRequest, ModelInfo, PromptPrepared
from desktop.errors import NotFoundError
from desktop.translation import tr


class RerunResult(msgspec.Struct, frozen=True):
    """The answer as `conversations rerun --json` gives it: fields and their names are part of the command's contract.

    `differs_in` names what was not as it was when the answer was made (see `answer_record.differences`).
    """

    conversation: str
    message: str
    identical: bool
    differs_in: tuple[str, ...]
    text: str
    thinking: str
    model: str
    file_sha256: str
    engine: str
    seed: int
    prompt_sha256: str
    prompt_tokens: int
    generated_tokens: int
    stop_reason: StopReason


def run(options: Namespace, tools: CommandContext) -> int:
    """Make the answer again, and say whether it is the same."""
    conversation = kept_conversation(tools, options.id)
    before = kept_message(tools, conversation, options.message)
    asked = rerun_options(before)
    record = before.record
    if record is None or before.model is None:
        raise NotFoundError(tr("No model is recorded for this answer."), "", tr("Ask again instead."))
    model = tools.library.find(before.model.id)
    admit_or_prompt(tools, model)
    params = recorded_load(record, load_params(model, tools.settings))
    with tools.engine_for(params) as engine:
        info = load_model(engine, model, params, tools.output)
        request = _request(engine.next_id(), tools, before, record, asked)
        writer = NullAnswerWriter() if options.json else TerminalAnswerWriter(tools.output, engine)
        prepared: list[PromptPrepared] = []
        if request.prefill:
            writer.write(request.prefill, False)
        answered = stream_answer(engine, request, writer, tools.output, prepared.append)
    text = request.prefill + answered.text
    done, sha256 = answered.done, tools.license_check.loaded_sha256(model.path)
    answer = msgspec.structs.replace(
        before,
        parts=(*((ThinkingPart(answered.thinking),) if answered.thinking else ()), TextPart(text)),
        model=model_reference(model, sha256),
        timing=timing_of(done),
    )
    now = compared(_record(asked, params, info, prepared, done.seed, record), answer, before)
    if options.json:
        tools.output.json(
            RerunResult(
                conversation=conversation.id,
                message=before.id,
                identical=bool(now.identical),
                differs_in=now.differs_in,
                text=text,
                thinking=answered.thinking,
                model=model.id,
                file_sha256=sha256,
                engine=info.engine,
                seed=done.seed,
                prompt_sha256=now.prompt_sha256,
                prompt_tokens=done.prompt_tokens,
                generated_tokens=done.generated_tokens,
                stop_reason=done.stop_reason,
            )
        )
    else:
        if not text.endswith("\n"):
            tools.output.line()
        tools.output.note(rerun_text(now))
    return INTERRUPTED if done.stop_reason == "cancelled" and before.status != "stopped" else DONE


def _request(
    request_id: int, tools: CommandContext, before: Message, record: AnswerRecord, asked: GenerationOptions
) -> GenerateRequest:
    """What was asked then: of no conversation, as nothing that is kept of one may be in the context."""
    store = tools.conversation_store
    path = store.branch(before.conversation_id, before.parent_id) if before.parent_id is not None else []
    summary = before.summary if before.summary is not None and before.summary.text else None
    dropped = 0 if summary is not None else dropped_before(path)
    system = with_tool_note(record.system_prompt, asked, path)
    messages = chat_messages(system, path, summary, document_parts(before)[0])
    return GenerateRequest(request_id, messages, asked, dropped_messages=dropped, prefill=prefill_of(before))


def _record(
    asked: GenerationOptions,
    params: LoadParams,
    info: ModelInfo,
    prepared: list[PromptPrepared],
    seed: int,
    then: AnswerRecord,
) -> AnswerRecord:
    record = make_record(then.system_prompt, asked, params, info, prepared[-1], seed)
    return msgspec.structs.replace(record, continues=then.continues)
