"""Numbers of ECG orders, ECGs of nobody and files nobody can read, on both engines (A5, B8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.model import EVERYWHERE, Arrival, ArrivalOutcome, ArrivalVia, Scope
from storage.model.ecg_intake import EcgPairing, UnreadEcg
from storage.tables.unread_ecgs import READ

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=15)


def arrival(name: str, *, via: ArrivalVia = ArrivalVia.ECG_UPLOAD, reason: str = "unknown-format", site: str = "a",
            outcome: ArrivalOutcome = ArrivalOutcome.QUARANTINED) -> Arrival:
    return Arrival(name, AT, via, outcome, site, None, "", "", "", "0" * 64, 3, reason=reason)


async def test_a_number_is_one_orders_at_its_site_until_it_is_forgotten(database):
    def work(tx):
        assert tx.ecg_pairings.add(EcgPairing("o1", "a", "900003", AT))
        assert not tx.ecg_pairings.add(EcgPairing("o2", "a", "900003", AT))
        assert not tx.ecg_pairings.add(EcgPairing("o1", "a", "900015", AT))
        assert tx.ecg_pairings.add(EcgPairing("o3", "b", "900003", AT))
        assert tx.ecg_pairings.of_number("900003", "b").order_id == "o3"
        assert tx.ecg_pairings.of_number("900003", "c") is None
        tx.ecg_pairings.forget("a", made_before=LATER)
        assert tx.ecg_pairings.of_orders(["o1", "o3"]).keys() == {"o3"}
        assert tx.ecg_pairings.add(EcgPairing("o2", "a", "900003", LATER))

    await database.write(work)


async def test_one_device_records_for_one_order_at_a_time(database):
    def work(tx):
        for number, order in enumerate(("o1", "o2", "o3")):
            tx.ecg_pairings.add(EcgPairing(order, "a", f"90000{number}", AT))
        for order, device in (("o1", "cart"), ("o2", "cart"), ("o3", None)):
            tx.ecg_pairings.end_calls("a", device, at=AT + timedelta(minutes=1), but=order)
            tx.ecg_pairings.call(order, at=AT, until=LATER, by="p", device_id=device)
        until = {order: one.called_until for order, one in tx.ecg_pairings.of_orders(["o1", "o2", "o3"]).items()}
        assert until == {"o1": AT + timedelta(minutes=1), "o2": LATER, "o3": LATER}
        tx.ecg_pairings.end_call("o2", at=AT)
        assert tx.ecg_pairings.of_orders(["o2"])["o2"].called_until == AT

    await database.write(work)


async def test_files_are_listed_by_what_became_of_them_and_only_ecg_files(database):
    def work(tx):
        for one in (arrival("w"), arrival("k"), arrival("r"), arrival("f", via=ArrivalVia.ECG_FOLDER, site="b"),
                    arrival("m", via=ArrivalVia.HL7, reason="hl7-no-ecg"), arrival("h", via=ArrivalVia.HL7),
                    arrival("d", via=ArrivalVia.DICOM), arrival("x", outcome=ArrivalOutcome.KEPT)):
            tx.arrivals.add(one)
        for name in ("k", "r"):
            tx.unread_ecgs.attach(UnreadEcg(name, "a", "o1", None, AT, "p", "why"))
        tx.unread_ecgs.note_try("r", known="now", at=LATER, result=READ, study_id="s")

        def listed(state, scope=EVERYWHERE):
            found, total = tx.unread_ecgs.files(scope, state=state, limit=10)
            assert total == len(found)
            return {one.id for one, _ in found}

        assert listed("waiting") == {"w", "f", "h"}
        assert listed("waiting", Scope(frozenset({"b"}))) == {"f"}
        assert listed("waiting", Scope(frozenset())) == set()
        assert (listed("kept"), listed("read")) == ({"k"}, {"r"})
        (_, unread), = tx.unread_ecgs.files(EVERYWHERE, state="read", limit=10)[0]
        assert (unread.result, unread.study_id, unread.tried_at, unread.reason) == (READ, "s", LATER, "why")
        assert tx.unread_ecgs.to_try("now", limit=9) == ["k"]
        tx.unread_ecgs.note_try("k", known="now", at=LATER, result="unknown-format")
        assert tx.unread_ecgs.to_try("now", limit=9) == []
        assert tx.unread_ecgs.to_try("a newer release", limit=9) == ["k"]
        assert tx.unread_ecgs.detach("k")
        assert not tx.unread_ecgs.detach("r")
        assert listed("waiting") == {"w", "f", "h", "k"}

    await database.write(work)
