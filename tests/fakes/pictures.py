"""Pictures of random pixels, and messages that hold some."""

import hashlib

import numpy as np

from desktop.conversation import ChatMessage, ImagePart, TextPart
from desktop.engine.request_images import RequestImage


def picture(seed: int, width: int = 96, height: int = 64) -> RequestImage:
    """A picture of this size, another one for each `seed`."""
    rgb = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8).tobytes()
    return RequestImage(hashlib.sha256(rgb).hexdigest(), width, height, rgb)


def asked(*parts: RequestImage | str) -> ChatMessage:
    """A question of texts and pictures, in this order."""
    made = (TextPart(each) if isinstance(each, str) else ImagePart(each.sha256, "image/png") for each in parts)
    return ChatMessage("user", tuple(made))
