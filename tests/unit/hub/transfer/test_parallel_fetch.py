"""What is fetched is what the Hub holds, however many files and connections it takes; and it is said on the way."""

from __future__ import annotations

import hashlib
import threading

import pytest

from desktop.errors import ForbiddenError, IntegrityError, ResourceError
from desktop.hub.transfer.transfer_types import FileRequest, TransferProgress, TransferStoppedError
from desktop.network.access_token import AccessToken
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.transfer_place import MODEL, REPOSITORY, Place, bytes_of
from tests.unit.hub.transfer.conftest import MakePlace

pytestmark = pytest.mark.loopback


def test_a_file_is_fetched_verified_and_nothing_else_is_left(place: Place) -> None:
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert place.left == [MODEL]
    assert fetched.path == place.target
    assert (fetched.size, fetched.sha256) == (len(place.data), hashlib.sha256(place.data).hexdigest())
    assert (fetched.verified, fetched.restarted) == (True, False)
    assert (fetched.received, fetched.refetched_bytes) == (len(place.data), 0)
    assert place.fake.sent() == len(place.data)
    assert place.states == ["locating", "fetching", "verifying", "done"]
    assert (place.said[-1].done, place.said[-1].total) == (len(place.data), len(place.data))


def test_a_small_file_comes_from_the_hub_itself_and_is_compared_by_its_size(place: Place) -> None:
    place.repository.add_file("LICENSE", b"You may.\r\n\xff")
    place.repository.add_file("empty.txt", b"")
    fetched = place.fetch(place.wanted("LICENSE"))
    assert (place.folder / "LICENSE").read_bytes() == b"You may.\r\n\xff"
    assert not fetched.verified
    assert fetched.sha256 == hashlib.sha256(b"You may.\r\n\xff").hexdigest()
    assert place.fetch(place.wanted("empty.txt")).size == 0
    assert place.fetch(place.wanted("LICENSE")).received == 0, "it is there already"
    (place.folder / "LICENSE").write_bytes(b"You may not, and longer")
    with pytest.raises(ResourceError, match="Another file is there already"):
        place.fetch(place.wanted("LICENSE"))


def test_a_file_in_a_folder_of_the_repository_is_kept_by_its_own_name(place: Place) -> None:
    place.repository.add_file("q8 0/größe.gguf", b"GGUF in a folder")
    assert place.fetch(place.wanted("q8 0/größe.gguf")).path == place.folder / "größe.gguf"
    assert (place.folder / "größe.gguf").read_bytes() == b"GGUF in a folder"


def test_a_large_file_comes_as_fast_as_it_goes_also_over_tls(make_place: MakePlace, either: FakeHub) -> None:
    place = make_place(size=24 << 20, hub=either)
    assert place.fetch().verified
    assert place.target.read_bytes() == place.data


def test_more_connections_are_added_where_each_is_throttled(make_place: MakePlace) -> None:
    place = make_place(size=8_000_000)
    place.fake.rate = 1_200_000
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert fetched.connections >= 4
    assert len({seen.connection for seen in place.fake.requests("cdn")}) >= 4
    assert max(each.connections for each in place.said) >= 4
    busy = [each for each in place.said if each.state == "fetching" and each.rate]
    assert busy
    assert all(each.seconds_left is not None for each in busy)
    validators = [seen.headers.get("if-range") for seen in place.fake.requests("cdn")]
    assert validators[0] is None
    assert all(validators[1:]), "every later request names the version it goes on with"


def test_one_connection_is_enough_where_only_one_is_allowed(make_place: MakePlace) -> None:
    place = make_place(size=2_000_000)
    place.fake.rate = 2_000_000
    assert place.fetch(connections=1).connections == 1


def test_the_parts_of_a_model_get_their_names_together(place: Place) -> None:
    names = [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    contents = [bytes_of(700_000, seed) for seed in (11, 12, 13)]
    for name, content in zip(names, contents, strict=True):
        place.repository.add_file(f"Q4/{name}", content)
    wanted = [place.wanted(f"Q4/{name}", size=700_000) for name in names]
    seen: list[list[str]] = []

    def look(progress: TransferProgress) -> None:
        if progress.state == "verifying" and progress.done > 1_400_000:
            seen.append(place.left)

    fetched = place.transfer(*wanted, heard=look).run()
    assert [each.path.name for each in fetched] == names
    assert [each.path.read_bytes() for each in fetched] == contents
    assert place.left == names
    assert seen
    assert not any(name in names for left in seen for name in left), "none has its name before all are there"
    assert {each.total for each in place.said} == {2_100_000}
    assert place.said[-1].done == 2_100_000
    place.fake.forget_requests()
    assert [each.received for each in place.transfer(*wanted).run()] == [0, 0, 0]
    assert not place.fake.sent(), "they are there already"


def test_a_right_file_is_taken_and_another_one_is_left_alone(place: Place) -> None:
    place.target.write_bytes(place.data)
    fetched = place.fetch()
    assert (fetched.received, fetched.verified) == (0, True)
    assert place.states == ["locating", "checking", "done"]
    assert not place.fake.requests("cdn")
    other = bytes_of(len(place.data), seed=2)
    place.target.write_bytes(other)
    with pytest.raises(ResourceError, match="Another file is there already"):
        place.fetch()
    assert place.target.read_bytes() == other
    assert place.left == [MODEL]
    assert not place.fake.requests("cdn")


def test_a_file_that_appears_meanwhile_is_not_overwritten(place: Place) -> None:
    def appear(progress: TransferProgress) -> None:
        if progress.state == "verifying":
            place.target.write_bytes(b"mine")

    with pytest.raises(ResourceError, match="Another file is there already"):
        place.fetch(heard=appear)
    assert place.target.read_bytes() == b"mine"


def test_what_was_known_of_the_file_has_to_hold(place: Place) -> None:
    for known in ({"sha256": "e" * 64}, {"size": 7}):
        with pytest.raises(IntegrityError, match="another file now"):
            place.fetch(place.wanted(**known))
        assert place.left == []
    good = place.wanted(size=len(place.data), sha256=hashlib.sha256(place.data).hexdigest().upper())
    assert place.fetch(good).verified


@pytest.mark.parametrize(
    "name",
    ["../up.gguf", "a/../../up.gguf", "/etc/up.gguf", "C:\\up.gguf", "x" * 300 + ".gguf", "CON.gguf", "a\nb.gguf"],
)
def test_a_name_that_leads_elsewhere_touches_nothing(place: Place, name: str) -> None:
    with pytest.raises(ForbiddenError):
        place.transfer(place.wanted(name))
    assert place.left == []
    assert not place.fake.requests()


def test_two_files_of_one_name_are_refused(place: Place) -> None:
    with pytest.raises(ForbiddenError, match="beside each other"):
        place.transfer(place.wanted("a/x.gguf"), place.wanted("b/X.gguf"))


def test_a_gated_file_is_fetched_and_only_the_hub_sees_the_token(place: Place) -> None:
    place.repository.gated = "manual"
    value = place.fake.add_token("anna")
    place.fake.set_gate_state(REPOSITORY, "anna", "granted")
    place.token = AccessToken(value, place.fake.endpoint)
    assert place.fetch().verified
    assert {seen.token for seen in place.fake.requests("hub")} == {"", value}
    assert {seen.token for seen in place.fake.requests("cdn")} == {""}


def test_what_runs_already_can_be_paused_and_goes_on(make_place: MakePlace) -> None:
    place = make_place(size=4_000_000)
    place.fake.rate = 4_000_000
    enough = threading.Event()
    transfer = place.transfer(heard=lambda told: enough.set() if told.done > 1_000_000 else None, connections=1)

    def pause() -> None:
        enough.wait(20)
        transfer.pause()

    thread = threading.Thread(target=pause)
    thread.start()
    with pytest.raises(TransferStoppedError) as halted:
        transfer.run()
    thread.join()
    assert halted.value.state == "paused"
    assert place.said[-1].state == "paused"
    assert place.left == [MODEL + ".part", MODEL + ".part.state"]
    place.fake.rate = None
    first = place.said[-1].done
    fetched = place.fetch()
    assert place.target.read_bytes() == place.data
    assert fetched.received == len(place.data) - first, "what was there is not fetched again"
    assert fetched.refetched_bytes == 0
    assert place.left == [MODEL]


def test_cancelling_leaves_nothing_behind(make_place: MakePlace) -> None:
    place = make_place(size=4_000_000)
    place.fake.rate = 2_000_000
    transfer = place.transfer(heard=lambda told: transfer.cancel() if told.done > 500_000 else None)
    with pytest.raises(TransferStoppedError) as halted:
        transfer.run()
    assert halted.value.state == "cancelled"
    assert place.left == []


def test_cancelling_one_that_is_just_being_paused_leaves_nothing_behind(make_place: MakePlace) -> None:
    place = make_place(size=4_000_000)
    place.fake.rate = 2_000_000

    def stop(told: TransferProgress) -> None:
        if told.done > 500_000:
            transfer.pause()
            transfer.cancel()
            transfer.pause()

    transfer = place.transfer(heard=stop)
    with pytest.raises(TransferStoppedError) as halted:
        transfer.run()
    assert halted.value.state == "cancelled"
    assert place.left == []


def test_a_transfer_that_was_stopped_before_it_began_does_nothing(place: Place) -> None:
    for stop in ("pause", "cancel"):
        transfer = place.transfer()
        getattr(transfer, stop)()
        with pytest.raises(TransferStoppedError):
            transfer.run()
    assert place.left == []
    assert not place.fake.requests()


def test_a_paused_transfer_can_be_discarded(make_place: MakePlace) -> None:
    place = make_place(size=2_000_000)
    place.fake.rate = 2_000_000
    transfer = place.transfer(heard=lambda told: transfer.pause() if told.done > 300_000 else None)
    with pytest.raises(TransferStoppedError):
        transfer.run()
    assert place.left
    place.transfer().discard()
    assert place.left == []


def test_another_repository_is_never_mixed_in(place: Place) -> None:
    other = place.fake.add(FakeRepository("acme/other"))
    other.add_file(MODEL, bytes_of(len(place.data), seed=9))
    transfer = place.transfer(heard=lambda told: transfer.pause() if told.state == "verifying" else None)
    with pytest.raises(TransferStoppedError):
        transfer.run()
    assert place.part.stat().st_size == len(place.data)
    fetched = place.fetch(FileRequest(repository="acme/other", commit=other.head, file=MODEL))
    assert place.target.read_bytes() == other.files[MODEL].data
    assert fetched.received == fetched.size
    assert "of no use for this version" in place.notes
