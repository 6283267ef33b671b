"""From the results of the engine test to what is used: every fault turns off as little as helps."""

from collections.abc import Sequence

import pytest

from desktop.engine.kernel_report import KernelChoice, KernelOperation, KernelResult, choose_kernels, next_variant

VARIANTS = ("sapphirerapids", "zen4", "haswell")


def result(
    type_: str = "Q4_0", *, buffer: str = "CPU", operation: KernelOperation = "MUL_MAT", ok: bool = True
) -> KernelResult:
    return KernelResult(type_, 8, 64, ok, 0.001, operation, buffer, "", "" if ok else "wrong")


def results(*wrong: str, buffers: Sequence[str] = ("AMX", "CPU_REPACK")) -> list[KernelResult]:
    """A whole result, in which what is named is wrong: a type, a buffer type, or "attention"."""
    found = [result(name, ok=name not in wrong) for name in ("F32", "Q4_0", "Q8_0")]
    found += [result("MXFP4", operation="MUL_MAT_ID", ok="experts" not in wrong)]
    found += [result("F16", operation="FLASH_ATTN_EXT", ok="attention" not in wrong)]
    return found + [result(buffer=buffer, ok=buffer not in wrong) for buffer in buffers]


@pytest.mark.parametrize(
    ("wrong", "chosen"),
    [
        ((), KernelChoice()),
        (("AMX",), KernelChoice(extra_buffers=False)),
        (("CPU_REPACK",), KernelChoice(extra_buffers=False)),
        (("attention",), KernelChoice(flash_attention=False)),
        (("AMX", "attention"), KernelChoice(extra_buffers=False, flash_attention=False)),
        (("Q4_0",), KernelChoice()),  # nothing helps that is left: what works is used
        (("Q4_0", "AMX"), KernelChoice(extra_buffers=False)),
        (("F32", "Q4_0", "Q8_0", "experts"), None),
        (("F32", "Q4_0", "Q8_0", "experts", "attention", "AMX", "CPU_REPACK"), None),
    ],
)
def test_a_build_with_one_backend(wrong: tuple[str, ...], chosen: KernelChoice | None) -> None:
    tested = {"": results(*wrong)}
    assert next_variant((), tested) is None
    assert choose_kernels(tested) == chosen


def test_a_process_that_computes_nothing_works_not() -> None:
    assert choose_kernels({"": []}) is None
    assert choose_kernels({}) is None


@pytest.mark.parametrize(
    ("wrong", "following"),
    [
        ([()], None),
        ([("attention",)], None),
        ([("AMX", "CPU_REPACK")], None),
        ([("AMX",)], "zen4"),  # perhaps it has the extra buffers that are right, and AMX not
        ([("AMX",), ("CPU_REPACK",)], None),
        ([("Q4_0",)], "zen4"),
        ([("experts",)], "zen4"),
        ([("Q4_0",), ("F32",)], "haswell"),
        ([("Q4_0",), ()], None),
        ([("Q4_0",), ("F32",), ("Q8_0",)], None),
    ],
)
def test_which_variant_is_tested_next(wrong: list[tuple[str, ...]], following: str | None) -> None:
    tested = {name: results(*each) for name, each in zip(VARIANTS, wrong, strict=False)}
    assert next_variant(VARIANTS, tested) == following


def test_the_best_variant_is_tested_first() -> None:
    assert next_variant(VARIANTS, {}) == "sapphirerapids"


def test_a_variant_that_dies_before_its_first_kernel_gives_way() -> None:
    assert next_variant(VARIANTS, {"sapphirerapids": []}) == "zen4"
    assert choose_kernels({"sapphirerapids": [], "zen4": results()}) == KernelChoice("zen4")


def test_what_fails_plainly_falls_to_the_next_variant() -> None:
    tested = {"sapphirerapids": results("Q4_0"), "zen4": results("attention", buffers=["CPU_REPACK"])}
    assert choose_kernels(tested) == KernelChoice("zen4", flash_attention=False)


def test_where_no_variant_is_right_the_least_wrong_is_used() -> None:
    tested = {"sapphirerapids": results("Q4_0", "Q8_0"), "zen4": results("Q8_0"), "haswell": results("F32", "Q8_0")}
    assert choose_kernels(tested) == KernelChoice("zen4")


def test_repacking_is_kept_where_only_amx_is_wrong() -> None:
    tested = {"sapphirerapids": results("AMX"), "zen4": results(buffers=["CPU_REPACK"])}
    assert choose_kernels(tested) == KernelChoice("zen4")


@pytest.mark.parametrize(
    "lower", [results("CPU_REPACK", buffers=["CPU_REPACK"]), results("attention"), results("Q4_0"), results(buffers=[])]
)
def test_a_lower_variant_that_offers_no_more_is_not_taken(lower: list[KernelResult]) -> None:
    tested = {"sapphirerapids": results("AMX"), "zen4": lower}
    assert choose_kernels(tested) == KernelChoice("sapphirerapids", extra_buffers=False)
