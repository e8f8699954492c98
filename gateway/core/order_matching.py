"""How well a study and an order fit each other, and whether that is enough to say so without a person (A5–A7).

Clinics without a worklist send images that name no order. Points are given for what agrees; what contradicts is named
and always asks for a person, however many points there are. The points are ours (D), chosen so that name, sex, birth
date, examination and time together suffice, and no single one of them does. Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.ecg_pairing import is_called, is_numbered
from gateway.core.id_card import read_id_card
from storage.model import Confidence, Study
from storage.model.ecg_intake import EcgPairing
from storage.model.orders import Order

SURE_LEAD = 20                           # points ahead of the second best order
WINDOW_BEFORE = timedelta(days=7)        # an order may be this much older than the study …
WINDOW_AFTER = timedelta(days=2)         # … or be written down this much later
_CLOSE = timedelta(hours=3)
_SAME_DAY = timedelta(hours=24)
_PROJECTION_XRAY = frozenset({"DX", "CR", "DR", "RF", "RG", "PX"})     # one examination to a clinic, many codes


class Agreement(StrEnum):
    """Machine words for what agrees; the screens translate them."""

    STUDY_UID = "study-uid"
    ACCESSION = "accession"
    PATIENT_ID = "patient-id"
    ID_CARD = "id-card"
    NAME = "name"
    BIRTH_DATE = "birth-date"
    SEX = "sex"
    MODALITY = "modality"
    BODY_PART = "body-part"
    CLOSE_IN_TIME = "close-in-time"
    SAME_DAY = "same-day"
    CART_NUMBER = "cart-number"          # the order's short number was typed on the cart
    RECORDING_NOW = "recording-now"      # this cart was recording for this order then
    RECORDING_HERE = "recording-here"    # a cart of the site was, or may have been


class Contradiction(StrEnum):
    OTHER_PATIENT_ID = "other-patient-id"
    OTHER_ID_CARD = "other-id-card"
    OTHER_NAME = "other-name"
    OTHER_BIRTH_DATE = "other-birth-date"
    OTHER_SEX = "other-sex"
    OTHER_MODALITY = "other-modality"


POINTS: dict[Agreement, int] = {
    Agreement.STUDY_UID: 50, Agreement.ACCESSION: 40, Agreement.PATIENT_ID: 25, Agreement.ID_CARD: 40,
    Agreement.NAME: 25, Agreement.BIRTH_DATE: 15, Agreement.SEX: 5, Agreement.MODALITY: 10,
    Agreement.BODY_PART: 5, Agreement.CLOSE_IN_TIME: 10, Agreement.SAME_DAY: 5,
    # With the modality and the time enough, and never enough without: somebody did this on purpose, for this order.
    Agreement.CART_NUMBER: 45, Agreement.RECORDING_NOW: 45, Agreement.RECORDING_HERE: 20}


@dataclass(frozen=True, slots=True)
class Match:
    """One order that may be the one of a study."""

    order_id: str
    score: int                           # 0 to 100
    agreements: tuple[Agreement, ...]
    contradictions: tuple[Contradiction, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        return (*self.agreements, *self.contradictions)


def match(study: Study, order: Order, pairing: EcgPairing | None = None) -> Match:
    """Compare them. Both are of the same site: the caller sees to that. `pairing` is the order's, if it has one."""
    found: list[Agreement] = []
    against: list[Contradiction] = []

    def compare(agrees: bool | None, word: Agreement, contradiction: Contradiction | None = None) -> None:
        if agrees:
            found.append(word)
        elif agrees is False and contradiction is not None:
            against.append(contradiction)

    patient = study.patient
    compare(study.study_instance_uid == order.study_instance_uid, Agreement.STUDY_UID)
    compare(_equal(study.accession_number, order.accession_number), Agreement.ACCESSION)
    compare(_equal(patient.patient_id, order.patient_id), Agreement.PATIENT_ID)
    compare(_same_id_card(patient.patient_id, order.id_card_number), Agreement.ID_CARD, Contradiction.OTHER_ID_CARD)
    compare(_same_name(study, order), Agreement.NAME, Contradiction.OTHER_NAME)
    compare(_equal(patient.birth_date, order.birth_date), Agreement.BIRTH_DATE, Contradiction.OTHER_BIRTH_DATE)
    compare(_equal(patient.sex, order.sex), Agreement.SEX, Contradiction.OTHER_SEX)
    compare(_same_modality(study.modality, order.modality), Agreement.MODALITY, Contradiction.OTHER_MODALITY)
    compare(_equal(study.body_part.casefold(), order.body_part.casefold()), Agreement.BODY_PART)
    distance = abs(_examined_at(study) - order.scheduled_at)
    if distance <= _CLOSE:
        found.append(Agreement.CLOSE_IN_TIME)
    elif distance <= _SAME_DAY:
        found.append(Agreement.SAME_DAY)
    called = is_called(study, pairing)
    if is_numbered(study, pairing):
        found.append(Agreement.CART_NUMBER)
    elif called is not False:
        found.append(Agreement.RECORDING_NOW if called else Agreement.RECORDING_HERE)
    is_named = Agreement.STUDY_UID in found or Agreement.ACCESSION in found
    if is_named and Agreement.CART_NUMBER not in found and _equal(patient.patient_id, order.patient_id) is False:
        against.append(Contradiction.OTHER_PATIENT_ID)       # alone it says little: many consoles make one up
    return Match(order.id, min(100, sum(POINTS[word] for word in found)), tuple(found), tuple(against))


def is_in_window(study: Study, order: Order) -> bool:
    """True if the order was meant for a time near the study's."""
    at = _examined_at(study)
    return at - WINDOW_BEFORE <= order.scheduled_at <= at + WINDOW_AFTER


def best_first(matches: Sequence[Match], *, worth_showing: int) -> list[Match]:
    """Those that a person should see: enough points, or named by UID or accession number; the best first."""
    chosen = [found for found in matches if found.score >= worth_showing
              and (len(found.contradictions) < 2 or Agreement.STUDY_UID in found.agreements)]
    return sorted(chosen, key=lambda found: (len(found.contradictions), -found.score, found.order_id))


def certain(matches: Sequence[Match], *, sure: int) -> Match | None:
    """The one that needs no person: nothing against it, enough points, and well ahead of every other."""
    ranked = sorted(matches, key=lambda found: -found.score)
    if not ranked or ranked[0].contradictions or ranked[0].score < sure:
        return None
    if len(ranked) > 1 and ranked[0].score - ranked[1].score < SURE_LEAD:
        return None
    return ranked[0]


def _examined_at(study: Study) -> datetime:
    """The device's clock may be wrong: a time far from the arrival is not used."""
    at = study.study_at
    if at is None or abs(at - study.first_arrival_at) > WINDOW_BEFORE:
        return study.first_arrival_at
    return at


def _equal(one: object, other: object) -> bool | None:
    """None where either is unknown."""
    return None if not one or not other else one == other


def _same_modality(one: str, other: str) -> bool | None:
    return _equal(*("X-ray" if code in _PROJECTION_XRAY else code for code in (one, other)))


def _same_id_card(patient_id: str, id_card_number: str) -> bool | None:
    """A clinic often types the identity number as Patient ID."""
    theirs, ours = read_id_card(patient_id), read_id_card(id_card_number)
    return None if theirs is None or ours is None else theirs.number == ours.number


def _same_name(study: Study, order: Order) -> bool | None:
    """A guessed name can agree but not contradict."""
    name = study.patient.name
    is_same = same_name((name.display, name.ideographic, name.alphabetic),
                        (order.patient_name, order.name_alphabetic))
    return None if is_same is False and name.confidence is Confidence.GUESSED else is_same


def same_name(one: Sequence[str], other: Sequence[str]) -> bool | None:
    """Whether two sets of spellings share one: Chinese with Chinese, Latin with Latin; None: not comparable."""
    theirs, ours = ({_plain(text) for text in texts} - {""} for texts in (one, other))
    if theirs & ours:
        return True
    return False if any(_is_latin(a) == _is_latin(b) for a in theirs for b in ours) else None


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def _is_latin(text: str) -> bool:
    return text.isascii()
