"""The library of sentences: complete, findable by its short codes, and grouped."""

from __future__ import annotations

import re

from gateway.core.ecg_statements import library

GROUPS = ("rhythm", "conduction", "axis", "hypertrophy", "ischaemia", "pacing", "quality")


def test_there_are_at_least_120_sentences_in_every_group_that_readers_look_for():
    known = library()
    assert len(known.items) >= 120
    assert set(GROUPS) <= {group.id for group in known.groups}
    assert {item.group for item in known.items} == {group.id for group in known.groups}


def test_a_sentence_is_found_by_the_initials_of_its_pinyin():
    codes = {item.short_code: item.zh for item in library().items}
    assert len(codes) == len(library().items)
    assert [codes[code] for code in ("dxxl", "xfcd", "wqxyszcdzz", "dzzp", "crrjq", "jxqbxjgs", "zcxdt")] == [
        "窦性心律", "心房颤动", "完全性右束支传导阻滞", "电轴左偏", "长RR间期", "急性前壁心肌梗死", "正常心电图"]
    assert all(re.fullmatch(r"[a-z0-9]{2,}", code) for code in codes)


def test_every_sentence_has_both_languages_and_a_code_only_with_its_list():
    ids = set()
    for item in library().items:
        assert item.zh
        assert item.en
        assert bool(item.code) == bool(item.scheme)
        assert item.scheme in ("", "SNOMED-CT", "SCP-ECG")
        assert item.scheme != "SNOMED-CT" or item.code.isdigit()
        ids.add(item.id)
    assert len(ids) == len(library().items)
