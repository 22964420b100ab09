"""The demonstration: the folder of a small office, in two halves.

`open/` can be released to the public once it is protected; `withheld/` cannot be released at all: it holds secrets in
configuration and logs, a document with a secrecy mark, and a line list of patients. Everything in it is synthetic.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from guard.demo import vocabulary
from guard.demo.noise import masked
from guard.demo.people import People
from guard.errors import OutputError, UsageError

_PEOPLE = 60
_DAY = datetime.date(2026, 3, 2)
Table = tuple[Sequence[str], list[Sequence[object]]]


def write_demo(folder: Path, seed: int = 2026) -> tuple[Path, ...]:
    """Write the demonstration into `folder`, which is made if missing, and return its files.

    The same seed gives the same bytes. Raises UsageError when the folder holds anything, OutputError when it cannot be
    written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError("the demonstration needs an empty or new folder", hint="name another folder")
        for number, (name, write) in enumerate(_FILES.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # A stream of its own for each file: one file can change without changing the others.
            write(path, People(seed + number))
    except OSError as error:
        raise OutputError.of(error, "the demonstration") from None
    return tuple(folder / name for name in _FILES)


def _write_roster(path: Path, people: People) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    # The moment of writing would make every run another file.
    book.set_properties({"title": "花名册", "created": datetime.datetime(2026, 3, 2)})
    sheet = book.add_worksheet("花名册")
    sheet.merge_range(0, 0, 0, 6, "翠苑街道社区工作人员花名册（2026年3月）")
    hidden = book.add_worksheet("工资卡号")
    hidden.hide()
    sheet.write_row(1, 0, ["序号", "姓名", "性别", "身份证号", "联系电话", "职务", "入职日期"])
    hidden.write_row(0, 0, ["姓名", "银行卡号"])
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for row in range(_PEOPLE):
        person = people.person()
        sheet.write_row(row + 2, 0, [row + 1, person.name, person.sex, person.resident_id, person.mobile,
                                     "网格员" if row % 4 else "社区主任"])
        sheet.write_datetime(row + 2, 6, datetime.datetime(2015 + row % 10, 1 + row % 12, 1 + row % 28), day)
        hidden.write_row(row + 1, 0, [person.name, person.bank_card])
    book.close()


def _allowances(people: People) -> Table:
    header = ("序号", "户主姓名", "身份证号", "联系电话", "家庭住址", "保障人数", "月保障金额（元）", "公示日期")
    rows: list[Sequence[object]] = []
    for number in range(1, _PEOPLE + 1):
        person = people.person()
        # As in published notices: the ID is masked and the phone number was forgotten.
        rows.append((number, person.name, masked("resident_id", person.resident_id)[0], person.mobile, person.address,
                     1 + number % 4, f"{600 + number * 7}.00", f"{_DAY:%Y-%m-%d}"))
    return header, rows


def _companies(people: People) -> Table:
    header = ("企业名称", "统一社会信用代码", "法定代表人", "联系电话", "电子邮箱", "企业类型", "注册资本（万元）",
              "成立日期", "登记状态")
    rows: list[Sequence[object]] = []
    for number in range(_PEOPLE):
        person = people.person()
        phone = person.mobile if number % 3 else person.landline
        rows.append((people.organisation(), people.uscc(), person.name, phone, person.email, "有限责任公司",
                     50 + number * 10, f"{2010 + number % 15}-0{1 + number % 9}-1{number % 10}", "存续"))
    return header, rows


def _statistics(people: People) -> Table:
    header = ("行政区划代码", "街道", "常住人口（人）", "低保户数（户）", "城乡居民参保率（%）")
    names = ("翠苑街道", "文新街道", "古荡街道", "北山街道", "灵隐街道", "西溪街道")
    rows: list[Sequence[object]] = [
        (f"330106{number:03}", name, 41200 + number * 1377, 120 + number * 13, f"{96 + number / 10:.1f}")
        for number, name in enumerate(names, start=1)
    ]
    return header, rows


def _patients(people: People) -> Table:
    header = ("编号", "性别", "年龄", "现住址", "发病日期", "诊断", "报告单位")
    rows: list[Sequence[object]] = []
    for number in range(1, _PEOPLE + 1):
        person = people.person()
        onset = _DAY - datetime.timedelta(days=number % 30)
        rows.append((f"B{number:04}", person.sex, 2026 - person.birth_date.year, person.address, f"{onset:%Y-%m-%d}",
                     vocabulary.DISEASES[number % len(vocabulary.DISEASES)], "区疾病预防控制中心"))
    return header, rows


def _csv(make: Callable[[People], Table], encoding: str, line_end: str) -> Callable[[Path, People], None]:
    def write(path: Path, people: People) -> None:
        header, rows = make(people)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=line_end)
        writer.writerow(header)
        writer.writerows(rows)
        path.write_bytes(text.getvalue().encode(encoding))

    return write


def _write_vehicles(path: Path, people: People) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    owners = [people.person() for _ in range(_PEOPLE)]
    table = pa.table({
        "hphm": [people.plate(new_energy=row % 4 == 0, division=owner.division) for row, owner in enumerate(owners)],
        "clsbdh": [people.vin() for _ in owners],
        "syr": [owner.name for owner in owners],
        "sjhm": [owner.mobile for owner in owners],
        "ccdjrq": pa.array([_DAY - datetime.timedelta(days=37 * number) for number in range(_PEOPLE)], pa.date32()),
        "zbzl": pa.array([1200 + 11 * number for number in range(_PEOPLE)], pa.int32()),
    })
    pq.write_table(table, path)


def _write_answer(path: Path, people: People) -> None:
    items = []
    for number in range(_PEOPLE // 2):
        person = people.person()
        items.append({
            "acceptNo": f"HZ2026{number:06}", "applicant": {"name": person.name, "idCard": person.resident_id,
                                                            "mobile": person.mobile, "email": person.email},
            "matter": "居住证申领", "acceptDate": f"{_DAY:%Y-%m-%d}", "status": "已办结",
        })
    answer = {"code": 200, "message": "success", "data": {"total": len(items), "items": items}}
    path.write_text(json.dumps(answer, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _write_petitions(path: Path, people: People) -> None:
    lines = []
    for number in range(_PEOPLE // 2):
        person = people.person()
        complaint = vocabulary.COMPLAINTS[number % len(vocabulary.COMPLAINTS)]
        contact = f"，联系电话{person.mobile}" if number % 3 == 0 else ""
        record = {"编号": f"XF2026{number:05}", "来信人": person.name, "联系电话": person.mobile,
                  "来信内容": f"{complaint}，请尽快处理{contact}。", "答复": "已转属地街道办理，将于七个工作日内回复。"}
        lines.append(json.dumps(record, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _log_lines(people: People) -> Iterable[str]:
    for number in range(_PEOPLE * 2):
        person = people.person()
        moment = f"2026-03-02 09:{number // 60:02}:{number % 60:02}.{number * 7 % 1000:03}"
        if number % 6 == 0:
            yield f"{moment} INFO  sms sent mobile={person.mobile} template=SMS_1024"
        elif number % 10 == 1:
            yield f"{moment} INFO  实名认证 身份证号：{person.resident_id} 结果=一致"
        elif number % 10 == 3:
            yield f"{moment} WARN  login failed ip={people.ipv4()} reason=bad_credentials"
        else:
            yield f"{moment} INFO  GET /api/v1/items status=200 cost={number % 90}ms"


def _write_access_log(path: Path, people: People) -> None:
    path.write_text("".join(f"{line}\n" for line in _log_lines(people)), encoding="utf-8")


def _write_application_log(path: Path, people: People) -> None:
    lines = list(_log_lines(people))
    lines.insert(40, f"2026-03-02 09:00:40.000 DEBUG oss client accessKeyId={people.secret('LTAI5t', 18)}")
    lines.insert(41, f"2026-03-02 09:00:41.000 DEBUG jdbc:mysql://db.example.cn:3306/app?user=app&password={people.secret()}")
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_settings(path: Path, people: People) -> None:
    path.write_text(
        "APP_NAME=open-data-portal\n"
        "DB_HOST=db.example.cn\n"
        f"DB_PASSWORD={people.secret(length=20)}\n"
        f"ALIYUN_ACCESS_KEY_ID={people.secret('LTAI5t', 18)}\n"
        f"ALIYUN_ACCESS_KEY_SECRET={people.secret(length=30)}\n"
        f"GITHUB_TOKEN={people.github_token()}\n",
        encoding="utf-8",
    )


def _write_marked_document(path: Path, people: People) -> None:
    path.write_text(
        "秘密★5年\n\n"
        "关于防汛重点部位布防情况的通报\n\n"
        f"各街道办事处：现将有关情况通报如下。联系人：{people.name()}，电话：{people.mobile()}。\n",
        encoding="utf-8",
    )


_FILES: dict[str, Callable[[Path, People], None]] = {
    "open/花名册.xlsx": _write_roster,
    "open/低保公示.csv": _csv(_allowances, "gb18030", "\r\n"),
    "open/企业登记.csv": _csv(_companies, "utf-8-sig", "\n"),
    "open/统计表.csv": _csv(_statistics, "utf-8", "\n"),
    "open/车辆.parquet": _write_vehicles,
    "open/办件接口.json": _write_answer,
    "open/access.log": _write_access_log,
    "withheld/信访.jsonl": _write_petitions,
    "withheld/病例报告.csv": _csv(_patients, "utf-8", "\n"),
    "withheld/通报.txt": _write_marked_document,
    "withheld/application.log": _write_application_log,
    "withheld/config/production.env": _write_settings,
}
