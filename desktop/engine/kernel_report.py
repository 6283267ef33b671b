"""What the engine test finds: results of llama.cpp's kernels on this processor, and which of them are used for that."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

KernelOperation = Literal["MUL_MAT", "MUL_MAT_ID", "FLASH_ATTN_EXT"]


class KernelChoice(msgspec.Struct, frozen=True):
    """What is left on for this engine build on this processor.

    `variant` is llama.cpp's CPU variant ("" where the build has one only), `extra_buffers` whether weights may be
    repacked for the processor (AMX among that), `flash_attention` whether it may be used.
    """

    variant: str = ""
    extra_buffers: bool = True
    flash_attention: bool = True


class Kernel(msgspec.Struct, frozen=True):
    """One computation of the engine test.

    `operation` is ggml's: a matrix product, one with chosen experts, attention. Of products `type` is the tensor type
    of the weights, `rows` the number of their rows, `batch` the number of tokens; of attention `type` is that of the KV
    cache, `rows` its length, `batch` the number of queries. `buffer` is the buffer type of ggml that holds the weights:
    "CPU" is plain, the others are extra ones.
    """

    type: str
    batch: int
    rows: int
    operation: KernelOperation = "MUL_MAT"
    buffer: str = "CPU"

    @property
    def plain(self) -> bool:
        """Whether it is a product that llama.cpp cannot do without."""
        return self.operation != "FLASH_ATTN_EXT" and self.buffer == "CPU"

    @property
    def extra(self) -> bool:
        """Whether it is a product of weights in extra buffers."""
        return self.operation != "FLASH_ATTN_EXT" and self.buffer != "CPU"


class KernelResult(msgspec.Struct, frozen=True):
    """What came of a kernel. `seconds` is the computation alone; `error` is "" exactly where `ok`."""

    type: str
    batch: int
    rows: int
    ok: bool
    seconds: float
    operation: KernelOperation
    buffer: str
    variant: str
    error: str

    @property
    def kernel(self) -> Kernel:
        return Kernel(self.type, self.batch, self.rows, self.operation, self.buffer)

    @property
    def description(self) -> str:
        """It in one line, in ggml's terms."""
        place = " ".join((self.variant, self.buffer)).strip()
        what = f"{self.operation} {self.type} in {place}, batch {self.batch}, {self.rows} rows"
        return f"{what}: {self.error}" if self.error else what


class KernelReport(msgspec.Struct, frozen=True):
    """The engine test whole. `build` and `cpu` name what was tested.

    `chosen` is None where nothing works; `problem` says then why, where a process ended before its first kernel.
    """

    build: str
    cpu: str
    kernels: tuple[KernelResult, ...]
    chosen: KernelChoice | None
    problem: str = ""


# --- what the test process says, one JSON value a line ---


class CpuVariants(msgspec.Struct, frozen=True, tag="variants"):
    """The CPU variants that this processor can run, best first: said before any is loaded."""

    names: tuple[str, ...]


class KernelPlan(msgspec.Struct, frozen=True, tag="plan"):
    """All kernels that are computed, in their order, which is the same in each process of a variant."""

    variant: str
    kernels: tuple[Kernel, ...]


class KernelStarted(msgspec.Struct, frozen=True, tag="begun"):
    index: int


class KernelComputed(msgspec.Struct, frozen=True, tag="computed"):
    """`error` is "" where the result was right, else what is wrong with it."""

    index: int
    seconds: float
    error: str = ""


KernelEvent = CpuVariants | KernelPlan | KernelStarted | KernelComputed


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


def choose_kernels(tested: Mapping[str, Results]) -> KernelChoice | None:
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


def failed_results(results: Results) -> tuple[KernelResult, ...]:
    """The results that are not right."""
    return tuple(each for each in results if not each.ok)


def _choice(variant: str, results: Results) -> KernelChoice:
    wrong = failed_results(results)
    return KernelChoice(
        variant=variant,
        extra_buffers=not any(each.kernel.extra for each in wrong),
        flash_attention=not any(each.operation == "FLASH_ATTN_EXT" for each in wrong),
    )


def _is_usable(results: Results) -> bool:
    return bool(results) and _plain_failures(results) == 0


def _plain_failures(results: Results) -> int:
    return sum(each.kernel.plain for each in failed_results(results))


def _extra_buffers(results: Results) -> dict[str, bool]:
    """Whether each kind of extra buffers is right, by its name."""
    right: dict[str, bool] = {}
    for each in results:
        if each.kernel.extra:
            right[each.buffer] = right.get(each.buffer, True) and each.ok
    return right


def _has_right_and_wrong_extra_buffers(results: Results) -> bool:
    return len(set(_extra_buffers(results).values())) == 2
