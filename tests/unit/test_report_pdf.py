"""The printed page and its signature, judged by poppler and dicom3tools (F4, K5)."""

from __future__ import annotations

import re
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pydicom import dcmread

from gateway.core.report import canonical_text, text_sha256
from gateway.core.report_templates import all_templates
from gateway.reports.encapsulated_pdf import encapsulate, report_uid
from gateway.reports.report_pdf import SignatureLine, render_pdf, unprintable
from gateway.reports.signing.local_ca import LocalCa
from gateway.reports.signing.signer import SigningFailed
from storage.model import PatientName, ReportState, ReportText
from tests.support.report_builders import MADE_AT, REVIEWER, SHANGHAI, a_sheet, a_study, a_text
from tests.support.report_tools import dicom_complaints, signature_report, squeezed, words_of

SIGNED_AT = MADE_AT + timedelta(minutes=9)
LINE = SignatureLine("演示审核医师 副主任医师", SIGNED_AT, "5F3A", "本地测试CA", "测试证书,无法律效力")
RARE = "㛃\U0002CB4E䶮"


def page(sheet, *, signature=LINE, at=SIGNED_AT):
    return render_pdf(sheet, text_sha256=text_sha256(canonical_text(sheet)), at=at, zone=SHANGHAI,
                      signature=signature)


@pytest.fixture
def ca(tmp_path):
    return LocalCa(tmp_path / "signing", centre_name="演示县远程阅片中心", at=MADE_AT)


def sign(ca, pdf):
    identity = ca.issue(user_id=REVIEWER.id, name=REVIEWER.display_name, title=REVIEWER.title, at=MADE_AT)
    return ca.sign(pdf, identity, name="演示审核医师", reason="审核签发", location="演示县远程阅片中心", at=SIGNED_AT)


def test_the_page_says_every_word_of_the_canonical_text_and_its_hash(tmp_path):
    sheet = a_sheet()
    words = words_of(page(sheet), tmp_path)
    for _, value in sheet.identity:
        assert squeezed(value) in words
    for heading, text in sheet.sections:
        assert squeezed(heading + text) in words
    for said in (sheet.centre_name, sheet.writer, sheet.written_at, sheet.reviewer, "正式报告", "第1版", "危急值",
                 "2026-03-02 08:49", text_sha256(canonical_text(sheet)), "测试证书,无法律效力", sheet.evidence):
        assert squeezed(said) in words


def test_the_same_sheet_and_time_give_the_same_bytes():
    assert page(a_sheet()) == page(a_sheet())
    assert page(a_sheet()) != page(a_sheet(), at=SIGNED_AT + timedelta(seconds=60))


def test_the_page_is_a4_and_declares_pdf_a_2b(tmp_path):
    pdf = page(a_sheet())
    assert b"pdfaid:part>2<" in pdf
    assert b"pdfaid:conformance>B<" in pdf
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf)
    info = subprocess.run(["pdfinfo", path], capture_output=True, check=True, text=True).stdout
    assert "(A4)" in info
    assert re.search(r"Pages:\s+1\n", info)
    fonts = subprocess.run(["pdffonts", path], capture_output=True, check=True, text=True).stdout.splitlines()[2:]
    assert fonts
    assert all(" yes yes yes " in line for line in fonts), "every font embedded, subset, with a text map"


def test_a_draft_carries_its_watermark_and_no_signature(tmp_path):
    words = words_of(page(a_sheet(state=ReportState.DRAFT, reviewer=None), signature=None), tmp_path)
    assert words.count("草稿") >= 3
    assert "电子签名" not in words
    assert "草稿" not in words_of(page(a_sheet()), tmp_path)


def test_an_emergency_report_carries_its_banner(tmp_path):
    sheet = a_sheet(state=ReportState.PRELIMINARY, reviewer=None, text=replace(a_text(), is_critical=True))
    words = words_of(page(sheet), tmp_path)
    assert words.count("急诊临时报告") >= 2
    assert "审核医师:待审核" in words
    assert "危急值:是" in words


def test_markup_in_a_name_or_a_text_stays_text(tmp_path):
    study = a_study()
    study = replace(study, patient=replace(study.patient, name=PatientName('#include "/etc/passwd" *x* $a$ <b>')))
    text = ReportText("", '= 标题 #read("report.typ") // 注释', "\\u{41} @ref `raw`")
    words = words_of(page(a_sheet(study=study, text=text)), tmp_path)
    for said in ('#include "/etc/passwd" *x* $a$ <b>', text.findings, text.impression):
        assert squeezed(said) in words


def test_a_long_report_runs_over_pages_with_the_patient_on_each(tmp_path):
    text = replace(a_text(), findings="\n".join(["两肺纹理走行自然,未见明确实变影。" * 4] * 40))
    path = tmp_path / "long.pdf"
    path.write_bytes(page(a_sheet(text=text)))
    for number in ("1", "2"):
        done = subprocess.run(["pdftotext", "-f", number, "-l", number, path, "-"], capture_output=True, check=True)
        assert "王小明" in done.stdout.decode()
        assert f"{number}/3" in squeezed(done.stdout.decode())


def test_rare_characters_of_names_print_where_the_system_has_a_font(tmp_path):
    if unprintable(RARE):
        pytest.skip("no CJK font on this system beyond ours")
    study = a_study()
    study = replace(study, patient=replace(study.patient, name=PatientName(f"王{RARE}")))
    assert f"王{RARE}" in words_of(page(a_sheet(study=study)), tmp_path)


def test_a_character_without_any_font_is_reported_and_printed_as_its_code(tmp_path):
    assert unprintable("王小明\U000F1234,右肺\U000F1235") == "\U000F1234\U000F1235"
    sheet = a_sheet(text=replace(a_text(), impression="右侧气胸\U000F1234。"))
    assert "右侧气胸[U+F1234]。" in words_of(page(sheet), tmp_path)


def test_our_own_font_alone_prints_ordinary_reports_and_says_what_it_lacks():
    templates = "".join(t.technique + t.findings + t.impression + t.name for t in all_templates())
    assert unprintable(templates, with_system_fonts=False) == ""
    assert unprintable(canonical_text(a_sheet()), with_system_fonts=False) == ""
    assert unprintable(f"王{RARE}", with_system_fonts=False) == RARE


def test_pdfsig_accepts_the_signature_and_names_signer_and_test_certificate(ca, tmp_path):
    pdf = page(a_sheet())
    signed = sign(ca, pdf)
    assert signed.startswith(pdf), "signing appends, it changes nothing that was printed"
    said = signature_report(signed, tmp_path)
    assert "Signature is Valid" in said
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    assert "测试证书 无法律效力" in said
    assert "Mar 02 2026" in said


@pytest.mark.parametrize("where", ["text", "signature", "tail"])
def test_one_flipped_byte_is_caught(ca, tmp_path, where):
    signed = bytearray(sign(ca, page(a_sheet())))
    contents = signed[signed.index(b"/Contents <"):]
    end_of_cms = len(signed) - len(contents) + len(contents[:contents.index(b">")].rstrip(b"0")) - 8
    at = {"text": len(signed) // 3, "signature": end_of_cms, "tail": len(signed) - 40}[where]
    signed[at] = signed[at] ^ 0x01 if where != "signature" else (0x30 if signed[at] != 0x30 else 0x31)
    assert "Signature is Valid" not in signature_report(bytes(signed), tmp_path)


def test_pyhanko_traces_the_signature_to_the_test_ca(ca):
    from pyhanko.keys import load_certs_from_pemder_data
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    reader = PdfFileReader(BytesIO(sign(ca, page(a_sheet()))))
    status = validate_pdf_signature(reader.embedded_signatures[0], ValidationContext(
        trust_roots=list(load_certs_from_pemder_data(ca.ca_pem)), moment=SIGNED_AT, allow_fetching=False))
    assert status.valid
    assert status.intact
    assert status.trusted


def test_keys_at_rest_are_encrypted_and_readable_by_their_owner_alone(ca, tmp_path):
    identity = ca.issue(user_id="u", name="演示医师", title="医师", at=MADE_AT)
    assert "ENCRYPTED PRIVATE KEY" in identity.encrypted_key_pem
    for name in ("ca_key.pem", "key_secret"):
        assert stat.S_IMODE((tmp_path / "signing" / name).stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "signing" / "ca_key.pem").read_bytes()


def test_a_second_opening_finds_the_same_authority_and_a_foreign_one_cannot_use_its_keys(ca, tmp_path):
    again = LocalCa(tmp_path / "signing", centre_name="演示县远程阅片中心", at=SIGNED_AT)
    assert again.ca_pem == ca.ca_pem
    identity = ca.issue(user_id="u", name="演示医师", title="", at=MADE_AT)
    assert b"/Contents" in again.sign(page(a_sheet()), identity, name="x", reason="y", location="z", at=SIGNED_AT)
    other = LocalCa(tmp_path / "other", centre_name="x", at=MADE_AT)
    with pytest.raises(SigningFailed):
        other.sign(page(a_sheet()), identity, name="x", reason="y", location="z", at=SIGNED_AT)


def test_the_dicom_object_passes_dciodvfy_and_holds_the_signed_bytes(ca, tmp_path):
    signed, study = sign(ca, page(a_sheet())), a_study()
    made = encapsulate(signed, study=study, report_id="report-1", reading_id="reading-1", version=2,
                       title="影像诊断报告单 第2版", signed_at=SIGNED_AT, zone=SHANGHAI, centre_name="演示县中心")
    assert dicom_complaints(made, tmp_path) == []
    data = dcmread(BytesIO(made))
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.1"
    assert data.SOPInstanceUID == report_uid("report-1")
    assert data.StudyInstanceUID == study.study_instance_uid
    assert str(data.PatientName) == "Wang^Xiaoming=王^小明"
    assert data.SpecificCharacterSet == "ISO_IR 192"
    assert data.DocumentTitle == "影像诊断报告单 第2版"
    assert data.InstanceNumber == 2
    assert data.EncapsulatedDocument[:data.EncapsulatedDocumentLength] == signed


@pytest.mark.parametrize("name", [PatientName("王小明"), PatientName("", "", ""), PatientName("王", "", "王")])
@pytest.mark.parametrize("modality", ["ECG", "US"])
def test_sparse_studies_make_valid_objects_too(ca, tmp_path, name, modality):
    study = a_study(modality=modality)
    study = replace(study, study_at=None, accession_number="", description="",
                    patient=replace(study.patient, name=name, sex="", birth_date=None, patient_id=""))
    made = encapsulate(b"%PDF-1.7 odd", study=study, report_id="r", reading_id="d", version=1, title="报告",
                       signed_at=SIGNED_AT, zone=SHANGHAI, centre_name="中心")
    assert dicom_complaints(made, tmp_path) == []
