"""What the engine test found: which of llama.cpp's kernels compute rightly on this processor, and what is used."""

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


class Variants(msgspec.Struct, frozen=True, tag="variants"):
    """The CPU variants that this processor can run, best first: said before any is loaded."""

    names: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """All kernels that are computed, in their order, which is the same in each process of a variant."""

    variant: str
    kernels: tuple[Kernel, ...]


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    index: int


class Computed(msgspec.Struct, frozen=True, tag="computed"):
    """`error` is "" where the result was right, else what is wrong with it."""

    index: int
    seconds: float
    error: str = ""


KernelEvent = Variants | Plan | Begun | Computed
