"""Counters for Prometheus, served at /metrics. Labels are few and fixed; none holds an id or patient data.

This room imports nothing of ours, so that any room may count.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

ARRIVALS = Counter("reading_gateway_arrivals", "Objects that came in, by the way they came and what became of them.",
                   ("via", "outcome"), registry=REGISTRY)
ARRIVED_BYTES = Counter("reading_gateway_arrived_bytes", "Bytes that came in, by the way they came.", ("via",),
                        registry=REGISTRY)
JOBS = Counter("reading_gateway_jobs", "Job runs, by kind and outcome: done, later, failed, stopped.",
               ("kind", "outcome"), registry=REGISTRY)
JOBS_WAITING = Gauge("reading_gateway_jobs_waiting", "Unfinished jobs: ready, or failed and to be tried again.",
                     ("state",), registry=REGISTRY)
TIMERS_FIRED = Counter("reading_gateway_timers_fired", "Timers of readings that were fired.", registry=REGISTRY)
NEWS = Counter("reading_gateway_news", "Events carried between the processes on one database, by way: sent, heard.",
               ("way",), registry=REGISTRY)
NEWS_RESYNCS = Counter("reading_gateway_news_resyncs", "Times that screens were told to fetch anew, because news of "
                       "other processes may have been lost: connected, overflow, unreadable.", ("reason",),
                       registry=REGISTRY)
NEWS_CONNECTED = Gauge("reading_gateway_news_connected", "1 while news of the other processes on the database arrive "
                       "at once; 0 while they do not, and where there is one process.", registry=REGISTRY)
DELIVERIES = Counter("reading_gateway_deliveries", "Tries to deliver a report, by kind of destination and outcome.",
                     ("kind", "outcome"), registry=REGISTRY)
HTTP_REQUESTS = Counter("reading_gateway_http_requests", "HTTP requests, by method, route and status.",
                        ("method", "route", "status"), registry=REGISTRY)
HTTP_SECONDS = Histogram("reading_gateway_http_seconds", "Time until an HTTP answer was complete, by route.",
                         ("method", "route"), registry=REGISTRY,
                         buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0))

SPACE_FREE = Gauge("reading_gateway_space_free_bytes", "Free bytes on the disk of the objects.", registry=REGISTRY)
SPACE_ROOM = Gauge("reading_gateway_space_room_bytes", "Bytes until new objects are refused (reserve or quota).",
                   registry=REGISTRY)
SPACE_DAYS_LEFT = Gauge("reading_gateway_space_days_left", "Days until new objects are refused at the median daily "
                        "intake; NaN while that is not known.", registry=REGISTRY)
SPACE_LEVEL = Gauge("reading_gateway_space_level", "0: enough, 1: low (alarm), 2: full (objects are refused).",
                    registry=REGISTRY)
KEPT_OBJECTS = Gauge("reading_gateway_kept_objects", "Objects that are kept.", registry=REGISTRY)
KEPT_BYTES = Gauge("reading_gateway_kept_bytes", "Bytes of the kept objects.", registry=REGISTRY)
REFUSED_FULL = Counter("reading_gateway_refused_for_space", "Objects refused because no room was left.",
                       registry=REGISTRY)
SCRUBBED_BYTES = Counter("reading_gateway_scrubbed_bytes", "Bytes re-hashed in the background.", registry=REGISTRY)
OLDEST_CHECK_S = Gauge("reading_gateway_oldest_check_seconds", "Age of the check of the object that was checked "
                       "longest ago.", registry=REGISTRY)
BAD_OBJECTS = Counter("reading_gateway_bad_objects", "Objects found damaged or missing, and whether they were "
                      "repaired.", ("found", "repaired"), registry=REGISTRY)
BAD_OBJECTS_NOW = Gauge("reading_gateway_bad_objects_now", "Objects that are damaged or missing now.",
                        registry=REGISTRY)
COPIES_WAITING = Gauge("reading_gateway_second_copies_waiting", "Objects without their second copy.",
                       registry=REGISTRY)
COPY_LAG_S = Gauge("reading_gateway_second_copy_lag_seconds", "Age of the oldest object without its second copy.",
                   registry=REGISTRY)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def count_arrival(via: str, outcome: str, size_bytes: int) -> None:
    """Something came in and is durable; called once an arrival, after its commit."""
    ARRIVALS.labels(via=via, outcome=outcome).inc()
    ARRIVED_BYTES.labels(via=via).inc(size_bytes)


def exposition() -> bytes:
    """Return the page that Prometheus reads."""
    return generate_latest(REGISTRY)
