"""The shipped program and a modality that asks for commitment: told at once, told later, told after a kill (B5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import dicom_builders as dicom
from tests.support.clinic_county import wait_for
from tests.support.commitment_user import CommitmentUser, references_of
from tests.support.peers import free_ports
from tests.support.running_gateway import RunningGateway

pytestmark = [pytest.mark.acceptance, pytest.mark.usefixtures("wire")]


def register(gateway: RunningGateway, port: int) -> None:
    gateway.command("site", "add", "yangchang", "--name", "演示羊场卫生院")
    gateway.command("device", "add", "MODALITY", "--site", "yangchang", "--name", "CT", "--modality", "CT",
                    "--port", str(port))


def address_of(gateway: RunningGateway) -> str:
    return f"{gateway.host}:{gateway.port}"


def test_a_modality_is_told_on_its_association_and_on_ours_and_after_a_kill(tmp_path: Path) -> None:
    user, [port] = CommitmentUser(), free_ports(1)
    files = [dicom.ct_slice(number) for number in (1, 2, 3)]
    with RunningGateway(tmp_path / "var") as gateway:
        register(gateway, port)
        user.associate(address_of(gateway))
        assert user.store(*files) == [0, 0, 0]
        assert user.ask(references_of(*files))[0] == 0
        wait_for(lambda: bool(user.reports), within_s=20, why="the report came on the modality's own association")
        assert (user.reports[0].event_type, user.reports[0].is_on_own_association) == (1, True)

        # It releases at once: the report waits for its port, through a kill and a restart.
        status, uid = user.ask(references_of(*files))
        assert status == 0
        gateway.kill()
        with user.listening(port):
            gateway.start()
            wait_for(lambda: len(user.reports) > 1, within_s=60, why="the next process told the modality")
        assert (user.reports[1].information.TransactionUID, user.reports[1].is_on_own_association) == (uid, False)
        assert user.reports[1].committed == {instance for _, instance in references_of(*files)}
        answer = gateway.command("verify")
        assert answer["is_sound"], answer
