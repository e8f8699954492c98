"""Bodies about the quarantine and about the character sets of devices."""

from __future__ import annotations

from datetime import datetime

import msgspec


class QuarantinedView(msgspec.Struct, frozen=True):
    """One arrival in quarantine."""

    id: str
    at: datetime
    via: str
    outcome: str                   # conflict, quarantined
    site_id: str
    calling_ae_title: str
    address: str
    file_name: str
    sop_instance_uid: str
    study_id: str | None
    size_bytes: int
    reason: str
    detail: str
    resolved_at: datetime | None
    resolved_by: str


class ReasonCount(msgspec.Struct, frozen=True):
    reason: str
    count: int


class QuarantineList(msgspec.Struct, frozen=True):
    arrivals: list[QuarantinedView]
    reasons: list[ReasonCount]     # of all that the other filters let through
    total: int


class ArrivalSide(msgspec.Struct, frozen=True):
    """One of the two objects of a conflict, or the only one."""

    sha256: str
    size_bytes: int
    is_readable: bool
    fault: str
    transfer_syntax_uid: str
    transfer_syntax: str
    has_picture: bool
    first_bytes_hex: str           # of one that cannot be read


class ElementView(msgspec.Struct, frozen=True):
    """One element that differs, or of which there is nothing to compare with."""

    kind: str                      # changed, only_first, only_second
    path: str                      # (0040,0275)[1] > (0008,1155)
    tag: str
    keyword: str
    name: str
    vr: str
    is_private: bool
    depth: int
    first: str | None
    second: str | None


class PixelView(msgspec.Struct, frozen=True):
    """How the pixels differ. Shapes: frames, rows, columns, samples."""

    verdict: str                   # identical, different, shape, only_first, only_second, none, undecoded
    first_shape: list[int]
    second_shape: list[int]
    differing: int
    compared: int
    largest: float
    is_whole: bool


class QuarantineDecisionView(msgspec.Struct, frozen=True):
    at: datetime
    actor: str
    actor_name: str
    choice: str                    # keep_first, use_second, retry, take_as_new, settle, undo
    reason: str
    is_undone: bool


class FirstStudyView(msgspec.Struct, frozen=True):
    """The study in which the first object is."""

    study_id: str
    site_id: str
    patient_name: str
    patient_id: str
    modality: str
    description: str
    study_at: datetime | None
    is_same_study: bool            # the second object names the same study


class ExaminationView(msgspec.Struct, frozen=True):
    """An arrival beside the object it is in conflict with."""

    arrival: QuarantinedView
    first: ArrivalSide | None
    second: ArrivalSide
    first_study: FirstStudyView | None
    is_first_elsewhere: bool       # it is there, at a site that the caller may not see
    study_site_id: str             # of the known study that the arrival names, "" if it is not known
    is_first_shown: bool           # readers see the first; False: a decision put the second in its place
    elements: list[ElementView]
    equal_count: int
    pixels: PixelView
    alike: int                     # others that wait, of the same association and for the same reason
    choices: list[str]
    decisions: list[QuarantineDecisionView]


class QuarantineDecisionRequest(msgspec.Struct, frozen=True):
    choice: str
    reason: str
    site_id: str = ""              # for retry: whose it is; "": that of its device or of the arrival
    is_for_alike: bool = False     # decide in the same way about what came with it for the same reason


class TextCountView(msgspec.Struct, frozen=True):
    declared: str                  # Specific Character Set as sent, "" if absent
    codec: str                     # what the bytes are
    is_guess: bool
    studies: int


class TextExampleView(msgspec.Struct, frozen=True):
    """A name that the device sent, read in both ways."""

    study_id: str
    at: datetime
    declared: str
    raw_hex: str
    as_declared: str
    as_read: str
    codec: str
    confidence: str                # declared, device_rule, guessed


class TextCorrectionView(msgspec.Struct, frozen=True):
    at: datetime
    actor: str
    actor_name: str
    reason: str
    before: str
    after: str
    is_undo: bool
    is_finished: bool
    studies: int                   # that were read again and changed


class DeviceTextView(msgspec.Struct, frozen=True):
    """What a device's text taught us. `suggestion` "" means: leave it."""

    device_id: str
    site_id: str
    name: str
    ae_title: str
    character_set: str             # the rule in force, "" for none
    names: int                     # of the newest studies, those whose name is not plain ASCII
    mislabelled: int
    suggestion: str
    share: float                   # of the names, that the suggestion would read
    needed_names: int
    needed_share: float


class DeviceTextDetail(msgspec.Struct, frozen=True):
    device: DeviceTextView
    counts: list[TextCountView]
    examples: list[TextExampleView]
    corrections: list[TextCorrectionView]
    can_undo: bool


class DeviceTextRequest(msgspec.Struct, frozen=True):
    character_set: str             # "": no rule any more
    reason: str
