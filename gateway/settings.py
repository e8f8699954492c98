"""Every setting of the gateway, read once at start: defaults, then gateway.toml, then READING_GATEWAY_* variables.

Names, units, defaults and help stand here and nowhere else; docs/settings.md is generated from this file and a
test holds it to it. Secrets come only from files or the environment.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class InvalidSetting(Exception):
    """A setting cannot be understood; the message names it and says what is allowed."""


def _setting(default: Any, help: str, *, choices: tuple[str, ...] = (), is_secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices, "secret": is_secret})


_VAR = Path("var")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one gateway process. An address is "host:port"; port 0 asks the system for a free one."""

    data_dir: Path = _setting(_VAR, "Folder of everything the gateway keeps (embedded engine).")
    http: str = _setting("127.0.0.1:8080", "Address of the web pages, the API and DICOMweb.")
    dicom: str = _setting("127.0.0.1:11112", "Address of the DICOM port.")
    ae_title: str = _setting("GATEWAY", "The gateway's own AE title, called by devices.")
    dicom_tls: str = _setting("", "Address of the DICOM port secured by TLS, conventionally port 2762; empty: none.")
    https: str = _setting("", "Address of the web pages, the API and DICOMweb secured by TLS, conventionally port "
                          "8443; empty: none.")
    tls_certificate_file: str = _setting("", "Own certificate (PEM), then those between it and its authority; read "
                                         "again when it changes.")
    tls_key_file: str = _setting("", "Key of the own certificate (PEM); empty: it is in the certificate's file.")
    tls_trusted_file: str = _setting("", "Certificates (PEM) of the authorities of devices, or of single devices.")
    tls_revoked_file: str = _setting("", "Revocation lists (PEM) of these authorities, one of each; empty: none are "
                                     "looked at. A list past its next update lets nobody in.")
    tls_client_certificate: str = _setting("required", "Whether a DICOM or HL7 peer must show a certificate in "
                                           "TLS; a device registered with one must in any case.",
                                           choices=("required", "optional"))
    database_url: str = _setting("", "SQLAlchemy address of PostgreSQL; empty: SQLite in the data folder.",
                                 is_secret=True)
    objects_url: str = _setting("", "s3://bucket of the object store; empty: files in the data folder.")
    s3_endpoint: str = _setting("", "HTTP address of the S3 service, where it is not the vendor's own.")
    s3_region: str = _setting("us-east-1", "Region of the S3 service.")
    s3_access_key_id: str = _setting("", "Access key of the S3 service.", is_secret=True)
    s3_secret_access_key: str = _setting("", "Secret key of the S3 service.", is_secret=True)
    node: str = _setting("", "Name of this process in the audit chain and on jobs; empty: the host's name.")
    time_zone: str = _setting("Asia/Shanghai", "Zone of device clocks, rules, screens and printed times (IANA name).")

    unknown_devices: str = _setting("reject", "What to do with a calling AE title that nobody registered.",
                                    choices=("reject", "inbox"))
    unknown_sop_classes: str = _setting("accept", "Private and unknown storage SOP classes.",
                                        choices=("accept", "reject"))
    relational_queries: str = _setting("negotiated", "Queries without the unique keys of higher levels (relational).",
                                       choices=("negotiated", "always", "never"))
    max_associations: int = _setting(100, "DICOM associations at the same time.")
    max_device_associations: int = _setting(50, "DICOM associations of one device at the same time, where the device "
                                            "has no limit of its own.")
    max_pdu_bytes: int = _setting(131072, "Largest PDU that the gateway takes, bytes.")
    network_timeout_s: float = _setting(60.0, "A DICOM peer that is silent for so long inside a message is cut off, "
                                        "seconds.")
    idle_timeout_s: float = _setting(300.0, "An association on which nothing happens for so long is ended, seconds; "
                                     "with wire = \"stock\" the shorter of this and network_timeout_s.")
    wire: str = _setting("lean", "How the data of a C-STORE is read: by our own short path, or by pynetdicom alone.",
                         choices=("lean", "stock"))
    reserve_bytes: int = _setting(1 << 30, "Free space below which new objects are refused (A700), bytes.")
    quota_bytes: int = _setting(0, "Most that may be kept in all, bytes; above it new objects are refused (A700). "
                                "0: the disk alone decides.")
    space_warning_bytes: int = _setting(10 << 30, "An alarm is raised when less than this is left before new objects "
                                        "are refused, bytes.")
    space_warning_days: float = _setting(14.0, "An alarm is raised when the space lasts for fewer days than this, at "
                                         "the measured daily intake.")
    scrub_mb_per_s: float = _setting(20.0, "How fast kept objects are read back and re-hashed in the background, "
                                     "MB a second; 0: never.")
    scrub_days: float = _setting(30.0, "Every kept object is re-hashed again after so long, days.")
    second_copy_dir: str = _setting("", "Folder on another disk that gets a second copy of every kept object; empty: "
                                    "none.")
    second_copy_url: str = _setting("", "s3://bucket that gets the second copies instead of a folder.")
    second_copy_s3_endpoint: str = _setting("", "HTTP address of the S3 service of the second copy, where it is not "
                                            "the vendor's own.")
    second_copy_s3_region: str = _setting("us-east-1", "Region of the S3 service of the second copy.")
    second_copy_s3_access_key_id: str = _setting("", "Access key of the second copy's S3 service.", is_secret=True)
    second_copy_s3_secret_access_key: str = _setting("", "Secret key of the second copy's S3 service.",
                                                     is_secret=True)
    deletion_wait_days: float = _setting(7.0, "An approved deletion is carried out after so long, days.")
    quiet_period_s: float = _setting(5.0, "Silence after which a study without an expected count is complete, "
                                     "seconds.")
    short_quiet_period_s: float = _setting(600.0, "Silence after which a study that still lacks expected instances "
                                           "is read as it is, seconds.")
    commitment_wait_s: float = _setting(60.0, "A request for storage commitment waits for so long for instances that "
                                        "its device is still sending, and for storage that does not answer, seconds.")
    commitment_backoff_max_s: float = _setting(3600.0, "Longest pause between two tries to report a commitment to "
                                               "its device, seconds.")
    commitment_days: float = _setting(7.0, "The result of a commitment is reported for so long before it is given to "
                                      "a person, days.")
    max_upload_bytes: int = _setting(1 << 30, "Largest HTTP upload (STOW-RS), bytes.")
    renditions_max_bytes: int = _setting(20 << 30, "Space for previews and web copies, bytes; the oldest make room.")
    max_ecg_bytes: int = _setting(64 << 20, "Largest ECG file, bytes.")
    mllp: str = _setting("127.0.0.1:2575", "Address of the HL7 v2 port (MLLP), for orders; empty: none.")
    mllp_tls: str = _setting("", "Address of the HL7 v2 port secured by TLS (MLLP over TLS); empty: none.")
    mllp_connections: int = _setting(50, "HL7 connections at the same time.")
    mllp_idle_s: float = _setting(3600.0, "An HL7 connection without a message for so long is closed, seconds.")
    max_hl7_bytes: int = _setting(4 << 20, "Longest HL7 message, bytes.")
    ecg_priority_hints: bool = _setting(True, "Whether numbers beyond a critical limit and an ECG cart's own words "
                                        "may raise the priority of a reading (提示排序,不代表诊断).")
    ecg_hints_file: str = _setting("", "JSON file with the alliance's own limits and levels for these hints; empty: "
                                   "the lists as shipped.")
    ecg_folders: tuple[str, ...] = _setting((), 'Watched folders for ECG files, each "site=folder", '
                                                '"site/device=folder", or "site/*=folder" with a sub-folder for each '
                                                'device.')

    session_idle_minutes: int = _setting(30, "A login ends after so long without use, minutes.")
    session_hours: int = _setting(12, "A login ends after so long in any case, hours.")
    failed_logins_allowed: int = _setting(5, "Failed logins in a row before an account is locked.")
    lockout_minutes: int = _setting(10, "How long a locked account stays locked, minutes.")
    claim_minutes: int = _setting(30, "A claimed reading is given back after so long without a save, minutes.")
    outside_claim_minutes: int = _setting(240, "A reading that another system claimed (UPS) is given back after so "
                                          "long without an update, minutes.")
    order_match_sure: int = _setting(60, "Points (0 to 100) at which a study is linked to an order without a person.")
    order_match_shown: int = _setting(35, "Points at which an order is shown to a person as a study's possible one.")
    rules_need_approval: bool = _setting(False, "Whether a version of the rules comes into force only when another "
                                         "administrator than its author has approved it.")
    delivery_backoff_max_s: float = _setting(900.0, "Longest pause between two tries of a delivery, seconds.")
    delivery_days: float = _setting(7.0, "A delivery is tried for so long before it is given to a person, days.")
    centre_name: str = _setting("县域远程阅片中心", "Name of the reading centre, printed on reports.")
    log_format: str = _setting("text", "How log lines look.", choices=("text", "json"))

    def host_port(self, name: str) -> tuple[str, int]:
        """Return ("127.0.0.1", 8080) of an address setting."""
        host, _, port = str(getattr(self, name)).rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)


def load(toml_path: Path | None = None, *, environ: Mapping[str, str] | None = None,
         overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings: defaults < file < READING_GATEWAY_* < command line. Raises InvalidSetting."""
    values: dict[str, Any] = {}
    if toml_path is not None:
        try:
            values.update(tomllib.loads(toml_path.read_text(encoding="utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as exc:
            raise InvalidSetting(f"{toml_path}: {exc}") from exc
    environ = os.environ if environ is None else environ
    fields = {f.name: f for f in dataclasses.fields(Settings)}
    for name in fields:
        variable = f"READING_GATEWAY_{name.upper()}"
        if variable in environ:
            values[name] = environ[variable]
        elif f"{variable}_FILE" in environ:
            values[name] = Path(environ[f"{variable}_FILE"]).read_text(encoding="utf-8").strip()
    values.update({k: v for k, v in (overrides or {}).items() if v is not None})
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InvalidSetting(f"unknown setting {', '.join(unknown)}; see docs/settings.md")
    return Settings(**{name: _convert(fields[name], value) for name, value in values.items()})


def _convert(setting: dataclasses.Field[Any], value: Any) -> Any:
    default: Any = setting.default
    try:
        converted: Any
        if isinstance(default, Path):
            converted = Path(value)
        elif isinstance(default, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            converted = tuple(p.strip() for p in parts if p.strip())
        elif isinstance(default, bool):
            converted = value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes", "on")
        else:
            converted = type(default)(value)
    except (TypeError, ValueError) as exc:
        raise InvalidSetting(f"{setting.name}: {value!r} is not {type(default).__name__}") from exc
    choices = setting.metadata.get("choices") or ()
    if choices and converted not in choices:
        raise InvalidSetting(f"{setting.name}: {converted!r} is not one of {', '.join(choices)}")
    return converted
