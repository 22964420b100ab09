"""Tables as offices publish them: what each column is, through the whole pipeline from a CSV file on.

A table is a list of columns (header, expected class, values); "" stands for nothing personal.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from guard import Scanner
from guard.demo import People
from guard.model import Field

ROWS = 60
NAME, ID, MOBILE, TEL, ADDRESS, BORN, SEX = ("person.name", "person.id.cn", "person.phone.mobile",
                                             "person.phone.landline", "person.address", "person.birth_date",
                                             "person.sex")
Column = tuple[str, str, Callable[[int], str]]
chance = random.Random(7)


def digits(size: int, start: str = "") -> str:
    return start + "".join(chance.choices("0123456789", k=size - len(start)))


def one_of(words: str) -> Callable[[int], str]:
    chosen = words.split()
    return lambda row: chance.choice(chosen)


def day(first: int, last: int, form: str = "{}-{:02}-{:02}") -> Callable[[int], str]:
    return lambda row: form.format(chance.randint(first, last), chance.randint(1, 12), chance.randint(1, 28))


def nothing(row: int) -> str:
    return ""


def serial(row: int) -> str:
    return str(row + 1)


def some(share: float, maker: Callable[[int], str], other: Callable[[int], str] = nothing) -> Callable[[int], str]:
    return lambda row: maker(row) if chance.random() < share else other(row)


def hidden(value: str) -> str:
    """An office's masks: first character of a name, first and last four of a number."""
    return value[0] + "*" * (len(value) - 1) if len(value) < 5 else value[:3] + "*" * (len(value) - 7) + value[-4:]


PLACES = one_of("杭锦旗 巴彦县 黄梅县 白玉县 石家庄市 张家口市 高密市 金山区 连云港市 江夏区 安吉县 乐清市 余姚市 "
                "龙游县 文成县")
GOODS = one_of("金龙鱼油 高山绿茶 王老吉 康师傅红茶 黄金酒 白象方便面 马应龙膏 石榴汁 江小白 华为手机 "
               "张裕葡萄酒 安琪酵母")
PARTS = one_of("财务部 人事处 安全科 办公室 信息中心 高新区 项目部 金融科 水利局 党委办 任务组 成果科 常务科 于洪分局")
LOCAL = one_of("梅花 青云 向阳 红星 双桥 和平 金星 高庙 石桥 马集 王庄 张湾 李村 白沙 江口")
STATES = one_of("正常 注销 已办结 待审核 在册 成功 安全 高 任职 时间 方案 全部 常规")


def tables() -> dict[str, list[Column]]:
    """Twelve tables of 90 columns, the same for every run."""
    people = People(2024)
    chance.seed(7)
    name, number, mobile = (lambda r: people.name()), (lambda r: people.resident_id()), (lambda r: people.mobile())
    firm, code, card = (lambda r: people.organisation()), (lambda r: people.uscc()), (lambda r: people.bank_card())
    where, tel = (lambda r: people.address()), (lambda r: people.landline())
    return {
        "pinyin initials": [
            ("xh", "", serial), ("xm", NAME, name), ("xb", SEX, one_of("男 女")), ("csrq", BORN, day(1940, 2005)),
            ("zjlx", "", one_of("居民身份证 护照 军官证")), ("zjhm", ID, number), ("lxdh", MOBILE, mobile),
            ("hkszd", ADDRESS, where), ("mz", "person.ethnic_group", one_of("汉族 回族 满族 苗族")),
            ("gzdw", "person.employer", firm), ("zj", "", lambda r: digits(19, "1"))],
        "allowances": [
            ("序号", "", serial), (" 姓  名 ", NAME, name), ("身份证号码（必填）", ID, number),
            ("银行账号", "person.bank_card", card),
            ("补助金额", "person.income", lambda r: f"{chance.randint(1, 9)}00.00"),
            ("住址", ADDRESS, where), ("联系电话", MOBILE, some(0.8, mobile, tel)), ("发放时间", "", day(2022, 2024)),
            ("备注", "", some(0.2, one_of("已核 补发 代领")))],
        "licences": [
            ("企业名称", "org.name", firm), ("统一社会信用代码", "org.uscc", code), ("法定代表人", NAME, name),
            ("成立日期", "", day(1995, 2023)), ("注册资本", "", lambda r: f"{chance.randint(1, 90)}00万元"),
            ("许可编号", "", lambda r: f"浙杭许〔2023〕{digits(4)}号"), ("有效期至", "", day(2024, 2030)),
            ("状态", "", STATES), ("登记机关", "", one_of("杭州市市场监督管理局 余杭区市场监督管理局"))],
        "places": [
            ("code", "", lambda r: digits(12, "330106")), ("name", "", PLACES), ("level", "", one_of("1 2 3")),
            ("parent", "", lambda r: digits(6, "3301")), ("lng", "location.coordinates", lambda r: f"120.{digits(6)}")],
        "goods": [
            ("nm", "", GOODS), ("名称", "", GOODS), ("price", "", lambda r: f"{chance.randint(1, 99)}.50"),
            ("ean", "", lambda r: digits(13, "69")), ("dept", "", PARTS), ("label", "", STATES)],
        "departments": [
            ("mc", "", PARTS), ("title", "", STATES), ("zjid", "", lambda r: digits(18, "13")), ("tel_num", TEL, tel)],
        "named persons": [
            ("name", NAME, name), ("gender", SEX, one_of("M F")), ("id_card", ID, number), ("addr", ADDRESS, where)],
        "shops": [("name", "", firm), ("mobile", MOBILE, mobile), ("address", ADDRESS, where), ("village", "", LOCAL)],
        "masked": [
            ("姓名", NAME, lambda r: hidden(people.name())), ("身份证号", ID, lambda r: hidden(people.resident_id())),
            ("手机号", MOBILE, lambda r: hidden(people.mobile())), ("中签号", "", lambda r: digits(6))],
        "spoiled": [
            ("idCard", ID, lambda r: people.resident_id(valid=False)), ("userName", NAME, name),
            ("cardNo", "person.bank_card", lambda r: people.bank_card(valid=False)),
            ("score", "", lambda r: digits(2))],
        "orders": [
            ("订单号", "", lambda r: digits(18, "2024")), ("下单时间戳", "", lambda r: digits(13, "17")),
            ("收货人", NAME, name), ("收货人.1", NAME, name), ("手机", MOBILE, mobile),
            ("运单号", "", lambda r: digits(13, "SF")),
            ("金额", "", lambda r: f"{chance.randint(10, 9999)}.{digits(2)}"),
            ("版本", "", lambda r: f"1.{digits(1)}.{digits(2)}.3")],
        "line list": [
            ("病例编号", "", lambda r: f"P{r:04}"), ("性别", SEX, one_of("男 女")),
            ("年龄", "person.age", lambda r: str(chance.randint(1, 95))),
            ("发病日期", "person.health", day(2022, 2022)), ("症状", "person.health", one_of("发热 咳嗽 乏力 腹泻")),
            ("现住址", ADDRESS, where), ("职业", "person.occupation", one_of("农民 教师 学生 退休"))],
        "abbreviated": [
            ("identi_no", ID, number), ("mobtel", MOBILE, mobile), ("legal_repre", NAME, name),
            ("uni_ social_crd_ cd", "org.uscc", code), ("adds", ADDRESS, where),
            ("email", "person.email", lambda r: people.email()),
            ("plate_no", "vehicle.plate", lambda r: people.plate()), ("vin", "vehicle.vin", lambda r: people.vin()),
            ("ip", "device.ip", lambda r: people.ipv4())],
        "english": [
            ("FirstName", NAME, lambda r: people.english_name().split()[0]),
            ("LastName", NAME, lambda r: people.english_name().split()[1]),
            ("Email", "person.email", lambda r: people.email()),
            ("Company", "org.name", one_of("Acme Globex Initech Umbrella Hooli")), ("CreatedAt", "", day(2020, 2023)),
            ("Product", "", one_of("Chair Table Lamp Desk")), ("City", "", one_of("London Paris Austin Florence"))],
    }


HEADERLESS: list[Column] = [("", NAME, lambda r: People(r).name()), ("", ID, lambda r: People(r).resident_id()),
                            ("", MOBILE, lambda r: People(r).mobile()), ("", "", PARTS)]


def scanned(scanner: Scanner, columns: list[Column], path: Path, *, header: bool = True) -> list[Field]:
    """The verdicts on a table that was written as a CSV file, in the order of its columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [[maker(row) for _, _, maker in columns] for row in range(ROWS)]
        csv.writer(file).writerows([[name for name, _, _ in columns], *rows] if header else rows)
    return [field for field in scanner.scan(path).fields if field.kind == "column"]


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture(scope="module")
def verdicts(scanner: Scanner, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str, str]]:
    """Table, header, expected class and verdict of every column."""
    folder = tmp_path_factory.mktemp("tables")
    found = []
    for table, columns in tables().items():
        fields = scanned(scanner, columns, folder / f"{table.replace(' ', '_')}.csv")
        found += [(table, c[0], c[1], field.data_class) for c, field in zip(columns, fields, strict=True)]
    fields = scanned(scanner, HEADERLESS, folder / "none.csv", header=False)
    return found + [("none", "", c[1], field.data_class) for c, field in zip(HEADERLESS, fields, strict=True)]


def test_columns_are_what_they_are(verdicts: list[tuple[str, str, str, str]]) -> None:
    right, wrong = Counter[str](), Counter[str]()
    for _, _, expected, got in verdicts:
        right[expected] += expected == got
        wrong.update({expected, got} if expected != got else ())
    scores = [2 * right[name] / (2 * right[name] + wrong[name]) for name in {v[2] for v in verdicts}]
    assert sum(scores) / len(scores) >= 0.95, [v for v in verdicts if v[2] != v[3]]


def test_no_other_column_is_called_a_name(verdicts: list[tuple[str, str, str, str]]) -> None:
    assert [v for v in verdicts if v[3] == NAME != v[2]] == []


def test_every_direct_identifier_is_seen(verdicts: list[tuple[str, str, str, str]]) -> None:
    assert [v for v in verdicts if v[2] in (NAME, ID, MOBILE) and v[2] != v[3]] == []
