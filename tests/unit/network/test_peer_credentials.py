"""Who is at the other end of a socket."""

import os
import socket
import sys

import pytest

from desktop.network.peer_credentials import peer_user_id


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
def test_the_other_end_of_ones_own_socket_is_oneself() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer_user_id(one.fileno()) == os.getuid()


@pytest.mark.loopback
def test_what_is_no_socket_of_this_machine_tells_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert peer_user_id(server.fileno()) in (None, -1, 2**32 - 1)
