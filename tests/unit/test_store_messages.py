"""The two messages of C-STORE as bytes: what pynetdicom would write, and what is left to it (PS3.7 9.3.1, B1)."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE

from gateway.wire.store_messages import StoreRequest, encode_store_response, read_store_request
from tests.support.raw_association import command_set, echo_command, store_command, uid, us

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize("status", [0x0000, 0xA700, 0xA900, 0xC000, 0x0110])
@pytest.mark.parametrize("sop_instance", ["1.2.3", "1.2.34", "1." + "23" * 31])
def test_the_response_is_byte_for_byte_that_of_pynetdicom(status, sop_instance):
    response = C_STORE()
    response.MessageIDBeingRespondedTo = 4711
    response.AffectedSOPClassUID, response.AffectedSOPInstanceUID, response.Status = CT, sop_instance, status
    message = C_STORE_RSP()
    message.primitive_to_message(response)
    (fragment,) = message.encode_msg(5, 16384)
    ((context_id, data),) = fragment.presentation_data_value_list
    ours = encode_store_response(StoreRequest(5, 4711, CT.encode(), sop_instance.encode()), status)
    assert (ours[10], ours[11:]) == (context_id, data)
    assert int.from_bytes(ours[2:6]) == len(ours) - 6
    assert int.from_bytes(ours[6:10]) == len(ours) - 10


def test_an_ordinary_request_is_read():
    found = read_store_request(store_command(CT, "1.2.3", message_id=0xABCD), 7)
    assert found == StoreRequest(7, 0xABCD, CT.encode(), b"1.2.3")


def test_the_move_originator_changes_nothing():
    """(0000,1030) and (0000,1031) of a C-STORE sub-operation (PS3.7 9.1.1.1)."""
    more = [(0x1030, b"MOVER "), (0x1031, us(3))]
    assert read_store_request(store_command(CT, "1.2.3", more=more), 1) == read_store_request(
        store_command(CT, "1.2.3"), 1)


def request(**changed: bytes) -> bytes:
    elements = {"sop_class": (0x0002, uid(CT)), "field": (0x0100, us(1)), "message_id": (0x0110, us(1)),
                "priority": (0x0700, us(0)), "data_set": (0x0800, us(1)), "sop_instance": (0x1000, uid("1.2.3"))}
    return command_set(*((tag, changed.get(name, value)) for name, (tag, value) in elements.items()
                         if changed.get(name, value) != b"absent"))


@pytest.mark.parametrize("unusual", [
    echo_command(), b"", b"\0\0\2", request(data_set=us(0x0101)), request(sop_class=b"absent"),
    request(sop_instance=b"absent"), request(sop_instance=b""), request(sop_instance=b"1.2\\1.3"),
    request(sop_instance=b"1" * 66), request(sop_instance=b"1.x."), request(message_id=b"\1"),
    request(message_id=b"absent"), request(priority=us(7)), request(priority=b"absent"), request(field=us(0x8001)),
    request() + request()[-8:], request()[:-1], store_command(CT, "1.2.3", more=[(0x0002, uid(CT))]),
    store_command(CT, "1.2.3") + b"\x08\0\5\0\0\0\0\0",
])
def test_whatever_is_unusual_is_left_to_pynetdicom(unusual):
    assert read_store_request(unusual, 1) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(noise):
    read_store_request(noise, 1)
    read_store_request(request() + noise, 1)


def test_it_reads_in_place():
    buffer = memoryview(BytesIO(b"xx" + request()).getbuffer())
    assert read_store_request(buffer[2:], 1) is not None
