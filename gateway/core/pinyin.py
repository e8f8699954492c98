"""Chinese in Latin letters, for consoles that cannot show Chinese (C5), and for the alphabetic group of a name.

Hanyu Pinyin without tones. Surnames have readings of their own (单 is Shan, 仇 is Qiu) and some have two characters.
ü after l and n is written yu, as in passports (吕 is Lyu).
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_PUNCTUATION = str.maketrans({"、": ",", "。": ".", "《": "<", "》": ">", "「": '"', "」": '"', "·": "-", "—": "-",
                              "“": '"', "”": '"', "‘": "'", "’": "'", "…": "..."})
_TWO_CHARACTER_SURNAMES = {
    "欧阳": "Ouyang", "太史": "Taishi", "端木": "Duanmu", "上官": "Shangguan", "司马": "Sima", "东方": "Dongfang",
    "独孤": "Dugu", "南宫": "Nangong", "万俟": "Moqi", "闻人": "Wenren", "夏侯": "Xiahou", "诸葛": "Zhuge",
    "尉迟": "Yuchi", "公羊": "Gongyang", "赫连": "Helian", "澹台": "Tantai", "皇甫": "Huangfu", "宗政": "Zongzheng",
    "濮阳": "Puyang", "公冶": "Gongye", "太叔": "Taishu", "申屠": "Shentu", "公孙": "Gongsun", "慕容": "Murong",
    "仲孙": "Zhongsun", "钟离": "Zhongli", "长孙": "Zhangsun", "宇文": "Yuwen", "司徒": "Situ", "鲜于": "Xianyu",
    "司空": "Sikong", "令狐": "Linghu", "轩辕": "Xuanyuan", "拓跋": "Tuoba", "呼延": "Huyan", "单于": "Chanyu",
}
_SURNAMES = {
    "单": "Shan", "仇": "Qiu", "解": "Xie", "曾": "Zeng", "查": "Zha", "任": "Ren", "朴": "Piao", "区": "Ou",
    "尉": "Wei", "盖": "Ge", "乐": "Yue", "缪": "Miao", "冼": "Xian", "繁": "Po", "种": "Chong", "召": "Shao",
    "秘": "Bi", "翟": "Zhai", "员": "Yun", "覃": "Qin", "折": "She", "黑": "He", "洗": "Xian", "宓": "Mi",
    "郇": "Xun", "燕": "Yan", "哈": "Ha", "纪": "Ji", "逄": "Pang", "牟": "Mu", "褚": "Chu", "臧": "Zang",
}


def has_chinese(text: str) -> bool:
    """True if there is a Chinese character in it."""
    return _HAN_RUN.search(text) is not None


@lru_cache(maxsize=4096)
def pinyin_name(name: str) -> str:
    """Return a Chinese name as the alphabetic component group of PN: 欧阳娜娜 → Ouyang^Nana. "" if it has none.

    Components that are marked already (王^小明) stay apart; a name that is not Chinese keeps its letters.
    """
    components = [c.strip() for c in name.split("^")]
    if len(components) == 1 and _HAN_RUN.fullmatch(name):
        taken = 2 if name[:2] in _TWO_CHARACTER_SURNAMES and len(name) > 2 else 1
        components = [name[:taken], name[taken:]]
    elif len(components) == 1 and "·" in name:           # 阿布都·热合曼: the parts of a name from another language
        components = name.split("·")
    spelled = [_component(part, is_surname=position == 0) for position, part in enumerate(components)]
    return "^".join(spelled).rstrip("^")


@lru_cache(maxsize=4096)
def pinyin_text(text: str) -> str:
    """Return any text in ASCII as far as possible: 胸部DR → "Xiong bu DR". What has no reading becomes "?"."""
    words = _HAN_RUN.sub(lambda run: f" {' '.join(_syllables(run[0])).capitalize()} ", text)
    plain = unicodedata.normalize("NFKD", words.translate(_PUNCTUATION))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    ascii_text = plain.encode("ascii", "replace").decode("ascii")
    return re.sub(r" +([,.;:)])", r"\1", re.sub(r"[ \t]+", " ", ascii_text)).strip(" ")


def _component(part: str, *, is_surname: bool) -> str:
    if is_surname and part in _TWO_CHARACTER_SURNAMES:
        return _TWO_CHARACTER_SURNAMES[part]
    if is_surname and part in _SURNAMES:
        return _SURNAMES[part]
    if not _HAN_RUN.fullmatch(part):
        return pinyin_text(part)
    return "".join(_syllables(part)).capitalize()


def _syllables(run: str) -> list[str]:
    # Loaded when it is first needed, and without its dictionary of phrases: 45 MB that names have no use for.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin import Style, lazy_pinyin

    found = lazy_pinyin(run, style=Style.NORMAL, errors=lambda unknown: "?" * len(unknown))
    return [syllable.replace("v", "yu") for syllable in found]
