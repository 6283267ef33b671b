"""An answer's record in words, for window and command alike."""

import datetime
from collections.abc import Iterator

import msgspec

from desktop.chat.answer_record import recorded_options
from desktop.chat.tool_call_words import call_lines
from desktop.conversation import AnswerRecord, Message, Timing
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.translation import tr, trn

RecordLine = tuple[str, str]
"""What a line of a record is about, and what it says."""


def record_lines(message: Message) -> list[RecordLine]:
    """How the answer `message` was made, line by line; () where it has no record."""
    record = message.record
    if record is None:
        return []
    options, timing = recorded_options(record), message.timing or Timing()
    lines = [
        *_model_lines(message, record),
        (tr("Seed"), str(options.sampling.seed) if options.sampling.seed is not None else tr("not known")),
        (tr("Sampling"), sampling_text(options)),
        *_option_lines(options),
        (tr("System prompt"), record.system_prompt.strip() or tr("none")),
        (tr("Prompt"), _prompt_text(timing)),
        (tr("Prompt's tokens"), f"sha256 {record.prompt_sha256}" if record.prompt_sha256 else ""),
        (tr("Answer"), _answer_text(message, timing)),
        (tr("Time"), _time_text(message, timing)),
    ]
    lines += call_lines(message)
    if record.continues:
        lines.append((tr("Gone on with"), _continued_text(record, message)))
    return [(name, said) for name, said in lines if said]


def record_text(message: Message) -> str:
    """The same as text to be copied."""
    lines = [f"{name}: {said}" for name, said in record_lines(message)]
    if message.record is not None and message.record.rerun_of:
        lines.append(rerun_text(message.record))
    return "\n".join(lines)


def rerun_needs(message: Message) -> str:
    """What it takes to get the same answer again, and why it may be another one all the same, in sentences."""
    record, timing = message.record or AnswerRecord(), message.timing or Timing()
    needs = tr(
        "Run again asks for it with the same seed and settings, alone, with the whole prompt read anew and nothing "
        "guessed ahead. With the same file, engine, threads and devices that gives the same answer"
    )
    caveats = [
        *((tr("the beginning of its prompt came from the prompt cache"),) if timing.cached_tokens else ()),
        *((tr("tokens were guessed ahead"),) if timing.drafted_tokens else ()),
        *((tr("other answers were generated beside it"),) if record.beside_others else ()),
    ]
    if not caveats:
        return needs + "."
    but = tr(", but seldom for this one: when it was made, {reasons}, so that numbers were rounded otherwise.")
    return needs + but.format(reasons=", ".join(caveats))


def difference_text(name: str) -> str:
    """One of the `differences` of an answer that was made again, as a sentence."""
    texts = {
        "file": tr("The model's file is another one."),
        "engine": tr("The engine is another build."),
        "threads": tr("Another number of threads computes."),
        "device": tr("It was computed on other devices, or with another share on them."),
        "load": tr("The model was loaded with other settings."),
        "prompt": tr("The prompt is another one: what stands above it, the template, or the day that this writes."),
        "cache": tr("The beginning of its prompt was not read again then, but came from the prompt cache."),
        "speculation": tr("Tokens were guessed ahead then, and several computed at once."),
        "beside": tr("Other answers were generated beside it then."),
    }
    return texts.get(name, name)


def rerun_text(record: AnswerRecord) -> str:
    """What became of making an answer again, in sentences."""
    if record.identical:
        return tr("Run again from its record: the same answer, character by character.")
    reasons = [difference_text(name) for name in record.differs_in]
    first = tr("Run again from its record: another answer.")
    return " ".join([first, *(reasons or [tr("Nothing that is recorded was different.")])])


def sampling_text(options: GenerationOptions) -> str:
    """What an answer was sampled with; what was left to the model's file is not named."""
    names = {"temperature": tr("temperature"), "top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}
    given = msgspec.structs.asdict(options.sampling)
    plain = msgspec.structs.asdict(SamplingParams())
    said = [
        f"{names.get(name, name.replace('_', ' '))} {_value(value)}"
        for name, value in given.items()
        if name != "seed" and value != plain[name]
    ]
    return ", ".join(said) if said else tr("as the model's file says")


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else f"{value}"


def _model_lines(message: Message, record: AnswerRecord) -> Iterator[RecordLine]:
    model = message.model
    if model is not None:
        yield tr("Model"), model.name if model.name == model.id else f"{model.name} ({model.id})"
        yield tr("File"), f"sha256 {model.file_sha256}" if model.file_sha256 else tr("its hash was not known yet")
    yield tr("Engine"), record.engine
    if record.devices:
        threads = trn("{count} thread", "{count} threads", record.threads).format(count=record.threads)
        yield tr("Computed on"), ", ".join([*record.devices, threads])
    loaded = msgspec.json.decode(record.load or "{}")
    context = message.timing.context_length if message.timing is not None else 0
    facts = [tr("context of {count} tokens").format(count=f"{context:,}")] if context else []
    facts += [f"{name.replace('_', ' ')} {_value(value)}" for name, value in loaded.items() if name != "context_length"]
    yield tr("Loaded with"), ", ".join(facts)


def _option_lines(options: GenerationOptions) -> Iterator[RecordLine]:
    if options.max_tokens is not None:
        longest = trn("{count} token at most", "{count} tokens at most", options.max_tokens)
        yield tr("Length"), longest.format(count=f"{options.max_tokens:,}")
    if options.stop:
        yield tr("Ends before"), ", ".join(map(repr, options.stop))
    thinking = options.thinking
    if thinking.enabled is not None or thinking.effort or thinking.budget is not None:
        said = [tr("on") if thinking.enabled else tr("off")] if thinking.enabled is not None else []
        said += [thinking.effort] if thinking.effort else []
        if thinking.budget is not None:
            said.append(tr("{count} tokens at most").format(count=f"{thinking.budget:,}"))
        yield tr("Thinking"), ", ".join(said)
    if options.response_format is not None:
        yield tr("Form"), tr("as a JSON schema or a grammar asked")
    if options.tools:
        yield tr("Tools"), ", ".join(tool.name for tool in options.tools)
    if options.logit_bias:
        yield tr("Biases"), ", ".join(f"{token}: {value:g}" for token, value in options.logit_bias)


def _prompt_text(timing: Timing) -> str:
    said = [trn("{count} token", "{count} tokens", timing.prompt_tokens).format(count=f"{timing.prompt_tokens:,}")]
    if timing.cached_tokens:
        said.append(tr("{count} of them from the prompt cache").format(count=f"{timing.cached_tokens:,}"))
    if timing.dropped_messages:
        left = trn("the oldest message left out", "the {count} oldest messages left out", timing.dropped_messages)
        said.append(left.format(count=timing.dropped_messages))
    return ", ".join(said)


def _answer_text(message: Message, timing: Timing) -> str:
    ends = {
        "length": tr("cut off at the longest answer allowed"),
        "cancelled": tr("stopped"),
        "context-full": tr("cut off as the context was full"),
        "repetition": tr("ended as it repeated itself"),
        "tool-calls": tr("ended with calls of tools"),
    }
    said = [
        trn("{count} token", "{count} tokens", timing.generated_tokens).format(count=f"{timing.generated_tokens:,}"),
        tr("failed") if message.status == "failed" else ends.get(timing.stop_reason, tr("ended by itself")),
    ]
    if timing.drafted_tokens:
        guessed = tr("{accepted} of {drafted} guessed tokens right")
        said.append(guessed.format(accepted=f"{timing.accepted_tokens:,}", drafted=f"{timing.drafted_tokens:,}"))
    return ", ".join(said)


def _time_text(message: Message, timing: Timing) -> str:
    said = []
    if message.created_at:
        said.append(datetime.datetime.fromtimestamp(message.created_at).astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    if timing.time_to_first_token_s is not None:
        said.append(tr("first token after {seconds} s").format(seconds=f"{timing.time_to_first_token_s:.2f}"))
    if timing.tokens_per_s is not None:
        said.append(tr("{speed} tokens a second").format(speed=f"{timing.tokens_per_s:,.1f}"))
    return ", ".join(said)


def _continued_text(record: AnswerRecord, message: Message) -> str:
    said = trn("from its first character", "from its first {count} characters", record.continues)
    edited = tr("a person had edited them") if message.edited else ""
    return ", ".join(filter(None, (said.format(count=f"{record.continues:,}"), edited)))
