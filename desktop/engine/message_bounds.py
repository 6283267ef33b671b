"""Within which bounds a worker is believed: it may have been taken over by the file it reads, and a message out of them
is none."""

from typing import Annotated

import msgspec

LONGEST_WORDS, LONGEST_TEXT = 4096, 100_000
"""Characters of what a worker says of itself and of its model, and of technical lines."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
TokenId = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Measure = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Component = Annotated[float, msgspec.Meta(ge=-1.001, le=1.001)]
Score = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
HexDigest = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
VariantName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.+-]{0,39})?$")]
ShortText = Annotated[str, msgspec.Meta(max_length=LONGEST_WORDS)]
Names = Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=1024)]
LongText = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
LOWEST_LOGPROB, LONGEST_PIECE = -9999.0, 256
"""What stands for a probability of nothing, as with OpenAI; bytes of a token's text, which is cut there."""
Logprob = Annotated[float, msgspec.Meta(ge=LOWEST_LOGPROB, le=0)]
TokenText = Annotated[bytes, msgspec.Meta(max_length=LONGEST_PIECE)]
MOST_CANDIDATES = 32
MOST_EMBEDDED_TEXTS = 32
"""Texts of one EmbedRequest: their vectors have to fit into one message."""
