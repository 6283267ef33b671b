"""Records of answers: what each was made from, how it is asked for again, and what was not the same then.

The same record gives the same answer where the model reads the same tokens in the same pieces (see
`GenerationOptions`). So an answer is made again alone, with its whole prompt read anew, and without guessing ahead. One
that was not made like that may differ from what it was: the numbers were rounded otherwise.
"""

import math
from collections.abc import Callable

import msgspec

from desktop.conversation import AnswerRecord, Message, ModelReference, Timing, ToolCallPart
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import ModelInfo, PromptPrepared
from desktop.errors import NotFoundError, UserError
from desktop.translation import tr

_LEAST_BIAS = -1e30  # in JSON, which has no infinity: a bias that low forbids a token as well
_LEFT_OUT = ("model_path", "chat_template", "own_template", "stops", "prompt_cache_bytes", "projector")
"""Of how a model is loaded: what its reference or the prompt's hash says, and what changes no answer."""
_WHERE = ("threads", "gpu_layers", "devices")


def make_record(
    system_prompt: str,
    options: GenerationOptions,
    params: LoadParams | None,
    info: ModelInfo | None,
    prompted: PromptPrepared,
    seed: int | None,
) -> AnswerRecord:
    """The record of an answer that was generated under `options` with `seed`, by a model loaded as `params` say."""
    sampling = options.sampling if seed is None else msgspec.structs.replace(options.sampling, seed=seed)
    bias = tuple((token, max(value, _LEAST_BIAS)) for token, value in options.logit_bias)
    asked = msgspec.structs.replace(options, sampling=sampling, logit_bias=bias)
    return AnswerRecord(
        engine=info.engine if info is not None else "",
        system_prompt=system_prompt,
        prompt_sha256=prompted.prompt_sha256,
        options=msgspec.json.encode(asked).decode(),
        load="" if params is None else msgspec.json.encode(_load_facts(params)).decode(),
        threads=info.threads if info is not None else 0,
        gpu_layers=info.gpu_layers if info is not None else 0,
        devices=info.devices if info is not None else (),
    )


def recorded_options(record: AnswerRecord) -> GenerationOptions:
    """The options that an answer was generated under, its seed among them."""
    options = msgspec.json.decode(record.options or "{}", type=GenerationOptions)
    bias = tuple((token, -math.inf if value <= _LEAST_BIAS else value) for token, value in options.logit_bias)
    return msgspec.structs.replace(options, logit_bias=bias)


def recorded_load(record: AnswerRecord, params: LoadParams) -> LoadParams:
    """How the model was loaded for the answer, with its file and its templates as in `params`."""
    stored = msgspec.json.decode(record.load or "{}", type=dict)
    now = {name: value for name, value in msgspec.to_builtins(params).items() if name in _LEFT_OUT}
    return msgspec.convert(msgspec.to_builtins(LoadParams("")) | stored | now, LoadParams)


def rerun_options(message: Message) -> GenerationOptions:
    """The options to make an answer again with. NotFoundError where it has no record, UserError where
    it called tools."""
    if message.record is None or not message.record.options:
        raise NotFoundError(
            tr("How this answer was made is not recorded."),
            tr("It was made by a version that kept no records, or a person edited it."),
            tr("Regenerate it instead."),
        )
    if any(isinstance(part, ToolCallPart) for part in message.parts):
        raise UserError(
            tr("An answer that called tools cannot be run again from its record."),
            tr("The tools would have to be called once more, and may answer otherwise."),
            tr("Regenerate it instead."),
        )
    options = msgspec.structs.replace(recorded_options(message.record), cache="off", speculation="off")
    timing = message.timing
    if message.status == "stopped" and timing is not None:
        options = msgspec.structs.replace(options, max_tokens=timing.generated_tokens)
    return options


def prefill_of(message: Message) -> str:
    """The text that the model went on from in an answer; "" where it began it."""
    return message.text[: message.record.continues] if message.record is not None else ""


def compared(record: AnswerRecord, answer: Message, before: Message) -> AnswerRecord:
    """`record`, that of `answer`, with what became of making `before` again."""
    same = (answer.text, answer.thinking) == (before.text, before.thinking)
    answer = msgspec.structs.replace(answer, record=record)
    differs = () if same else differences(answer, before)
    return msgspec.structs.replace(record, rerun_of=before.id, identical=same, differs_in=differs)


def differences(answer: Message, before: Message) -> tuple[str, ...]:
    """What was not the same when `before` was made as now, when it was made again as `answer`: names that
    `answer_record_text` explains."""
    now, then = answer.record, before.record
    if now is None or then is None:
        return ()
    found = [name for name, differ in _COMPARED.items() if differ(now, then)]
    file, file_then = _file_of(answer.model), _file_of(before.model)
    if file and file_then and file != file_then:
        found.insert(0, "file")
    timing = before.timing or Timing()
    if timing.cached_tokens:
        found.append("cache")
    if timing.drafted_tokens:
        found.append("speculation")
    if then.beside_others:
        found.append("beside")
    return tuple(found)


def _load_facts(params: LoadParams) -> dict[str, object]:
    """What is not automatic, and counts for an answer."""
    plain = msgspec.to_builtins(LoadParams(""))
    facts = msgspec.to_builtins(params)
    return {name: value for name, value in facts.items() if name not in _LEFT_OUT and value != plain[name]}


def _load_differs(now: AnswerRecord, then: AnswerRecord) -> bool:
    one, other = (
        {key: value for key, value in msgspec.json.decode(each.load or "{}").items() if key not in _WHERE}
        for each in (now, then)
    )
    return bool(one != other)


def _file_of(model: ModelReference | None) -> str:
    return (model.file_sha256 or "") if model is not None else ""


_COMPARED: dict[str, Callable[[AnswerRecord, AnswerRecord], bool]] = {
    "engine": lambda now, then: now.engine != then.engine,
    "threads": lambda now, then: now.threads != then.threads,
    "device": lambda now, then: (now.devices, now.gpu_layers) != (then.devices, then.gpu_layers),
    "load": _load_differs,
    "prompt": lambda now, then: now.prompt_sha256 != then.prompt_sha256,
}
