"""What follows from the results of the engine test: pure functions from results to what is used.

What fails is turned off at the narrowest level that helps: extra buffers, flash attention, the CPU variant.
"""

from collections.abc import Mapping, Sequence

from desktop.engine.kernel_report import KernelChoice, KernelResult

Results = Sequence[KernelResult]


def next_variant(variants: Sequence[str], tested: Mapping[str, Results]) -> str | None:
    """The CPU variant to test next; None where what is known suffices. `variants` are in order, best first.

    A lower variant is of use where the last one fails plainly, and where one kind of extra buffers fails while another
    is right: a variant that has only the right kind (AMX left out, repacking kept) loses less than none of them.
    """
    untested = next((name for name in variants if name not in tested), None)
    if not tested or untested is None:
        return untested
    last = list(tested)[-1]
    first = next(iter(tested))
    if not _is_usable(tested[last]):
        return untested
    if last == first and _has_right_and_wrong_extra_buffers(tested[last]):
        return untested
    return None


def choose(tested: Mapping[str, Results]) -> KernelChoice | None:
    """What is used, from the results of each variant that was tested, best first; None where nothing works.

    A variant that computes every plain product is taken first; where there is none, the one that fails at the fewest.
    """
    usable = [name for name in tested if _is_usable(tested[name])]
    if not usable:
        working = [name for name in tested if any(each.ok and each.kernel.plain for each in tested[name])]
        if not working:
            return None
        usable = [min(working, key=lambda name: _plain_failures(tested[name]))]
    best = _choice(usable[0], tested[usable[0]])
    if len(usable) > 1 and _has_right_and_wrong_extra_buffers(tested[usable[0]]):
        other = _choice(usable[1], tested[usable[1]])
        if other.extra_buffers and other.flash_attention and _extra_buffers(tested[usable[1]]):
            return other
    return best


def failures(results: Results) -> tuple[KernelResult, ...]:
    """The results that are not right."""
    return tuple(each for each in results if not each.ok)


def _choice(variant: str, results: Results) -> KernelChoice:
    wrong = failures(results)
    return KernelChoice(
        variant=variant,
        extra_buffers=not any(each.kernel.extra for each in wrong),
        flash_attention=not any(each.operation == "FLASH_ATTN_EXT" for each in wrong),
    )


def _is_usable(results: Results) -> bool:
    return bool(results) and _plain_failures(results) == 0


def _plain_failures(results: Results) -> int:
    return sum(each.kernel.plain for each in failures(results))


def _extra_buffers(results: Results) -> dict[str, bool]:
    """Whether each kind of extra buffers is right, by its name."""
    right: dict[str, bool] = {}
    for each in results:
        if each.kernel.extra:
            right[each.buffer] = right.get(each.buffer, True) and each.ok
    return right


def _has_right_and_wrong_extra_buffers(results: Results) -> bool:
    return len(set(_extra_buffers(results).values())) == 2
