"""Masks: examples per style, and what holds for every style on any text."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard.errors import UsageError
from guard.masking import (
    COMPOUND_SURNAMES,
    FULL,
    LEAST,
    LEAST_HIDDEN,
    MAX_PREVIEW,
    PLACEHOLDERS,
    SEPARATORS,
    STYLES,
    mask,
    mask_ends,
    preview,
    split_address,
    weak,
)
from guard.taxonomy import taxonomy

EXAMPLES = [
    ("id", "110101199003071234", "110101********1234"),
    ("id", "11010119900307123x", "110101********123x"),
    ("id", "110101 19900307 1234", "110101 ******** 1234"),
    ("id", "１１０１０１１９９００３０７１２３Ｘ", "１１０１０１********１２３Ｘ"),
    ("id", "110101900307123", "110101*****7123"),
    ("id", "11010119900307", FULL),
    ("id_strict", "110101199003071234", "1****************4"),
    ("phone", "13800138000", "138****8000"),
    ("phone", "138 0013 8000", "138 **** 8000"),
    ("phone", "+86 138-0013-8000", "+86 138-****-8000"),
    ("phone", "008613800138000", "0086138****8000"),
    ("phone", "8613800138000", "86138****8000"),
    ("phone", "１３８００１３８０００", "１３８****８０００"),
    ("phone", "138\u200b0013\u200b8000", "138****8000"),
    ("phone", "0571-87654321", "0571-******21"),
    ("phone", "(010)87654321", "(010)******21"),
    ("phone", "87654321", "******21"),
    ("phone", "400-123-4567", "400-***-**67"),
    ("phone", "12345", FULL),
    ("card", "6222021001116245702", "622202*********5702"),
    ("card", "6222 0210 0111 6245", "6222 02** **** 6245"),
    ("card", "4222222222222", FULL),
    ("name", "张三", "张*"),
    ("name", "张三丰", "张**"),
    ("name", "张　三", "张　*"),
    ("name", "欧阳娜娜", "欧阳**"),
    ("name", "司马懿", "司马*"),
    ("name", "欧阳", "欧*"),
    ("name", "张", "*"),
    ("name", "阿不都·热合曼", "阿**·***"),
    ("name", "张三、李四", "张*、李*"),
    ("name", "John Smith", "J*** S***"),
    ("name", "Jean-Luc O’Hara", "J*** O***"),
    ("name", "J Smith", "* S***"),
    ("name", "12345", "***"),
    ("email", "zhangsan@163.com", "z***@163.com"),
    ("email", "ab@example.com", "***@example.com"),
    ("email", "a@example.com", "***@example.com"),
    ("email", "zhangsan＠163.com", "z***@163.com"),
    ("email", "not a mailbox @ all", FULL),
    ("plate", "浙A12345", "浙A***45"),
    ("plate", "浙A·12345", "浙A·***45"),
    ("plate", "浙ad12345", "浙A****45"),
    ("plate", "12345", FULL),
    ("ends2", "E12345678", "E1*****78"),
    ("ends2", "12345678", FULL),
    ("ends4", "91330106MA2AXXXX1Y", "9133**********XX1Y"),
    ("ends4", "123456789", FULL),
    ("tail4", "123-45-6789", "***-**-6789"),
    ("date", "1990-01-02", "1990-**-**"),
    ("date", "1990年1月2日", "1990年**月**日"),
    ("date", "19900102", "1990****"),
    ("date", "02/01/1990", "**/**/1990"),
    ("date", "1990-01-02 08:30:00", "1990-**-**"),
    ("date", "spring of 1990", FULL),
    ("address", "浙江省杭州市西湖区文三路18号3幢201室", "浙江省杭州市西湖区****"),
    ("address", "北京市朝阳区建国路1号院", "北京市朝阳区****"),
    ("address", "江西省景德镇市浮梁县大道100号", "江西省景德镇市浮梁县****"),
    ("address", "杭州市文三路幸福小区3幢", "杭州市****"),
    ("address", "浙江省杭州市西湖区", "浙江省****"),
    ("address", "5 Example Road", FULL),
    ("ip", "192.168.1.77", "192.168.1.*"),
    ("ip", "192.168.1.77:8080", "192.168.1.*"),
    ("ip", "2001:DB8:1:2::1", "2001:db8:1:*"),
    ("ip", "::ffff:192.168.1.77", FULL),
    ("ip", "not an address", FULL),
    ("mac", "AA:BB:CC:11:22:33", "AA:BB:CC:**:**:**"),
    ("mac", "AABB-CC11-2233", "AABB-CC**-****"),
    ("mac", "AABBCC", FULL),
    ("secret", "LTAI5tExampleExample1234", "LTAI****"),
    ("secret", "hunter2hunter2", FULL),
    ("full", "x", FULL),
    ("none", "a mark and what follows", "[withheld]"),
]

raw_text = st.text().filter(lambda t: t.strip() and not set(t) & PLACEHOLDERS)
shaped = st.one_of(
    st.from_regex(r"\A[0-9]{0,22}\Z"), st.from_regex(r"\A\+?(86)?[ -]?1[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}\Z"),
    st.from_regex(r"\A[a-z.]{1,9}@[a-z]{1,9}\.(com|cn)\Z"), st.from_regex(r"\A[0-9a-f:]{3,39}\Z"),
    st.from_regex(r"\A[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?\Z"), st.from_regex(r"\A[浙京][A-Z][A-Z0-9]{4,6}\Z"),
    st.text("浙江省杭州市西湖区文三路号县自治旗盟镇小0123456789 ", min_size=1),
    st.text("张欧阳司马娜三 ·、;(", min_size=1),
    st.text(string.printable, min_size=1),
).filter(lambda t: t.strip() and not set(t) & PLACEHOLDERS)
any_raw = st.one_of(raw_text, shaped)
styles = st.sampled_from(sorted(STYLES))


def significant(text: str) -> int:
    return sum(char not in SEPARATORS and char not in PLACEHOLDERS for char in text)


@pytest.mark.parametrize(("style", "value", "expected"), EXAMPLES)
def test_each_style_masks_as_offices_do(style: str, value: str, expected: str) -> None:
    assert mask(style, value) == expected


@given(styles, any_raw)
@example("name", ";")
def test_a_raw_value_never_comes_back(style: str, value: str) -> None:
    assert mask(style, value) != value


@given(styles, any_raw)
@example("email", "a@a.cn")
@example("ip", "1.1.1.1")
def test_no_mask_is_weak(style: str, value: str) -> None:
    assert not weak(style, value, mask(style, value))


@given(styles.filter(lambda s: s != "none"), any_raw)
@example("name", "A0{")
@example("name", "0张")
def test_masking_a_masked_value_changes_nothing(style: str, value: str) -> None:
    masked = mask(style, value)
    assert mask(style, masked) == masked


@given(styles, any_raw)
def test_what_is_shown_leaves_enough_hidden(style: str, value: str) -> None:
    shown = significant(mask(style, value).replace("[withheld]", ""))
    printable = "".join(c for c in value if c.isprintable() or unicodedata.category(c) == "Zs")
    assert shown == 0 or significant(printable) - shown >= LEAST.get(style, LEAST_HIDDEN) or style == "email"


@given(styles, st.text())
def test_a_preview_is_one_short_printable_line_and_shows_no_more_than_the_mask(style: str, value: str) -> None:
    shown = preview(style, value)
    assert len(shown) <= MAX_PREVIEW
    assert shown.isprintable()
    assert significant(shown) <= significant(mask(style, value)) + shown.count("…")


@pytest.mark.parametrize("blank", ["", " ", "\u3000\t", "\n"])
def test_a_blank_value_becomes_empty(blank: str) -> None:
    assert {mask(style, blank) for style in STYLES - {"none"}} == {""}


@pytest.mark.parametrize("value", ["\u200b\u202e", "----", ":", "\x00\x01"])
def test_what_is_only_marks_is_hidden_whole(value: str) -> None:
    assert {mask(style, value) for style in STYLES - {"none"}} == {FULL}


def test_bidi_marks_and_escapes_do_not_reach_a_preview() -> None:
    assert preview("name", "张\u202e三\n四") == "张**"
    assert preview("name", "\x1b[31mJohn") == "[***"
    assert preview("phone", "138\u202e0013\n8000") == "138****8000"


def test_the_length_of_a_secret_is_not_told() -> None:
    assert {mask("secret", "ghp_" + "a1" * n) for n in range(8)} == {FULL}
    assert {mask("secret", "abcd" + "a1" * n) for n in range(8, 90)} == {"abcd****"}
    assert {len(mask("email", "a" * n + "@example.com")) for n in range(4, 60)} == {len("a***@example.com")}


def test_a_long_cell_has_a_short_preview() -> None:
    assert len(preview("ends2", "9" * 100_000)) <= MAX_PREVIEW
    assert preview("email", "a" * 9 + "@" + "b." * 500 + "cn").endswith("…****")


@pytest.mark.parametrize(("style", "masked", "expected"), [
    ("phone", "138****1234", False), ("phone", "138***1234", True), ("phone", "138xxxx1234", False),
    ("phone", "13800138000", True), ("id", "35*************123", False), ("id", "110101199003071***", True),
    ("id", "11010119900307****", True), ("id", "110101********1234", False), ("name", "张*", False),
    ("name", "王某某", False), ("name", "王小明", True), ("email", "a***@163.com", False),
    ("email", "zhang*@163.com", True), ("email", "***@163.com", False), ("plate", "浙A***12", False),
    ("plate", "浙A1*345", True), ("card", "622202*********5702", False), ("ip", "1.2.3.*", False),
    ("none", "[withheld]", False), ("none", "secret", True),
])
def test_weak_masks_are_told_from_good_ones(style: str, masked: str, expected: bool) -> None:
    assert weak(style, masked, masked) is expected


@pytest.mark.parametrize(("style", "value", "masked", "expected"), [
    ("id", "110101199003071234", "11010119900307****", True),  # the last of four follows from the other seventeen
    ("id", "110101199003071234", "1101011990030*****", False),
    ("phone", "13800138000", "138****8000", False),
    ("phone", "13800138000", "1380***8000", True),
    ("email", "abcdef@example.com", "abcd**@example.com", True),
    ("ends2", "1234", FULL, False),
    ("full", "男", FULL, False),
])
def test_weakness_against_the_value_itself(style: str, value: str, masked: str, expected: bool) -> None:
    assert weak(style, value, masked) is expected


@given(any_raw, st.integers(0, 30), st.integers(0, 30))
def test_kept_ends_never_leave_fewer_than_four_to_guess(value: str, head: int, tail: int) -> None:
    masked = mask_ends(value, head, tail)
    assert masked == FULL or masked.count("*") >= LEAST_HIDDEN + 1
    assert masked != value


@pytest.mark.parametrize(("text", "parts"), [
    ("浙江省杭州市西湖区文三路", ("浙江省", "杭州市", "西湖区", "文三路")),
    ("上海市浦东新区世纪大道", ("上海市", "", "浦东新区", "世纪大道")),
    ("内蒙古自治区锡林郭勒盟苏尼特左旗满都拉图", ("内蒙古自治区", "锡林郭勒盟", "苏尼特左旗", "满都拉图")),
    ("青海省海南藏族自治州共和县", ("青海省", "海南藏族自治州", "共和县", "")),
    ("湖北省荆州市沙市区北京路", ("湖北省", "荆州市", "沙市区", "北京路")),
    ("河南省新乡市红旗区", ("河南省", "新乡市", "红旗区", "")),
    ("云南省临沧市双江拉祜族佤族布朗族傣族自治县", ("云南省", "临沧市", "双江拉祜族佤族布朗族傣族自治县", "")),
    ("福建省泉州市晋江市青阳", ("福建省", "泉州市", "晋江市", "青阳")),
    ("吉林市昌邑区", ("", "吉林市", "昌邑区", "")),
    ("上海路12号", ("", "", "", "上海路12号")),
    ("文三路幸福社区", ("", "", "", "文三路幸福社区")),
])
def test_addresses_are_split_by_their_suffixes(text: str, parts: tuple[str, str, str, str]) -> None:
    assert split_address(text) == parts


@given(st.text("浙江省市区县州盟旗自治路号 a1"))
def test_the_parts_of_an_address_are_the_address(text: str) -> None:
    assert "".join("".join(split_address(text)).split()) == "".join(text.split())


def test_every_style_of_the_taxonomy_exists() -> None:
    assert {known.mask for known in taxonomy().values()} <= STYLES


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown mask style"):
        mask("stars", "13800138000")


def test_compound_surnames_are_pairs_of_ideographs() -> None:
    assert all(len(s) == 2 and all("\u4e00" <= c <= "\u9fff" for c in s) for s in COMPOUND_SURNAMES)
    assert {"欧阳", "诸葛", "令狐", "皇甫"} <= COMPOUND_SURNAMES
