"""The table of what goes wrong between a file of the Hub and this disk: how each fault ends, and what came twice.

Run it from the top of a checkout: python packaging/transfer_faults.py [--markdown]
Every row runs the app's own transfer against the fake Hub on loopback. It ends with 1 where a row is not as it should
be. `tests/fakes/transfer_faults.py` has the rows; here they are only shown.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from desktop.errors import UserError
from desktop.hub.transfer.transfer_types import RetryPolicy
from tests.fakes.hub import FakeHub
from tests.fakes.transfer_faults import CASES, SIZE, TIMEOUT_S, Case
from tests.fakes.transfer_place import MODEL, QUICK, make_place


def main() -> int:
    parser = argparse.ArgumentParser(description="What each fault of a transfer comes to.")
    parser.add_argument("--markdown", action="store_true", help="as a table for a document")
    markdown = parser.parse_args().markdown
    if markdown:
        print("| fault | what happened | bytes of the file sent twice | seconds |\n| --- | --- | --- | --- |")
    wrong = 0
    for case in CASES:
        ended, twice, seconds, as_it_should = _run(case)
        wrong += not as_it_should
        mark = "" if as_it_should else "  NOT AS IT SHOULD BE"
        if markdown:
            print(f"| {case.name} | {ended}{mark} | {twice:,} | {seconds:.1f} |")
        else:
            print(f"{case.name}\n    {ended}\n    sent twice: {twice:,} of {SIZE:,}; {seconds:.1f} s{mark}")
    return 1 if wrong else 0


def _run(case: Case) -> tuple[str, int, float, bool]:
    """How it ended as a sentence, the bytes that went out twice, seconds, and whether that is as it should be."""
    with FakeHub() as hub, tempfile.TemporaryDirectory() as name:
        place = make_place(hub, Path(name) / "models", SIZE, TIMEOUT_S)
        case.arrange(place)
        retry_policy = RetryPolicy(
            tries=case.more.get("tries", QUICK.tries), first_delay=QUICK.first_delay, max_delay=QUICK.max_delay
        )
        hear = case.hear
        began = time.monotonic()
        try:
            place.fetch(heard=None if hear is None else lambda told: hear(place, told), retry_policy=retry_policy)
        except UserError as error:
            there = place.part.stat().st_size if place.part.exists() else 0
            twice = max(0, hub.sent() - max(there, place.said[-1].done))
            good = case.ends is not None and isinstance(error, case.ends) and MODEL not in place.left
            return f"told: {error}", twice, time.monotonic() - began, good
        finally:
            place.client.close()
        right = place.target.read_bytes() == place.data and place.left == [MODEL]
        note = " / ".join(place.notes.splitlines())
        ended = ("the right file" if right else "A WRONG FILE") + (f"; on the way: {note}" if note else "")
        return ended, hub.sent() - len(place.data), time.monotonic() - began, right and case.ends is None


if __name__ == "__main__":
    sys.exit(main())
