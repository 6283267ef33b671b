"""The vectors of the real embedding model: those of its published weights, as transformers 5.24 computes them (F32)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from tests.fakes.load_checks import OpenLoadCheck

pytestmark = pytest.mark.real_model
# The first components of each vector, mean of all tokens, of length 1.
PUBLISHED = {
    "How do I renew a passport that has expired?": (-0.0444, 0.0247, -0.0108, 0.0137, 0.0337, -0.0146, -0.0623, 0.0160),
    "Straßenbahn und Über\xadgrösse: naïve café, Ærøskøbing 123,45 €!": (
        0.0191,
        0.0832,
        -0.0143,
        -0.0168,
        -0.0186,
        0.0175,
        -0.0155,
        0.0279,
    ),
    "日本語のテキスト and 中文 mixed with emoji 🙂 and code x = y**2;": (
        -0.0462,
        0.0443,
        0.0880,
        -0.0449,
        -0.0419,
        -0.0361,
        0.0442,
        0.0053,
    ),
}


def test_vectors_are_those_of_the_published_weights(embedding_model_file: Path, tmp_path: Path) -> None:
    client = EngineClient(license_check=OpenLoadCheck(), logs=tmp_path, cache=tmp_path)
    client.load_and_wait(LoadParams(str(embedding_model_file), threads=1, embedding=True))
    for vector, expected in zip(client.vectors([*PUBLISHED]).vectors, PUBLISHED.values(), strict=True):
        assert len(vector) == 384
        assert np.allclose(vector[:8], expected, atol=1e-3)
    client.close()
