"""Each fault of the way ends in the right file or in a sentence, never in a wrong file, a lost one or a hang."""

from __future__ import annotations

import pytest

from desktop.errors import IntegrityError
from desktop.hub.transfer.transfer_types import RetryPolicy
from tests.fakes.transfer_faults import CASES, SIZE, TIMEOUT_S, Case
from tests.fakes.transfer_place import MODEL, QUICK
from tests.unit.hub.transfer.conftest import MakePlace

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_ends_well(make_place: MakePlace, case: Case) -> None:
    place = make_place(SIZE, timeout=TIMEOUT_S)
    case.arrange(place)
    retry_policy = RetryPolicy(
        tries=case.more.get("tries", QUICK.tries), first_delay=QUICK.first_delay, max_delay=QUICK.max_delay
    )
    hear = case.hear
    heard = (lambda progress: hear(place, progress)) if hear is not None else None
    if case.ends is None:
        place.fetch(heard=heard, retry_policy=retry_policy)
        assert len(place.fake.requests("cdn")) <= case.requests
        assert case.says in place.notes
        assert place.target.read_bytes() == place.data
        assert place.left == [MODEL]
        assert place.said[-1].state == "done"
        if case.twice is not None:
            assert place.fake.sent() - len(place.data) <= case.twice
    else:
        with pytest.raises(case.ends) as ended:
            place.fetch(heard=heard, retry_policy=retry_policy)
        assert case.says in str(ended.value)
        assert len(place.fake.requests("cdn")) <= case.requests
        assert all((ended.value.title, ended.value.remedy))
        assert MODEL not in place.left
        assert place.left == [] or case.ends is not IntegrityError, "what was never right is not kept"
        assert place.said[-1].state == "failed"
        if case.kept:
            place.fake.faults.clear()
            there = place.said[-1].done
            fetched = place.fetch()
            assert place.target.read_bytes() == place.data
            assert fetched.received == len(place.data) - there
    assert not any(seen.token for seen in place.fake.requests("cdn") + place.fake.requests("elsewhere"))
