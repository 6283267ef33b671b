"""Messages over a pipe arrive whole, and what is no message is told apart from a closed pipe."""

import os
import threading

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.frames import LARGEST_MESSAGE, FrameError, FrameReader, FrameWriter
from desktop.engine.worker_messages import CancelRequest, GenerateRequest, Ping, Request


@pytest.fixture
def pipe() -> tuple[int, int]:
    return os.pipe()


def reader_of(descriptor: int) -> "FrameReader[Request]":
    return FrameReader(descriptor, Request)


def test_messages_arrive_in_order_and_whole(pipe: tuple[int, int]) -> None:
    reader, writer = reader_of(pipe[0]), FrameWriter(pipe[1])
    long = GenerateRequest(7, (ChatMessage.from_text("user", "ü" * 400_000),))

    def write() -> None:
        for message in (Ping(1), long, CancelRequest(7)):
            writer.write(message)
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert [reader.read() for _ in range(4)] == [Ping(1), long, CancelRequest(7), None]
    thread.join()
    reader.close()


def test_many_threads_do_not_mix_their_messages(pipe: tuple[int, int]) -> None:
    reader, writer = reader_of(pipe[0]), FrameWriter(pipe[1])

    def write(first: int) -> None:
        for number in range(200):
            writer.write(CancelRequest(first + number))

    threads = [threading.Thread(target=write, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    ids = sorted(message.id for message in (reader.read() for _ in range(800)) if isinstance(message, CancelRequest))
    assert ids == [n * 1000 + k for n in range(4) for k in range(200)]
    for thread in threads:
        thread.join()
    writer.close()
    reader.close()


@pytest.mark.parametrize("bytes_sent", [b"\0\0", b"\0\0\0\x09abc", b"\0\0\0\x03abc", b"\0\0\0\x02\x81\xa1"])
def test_what_is_no_message_is_an_error(pipe: tuple[int, int], bytes_sent: bytes) -> None:
    os.write(pipe[1], bytes_sent)
    os.close(pipe[1])
    reader = reader_of(pipe[0])
    with pytest.raises(FrameError):
        reader.read()
    reader.close()


def test_an_absurd_length_is_refused_before_anything_is_read_for_it(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], (LARGEST_MESSAGE + 1).to_bytes(4, "big"))
    reader = reader_of(pipe[0])
    with pytest.raises(FrameError, match="too long"):
        reader.read()
    os.close(pipe[1])
    reader.close()


def test_writing_to_a_closed_pipe_is_an_error(pipe: tuple[int, int]) -> None:
    writer = FrameWriter(pipe[1])
    os.close(pipe[0])
    with pytest.raises(OSError, match="pipe"):
        writer.write(Ping(1))
    writer.close()
    with pytest.raises(OSError, match="closed"):
        writer.write(Ping(2))
