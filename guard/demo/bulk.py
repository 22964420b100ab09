"""Large synthetic files for benchmarks and for tests of memory: a log, a register, JSON Lines.

One line in five of the log and every record of the other two hold personal information; the rest of the log is the
request ids, UUIDs, hashes and times that a scanner has to leave alone. All files are UTF-8 with LF. Every row is drawn
anew: numbers do not repeat, names and streets repeat as they do among so many people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from guard.demo import crowd, words
from guard.demo.crowd import Crowd
from guard.demo.draw import Draw, Text, contents, join, numerals, spread

ROWS = 4096
"""Rows that are drawn at once; they do not show in the file."""

REGISTER_HEADER = (
    "序号,姓名,性别,民族,出生日期,公民身份号码,手机号码,家庭住址,工作单位,银行账号,"
    "补助类别,补助金额,受理编号,受理日期,办理状态,备注"
)
Block = Callable[[Draw, int], Text]
"""The next rows, line ends included, given the number of rows before them."""

_KINDS = ("低保", "临时救助", "高龄津贴", "残疾人补贴", "教育资助", "医疗救助", "住房补贴", "失业补助")
_STATES = ("已受理", "审核中", "已办结", "退回补正", "已公示")
_REMARKS = ("材料齐全，已通知本人领取", "需补交户口簿复印件", "经核查符合条件", "邻里反映情况属实", "已电话回访",
            "转街道复核")
_STATUSES = ("200", "201", "302", "404", "500")
_LEVELS = ("INFO ", "INFO ", "INFO ", "DEBUG", "WARN ", "ERROR")
_ERRORS = ("read timed out", "connection reset by peer", "no route to host", "too many open files", "broken pipe")


def write_log(path: Path, megabytes: float, seed: int = 2026) -> int:
    """An application log of at least `megabytes` * 10^6 bytes; returns its size in bytes."""
    return write_rows(path, megabytes, seed, log_block)


def write_register(path: Path, megabytes: float, seed: int = 2026) -> int:
    """A CSV register of 16 columns, half of them personal, with a header; returns its size in bytes."""
    return write_rows(path, megabytes, seed, _register_block, REGISTER_HEADER + "\n")


def write_json_lines(path: Path, megabytes: float, seed: int = 2026) -> int:
    """Answers of an API, one JSON object a line; returns the size in bytes."""
    return write_rows(path, megabytes, seed, _json_block)


def write_rows(path: Path, megabytes: float, seed: int, block: Block, header: str = "") -> int:
    """Blocks of rows up to the first line end at or past the size; returns the size in bytes."""
    draw, wanted = Draw(np.random.default_rng(seed), ROWS), int(megabytes * 1_000_000)
    with path.open("wb") as out:
        out.write(header.encode())
        for rows in _blocks(draw, block):
            if _write(out, contents(rows), wanted - out.tell()):
                return out.tell()
    raise AssertionError("blocks have no end")


def _blocks(draw: Draw, block: Block) -> Iterator[Text]:
    before = 0
    while True:
        yield block(draw, before)
        before += draw.rows


def _write(out: BinaryIO, data: memoryview, left: int) -> bool:
    """Write the rows as far as they are wanted; whether that was the end."""
    if len(data) < left:
        out.write(data)
        return False
    rest = bytes(data[max(left - 1, 0) :])
    out.write(data[: max(left - 1, 0) + rest.index(b"\n") + 1])
    return True


def log_block(draw: Draw, before: int) -> Text:
    """Lines of an application log, in the order of time."""
    return stamped(draw, before, log_bodies(draw))


def log_bodies(draw: Draw) -> Text:
    """Messages of a log in random order, one in five personal."""
    personal = int(0.2 * draw.rows)
    return spread([*_personal_messages(draw, personal), *_plain_messages(draw, draw.rows - personal)], draw.random)


def stamped(draw: Draw, before: int, bodies: Text) -> Text:
    """Log lines out of messages: time, level, thread, service, message."""
    moments = crowd.moments(before // 4, 0.25, draw.rows, draw)
    thread = join("[", draw.common(words.SERVICES), "] [http-", draw.number(1, 64), "] ")
    return join(moments, " ", draw.common(_LEVELS), " ", thread, bodies, "\n")


def _plain_messages(draw: Draw, rows: int) -> list[Text]:
    counts = _shares(rows, 8)
    one = [draw.of(count) for count in counts]
    return [
        join("requestId=", one[0].hexadecimal(32), " method=", one[0].pick(("GET", "POST", "PUT")), " path=",
             _path(one[0]), " status=", one[0].common(_STATUSES), " cost=", _cost(one[0]), "ms"),
        join("trace ", one[1].uuid(), " accepted, queue depth ", one[1].number(0, 400)),
        join("cache hit key=session:", one[2].hexadecimal(12), " ttl=", one[2].number(1, 7200), "s size=",
             _cost(one[2])),
        join("订单 ", one[3].digits(14), " 状态更新为", one[3].pick(_STATES), "，耗时 ", _cost(one[3]), " 毫秒"),
        join("retry ", one[4].number(1, 5), " of upstream ", _path(one[4]), ": ", one[4].pick(_ERRORS), " after ",
             _cost(one[4]), " ms"),
        join('object stored etag="', one[5].hexadecimal(32), '" bytes=', one[5].number(100, 9_999_999), " bucket=",
             one[5].common(words.PATH_WORDS)),
        join("com.example.", one[6].common(words.NOUNS), ".", one[6].common(words.CLASS_WORDS),
             one[6].common(words.CLASS_WORDS), " finished in ", one[6].number(0, 90), ".", one[6].digits(3), " s, ",
             one[6].number(0, 99_999), " rows"),
        join("select ", one[7].common(words.NOUNS), ", ", one[7].common(words.NOUNS), " from t_",
             one[7].common(words.NOUNS), " where id = ", one[7].digits(9), " -- ", _cost(one[7]), " us, version 2.",
             one[7].number(0, 9), ".", one[7].number(0, 30)),
    ]


def _personal_messages(draw: Draw, rows: int) -> list[Text]:
    counts = _shares(rows, 5)
    one = [draw.of(count) for count in counts]
    people = [crowd.crowd(part) for part in one]
    return [
        join("短信发送成功 mobile=", people[0].mobile, " template=SMS_", one[0].digits(4)),
        join("实名认证 姓名：", people[1].name, " 身份证号：", people[1].resident_id, " 结果=一致"),
        join("login failed user=", people[2].email, " ip=", crowd.ipv4(one[2]), " reason=bad_credentials"),
        join("退款失败，卡号 ", people[3].bank_card, "，联系电话 ", people[3].mobile),
        join('body={"name":"', people[4].name, '","idCard":"', people[4].resident_id, '","phone":"', people[4].mobile,
             '"}'),
    ]


def _shares(rows: int, parts: int) -> list[int]:
    return [rows // parts + (part < rows % parts) for part in range(parts)]


def _path(draw: Draw) -> Text:
    number, leaf = join("/", draw.number(1, 999_999)), join("/", draw.common(words.PATH_WORDS))
    return join("/api/v", draw.pick("123"), "/", draw.common(words.PATH_WORDS), draw.maybe(0.6, number),
                draw.maybe(0.4, leaf))


def _cost(draw: Draw) -> Text:
    return draw.number(1, 4000)


def _register_block(draw: Draw, before: int) -> Text:
    people: Crowd = crowd.crowd(draw)
    serial = numerals(np.arange(before + 1, before + draw.rows + 1), 8)
    return join(
        serial, ",", people.name, ",", people.sex, ",", people.ethnic_group, ",", people.birth_date, ",",
        people.resident_id, ",", people.mobile, ",", people.address, ",", people.employer, ",", people.bank_card, ",",
        draw.pick(_KINDS), ",", draw.number(200, 3000), ".00,SL", draw.digits(10), ",",
        crowd.dates(draw, "2026-01-02", 300), ",", draw.pick(_STATES), ",", draw.maybe(0.3, draw.pick(_REMARKS)), "\n",
    )


def _json_block(draw: Draw, before: int) -> Text:
    people = crowd.crowd(draw)
    order = join('{"orderNo": "', draw.digits(16), '", "sku": "SKU-', draw.digits(6), '", "quantity": ',
                 draw.number(1, 9), ', "address": "', people.address, '"}')
    return join(
        '{"requestId": "', draw.hexadecimal(32), '", "time": "', crowd.moments(before, 1, draw.rows, draw),
        '", "path": "', _path(draw), '", "status": 200, "user": {"name": "', people.name, '", "idCard": "',
        people.resident_id, '", "mobile": "', people.mobile, '", "email": "', people.email, '"}, "items": [', order,
        '], "cost": ', _cost(draw), ', "message": "success"}\n',
    )
