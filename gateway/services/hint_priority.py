"""Which hints an ECG study has, for the order of reading (K3), and which list an alliance wants them by.

The alliance's own changes stand in a file that a setting names: it is read at start, refused whole if any of it is
not understood, and written into the audit trail, so that it can be said later which limits were in force when.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.core.ecg_hint_rules import HintRules, InvalidHintRules, packaged_hints, with_changes
from gateway.core.ecg_priority import EcgSeen, PriorityHint, hints_of, raises_to
from gateway.core.order import more_urgent
from gateway.services.ports import Parts
from gateway.settings import InvalidSetting
from storage.model import AuditEntry, Decision, EcgFacts, Reading, ReadingState
from storage.model.ecg_analyses import StoredAnalysis


async def with_hint_rules(parts: Parts) -> Parts:
    """Parts with the rules that the settings ask for; a file of changes is audited. Raises InvalidSetting."""
    settings = parts.settings
    if not settings.ecg_priority_hints:
        return replace(parts, hint_rules=None)
    if not settings.ecg_hints_file:
        return parts
    source, rules = await asyncio.to_thread(_read, Path(settings.ecg_hints_file))
    entry = AuditEntry(parts.clock(), "gateway", "ecg_hints.loaded", detail={
        "file": settings.ecg_hints_file, "sha256": hashlib.sha256(source.encode()).hexdigest(),
        "version": rules.version, "changes": json.loads(source)})
    await parts.database.write(lambda tx: tx.audit.append(entry))
    return replace(parts, hint_rules=rules)


def hints_of_study(rules: HintRules | None, ecgs: Sequence[EcgFacts],
                   analyses: Sequence[StoredAnalysis]) -> list[PriorityHint]:
    """The hints of all ECGs of a study, the most pressing first; none when switched off."""
    if rules is None:
        return []
    by_instance = {analysis.instance_id: analysis for analysis in analyses}
    found = [hint for ecg in ecgs for hint in hints_of(rules, _seen(ecg, by_instance.get(ecg.instance_id)))]
    return list(dict.fromkeys(found))


def has_news(hints: Sequence[PriorityHint], reading: Reading, last: Decision) -> bool:
    """True if a reading that nobody has begun has hints that its decision did not know: the examination came late."""
    known = {(hint["item"], hint["source"], hint["measure"]) for hint in last.hints}
    return (reading.state is ReadingState.UNREAD
            and any((hint.item, hint.source, hint.measure) not in known for hint in hints))


def raised(by_rules: str | None, hints: Sequence[PriorityHint]) -> str | None:
    """What rules on device data and hints together ask for."""
    by_hints = raises_to(hints)
    return by_hints if by_rules is None else by_rules if by_hints is None else more_urgent(by_rules, by_hints)


def _seen(ecg: EcgFacts, analysis: StoredAnalysis | None) -> EcgSeen:
    content: dict[str, Any] = analysis.content if analysis is not None else {}
    advised = [hint["kind"] for hint in analysis.hints if hint["is_repeat_advised"]] if analysis is not None else []
    return EcgSeen(device=ecg.measurements, gateway=content.get("measurements", {}), rr_ms=content.get("rr_ms", ()),
                   statements=ecg.statements, critical_statements=ecg.critical_statements, repeat_advised=advised)


def _read(path: Path) -> tuple[str, HintRules]:
    try:
        source = path.read_text(encoding="utf-8")
        return source, with_changes(packaged_hints(), json.loads(source))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, InvalidHintRules) as exc:
        raise InvalidSetting(f"ecg_hints_file {path}: {exc}") from exc
