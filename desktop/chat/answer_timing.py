"""How answers went: what the engine says at the end of each round, in one value."""

from collections.abc import Sequence

import msgspec

from desktop.conversation import Timing
from desktop.engine.worker_messages import AnswerDone, PromptPrepared


def timing_of(done: AnswerDone) -> Timing:
    """How an answer went, as it is stored with it."""
    return Timing(
        prompt_tokens=done.prompt_tokens,
        cached_tokens=done.cached_tokens,
        generated_tokens=done.generated_tokens,
        time_to_first_token_s=done.time_to_first_token_s,
        tokens_per_s=done.tokens_per_s,
        stop_reason=done.stop_reason,
        seed=done.seed,
        context_length=done.context_length,
        dropped_messages=done.dropped_messages,
        memory_tokens=done.memory_tokens,
        disk_tokens=done.disk_tokens,
        drafted_tokens=done.drafted_tokens,
        accepted_tokens=done.accepted_tokens,
    )


def with_prompt_parts(timing: Timing, prompted: PromptPrepared) -> Timing:
    """`timing` with what the parts of the prompt take, where the worker knows it."""
    system, documents = prompted.system_tokens, prompted.document_tokens
    if system is None or documents is None:
        return timing
    return msgspec.structs.replace(timing, system_tokens=system, document_tokens=documents)


def with_earlier_rounds(timing: Timing, earlier: Sequence[Timing]) -> Timing:
    """`timing`, that of the last round, for the whole answer: with what was generated in `earlier` ones, and the time
    to the first token of all. The speed is that of all tokens together."""
    if not earlier:
        return timing
    rounds = (*earlier, timing)
    timed = [each for each in rounds if each.tokens_per_s]
    seconds = sum(each.generated_tokens / (each.tokens_per_s or 1.0) for each in timed)
    return msgspec.structs.replace(
        timing,
        generated_tokens=sum(each.generated_tokens for each in rounds),
        last_tokens=timing.generated_tokens,
        time_to_first_token_s=next((s for each in rounds if (s := each.time_to_first_token_s) is not None), None),
        tokens_per_s=sum(each.generated_tokens for each in timed) / seconds if seconds else None,
        seed=rounds[0].seed if timing.seed is None else timing.seed,
        drafted_tokens=sum(each.drafted_tokens for each in rounds),
        accepted_tokens=sum(each.accepted_tokens for each in rounds),
    )
