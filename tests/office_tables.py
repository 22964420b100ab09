"""Tables of offices, schools, hospitals and firms: for the accuracy of verdicts on columns.

A column is (header, expected class, values); "" stands for nothing personal, "*" for what may be called either way.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from guard.demo import People

Column = tuple[str, str, Callable[[int], str]]
NAME, ID, MOBILE, TEL, ADDRESS, BORN, SEX, CARD = (
    "person.name", "person.id.cn", "person.phone.mobile", "person.phone.landline", "person.address",
    "person.birth_date", "person.sex", "person.bank_card")
HEALTH, INCOME, USCC, FIRM, MAIL, PLATE = (
    "person.health", "person.income", "org.uscc", "org.name", "person.email", "vehicle.plate")


def tables(seed: int) -> dict[str, list[Column]]:
    """The tables by name, their values drawn from the seed."""
    people, chance = People(seed), random.Random(seed)

    def any_of(words: str) -> Callable[[int], str]:
        chosen = words.split()
        return lambda row: chance.choice(chosen)

    def digits(size: int, start: str = "") -> Callable[[int], str]:
        return lambda row: start + "".join(chance.choices("0123456789", k=size - len(start)))

    def day(first: int, last: int, form: str = "{}-{:02}-{:02}") -> Callable[[int], str]:
        return lambda row: form.format(chance.randint(first, last), chance.randint(1, 12), chance.randint(1, 28))

    def money(low: int, high: int) -> Callable[[int], str]:
        return lambda row: f"{chance.randint(low, high)}.{chance.randint(0, 99):02}"

    def count(low: int, high: int) -> Callable[[int], str]:
        return lambda row: str(chance.randint(low, high))

    def some(share: float, maker: Callable[[int], str], other: Callable[[int], str]) -> Callable[[int], str]:
        return lambda row: maker(row) if chance.random() < share else other(row)

    def masked_name(row: int) -> str:
        name = people.name()
        return name[0] + "*" * (len(name) - 1)

    def masked_id(row: int) -> str:
        return people.resident_id()[:4] + "*" * 10 + digits(4)(row)

    def masked_mobile(row: int) -> str:
        return people.mobile()[:3] + "****" + digits(4)(row)

    serial = lambda row: str(row + 1)  # noqa: E731
    blank = lambda row: ""  # noqa: E731
    name = lambda row: people.name()  # noqa: E731
    number = lambda row: people.resident_id()  # noqa: E731
    mobile = lambda row: people.mobile()  # noqa: E731
    tel = lambda row: people.landline()  # noqa: E731
    where = lambda row: people.address()  # noqa: E731
    firm = lambda row: people.organisation()  # noqa: E731
    code = lambda row: people.uscc()  # noqa: E731
    card = lambda row: people.bank_card()  # noqa: E731
    mail = lambda row: people.email()  # noqa: E731
    plate = lambda row: people.plate()  # noqa: E731
    english = lambda row: people.english_name()  # noqa: E731
    sexes, places = any_of("男 女"), any_of("朝阳区 海淀区 金山区 和平区 白云区 江夏区 黄梅县 安吉县 石家庄市 马鞍山市")
    status = any_of("正常 注销 在册 已办结 待审核 成功 高 安全 常规 暂停")
    depts = any_of("财务科 人事处 安全科 办公室 信息中心 金融科 水利局 党委办 成果科 应急办 文旅局")
    jobs = any_of("科员 主任 高级工程师 会计 安全员 施工员 教师 副局长 司机 任课教师")
    drugs = any_of("阿莫西林胶囊 布洛芬片 连花清瘟 安宫牛黄丸 云南白药 马来酸氯苯那敏 金银花颗粒 江中片 康泰克")
    ills = any_of("高血压 2型糖尿病 冠心病 脑梗死 肺炎 支气管哮喘")
    peoples = any_of("汉族 回族 满族 苗族 藏族 壮族")
    villages = any_of("杨柳村 陈家坝村 李村 王庄 张湾村 白沙村 江口村 马集村 石桥村")
    schools = any_of("江苏大学 华中师范大学 第一中学 实验小学 金陵中学 石室中学")
    shops = any_of("李记包子铺 王老五面馆 张亮麻辣烫 金凤理发店 周黑鸭 老干妈 白云茶楼 马家拉面")
    poems = any_of("静夜思 将进酒 赤壁赋 江城子 黄鹤楼 游子吟 元日 清明 长恨歌 石壕吏")
    goods = any_of("金龙鱼油 王老吉 康师傅红茶 华为手机 张裕葡萄酒 安琪酵母 高山绿茶 白象方便面")
    species = any_of("白杨 金丝猴 黄花梨 石斑鱼 江豚 马尾松 云杉 柏树 梅花鹿 龙眼")

    return {
        "low income": [
            ("序号", "", serial), ("户主姓名", NAME, name), ("身份证号", ID, number), ("家庭人口", "", count(1, 7)),
            ("保障类别", "*", any_of("A类 B类 C类")), ("月保障金额（元）", INCOME, money(200, 900)),
            ("开户行", "", any_of("农商银行 邮储银行 农业银行")),
            ("银行卡号", CARD, card), ("联系电话", MOBILE, mobile), ("家庭住址", ADDRESS, where),
            ("审批时间", "", day(2020, 2024)), ("备注", "", blank)],
        "pinyin social security": [
            ("grbh", "*", digits(10, "33")), ("xm", NAME, name), ("sfzhm", ID, number), ("xb", SEX, sexes),
            ("mz", "person.ethnic_group", peoples),
            ("csrq", BORN, day(1950, 2004, "{}{:02}{:02}")), ("cbrq", "", day(2000, 2024, "{}{:02}{:02}")),
            ("jfjs", INCOME, money(3000, 20000)),
            ("dwmc", FIRM, firm), ("dwbh", "", digits(8, "10")), ("sjhm", MOBILE, mobile),
            ("cbzt", "", any_of("1 2 4"))],
        "pinyin tax": [
            ("nsrsbh", USCC, code), ("nsrmc", FIRM, firm), ("fddbrxm", NAME, name), ("fddbrsfzjhm", ID, number),
            ("zcdz", ADDRESS, where),
            ("swjg_dm", "", digits(11, "133")), ("djrq", "", day(2000, 2023)), ("bsrxm", NAME, name),
            ("bsryddh", MOBILE, mobile), ("ynse", "*", money(100, 99999))],
        "vehicles": [
            ("号牌种类", "", any_of("小型汽车 大型汽车 新能源")), ("号牌号码", PLATE, plate), ("所有人", NAME, name),
            ("车辆识别代号", "vehicle.vin", lambda r: people.vin()),
            ("发动机号", "", lambda r: f"G4FC{digits(6)(r)}"), ("品牌型号", "", any_of("大众牌 丰田牌 比亚迪")),
            ("注册日期", "", day(2010, 2023)), ("使用性质", "", any_of("非营运 营运"))],
        "vehicles pinyin": [
            ("hpzl", "", any_of("02 01 52")), ("hphm", PLATE, plate), ("syr", NAME, name), ("sfzmhm", ID, number),
            ("clsbdh", "vehicle.vin", lambda r: people.vin()),
            ("lxfs", MOBILE, mobile), ("zsxxdz", ADDRESS, where), ("wfsj", "", day(2022, 2024)),
            ("wfdd", "", any_of("解放路口 中山路口 延安路")), ("fkje", "", any_of("50 100 200"))],
        "housing": [
            ("合同编号", "", digits(12, "2024")), ("买受人", NAME, name), ("买受人证件号码", ID, number),
            ("出卖人", FIRM, firm), ("房屋坐落", ADDRESS, where),
            ("建筑面积", "", money(60, 200)), ("成交总价", "", money(100000, 900000)),
            ("不动产单元号", "property.real_estate_unit",
             lambda r: f"330106001{digits(3)(r)}GB{digits(5)(r)}F{digits(8)(r)}"),
            ("签订日期", "", day(2020, 2024))],
        "public rental": [
            ("申请人", NAME, name), ("共同申请人", NAME, some(0.7, name, blank)),
            ("证件类型", "", any_of("身份证 护照")), ("证件号", ID, masked_id),
            ("人均月收入", INCOME, money(500, 3000)),
            ("轮候号", "", digits(6)), ("分配房源", "*", where), ("街道", "", any_of("文新街道 翠苑街道 西溪街道"))],
        "votes": [
            ("选区", "", any_of("第一选区 第二选区")), ("选民姓名", NAME, name), ("性别", SEX, sexes),
            ("民族", "person.ethnic_group", peoples), ("年龄", "person.age", count(18, 90)),
            ("选民证号", "*", digits(6)), ("得票数", "", count(0, 400)), ("所在村组", "*", villages)],
        "exam": [
            ("准考证号", "*", digits(14, "3301")), ("考生姓名", NAME, name), ("证件号码", ID, number),
            ("报考岗位", "", jobs), ("笔试成绩", "", money(40, 90)), ("面试成绩", "", money(40, 90)),
            ("名次", "", serial), ("毕业院校", "person.education", schools)],
        "students": [
            ("学号", "person.id.student", digits(10, "2024")), ("学生姓名", NAME, name),
            ("学籍号", "person.id.student", lambda r: "G" + people.resident_id()),
            ("班级", "", any_of("三(1)班 三(2)班")), ("监护人姓名", NAME, name), ("监护人电话", MOBILE, mobile),
            ("与学生关系", "", any_of("父子 母女")), ("语文", "", count(50, 100)), ("数学", "", count(50, 100))],
        "students english": [
            ("StudentID", "*", digits(8, "20")), ("StudentName", NAME, english), ("DOB", BORN, day(2005, 2012)),
            ("Grade", "", any_of("A B C")),
            ("GuardianPhone", "person.phone.us",
             lambda r: f"({chance.randint(201, 989)}) {chance.randint(201, 989)}-{digits(4)(r)}"),
            ("GuardianEmail", MAIL, mail), ("Course", "", any_of("Math History Biology"))],
        "outpatients": [
            ("门诊号", HEALTH, digits(9, "20")), ("患者姓名", NAME, name), ("性别", SEX, sexes),
            ("年龄", "person.age", lambda r: f"{chance.randint(1, 90)}岁"),
            ("就诊科室", "", any_of("内科 外科 儿科 妇产科")), ("诊断", HEALTH, ills), ("接诊医生", NAME, name),
            ("药品", "*", drugs), ("数量", "", count(1, 5)), ("就诊时间", "*", day(2023, 2024)),
            ("费用", "", money(10, 900))],
        "hospital pinyin": [
            ("zyh", HEALTH, digits(8)), ("hzxm", NAME, name), ("nl", "person.age", count(1, 95)),
            ("ryzd", HEALTH, ills), ("ksmc", "", any_of("心内科 骨科 神经内科")), ("zgysxm", NAME, name),
            ("lxrdh", MOBILE, mobile), ("jzksrq", "", day(2023, 2024)), ("ypmc", "*", drugs)],
        "patients english": [
            ("mrn", HEALTH, digits(7)), ("patient_name", NAME, english), ("sex", SEX, any_of("M F")),
            ("date_of_birth", BORN, day(1940, 2010)), ("icd10", HEALTH, any_of("I10 E11.9 J45")),
            ("blood_type", HEALTH, any_of("A B O AB")), ("ward", "", any_of("W1 W2")),
            ("phone", "person.phone.us",
             lambda r: f"{chance.randint(201, 989)}-{chance.randint(201, 989)}-{digits(4)(r)}")],
        "vaccines": [
            ("受种者", NAME, name), ("受种者证件号", ID, number),
            ("疫苗名称", HEALTH, any_of("乙肝疫苗 卡介苗 百白破")), ("接种日期", "*", day(2019, 2024)),
            ("批号", "", digits(9, "20")), ("接种单位", "", any_of("文新社区卫生服务中心 西溪医院")),
            ("接种人", NAME, name)],
        "petitions": [
            ("信访编号", "", digits(12, "2024")), ("信访人", NAME, name), ("联系方式", MOBILE, mobile),
            ("信访内容", "person.complaint", any_of("反映邻居违建影响采光要求拆除 反映小区物业不作为请求处理")),
            ("办理单位", "", depts), ("办理状态", "", status), ("受理时间", "", day(2023, 2024))],
        "penalties": [
            ("行政处罚决定书文号", "", lambda r: f"杭市监罚〔2024〕{digits(3)(r)}号"),
            ("行政相对人名称", "*", some(0.5, name, firm)), ("法定代表人", NAME, name),
            ("违法行为类型", "person.criminal_record", any_of("无证经营 超范围经营")),
            ("罚款金额", "", money(100, 9999)), ("处罚机关", "", any_of("杭州市市场监督管理局 余杭区城管局")),
            ("处罚日期", "", day(2022, 2024))],
        "licences pinyin": [
            ("xk_xdr_mc", "*", firm), ("xk_xdr_shxym", USCC, code), ("xk_frdb", NAME, name),
            ("xk_fr_sfzh", ID, number), ("xk_wsh", "", lambda r: f"浙杭许〔2023〕{digits(4)(r)}号"),
            ("xk_jdrq", "", day(2022, 2024)), ("xk_xkjg", "", any_of("杭州市市场监督管理局 余杭区行政审批局")),
            ("xk_zt", "", any_of("1 2"))],
        "shops": [
            ("店铺名称", "", shops), ("经营者", NAME, name), ("经营场所", ADDRESS, where),
            ("联系电话", MOBILE, mobile), ("统一社会信用代码", USCC, code), ("主营商品", "", goods),
            ("评分", "", any_of("4.5 4.8 3.9"))],
        "drugs": [
            ("药品名称", "*", drugs), ("规格", "", any_of("0.25g*24 10ml")), ("生产厂家", "*", firm),
            ("批准文号", "", lambda r: f"国药准字H{digits(8)(r)}"), ("price", "", money(5, 99))],
        "poems": [
            ("title", "", poems), ("dynasty", "", any_of("唐 宋 元")), ("views", "", count(10, 9999)),
            ("id", "", serial)],
        "species": [
            ("name", "", species), ("level", "", any_of("一级 二级")),
            ("lat", "location.coordinates", lambda r: f"30.{digits(6)(r)}"),
            ("lng", "location.coordinates", lambda r: f"120.{digits(6)(r)}")],
        "roads": [
            ("mc", "", any_of("金庸路 中山路 延安路 江南大道 黄河路 华山路 白云路 安康路")),
            ("cd", "", money(1, 20)), ("qd", "", places), ("zd", "*", places)],
        "schools": [
            ("名称", "", schools), ("校长", NAME, name), ("办公电话", TEL, tel), ("地址", ADDRESS, where),
            ("学生数", "", count(100, 3000)), ("类型", "", any_of("公办 民办"))],
        "departments": [
            ("部门", "", depts), ("负责人", NAME, name), ("职务", "person.occupation", jobs), ("座机", TEL, tel),
            ("邮箱", MAIL, mail), ("编制数", "", count(3, 60))],
        "staff english": [
            ("employee_no", "*", digits(6)), ("first_name", NAME, lambda r: people.english_name().split()[0]),
            ("surname", NAME, lambda r: people.english_name().split()[-1]),
            ("job_title", "person.occupation", any_of("Engineer Accountant Manager")),
            ("salary", INCOME, count(30000, 90000)), ("dept", "", any_of("Sales Finance Legal")),
            ("hire_date", "", day(2010, 2023)), ("work_email", MAIL, mail)],
        "staff chinese": [
            ("工号", "*", digits(6)), ("员工姓名", NAME, name), ("岗位", "person.occupation", jobs),
            ("入职日期", "", day(2010, 2023)), ("应发工资", INCOME, money(3000, 20000)), ("工资卡号", CARD, card),
            ("身份证号码", ID, number), ("紧急联系人电话", MOBILE, mobile),
            ("政治面貌", "person.specific_identity", any_of("中共党员 群众 共青团员")),
            ("学历", "person.education", any_of("本科 硕士 大专"))],
        "members": [
            ("支部名称", "", any_of("机关第一支部 离退休支部")), ("党员姓名", NAME, name),
            ("入党时间", "*", day(1980, 2020)), ("党费（元）", "", money(1, 100)), ("手机", MOBILE, mobile)],
        "orders": [
            ("order_no", "", digits(18, "2024")), ("buyer_nick", "person.account", lambda r: f"tb{digits(7)(r)}"),
            ("receiver_name", NAME, name), ("receiver_mobile", MOBILE, mobile), ("receiver_address", ADDRESS, where),
            ("sku_name", "", goods), ("amount", "", money(10, 999)), ("created_at", "", day(2024, 2024)),
            ("tracking_no", "", digits(15, "78"))],
        "logs": [
            ("ts", "", digits(13, "17")), ("level", "", any_of("INFO WARN")),
            ("client_ip", "device.ip", lambda r: people.ipv4()), ("uid", "*", digits(8)),
            ("action", "", any_of("login logout query")), ("elapsed_ms", "", count(1, 900)),
            ("trace_id", "", lambda r: f"{chance.getrandbits(128):032x}")],
        "devices": [
            ("设备名称", "", any_of("金立手机 华为平板 联想电脑")), ("IMEI", "device.imei", lambda r: people.imei()),
            ("MAC地址", "device.mac", lambda r: people.mac()), ("使用人", NAME, name),
            ("启用日期", "", day(2020, 2024))],
        "bids": [
            ("项目名称", "", any_of("智慧城市平台 高标准农田 安置房工程")), ("中标单位", FIRM, firm),
            ("项目负责人", NAME, name), ("中标价（万元）", "", money(10, 999)), ("评标专家", NAME, name),
            ("公告时间", "", day(2023, 2024))],
        "land": [
            ("dkbm", "", digits(19, "330106")), ("cbfmc", NAME, name), ("cbfzjhm", ID, number),
            ("cbfdz", ADDRESS, where), ("htmj", "", money(1, 9)), ("fbfmc", "*", villages),
            ("lxdh", MOBILE, mobile)],
        "spaces": [
            (" 姓 名 ", NAME, name), ("联 系 电 话", MOBILE, mobile), ("身 份 证 号", ID, number),
            ("uni_ social_crd_ cd", USCC, code), ("住 址", ADDRESS, where), ("性  别", SEX, sexes)],
        "comments": [
            ("xm -- 姓名", NAME, name), ("tel /* 联系电话 */", MOBILE, mobile), ("sfz（身份证）", ID, number),
            ("bz 备注", "", blank), ("zt(状态)", "", status)],
        "duplicates": [
            ("qlr", NAME, name), ("qlr.1", NAME, name), ("qlrzjh", ID, number), ("qlrzjh.1", ID, number),
            ("zl", ADDRESS, where), ("mj", "", money(30, 200)), ("yt", "", any_of("住宅 商业"))],
        "upper english": [
            ("CUST_NM", NAME, name), ("IDENTI_NO", ID, number), ("TEL_NUM", MOBILE, mobile),
            ("ADDR", ADDRESS, where), ("ORG_CD", "", digits(9, "33")), ("ACCT_BAL", INCOME, money(1, 99999)),
            ("OPEN_DT", "", day(2010, 2023))],
        "camel": [
            ("custName", NAME, name), ("certNo", ID, number), ("mobilePhone", MOBILE, mobile),
            ("homeAddr", ADDRESS, where), ("birthDay", BORN, day(1950, 2005)), ("genderCode", SEX, any_of("1 2")),
            ("orgName", FIRM, firm), ("bizType", "", any_of("01 02")), ("versionName", "", any_of("v1.0.2 v2.3.1"))],
        "traps": [
            ("zjlx", "", any_of("身份证 护照")), ("zjhm", ID, number), ("zj", "", digits(19, "1")),
            ("zjid", "", digits(18, "13")), ("nm", "", places), ("ordername", "", goods), ("productName", "", goods),
            ("deptname", "", depts), ("username", "person.account", lambda r: f"user{digits(4)(r)}"),
            ("className", "", any_of("一班 二班")), ("fileName", "", any_of("a.txt b.pdf"))],
        "codes": [
            ("行政区划代码", "", digits(12, "330106")), ("区划名称", "", places), ("上级代码", "", digits(6, "33")),
            ("邮政编码", "person.postcode", digits(6, "31")), ("区号", "", any_of("0571 0574")),
            ("乡镇名称", "", any_of("金山镇 白沙镇 石桥乡 马集镇"))],
        "masked list": [
            ("姓名", NAME, masked_name), ("证件号码", ID, masked_id), ("联系电话", MOBILE, masked_mobile),
            ("补贴金额", INCOME, money(100, 900)), ("乡镇", "", any_of("金山镇 白沙镇 石桥乡"))],
        "masked without header": [
            ("", NAME, masked_name), ("", ID, masked_id), ("", MOBILE, masked_mobile), ("", "", money(100, 900))],
        "without header": [
            ("", "", serial), ("", NAME, name), ("", SEX, sexes), ("", ID, number), ("", MOBILE, mobile),
            ("", ADDRESS, where), ("", "", day(2020, 2024)), ("", "", depts)],
        "without header products": [
            ("", "", serial), ("", "", goods), ("", "", money(1, 99)), ("", "", digits(13, "69")), ("", "", places)],
        "spoiled": [
            ("姓名", NAME, some(0.9, name, any_of("无 不详 测试"))),
            ("身份证", ID, lambda r: people.resident_id(valid=False)), ("电话", MOBILE, some(0.8, mobile, tel)),
            ("信用代码", USCC, lambda r: people.uscc(valid=False)),
            ("卡号", CARD, lambda r: people.bank_card(valid=False))],
        "religion": [
            ("场所名称", "", any_of("灵隐寺 天主堂 清真寺")), ("教职人员", NAME, name),
            ("宗教信仰", "person.religion", any_of("佛教 道教 伊斯兰教")), ("民族", "person.ethnic_group", peoples),
            ("籍贯", "person.native_place", any_of("浙江杭州 江苏南京 山东济南")),
            ("婚姻状况", "person.marital_status", any_of("未婚 已婚"))],
        "correction": [
            ("矫正对象", NAME, name), ("罪名", "person.criminal_record", any_of("盗窃罪 诈骗罪 危险驾驶罪")),
            ("刑期", "person.criminal_record", any_of("一年 六个月")),
            ("司法所", "", any_of("文新司法所 西溪司法所")), ("监护人联系电话", MOBILE, mobile)],
        "hotel": [
            ("旅客姓名", NAME, name), ("证件号码", ID, number), ("入住时间", "person.whereabouts", day(2024, 2024)),
            ("房号", "", digits(4)), ("酒店名称", "*", any_of("金陵饭店 如家酒店 华山宾馆")),
            ("国籍", "person.nationality", any_of("中国 美国 日本"))],
        "donations": [
            ("捐赠人", "*", some(0.7, name, firm)), ("捐赠金额", "", money(100, 9999)),
            ("捐赠日期", "", day(2023, 2024)), ("受益人", NAME, name), ("证书编号", "*", digits(10, "2024"))],
        "children": [
            ("儿童姓名", "*", name), ("出生日期", BORN, day(2015, 2023)), ("母亲姓名", NAME, name),
            ("母亲身份证号", ID, number), ("出生医学证明编号", "person.id.other", lambda r: f"S33{digits(7)(r)}"),
            ("出生体重(g)", "*", count(2500, 4200))],
        "foreigners": [
            ("英文姓名", NAME, english), ("护照号码", "person.passport", lambda r: people.passport()),
            ("国籍", "person.nationality", any_of("USA GBR JPN")), ("工作单位", "person.employer", firm),
            ("有效期至", "", day(2025, 2030))],
        "minorities": [
            ("姓名", NAME, lambda r: people.minority_name()), ("身份证号", ID, number), ("牧场", "*", villages),
            ("牲畜数", "", count(10, 300))],
    }
