"""The DICOM port of the gateway: verification and storage."""
