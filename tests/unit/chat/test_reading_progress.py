"""How far a prompt is read is told where reading lasts, and never for a short one."""

from desktop.chat.reading_progress import ReadingProgress, ReadingState


def test_a_short_prompt_is_not_spoken_of() -> None:
    progress = ReadingProgress(0, 10.0)
    assert progress.note(512, 1000, 10.3) is None
    assert progress.note(1000, 1000, 10.6) is None


def test_a_long_one_is_told_with_the_time_that_is_left() -> None:
    progress = ReadingProgress(0, 10.0)
    assert progress.note(500, 5000, 10.5) == ReadingState(500, 5000, None), "too early to say how long"
    assert progress.note(1000, 5000, 11.0) == ReadingState(1000, 5000, 4.0)
    assert progress.note(4500, 5000, 14.5) == ReadingState(4500, 5000, None), "next to nothing is left"
    assert progress.note(5000, 5000, 15.0) == ReadingState(5000, 5000, None)


def test_what_was_kept_from_before_does_not_count_as_speed() -> None:
    progress = ReadingProgress(8000, 0.0)
    state = progress.note(8500, 10_000, 5.0)
    assert state == ReadingState(8500, 10_000, 15.0)
    assert state.fraction == 0.85


def test_another_worker_begins_anew() -> None:
    progress = ReadingProgress(0, 0.0)
    assert progress.note(1000, 5000, 2.0) is not None
    assert progress.note(0, 5000, 10.0) == ReadingState(0, 5000), "said once, it stays"
    assert progress.note(1000, 5000, 12.0) == ReadingState(1000, 5000, 8.0)


def test_a_clock_that_stands_still_is_no_division_by_nothing() -> None:
    progress = ReadingProgress(0, 5.0)
    assert progress.note(100, 0, 5.0) is None
    assert ReadingState(3, 0).fraction == 1.0
