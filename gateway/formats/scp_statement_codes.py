"""Words for the universal statement codes of SCP-ECG (Annex B of EN 1064), as published openly with PTB-XL.

A code that is not in the list stays as it is. The words only spell out what the cart said; nothing is concluded.
Wagner P. et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific Data 7:154 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

STATEMENTS: Mapping[str, str] = {
    "NORM": "normal ECG", "NDT": "non-diagnostic T abnormalities", "NST": "non-specific ST changes",
    "NST_": "non-specific ST changes", "DIG": "digitalis effect", "LNGQT": "long QT interval",
    "IMI": "inferior myocardial infarction", "ASMI": "anteroseptal myocardial infarction",
    "LVH": "left ventricular hypertrophy", "LAFB": "left anterior fascicular block",
    "ISC": "non-specific ischaemic changes", "ISC_": "non-specific ischaemic changes",
    "IRBBB": "incomplete right bundle branch block", "1AVB": "first degree AV block",
    "IVCD": "non-specific intraventricular conduction disturbance",
    "ISCAL": "ischaemic changes in anterolateral leads", "CRBBB": "complete right bundle branch block",
    "CLBBB": "complete left bundle branch block", "ILMI": "inferolateral myocardial infarction",
    "LAO/LAE": "left atrial overload or enlargement", "AMI": "anterior myocardial infarction",
    "ALMI": "anterolateral myocardial infarction", "ISCIN": "ischaemic changes in inferior leads",
    "INJAS": "subendocardial injury in anteroseptal leads", "LMI": "lateral myocardial infarction",
    "ISCIL": "ischaemic changes in inferolateral leads", "LPFB": "left posterior fascicular block",
    "ISCAS": "ischaemic changes in anteroseptal leads", "INJAL": "subendocardial injury in anterolateral leads",
    "ISCLA": "ischaemic changes in lateral leads", "RVH": "right ventricular hypertrophy",
    "ANEUR": "ST-T changes compatible with ventricular aneurysm", "RAO/RAE": "right atrial overload or enlargement",
    "EL": "electrolyte disturbance or drug effect", "WPW": "Wolff-Parkinson-White pattern",
    "ILBBB": "incomplete left bundle branch block", "IPLMI": "inferoposterolateral myocardial infarction",
    "ISCAN": "ischaemic changes in anterior leads", "IPMI": "inferoposterior myocardial infarction",
    "SEHYP": "septal hypertrophy", "INJIN": "subendocardial injury in inferior leads",
    "INJLA": "subendocardial injury in lateral leads", "PMI": "posterior myocardial infarction",
    "3AVB": "third degree AV block", "INJIL": "subendocardial injury in inferolateral leads",
    "2AVB": "second degree AV block", "ABQRS": "abnormal QRS", "PVC": "ventricular premature complex",
    "STD_": "non-specific ST depression", "VCLVH": "voltage criteria for left ventricular hypertrophy",
    "QWAVE": "Q waves present", "LOWT": "low amplitude T waves", "NT_": "non-specific T wave changes",
    "PAC": "atrial premature complex", "LPR": "prolonged PR interval", "INVT": "inverted T waves",
    "LVOLT": "low QRS voltages", "HVOLT": "high QRS voltages", "TAB_": "T wave abnormality",
    "STE_": "non-specific ST elevation", "PRC(S)": "premature complexes", "SR": "sinus rhythm",
    "AFIB": "atrial fibrillation", "STACH": "sinus tachycardia", "SARRH": "sinus arrhythmia",
    "SBRAD": "sinus bradycardia", "PACE": "functioning artificial pacemaker",
    "SVARR": "supraventricular arrhythmia", "BIGU": "bigeminal pattern", "AFLT": "atrial flutter",
    "SVTAC": "supraventricular tachycardia", "PSVT": "paroxysmal supraventricular tachycardia",
    "TRIGU": "trigeminal pattern",
}


def statement_text(parts: Sequence[str]) -> str:
    """A coded statement in words, its code behind: "sinus rhythm [SR]". Modifiers stay codes."""
    if not parts:
        return ""
    code = parts[0].strip()
    words = STATEMENTS.get(code.upper())
    modifiers = "".join(f" {part}" for part in parts[1:])
    return f"{words} [{code}]{modifiers}" if words else f"{code}{modifiers}"
