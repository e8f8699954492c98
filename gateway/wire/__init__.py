"""DICOM associations and DIMSE messages: moves bytes, knows no data set and no storage."""
