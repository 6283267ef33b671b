"""What models take against what was estimated, for every architecture that can be written here, in real workers.

    python -m tests.soak.memory_table [--markdown] [ARCHITECTURE ...]

Each is written in two sizes and loaded with contexts of 2,048 tokens (read to the end), 8,192 and 32,768.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desktop.engine.gguf_header import read_header
from tests.fakes.architectures import SHAPES, architecture_model
from tests.fakes.hyper_blocks import HyperBlocks
from tests.fakes.loading import take, taken_in_full
from tests.fakes.vocabularies import family_vocabulary

CONTEXTS = (2048, 8192, 32_768)
_NARROW = HyperBlocks(
    width=512, feed=1536, heads=8, keys=2, head=64, expert_count=4, experts_used=2, window=512, state=32, rank=64,
    positions=32_768, context_length=32_768,
)  # fmt: skip
_WIDE = replace(_NARROW, width=1024, feed=2560, heads=8, keys=4, head=128, window=1024, state=64, rank=128, rope=32)
# How often the least number of layers, and the type of most weights: 12 to 300 MB.
SIZES = ((_NARROW, 4, "F16"), (_WIDE, 2, "Q8_0"), (_NARROW, 6, "Q4_0"))


@dataclass(frozen=True)
class Row:
    """One model at one context; sizes in bytes."""

    architecture: str
    quantization: str
    file: int
    context: int
    estimated: int
    taken: int

    @property
    def ratio(self) -> float:
        return self.estimated / self.taken


def rows(architectures: Sequence[str], sizes: Sequence[tuple[HyperBlocks, int, str]] = SIZES) -> Iterator[Row]:
    """A row for each architecture, size and context."""
    for architecture in architectures:
        kind = SHAPES[architecture].vocabulary
        vocabulary = family_vocabulary(kind, bos="<s>", eos="</s>", controls=("<|endoftext|>",))
        for blocks, repeat, quantization in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{architecture}.gguf"
                architecture_model(
                    path, architecture, vocabulary, blocks=blocks, repeat=repeat, quantization=quantization
                )
                header = read_header(path)
                short = take(path, CONTEXTS[0])
                for context in CONTEXTS:
                    taken = short.held if context == CONTEXTS[0] else taken_in_full(path, context, short)
                    estimated = header.estimate_memory(context)
                    yield Row(architecture, quantization, header.file_size, context, estimated, taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE")
    parser.add_argument("--markdown", action="store_true", help="a table for a document")
    asked = parser.parse_args()
    line = "| {} | {} | {} | {} | {} | {} | {} |" if asked.markdown else "{:16} {:>5} {:>6} {:>7} {:>9} {:>7} {:>6}"
    _say(line, "architecture", "type", "file", "context", "estimated", "taken", "ratio")
    if asked.markdown:
        _say(line, *["---"] * 7)
    for row in rows(asked.architectures or list(SHAPES)):
        file, estimated, taken = (f"{size / 1e6:.0f}" for size in (row.file, row.estimated, row.taken))
        _say(line, row.architecture, row.quantization, file, row.context, estimated, taken, f"{row.ratio:.3f}")


def _say(line: str, *values: object) -> None:
    sys.stdout.write(line.format(*values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
