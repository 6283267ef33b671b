"""Bytes, rates and times in a few characters, as one line of progress has room for."""

from desktop.translation import tr


def size_in_words(size: int) -> str:
    """`size` bytes in decimal units, as disks and the Hub count."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    if size >= 1e6:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e3:.0f} kB"


_STEPS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def size_text(amount: float) -> str:
    """An amount of bytes: "3.4 GB"."""
    for unit, step in _STEPS:
        if amount >= step:
            return f"{amount / step:.1f} {unit}"
    return f"{amount:.0f} B"


def part_text(done: int, total: int) -> str:
    """How much of a whole: "1.2 of 3.4 GB", in the unit of the whole."""
    for unit, step in _STEPS:
        if total >= step:
            return tr("{done} of {total}").format(done=f"{done / step:.1f}", total=f"{total / step:.1f} {unit}")
    return tr("{done} of {total}").format(done=done, total=f"{total} B")


def percent_text(done: int, total: int) -> str:
    """How much of a whole in whole percents; 100 only where all of it is there."""
    return f"{100 * done // total if total else 0} %"


def duration_text(seconds: float) -> str:
    """A time to wait, rounded as a person would say it: "4 min"."""
    if seconds < 60:
        return tr("{count} s").format(count=max(1, round(seconds)))
    if seconds < 3600:
        return tr("{count} min").format(count=round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return tr("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
