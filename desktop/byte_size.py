"""Bytes, shares and times in a few characters: every size that a person reads is written here."""

from typing import Literal

from desktop.translation import tr

Digits = Literal["tenths", "gigabytes", "two"]
"""How exact a size is: always to one decimal; to one decimal from a gigabyte on and whole below it; or to one decimal
below ten of a unit and whole above, with the gigabyte as the largest unit."""

_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def size_text(size: float, digits: Digits = "tenths") -> str:
    """`size` bytes in decimal units, as disks and the Hub count: "3.4 GB"."""
    for unit, step in _UNITS:
        if size >= step and not (digits == "two" and unit == "TB"):
            value = size / step
            whole = (digits == "two" and value >= 10) or (digits == "gigabytes" and step < 1e9)
            return f"{value:,.0f} {unit}" if whole else f"{value:.1f} {unit}"
    return f"{size:.0f} B"


def part_text(done: int, total: int, digits: Digits = "tenths") -> str:
    """How much of a whole: "1.2 of 3.4 GB", in the unit of the whole; "800 MB of 3.4 GB" with "two" digits."""
    if digits == "two":
        return tr("{done} of {total}").format(done=size_text(done, digits), total=size_text(total, digits))
    for unit, step in _UNITS:
        if total >= step:
            return tr("{done} of {total}").format(done=f"{done / step:.1f}", total=f"{total / step:.1f} {unit}")
    return tr("{done} of {total}").format(done=done, total=f"{total} B")


def percent_text(done: int, total: int) -> str:
    """How much of a whole in whole percents; 100 only where all of it is there."""
    return tr("{percent} %").format(percent=100 * done // total if total else 0)


def duration_text(seconds: float, *, longest: int = 60) -> str:
    """A time to wait, rounded as a person would say it: "4 min". `longest` is the count of seconds, and of minutes,
    from which the next larger unit is used."""
    whole = max(1, round(seconds))
    if whole < longest:
        return tr("{count} s").format(count=whole)
    minutes = round(whole / 60)
    if minutes < longest:
        return tr("{count} min").format(count=minutes)
    return tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)
