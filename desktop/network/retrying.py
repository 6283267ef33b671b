"""When a request is worth another try, and how long to wait before it."""

import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 60.0
"""A server that wants us to wait longer is not waited for: whoever asked gets its answer and may say so."""

_PASSING = {429, 502, 503, 504}
_FIRST_S = 0.4
_RESETS_IN = re.compile(r"[;,\s]t\s*=\s*(\d{1,9})\b")
_REMAINING = re.compile(r"[;,\s]r\s*=\s*(\d{1,9})\b")


def back_off(attempt: int) -> float:
    """Seconds before try `attempt` + 1: twice as long each time, and not for all at once."""
    return min(8.0, _FIRST_S * 2.0**attempt) * random.uniform(0.6, 1.0)


def wait_before_retry(status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds to wait where an answer of this status may pass by itself; None where another try is no use now."""
    if status not in _PASSING:
        return None
    told = wanted_wait(headers)
    if told is None:
        return back_off(attempt)
    return told + random.uniform(0, 0.25) if told <= LONGEST_WAIT_S else None


def wanted_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds the server wants us to wait: Retry-After (a number or a date), else the time at which its RateLimit
    resets where nothing remains of it. None where it says nothing that can be read."""
    after = headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - _now(headers))
        except (ValueError, OverflowError, TypeError):
            pass
    limit = headers.get("RateLimit", "")
    remaining, resets = _REMAINING.search(limit), _RESETS_IN.search(limit)
    if resets and (remaining is None or int(remaining[1]) == 0):
        return float(resets[1])
    return None


def _now(headers: Mapping[str, str]) -> float:
    """The server's own clock where it tells: ours may be off by a year."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, OverflowError, TypeError):
        return time.time()
