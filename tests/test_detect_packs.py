"""The shipped packs: every detector's own examples, its headers, and what a broken pack says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guard.batch import MASKED, SHADOWED
from guard.detect.examples import failures
from guard.detect.pack import Detector, digest, load, shipped
from guard.detect.plain import PlainMatcher
from guard.errors import ContentError

DETECTORS = load()
MATCHER = PlainMatcher(DETECTORS)
WITH_PATTERN = [detector for detector in DETECTORS if detector.pattern]
HEADERS = {
    "person.id.cn": "sfzh 身份证号 公民身份号码 申请人身份证号码 sqrsfzh id_card idCardNo 身份证号码（18位） zjhm "
                    "identi_no xk_fr_sfzh",
    "person.name": "xm 姓名 申请人姓名 法定代表人 户主 frdb legal_repre sqrxm 姓名* full_name 联系人 qlr 车主",
    "person.phone.mobile": "sjh 手机号 联系人手机号码 mobile userPhone lxdh 手机号码(必填) mobtel tel_num 联系电话.1",
    "person.phone.landline": "固定电话 办公电话 传真 bgdh landline",
    "person.email": "email 电子邮箱 dzyj contactEmail E-mail",
    "person.address": "家庭住址 户籍地址 hkszd czdz 注册地址 adds home_address 坐落",
    "person.birth_date": "出生日期 csrq birthDate 出生年月 date_of_birth dob",
    "person.bank_card": "银行卡号 yhkh bank_card_no",
    "person.sex": "性别 xb gender",
    "person.age": "年龄 nl age",
    "person.ethnic_group": "民族 mz",
    "person.health": "疾病名称 诊断结果 主要诊断 diagnosis 既往史 症状 残疾类别 病种",
    "person.religion": "宗教信仰 religion",
    "person.income": "月收入 年收入 salary 救助金额",
    "person.employer": "工作单位 gzdw",
    "person.occupation": "职业 occupation",
    "person.education": "文化程度 学历",
    "person.marital_status": "婚姻状况 hyzk",
    "person.native_place": "籍贯 native_place",
    "person.criminal_record": "罪名 criminal_record",
    "person.biometric": "人脸特征 fingerprint",
    "person.whereabouts": "活动轨迹 whereabouts",
    "person.complaint": "投诉内容 反映问题 complaint_text",
    "org.uscc": "统一社会信用代码 tyshxydm uscc uni_social_crd_cd",
    "org.name": "企业名称 qymc company_name",
    "vehicle.plate": "车牌号 号牌号码 jtcphm cphm",
    "vehicle.vin": "车架号 vin 车辆识别代号",
    "device.ip": "登录IP client_ip ipdz",
    "secret.password": "密码 password db_password userPwd",
}
NEUTRAL = [
    "zjlx", "证件类型", "zj", "zjid", "序号", "备注", "order_id", "订单号", "版本",
    "version", "isbn", "commit", "ts_ms", "金额", "数量", "状态", "phone_type", "手机号状态",
    "城市", "产品名称", "发布日期", "部门",
]


@pytest.mark.parametrize("detector", WITH_PATTERN, ids=lambda d: d.id)
def test_examples_hold(detector: Detector) -> None:
    index = DETECTORS.index(detector)
    failed = failures(DETECTORS[index : index + 1], _Only(index))
    assert not failed


class _Only:
    """The whole matcher, its hits narrowed to one detector that gets the number 0."""

    def __init__(self, index: int) -> None:
        self._index = index

    def scan_text(self, data: bytes):  # type: ignore[no-untyped-def]
        hits = MATCHER.scan_text(data)
        hits = hits.take(hits.detector == self._index)
        hits.detector[:] = 0
        return hits


@pytest.mark.parametrize("detector", WITH_PATTERN, ids=lambda d: d.id)
def test_every_pattern_has_three_examples_of_each_kind(detector: Detector) -> None:
    assert len(detector.examples.match) >= 3
    assert len(detector.examples.no_match) >= 3
    assert bool(detector.examples.masked) == bool(detector.masked) or detector.masked


@pytest.mark.parametrize("detector", [d for d in DETECTORS if d.examples.masked], ids=lambda d: d.id)
def test_a_masked_value_is_never_told_as_raw(detector: Detector) -> None:
    for text in detector.examples.masked:
        hits = MATCHER.scan_text(text.encode())
        shown = hits.take((hits.flags & SHADOWED) == 0)
        same = [DETECTORS[i].data_class == detector.data_class for i in shown.detector]
        assert any(same)
        assert all(flags & MASKED for flags, is_same in zip(shown.flags, same, strict=True) if is_same)


@pytest.mark.parametrize(("data_class", "header"), [(c, h) for c, words in HEADERS.items() for h in words.split()])
def test_headers_say_the_class(data_class: str, header: str) -> None:
    assert data_class in MATCHER.header_classes(header)[:3]


@pytest.mark.parametrize(("data_class", "header"), [
    ("org.uscc", "uni_ social_crd_ cd"), ("person.name", "姓　　名"), ("person.name",
        "$.data.items[*].patient.full_name"),
    ("person.name", "$.legalPerson.name"), ("person.name", "$.patient_name[*].text"),
    ("person.id.cn", "\ufeff身份证号"),
    ("person.phone.mobile", "联系 手机"), ("person.birth_date", "Date of Birth"), ("person.name", "qlr.1"),
])
def test_headers_with_spaces_notes_and_paths(data_class: str, header: str) -> None:
    assert data_class in MATCHER.header_classes(header)[:3]


@pytest.mark.parametrize("header", NEUTRAL)
def test_neutral_headers_say_nothing_personal(header: str) -> None:
    assert not [c for c in MATCHER.header_classes(header) if c.startswith("person")]


def test_ids_are_sorted_and_the_digest_covers_every_change() -> None:
    assert [d.id for d in DETECTORS] == sorted(d.id for d in DETECTORS)
    changed = (replace(DETECTORS[0], group=1), *DETECTORS[1:])
    assert PlainMatcher(DETECTORS).digest == MATCHER.digest != PlainMatcher(changed).digest


def test_the_digest_that_is_kept_with_detectors_is_theirs() -> None:
    assert load().digest == load(use_cache=False).digest == digest([*DETECTORS])
    some = load([path for path in shipped() if path.name == "vehicle.yml"])
    assert some.digest == digest([*some]) != DETECTORS.digest


def _pack(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_pattern_that_does_not_compile_is_told_with_its_place(tmp_path: Path) -> None:
    path = _pack(tmp_path, "- id: x\n  data_class: person.name\n  title: {en: X, zh: X}\n  pattern: '(a'\n")
    with pytest.raises(ContentError, match=r"mine\.yml:4:12: bad pattern"):
        load([path])


@pytest.mark.parametrize(("text", "message"), [
    ("", "mine.yml:1:1: the file should be a list"), ("a: 1\n", "mine.yml:1:1: the file should be a list"),
    ("- 1\n", "mine.yml:1:3: 0: should be a mapping of names to values"),
    ("- id: x\n  pattern: a\n  data_class: person.name\n", "mine.yml:1:3: 0: title is missing"),
    ("- id: x\n  title: {en: X, zh: X}\n  data_class: person.name\n  colour: red\n",
     "mine.yml:4:11: 0.colour: should be left out: there is no such name here"),
])
def test_what_a_pack_should_be_is_told_in_terms_of_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContentError) as raised:
        load([_pack(tmp_path, text)])
    assert str(raised.value) == message


def test_unknown_keys_classes_functions_and_duplicates_are_refused(tmp_path: Path) -> None:
    head = "- id: x\n  title: {en: X, zh: X}\n  pattern: 'a'\n"
    for body, message in (
        ("  data_class: person.name\n  colour: red\n", "colour"), ("  data_class: person.nothing\n",
            "unknown data class"),
        (f"  data_class: person.name\n{head}  data_class: person.name\n", "twice"),
    ):
        with pytest.raises(ContentError, match=message):
            load([_pack(tmp_path, head + body)])
    with pytest.raises(ContentError, match=r"mine\.yml:5:10: the pattern has no group 3"):
        load([_pack(tmp_path, f"{head}  data_class: person.name\n  group: 3\n")])
    for key in ("validate: [magic]", "filters: [magic]", "evidence: {magic: 0.1}", "extent: magic", "form: magic"):
        detectors = load([_pack(tmp_path, f"{head}  data_class: person.name\n  {key}\n")])
        with pytest.raises(ContentError, match="magic"):
            PlainMatcher(detectors)
