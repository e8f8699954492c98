"""Our WFDB reader against the package that the format's makers keep: the same digital samples, the same gain."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import numpy as np
import pytest
import wfdb

from gateway.formats.ecg import read_ecg
from gateway.formats.zip_members import pack


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The inplace keyword")
@pytest.mark.parametrize("storage", ["16", "24", "32", "80", "212"])
def test_every_storage_format_that_the_package_writes_is_read_alike(tmp_path: Path, storage: str) -> None:
    """B8: exact samples."""
    span = 100 if storage == "80" else 2000
    samples = np.random.default_rng(3).integers(-span, span, (999, 3), dtype=np.int64)
    wfdb.wrsamp("record", fs=500, units=["mV"] * 3, sig_name=["I", "II", "V1"], d_signal=samples, fmt=[storage] * 3,
                adc_gain=[200.0, 1000.0, 400.0], baseline=[0, 0, 0], write_dir=str(tmp_path))
    theirs = wfdb.rdrecord(str(tmp_path / "record"), physical=False)
    ours = read_ecg(pack({path.name: path.read_bytes() for path in sorted(tmp_path.iterdir())}), time_zone=UTC)
    assert [lead.name for lead in ours.leads] == theirs.sig_name
    for column, lead in enumerate(ours.leads):
        assert np.array_equal(lead.samples, theirs.d_signal[:, column])
        assert lead.nv_per_unit == pytest.approx(1e6 / theirs.adc_gain[column])
