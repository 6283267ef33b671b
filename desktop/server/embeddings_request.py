"""`POST /v1/embeddings`: texts, and the vectors that an embedding model makes of them."""

import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from desktop.safe_text import repair_surrogates
from desktop.server.model_request import refused
from desktop.server.sampling_fields import ApiBody
from desktop.translation import tr

MOST_TEXTS = 2048


class EmbeddingsRequest(ApiBody):
    """Texts whose vectors are wanted."""

    model: str
    input: str | Annotated[list[str], Field(max_length=MOST_TEXTS)] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Only as many as the model's vectors have."
    )

    def texts(self) -> tuple[str, ...]:
        """The texts. Raises ApiError where there are none, or tokens in their place."""
        given = [self.input] if isinstance(self.input, str) else self.input
        found = tuple(repair_surrogates(each) for each in given if isinstance(each, str))
        if not found or len(found) != len(given):
            raise refused("input", tr("This server takes one text or several, and no tokens."))
        return found

    def body(self, model: str, vectors: Sequence[Sequence[float]], tokens: int) -> dict[str, Any]:
        """The vectors in OpenAI's form."""
        data = [
            {"object": "embedding", "index": number, "embedding": self._encoded(vector)}
            for number, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": model, "usage": usage}

    def _encoded(self, vector: Sequence[float]) -> list[float] | str:
        """As numbers, or as 32-bit floats in little-endian order."""
        if self.encoding_format == "float":
            return list(vector)
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
