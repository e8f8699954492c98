"""The people of the demo county. Each name says that nobody of this name exists: 演示^患者甲."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """One demo patient of one demo clinic."""

    site_id: str
    patient_id: str
    romanised: str                       # alphabetic group of the DICOM name
    chinese: str                         # ideographic group
    sex: str
    birth_date: str                      # YYYYMMDD
    age: str                             # DICOM AS

    @property
    def dicom_name(self) -> str:
        return f"{self.romanised}={self.chinese}"

    @property
    def plain_name(self) -> str:
        return self.chinese.replace("^", "")


CHEST_PAIN = DemoPatient("demo-east", "DEMO-0001", "YANSHI^HUANZHEJIA", "演示^患者甲", "M", "19880304", "038Y")
COUGH = DemoPatient("demo-east", "DEMO-0002", "YANSHI^HUANZHEYI", "演示^患者乙", "F", "19710921", "055Y")
CHECK_UP = DemoPatient("demo-west", "DEMO-0001", "YANSHI^HUANZHEBING", "演示^患者丙", "M", "19540612", "072Y")
PALPITATION = DemoPatient("demo-west", "DEMO-0007", "YANSHI^HUANZHEDING", "演示^患者丁", "F", "19620118", "064Y")
