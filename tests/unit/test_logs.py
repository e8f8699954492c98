"""Log lines of both libraries look alike, as text and as JSON, and noisy libraries keep quiet."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from gateway.observability import metrics
from gateway.observability.logs import configure_logs


@pytest.fixture
def stream():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def log_one_of_each():
    structlog.get_logger("gateway.test").info("study complete", study="s1", count=3)
    logging.getLogger("gateway.other").warning("disk is %d %% full", 91)


def test_json_lines_carry_the_same_fields_whoever_logs(stream):
    configure_logs("json", stream=stream)
    log_one_of_each()
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["level"], first["logger"], first["study"]) == (
        "study complete", "info", "gateway.test", "s1")
    assert (second["event"], second["level"]) == ("disk is 91 % full", "warning")
    assert first["timestamp"].endswith("Z")


def test_text_lines_are_one_line_an_event(stream):
    configure_logs("text", stream=stream)
    log_one_of_each()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "study complete" in lines[0]
    assert "count=3" in lines[0]


def test_a_second_set_up_replaces_the_first(stream):
    configure_logs("json", stream=stream)
    configure_logs("json", stream=stream)
    structlog.get_logger("gateway.test").info("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_an_exception_is_logged_with_its_trace(stream):
    configure_logs("json", stream=stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("gateway.test").exception("job failed")
    assert "ValueError: broken" in json.loads(stream.getvalue())["exception"]


def test_libraries_that_print_patients_at_info_are_quiet(stream):
    configure_logs("text", stream=stream)
    logging.getLogger("pynetdicom.events").info("PatientName: 张三")
    logging.getLogger("pydicom").debug("PatientName: 张三")
    assert stream.getvalue() == ""


def test_metrics_are_written_as_prometheus_reads_them():
    metrics.ARRIVALS.labels(via="dicom", outcome="kept").inc(0)
    page = metrics.exposition().decode()
    assert 'reading_gateway_arrivals_total{outcome="kept",via="dicom"}' in page
    assert "process_resident_memory_bytes" in page
