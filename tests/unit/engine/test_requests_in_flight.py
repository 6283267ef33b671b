"""Several answers at one worker: which may be sent, and which a crash is blamed on."""

from desktop.conversation import ChatMessage
from desktop.engine.engine_command import AnswerCommand
from desktop.engine.requests_in_flight import RequestInFlight, RequestsInFlight
from desktop.engine.worker_messages import GenerateRequest, PromptPrepared


def in_flight(count: int) -> RequestsInFlight:
    made = RequestsInFlight()
    for number in range(1, count + 1):
        request = GenerateRequest(number, (ChatMessage.from_text("user", "x"),))
        made.add(AnswerCommand(request, lambda _: None))
    return made


def send(requests: RequestsInFlight) -> list[int]:
    """Send what may be sent; the ids."""
    sent = []
    while (request := requests.next_to_send()) is not None:
        request.mark_sent()
        sent.append(request.id)
    return sent


def rendered(requests: RequestsInFlight, number: int) -> None:
    found = requests.find(number)
    assert found is not None
    found.receive(PromptPrepared(number, 1, 0, 0, 512))


def blamed(requests: RequestsInFlight) -> tuple[str, int | None]:
    work, culprit = requests.blame()
    requests.restart()
    return work, culprit.id if isinstance(culprit, RequestInFlight) else None


def test_all_are_sent_at_once() -> None:
    assert send(in_flight(4)) == [1, 2, 3, 4]


def test_a_crash_while_all_compute_is_the_computations() -> None:
    requests = in_flight(3)
    send(requests)
    for number in (1, 2, 3):
        rendered(requests, number)
    assert blamed(requests) == ("computing", None)
    assert send(requests) == [1, 2, 3], "all go on at once"


def test_a_prompt_that_crashes_alone_is_blamed_the_second_time() -> None:
    requests = in_flight(1)
    for expected in (("rendering", None), ("rendering", 1)):
        assert send(requests) == [1]
        assert blamed(requests) == expected


def test_a_prompt_that_crashes_among_others_is_found_and_the_others_are_not_blamed() -> None:
    """The second's is the one: whenever a worker has to render it, it dies."""
    requests, deaths = in_flight(3), []
    sent = send(requests)
    while 2 in sent:
        deaths.append(blamed(requests))
        sent = []
        while 2 not in sent and (new := send(requests)):
            sent += new
            for number in new:
                if number != 2:
                    rendered(requests, number)
        if deaths[-1][1] is not None:
            break
    assert deaths[-1] == ("rendering", 2)
    assert [work for work, _ in deaths].count("computing") <= 1


def test_one_that_waits_behind_a_crashing_computation_is_not_blamed_for_it() -> None:
    """A worker that gives one answer after another has not rendered the second's prompt while it computes the first."""
    requests, works = in_flight(2), []
    send(requests)
    rendered(requests, 1)
    for first, second in ((2, 1), (1, 2)):
        works.append(blamed(requests))
        assert send(requests) == [first], "alone, to find out"
        rendered(requests, first)
        assert send(requests) == [second]
    works.append(blamed(requests))
    assert works == [("rendering", None), ("rendering", None), ("computing", None)]
