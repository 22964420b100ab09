"""Large synthetic files for benchmarks and for tests of memory: a log, a register, JSON Lines.

One line in five of the log and every record of the other two hold personal information; the rest of the log is the
request ids, UUIDs, hashes and times that a scanner has to leave alone. All files are UTF-8 with LF.
"""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from pathlib import Path

from guard.demo.people import People
from guard.demo.tiling import Row, Tile, Value

ROWS = 4096
"""Distinct rows of a tile: 0.6 to 2 MB, so that the places of all values stay in the processor's cache."""

REGISTER_HEADER = (
    "序号,姓名,性别,民族,出生日期,公民身份号码,手机号码,家庭住址,工作单位,银行账号,"
    "补助类别,补助金额,受理编号,受理日期,办理状态,备注"
)
_START = datetime.datetime(2026, 3, 2, 8)
_SERVICES = ("order-service", "user-center", "gateway", "pay-core", "file-store")
_PATHS = ("/api/v1/orders", "/api/v1/users/profile", "/api/v2/items", "/health", "/api/v1/files/upload")
_KINDS = ("低保", "临时救助", "高龄津贴", "残疾人补贴", "教育资助")
_STATES = ("已受理", "审核中", "已办结", "退回补正")


def write_log(path: Path, megabytes: float, seed: int = 2026) -> int:
    """An application log of at least `megabytes` * 10^6 bytes; returns its size in bytes."""
    return _write(path, megabytes, seed, _log_row, "")


def write_register(path: Path, megabytes: float, seed: int = 2026) -> int:
    """A CSV register of 16 columns, half of them personal, with a header; returns its size in bytes."""
    return _write(path, megabytes, seed, _register_row, REGISTER_HEADER + "\n")


def write_json_lines(path: Path, megabytes: float, seed: int = 2026) -> int:
    """Answers of an API, one JSON object a line; returns the size in bytes."""
    return _write(path, megabytes, seed, _json_row, "")


def _write(path: Path, megabytes: float, seed: int, make: Callable[[People, random.Random, int], Row],
           header: str) -> int:
    people, chance = People(seed), random.Random(seed)  # noqa: S311
    wanted = int(megabytes * 1_000_000)
    tile = Tile([make(people, chance, number) for number in range(ROWS)], seed)
    with path.open("wb") as out:
        out.write(header.encode())
        while (left := wanted - out.tell()) >= tile.size:
            out.write(tile.draw())
        if left > 0:
            block = tile.draw()
            out.write(block[: block.index(b"\n", left - 1) + 1])
        return out.tell()


def _hexadecimal(chance: random.Random, length: int) -> Value:
    return Value("hex", f"{chance.getrandbits(4 * length):0{length}x}")


def _log_row(people: People, chance: random.Random, number: int) -> Row:
    millisecond = Value("digits", f"{chance.randrange(1000):03}")
    moment = f"{_START + datetime.timedelta(seconds=number):%Y-%m-%d %H:%M:%S}.{millisecond.text}"
    make = _personal_message if chance.random() < 0.2 else _plain_message
    level, message, values = make(people, chance)
    return Row(f"{moment} {level:5} [{chance.choice(_SERVICES)}] {message}\n", (millisecond, *values))


def _plain_message(people: People, chance: random.Random) -> tuple[str, str, tuple[Value, ...]]:
    request, trace = _hexadecimal(chance, 32), _hexadecimal(chance, 12)
    order = Value("digits", f"{chance.randrange(10**14):014}")
    elapsed, path = chance.randrange(1, 900), chance.choice(_PATHS)
    choices: tuple[tuple[str, str, tuple[Value, ...]], ...] = (
        ("INFO", f"requestId={request.text} method=GET path={path} status=200 cost={elapsed}ms", (request,)),
        ("INFO", f"trace 7f3a52c1-90b4-4d2e-8a61-{trace.text} accepted, queue depth {elapsed}", (trace,)),
        ("DEBUG", f"cache hit key=session:{trace.text} ttl={elapsed}s size={elapsed * 17}", (trace,)),
        ("INFO", f"订单 {order.text} 状态更新为已发货，耗时 {elapsed} 毫秒", (order,)),
        ("WARN", f"retry {elapsed % 5} of upstream {path}: read timed out after {elapsed}0 ms", ()),
        ("DEBUG", f"object stored etag=\"{request.text}\" bytes={elapsed * 4099}", (request,)),
        ("INFO", f"com.example.batch.SettleJob finished in {elapsed}.{elapsed % 10} s, {elapsed * 3} rows", ()),
    )
    return chance.choice(choices)


def _personal_message(people: People, chance: random.Random) -> tuple[str, str, tuple[Value, ...]]:
    person = people.person()
    mobile, identity = Value("mobile", person.mobile), Value("resident_id", person.resident_id)
    card = Value("bank_card", person.bank_card)
    choices: tuple[tuple[str, str, tuple[Value, ...]], ...] = (
        ("INFO", f"短信发送成功 mobile={mobile.text} template=SMS_1024", (mobile,)),
        ("INFO", f"实名认证 姓名：{person.name} 身份证号：{identity.text} 结果=一致", (identity,)),
        ("WARN", f"login failed user={person.email} ip={people.ipv4()} reason=bad_credentials", ()),
        ("ERROR", f"退款失败，卡号 {card.text}，联系电话 {mobile.text}", (card, mobile)),
        ("DEBUG", f'body={{"name":"{person.name}","idCard":"{identity.text}","phone":"{mobile.text}"}}',
         (identity, mobile)),
    )
    return chance.choice(choices)


def _register_row(people: People, chance: random.Random, number: int) -> Row:
    person = people.person()
    serial, case = Value("serial", f"{number + 1:08}"), Value("digits", f"{chance.randrange(10**10):010}")
    identity, mobile = Value("resident_id", person.resident_id), Value("mobile", person.mobile)
    card = Value("bank_card", person.bank_card)
    received = _START + datetime.timedelta(days=chance.randrange(300))
    remark = "材料齐全，已通知本人领取" if chance.random() < 0.3 else ""
    cells = (
        serial.text, person.name, person.sex, person.ethnic_group, f"{person.birth_date:%Y-%m-%d}", identity.text,
        mobile.text, person.address, person.employer, card.text, chance.choice(_KINDS),
        f"{chance.randrange(200, 3000)}.00", f"SL{case.text}", f"{received:%Y-%m-%d}", chance.choice(_STATES), remark,
    )
    return Row(",".join(cells) + "\n", (serial, identity, mobile, card, case))


def _json_row(people: People, chance: random.Random, number: int) -> Row:
    person = people.person()
    request, order = _hexadecimal(chance, 32), Value("digits", f"{chance.randrange(10**16):016}")
    identity, mobile = Value("resident_id", person.resident_id), Value("mobile", person.mobile)
    moment = _START + datetime.timedelta(seconds=number)
    record = {
        "requestId": request.text, "time": moment.isoformat(), "path": chance.choice(_PATHS), "status": 200,
        "user": {"name": person.name, "idCard": identity.text, "mobile": mobile.text, "email": person.email},
        "items": [{"orderNo": order.text, "sku": f"SKU-{chance.randrange(10**6):06}",
                   "quantity": chance.randrange(1, 9), "address": person.address}],
        "cost": chance.randrange(1, 900), "message": "success",
    }
    return Row(json.dumps(record, ensure_ascii=False) + "\n", (request, identity, mobile, order))
