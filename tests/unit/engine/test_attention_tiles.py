"""Behind a long conversation a short question is read as a whole tile of attention, where that is less work."""

import pytest

from desktop.engine.worker.attention_tiles import AttentionTiles

ONE_BILLION = AttentionTiles(64, 4.1e-4)


@pytest.mark.parametrize(
    ("held", "total", "kept"),
    [
        (3912, 3952, 3888),  # 40 tokens take longer than 64
        (3912, 3932, 3912),  # 20 do not
        (3889, 3952, 3888),
        (3888, 3952, 3888),
        (3800, 3952, 3800),
        (200, 240, 200),  # little to look at
        (1024, 1080, 1024 + 56 - 64),
        (0, 40, 0),
        (40, 40, 40),
    ],
)
def test_tokens_are_read_again_only_where_it_is_less_work(held: int, total: int, kept: int) -> None:
    assert ONE_BILLION.kept(held, total) == kept
    assert AttentionTiles().kept(held, total) == held, "other kernels have no tiles"


@pytest.mark.parametrize(
    ("begin", "end", "total", "better"),
    [
        (0, 512, 532, 468),
        (0, 512, 576, 512),
        (0, 512, 512, 512),
        (0, 300, 300, 300),
        (0, 96, 128, 64),
        (0, 64, 100, 64),  # else this one would be short
        (512, 1024, 1030, 966),
    ],
)
def test_the_last_piece_of_a_prompt_is_not_left_short(begin: int, end: int, total: int, better: int) -> None:
    assert ONE_BILLION.piece_end(begin, end, total) == better
    assert AttentionTiles().piece_end(begin, end, total) == end
