"""What `latchkey doctor` finds of the engine test: whether it was made here, and its verdict."""

from typing import Literal

import msgspec

from desktop.cli.tools import Tools
from desktop.engine.kernel_report import KernelChoice
from desktop.errors import EngineError, UserError
from desktop.translation import tr


class KernelsFound(msgspec.Struct, frozen=True):
    """The engine test. `failed` are the kernels that are wrong: "MUL_MAT Q4_0 in AMX, batch 8, 64 rows: why"."""

    state: Literal["not made yet", "passed", "failed in part", "nothing works"]
    chosen: KernelChoice | None = None
    tested: int = 0
    failed: tuple[str, ...] = ()


def find_kernels(tools: Tools, problems: list[UserError]) -> KernelsFound:
    """What the test found, without making it. That nothing works is added to `problems`."""
    record = tools.kernel_check.record()
    if record is None:
        return KernelsFound("not made yet")
    failed = tuple(each.description for each in record.failed)
    if record.chosen is None:
        title = tr("llama.cpp computes nothing rightly on this processor.")
        problems.append(EngineError(title, "", tr("“latchkey engine test” says more.")))
        return KernelsFound("nothing works", None, record.tested, failed)
    return KernelsFound("failed in part" if failed else "passed", record.chosen, record.tested, failed)


def told_kernels(found: KernelsFound) -> str:
    """It in one line."""
    if found.state == "not made yet":
        return tr("not made yet; “latchkey engine test” makes it")
    if found.chosen is None:
        return tr("nothing works")
    used = told_choice(found.chosen)
    if not found.failed:
        return tr("all {count} kernels are right; used: {what}").format(count=found.tested, what=used)
    return tr("{wrong} of {count} kernels are wrong, “latchkey engine test” says which; used: {what}").format(
        wrong=len(found.failed), count=found.tested, what=used
    )


def told_choice(choice: KernelChoice) -> str:
    """What is on and what is off, in words."""
    parts = [tr("CPU variant {name}").format(name=choice.variant)] if choice.variant else []
    parts.append(tr("extra buffers on") if choice.extra_buffers else tr("extra buffers OFF"))
    parts.append(tr("flash attention on") if choice.flash_attention else tr("flash attention OFF"))
    return ", ".join(parts)
