"""Pictures as they are given to a worker, and what it says of them."""

from typing import Annotated

import msgspec

from desktop.engine.message_bounds import Count, HexDigest, Measure

LARGEST_IMAGES = 48 * 1024 * 1024
"""Bytes that the pictures of one request may have together: they have to fit into one message with all else."""
LARGEST_SIDE = 4096
"""Pixels of a picture's longest side at most; projectors see less."""
Side = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_SIDE)]


class RequestImage(msgspec.Struct, frozen=True):
    """A picture's pixels: `rgb` has three bytes for each, row after row. `sha256` is that by which messages name it: of
    the file that it was decoded from."""

    sha256: HexDigest
    width: Side
    height: Side
    rgb: bytes


class SeenImage(msgspec.Struct, frozen=True):
    """A picture as the model reads it: in `tiles` pieces of `tokens` together, text around them left out. `width` and
    `height` are of what it was given, in pixels."""

    sha256: HexDigest
    width: Count
    height: Count
    tokens: Count
    tiles: Count


class PictureCost(msgspec.Struct, frozen=True):
    """What a picture takes of the context: `least` tokens and at most `most`; between them one for each
    `pixels_per_token`. Where that is 0, each takes the same whatever its size, or one of the two by its size."""

    least: Count
    most: Count
    pixels_per_token: Measure = 0.0

    def tokens(self, width: int, height: int) -> int:
        """About how many tokens a picture of this size takes."""
        if not self.pixels_per_token:
            return self.most
        return round(min(max(width * height / self.pixels_per_token, self.least), self.most))
