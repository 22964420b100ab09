"""Judging: what context, headers, failed checks, masks and company do to a hit, and which hit stands for a value."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, NOISY, SHADOWED, VALIDATED, Column, Hits
from guard.detect.judge import entropy
from guard.detect.overlap import Placed, resolve
from guard.detect.pack import load
from guard.detect.plain import PlainMatcher
from guard.model import CERTAIN, LIKELY, POSSIBLE

DETECTORS = load()
MATCHER = PlainMatcher(DETECTORS)
VALID_ID, WRONG_ID = "110101199003071233", "110101199003071234"


def hits_of(hits: Hits, identifier: str) -> Hits:
    """The hits of one detector."""
    return hits.take(np.asarray([DETECTORS[i].id == identifier for i in hits.detector], bool))


def text(value: str, identifier: str) -> Hits:
    """The hits of one detector in a text."""
    return hits_of(MATCHER.scan_text(value.encode()), identifier)


def column(header: str, *values: str) -> Column:
    """A column of the values."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([len(value) for value in encoded]).astype(np.int64)
    starts = ends - np.array([len(value) for value in encoded], np.int64)
    return Column("column 1", header, b"".join(encoded), starts, ends, np.arange(len(values), dtype=np.int64))


def test_a_check_digit_is_worth_more_than_a_label() -> None:
    assert text(VALID_ID, "cn-resident-id").confidence[0] >= CERTAIN
    failed = text(f"身份证号：{WRONG_ID}", "cn-resident-id")
    assert POSSIBLE <= failed.confidence[0] < LIKELY
    assert failed.flags[0] & CHECK_FAILED
    assert not failed.flags[0] & VALIDATED
    assert not len(text(WRONG_ID, "cn-resident-id"))


@pytest.mark.parametrize("line", [f"身份证{VALID_ID}号", f"sfzh{VALID_ID}", f"（{VALID_ID}）", f"a,{VALID_ID},b"])
def test_boundaries_are_those_of_digits_not_of_words(line: str) -> None:
    found = text(line, "cn-resident-id")
    assert len(found) == 1
    assert line.encode()[found.start[0] : found.end[0]].decode() == VALID_ID


def test_digits_around_a_number_make_it_another_number() -> None:
    assert not len(text(f"1{VALID_ID}", "cn-resident-id"))
    assert not len(text("138123456789", "cn-mobile"))


def test_noise_is_flagged_and_placed_exactly() -> None:
    for written in ("１３８１２３４５６７８", "138 1234 5678", "+8613812345678", "138\u200b12345678"):
        found = text(f"电话{written}。", "cn-mobile")
        assert found.flags[0] & NOISY
        assert f"电话{written}。".encode()[found.start[0] : found.end[0]].decode() == written
        assert MATCHER.normal_form(int(found.detector[0]), written.encode()) == "13812345678"
    assert not text("13812345678", "cn-mobile").flags[0] & NOISY


def test_a_word_against_wins_when_it_is_nearer() -> None:
    assert not len(text('"bytes":13812345678', "cn-mobile"))
    assert len(text("订单已发，电话13812345678", "cn-mobile"))
    plain, labelled = text("13812345678", "cn-mobile"), text("手机13812345678", "cn-mobile")
    assert plain.confidence[0] < labelled.confidence[0]


def test_words_behind_a_value_count() -> None:
    assert text("13812345678（手机）", "cn-mobile").confidence[0] > text("13812345678（其他）",
        "cn-mobile").confidence[0]


def test_context_does_not_reach_over_lines_or_fields() -> None:
    assert not len(text(f"身份证号\n{WRONG_ID}", "cn-resident-id"))
    assert len(text("护照号E38543998；型号E38543991", "cn-passport")) == 1


def test_the_header_is_context() -> None:
    hits = MATCHER.scan_column(column("身份证号", WRONG_ID, VALID_ID, "110***********1233", ""))
    of_id = hits_of(hits, "cn-resident-id")
    assert list(of_id.cell) == [0, 1, 2]
    assert of_id.flags[0] & CHECK_FAILED
    assert of_id.flags[1] & VALIDATED
    assert of_id.flags[2] & MASKED
    assert not len(MATCHER.scan_column(column("订单号", WRONG_ID)))


def test_header_only_detectors_fire_for_each_filled_cell() -> None:
    hits = hits_of(MATCHER.scan_column(column("诊断结果", "高血压", " ", "", "2型糖尿病")), "field-health")
    assert list(hits.cell) == [0, 3]
    assert all(flags & FROM_HEADER for flags in hits.flags)
    assert [(int(s), int(e)) for s, e in zip(hits.start, hits.end, strict=True)] == [(0, 9), (0, 13)]


def test_versions_under_their_header_are_no_addresses() -> None:
    assert not len(MATCHER.scan_column(column("version", "10.17.23.144", "3.12.26.75")))
    assert len(MATCHER.scan_column(column("client_ip", "10.17.23.144")))


def test_a_weak_mask_counts_as_raw() -> None:
    strong, weak = text("1381****678", "cn-mobile"), text("13812**5678", "cn-mobile")
    assert strong.flags[0] & MASKED
    assert not any(flags & MASKED for flags in weak.flags)


def test_a_name_in_a_cell_needs_company() -> None:
    assert len(text("1,张伟,13812345678", "cn-name-cell")) == 1
    assert not len(text("1,张伟,一百", "cn-name-cell"))
    far = "1,张伟," + "一" * 200 + ",13812345678"
    assert not len(text(far, "cn-name-cell"))


def test_one_value_is_shown_once() -> None:
    for line in ("学籍号G330106199211030017", "邮箱13812345678@139.com", "信用代码91330106MA2CF5T1X5",
                 "密码：password=Hzgov!1748", "浙江省杭州市西湖区文三路138号2幢301室"):
        hits = MATCHER.scan_text(line.encode())
        shown = hits.take((hits.flags & SHADOWED) == 0)
        assert len(shown) == 1, line


def placed(detector: int, start: int, end: int, confidence: float, flags: int = 0) -> Placed:
    return Placed(detector, "person.x", start, end, confidence, flags)


def test_the_proved_hit_shadows_the_more_confident_one() -> None:
    flags = resolve([placed(0, 0, 18, 0.95), placed(1, 0, 18, 0.7, VALIDATED)])
    assert flags == [SHADOWED, VALIDATED]


def test_distinct_values_do_not_shadow_each_other() -> None:
    assert resolve([placed(0, 0, 10, 0.9), placed(1, 10, 20, 0.5), placed(2, 18, 40, 0.4)]) == [0, 0, 0]


PLACED = st.builds(placed, st.integers(0, 3), st.integers(0, 12), st.integers(13, 30), st.sampled_from([0.4, 0.7]))


@given(st.lists(PLACED, max_size=8))
def test_something_is_always_shown(hits: list[Placed]) -> None:
    flags = resolve(hits)
    assert len(flags) == len(hits)
    assert not hits or any(not value & SHADOWED for value in flags)


PIECES = st.sampled_from([VALID_ID, "张伟", "，", "电话：", "13812345678", " ", "１３８", "\u200b", "姓名：王秀英",
    "浙A12345", "a@b.com",
                          "密码 Hzgov!1748", "杭州市西湖区文三路138号", "\t", "备注", "6228480012345678903",
                              "10.1.2.3", "🙂", "\r"])
LINE = st.lists(PIECES, max_size=8).map("".join)


def triples(hits: Hits, shift: int = 0) -> list[tuple[int, int, int, float, int]]:
    """The hits as plain values."""
    return [(int(d), int(s) + shift, int(e) + shift, round(float(c), 4), int(f)) for d, s, e, c, f in
            zip(hits.detector, hits.start, hits.end, hits.confidence, hits.flags, strict=True)]


@given(LINE, LINE)
def test_lines_are_judged_on_their_own(one: str, two: str) -> None:
    first, second = one.encode(), two.encode()
    whole = triples(MATCHER.scan_text(first + b"\n" + second))
    assert whole == triples(MATCHER.scan_text(first)) + triples(MATCHER.scan_text(second), len(first) + 1)


@given(LINE)
def test_hits_are_ordered_and_cut_at_characters(line: str) -> None:
    data = line.encode()
    found = triples(MATCHER.scan_text(data))
    assert [f[1] for f in found] == sorted(f[1] for f in found)
    for _, start, end, confidence, _ in found:
        assert data[start:end].decode()
        assert POSSIBLE <= confidence < 1


@given(st.binary(max_size=40))
def test_bytes_that_are_no_text_do_not_stop_the_scan(noise: bytes) -> None:
    data = noise.replace(b"\n", b"").replace(b"\r", b"") + "\n电话13812345678".encode()
    assert len(hits_of(MATCHER.scan_text(data), "cn-mobile")) >= 1


def test_a_key_over_many_lines_is_one_hit() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\r\n" + "MIIEpAIBAAKCAQEA7v8s\r\n" * 20 + "-----END RSA PRIVATE KEY-----"
    hits = MATCHER.scan_text(f"# 密钥\n{key}\nend".encode())
    shown = hits.take((hits.flags & SHADOWED) == 0)
    assert [DETECTORS[i].id for i in shown.detector] == ["private-key"]
    assert shown.end[0] - shown.start[0] == len(key)
    cell = MATCHER.scan_column(column("pem", "x", key))
    assert list(hits_of(cell, "private-key").cell) == [1]


def test_entropy() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
    assert entropy("") == 0


HOSTILE = {"dots": "1.", "at": "a@a.", "digits": "1", "card": "62284800", "city": "市", "divisions": "省市区县镇",
    "numbers": "1号",
           "village": "北京市海淀区村", "assign": "password=", "underscores": "a_", "url": "http://a:",
               "jdbc": "jdbc:mysql:",
           "stars": "*", "mask": "138****", "spaces": " ", "capitals": "Aa ", "enumeration": "张伟、",
               "label": "联系人", "cells": "张伟\t",
           "jwt": "eyJa", "colons": "a:", "dashes": "-", "hex": "0a", "dear": "Dear ", "ethnic": "张·",
               "begin": "-----BEGIN PRIVATE KEY-----"}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_no_input_takes_quadratic_time(piece: str) -> None:
    def cost(size: int) -> float:
        data = (piece * (size // len(piece))).encode()
        start = time.process_time()
        MATCHER.scan_text(data)
        return time.process_time() - start

    cost(200)
    small, large = cost(2_000), min(cost(16_000) for _ in range(2))
    # Eight times the input: linear is x8, quadratic x64. Small costs are mostly noise, hence the floor; the first
    # of two may load machine code.
    assert large < 24 * max(small, 0.01)
