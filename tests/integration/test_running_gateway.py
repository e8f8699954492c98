"""The tests' own starter tells when the program did not come back, instead of testing against nothing."""

from __future__ import annotations

import socket

import pytest

from tests.support.running_gateway import RunningGateway


def test_a_gateway_whose_port_is_taken_meanwhile_is_not_taken_for_started(tmp_path):
    gateway = RunningGateway(tmp_path / "var")
    gateway.start()
    gateway.kill()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((gateway.host, gateway.port))
        other.listen()
        with pytest.raises(AssertionError, match="Address already in use"):
            gateway.start()
    gateway.start()                          # free again: back on the same ports
    assert gateway.stop() == 0
