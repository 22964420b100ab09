"""Accuracy on own wordings: what must be found is marked as [[class|value]], a masked one as [[class*|value]].

A line holds the findings that are marked, and no other that is likely.
"""

from __future__ import annotations

import re

import pytest

from guard.batch import MASKED, SHADOWED
from guard.demo import People
from guard.detect.pack import load
from guard.detect.plain import PlainMatcher
from guard.model import LIKELY, POSSIBLE

DETECTORS = load()
MATCHER = PlainMatcher(DETECTORS)
SHORT = {
    "name": "person.name", "id": "person.id.cn", "mobile": "person.phone.mobile", "tel": "person.phone.landline",
    "addr": "person.address", "born": "person.birth_date", "card": "person.bank_card", "mail": "person.email",
    "uscc": "org.uscc", "plate": "vehicle.plate", "vin": "vehicle.vin", "ip": "device.ip", "mac": "device.mac",
    "imei": "device.imei", "pass": "person.passport", "permit": "person.travel_permit", "pw": "secret.password",
    "us": "person.phone.us", "ssn": "person.id.us_ssn", "qq": "person.social.qq", "wx": "person.social.wechat",
    "student": "person.id.student", "conn": "secret.connection_string", "key": "secret.api_key",
    "secret": "state.secret_mark", "internal": "state.internal_mark", "unit": "property.real_estate_unit",
    "akid": "secret.cloud.aws.access_key", "sk": "secret.cloud.aws.secret_key", "jwt": "secret.token.jwt",
    "tid": "secret.cloud.tencent.secret_id", "tkey": "secret.cloud.tencent.secret_key", "gh": "secret.github.token",
    "cert": "property.certificate", "reg": "org.registration", "dis": "person.id.disability",
}
LINES = """
兹证明[[name|李晓梅]]（女，身份证号码：[[id|330106199211030017]]）系我单位在编职工。
申诉人[[name|赵国栋]]（住[[addr|杭州市拱墅区莫干山路100号耀江国际大厦B座1203室]]，电话：[[tel|0571-8888 1234]]）
家长姓名: [[name|欧阳修远]]　手机(必填): [[mobile|13912345678]]　QQ: [[qq|123456789]]
受助学生名单：[[name|王梓涵]]、[[name|李浩然]]、[[name|张雨桐]]、[[name|刘子轩]]
投保人：[[name|买买提·艾力]]　联系方式：[[mobile|0086 138-1234-5678]]
寄：[[addr|四川省成都市锦江区东大街段88号泰合国际1栋2单元1801]] 收
小明妈妈说：我家住在[[addr|城关镇东风村三组]]，离学校三里路
被告：杭州某某科技有限公司，住所地[[addr|浙江省杭州市滨江区江南大道588号恒鑫大厦10楼]]。
法定代表人：[[name|陈建国]]，总经理。
患者[[name*|刘某]]，男，56岁，于2024年3月5日入院。
[[name|张三丰]] [[mobile|13600001234]] [[plate|浙A12345]] 已处理
银行账号：[[card|6212 2612 0200 1234 567]] 开户名：[[name|孙丽华]]
经办民警：[[name|高飞]]　警号：012345
护照号[[pass|G12345678]]，港澳通行证[[permit|C12345678]]
退役军人[[name|张伟强]]，身份证 [[id|370202196612310021]]，优抚金发放至 [[card|6228480012345678903]]
现公示低保对象：[[name|朱德发]]（户主）、[[name|朱小芳]]（女儿）
车主：[[name|沈国强]]　车牌：[[plate|浙A·D12345]]　车架号：[[vin|LSVAA49J4X2012345]]
微信：[[wx|zhangsan_88]]，邮箱：[[mail|zhangsan@126.com]]
统一社会信用代码：[[uscc|91330106MA2CF5T1X5]]　注册号 [[reg|330106000123458]]
<Row><XM>[[name|扎西顿珠]]</XM><SFZH>[[id|510104197802190014]]</SFZH><SJ>[[mobile|18911112223]]</SJ></Row>
产权坐落：[[addr|上海市浦东新区世纪大道1500弄8号602室]]，不动产权证号[[cert|沪（2021）浦字不动产权第012345号]]
[[name|周杰]]	[[mobile|13812345678]]	2023-01-01	通过
不动产单元号[[unit|330106001002GB00012F00010001]]
学籍号：[[student|G330106199211030017]]，班级：三（2）班
残疾证号[[dis|33010619921103001743]]
来电人[[mobile*|139****5678]]，卡号[[card*|622202******1234]]，证件[[id*|330106********0017]]
邮箱[[mail*|z***@163.com]]，车牌[[plate*|浙A***45]]
投诉人：[[name*|王某某]]，联系电话[[mobile*|1381234****]]
监控：[[ip|10.1.20.30]] 终端 [[mac|3C:22:FB:10:20:30]] 上线，IMEI [[imei|353362814893761]]
出生于[[born|1974年5月12日]]，现年五十岁
[[secret|机密★10年]]
[[internal|内部资料 注意保存]]
ssh root@[[ip|10.2.3.4]] 口令：[[pw|Zj@12345678]]
aws_access_key_id=[[akid|AKIAMEONVE7NV7EGV7PR]] aws_secret_access_key=[[sk|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]]
SecretId=[[tid|AKIDGYJ3GxeYYXwSLQcWtxJTQr1FqXSTs98v] ] SecretKey=[[tkey|kLCNPloWRlOTcEokd5ihu9lEmJcADwyQ]]
GITHUB_TOKEN=[[gh|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]]
Contact: [[name|Mary Johnson]], tel [[us|(415) 555-0132]], [[mail|mary.j@corp.com]]
Employee: [[name|Robert Smith]] SSN: [[ssn|536-90-4399]] DOB [[born|04/12/1980]]
Ship to [[addr|1600 Pennsylvania Ave NW, Washington, DC 20500]].
mysql -u root -p[[pw|Gov@2024!]] -h db
{"realName":"[[name|林志强]]","idNo":"[[id|330106199211030017]]","mobile":"[[mobile|13812345678]]"}
""".replace("] ]", "]]").strip().splitlines()
CLEAN = """
订单号202400309769253576已发货，运单SF1234567890123
ISBN 978-7-111-12345-6，商品条码6924625367918
京ICP备12345678号　浙公网安备33010602001234号
合同编号 HT-2024-0571-00012345 金额 13,812,345.67 元
杭政办〔2018〕116号，（2019）鄂9232刑初6823号
请拨打12345、12315、110或400-810-1234、800-820-5566
版本9.11.24.161，固件 v10.17.23.144，Chrome/91.0.4472.124
"bytes":19106806907,"ts":1664689296181,"epoch":1687510886
commit 4c0f87f17f8499ff30499a90ebb4108e360ddfcf md5 50f8a8e9bb8bdb5eba456bf92d5d9806
auth request id 201db662-be80-55f0-71ea-1c02333ecfb1 token_type=bearer
行政区划代码330106001002，邮政区划 330106
password=${DB_PASSWORD} api_key=YOUR_API_KEY secret: "********"
AKIAIOSFODNN7EXAMPLE 与 wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY 是文档示例
保守国家秘密是每个公民的义务，内部管理制度由办公室解释
浙江省杭州市西湖区人民政府办公厅关于印发工作方案的通知
联系人：办公室　申请人应当提交下列材料
北京、上海、广州、深圳四个城市
经济发展、社会治理、文化建设
负责人：待定，经办人：____
Dear Customer Service, please see Release Notes 6.3.25.158
0.13812345678 与 3.14159265358979
高校毕业生、于是、常州、白云山、黄河、金融机构
第三季度共受理信访事项1234件，办结率98.5%
2024年5月1日起施行，有效期至2029年4月30日
""".strip().splitlines()
MARK = re.compile(r"\[\[(\w+)(\*?)\|(.*?)\]\]")


def expected(line: str) -> tuple[str, set[tuple[str, str, bool]]]:
    """The text without marks, and what must be found."""
    return MARK.sub(lambda m: m[3], line), {(SHORT[m[1]], m[3], bool(m[2])) for m in MARK.finditer(line)}


def found(text: str, floor: float) -> set[tuple[str, str, bool]]:
    """Class, value and whether masked of every finding that is shown."""
    data = text.encode()
    hits = MATCHER.scan_text(data)
    hits = hits.take(((hits.flags & SHADOWED) == 0) & (hits.confidence >= floor))
    return {(DETECTORS[d].data_class, data[s:e].decode(), bool(f & MASKED)) for d, s, e, f in
            zip(hits.detector, hits.start, hits.end, hits.flags, strict=True)}


@pytest.mark.parametrize("line", LINES)
def test_finds_what_is_marked_and_nothing_else(line: str) -> None:
    text, wanted = expected(line)
    assert found(text, LIKELY) == wanted


@pytest.mark.parametrize("line", CLEAN)
def test_look_alikes_are_not_reported(line: str) -> None:
    assert found(line, POSSIBLE) == set()


def test_synthetic_registers_are_found_line_by_line(people: People) -> None:
    missed = 0
    for _ in range(200):
        person = people.person()
        line = f"{person.name}，{person.sex}，身份证号{person.resident_id}，住{person.address}，电话{person.mobile}"
        values = {value for _, value, _ in found(line, LIKELY)}
        missed += len({person.name, person.resident_id, person.address, person.mobile} - values)
    assert missed <= 8
