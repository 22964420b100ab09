"""Words that synthetic records are made of: divisions, names, streets, employers. None of them names a person."""

from __future__ import annotations

from typing import NamedTuple


class Division(NamedTuple):
    """A county of GB/T 2260 with what hangs on the place: dialling code, plate prefix, postal code."""

    code: str
    province: str
    city: str
    county: str
    dialling: str
    plate: str
    postcode: str

    @property
    def text(self) -> str:
        """Province, city and county as an address begins; a municipality is named once."""
        return f"{self.province}{'' if self.city == self.province else self.city}{self.county}"


DIVISIONS = tuple(Division(*line.split()) for line in """
110101 北京市 北京市 东城区 010 京A 100010
110105 北京市 北京市 朝阳区 010 京N 100020
110108 北京市 北京市 海淀区 010 京P 100080
120101 天津市 天津市 和平区 022 津A 300041
130102 河北省 石家庄市 长安区 0311 冀A 050011
140106 山西省 太原市 迎泽区 0351 晋A 030001
150105 内蒙古自治区 呼和浩特市 赛罕区 0471 蒙A 010020
210102 辽宁省 沈阳市 和平区 024 辽A 110001
220104 吉林省 长春市 朝阳区 0431 吉A 130012
230103 黑龙江省 哈尔滨市 南岗区 0451 黑A 150001
310104 上海市 上海市 徐汇区 021 沪A 200030
310115 上海市 上海市 浦东新区 021 沪D 200120
320106 江苏省 南京市 鼓楼区 025 苏A 210009
320583 江苏省 苏州市 昆山市 0512 苏E 215300
330106 浙江省 杭州市 西湖区 0571 浙A 310013
330114 浙江省 杭州市 钱塘区 0571 浙A 310018
330203 浙江省 宁波市 海曙区 0574 浙B 315000
330382 浙江省 温州市 乐清市 0577 浙C 325600
340104 安徽省 合肥市 蜀山区 0551 皖A 230031
350203 福建省 厦门市 思明区 0592 闽D 361001
360102 江西省 南昌市 东湖区 0791 赣A 330006
370102 山东省 济南市 历下区 0531 鲁A 250014
370211 山东省 青岛市 黄岛区 0532 鲁B 266500
410105 河南省 郑州市 金水区 0371 豫A 450003
420106 湖北省 武汉市 武昌区 027 鄂A 430061
430104 湖南省 长沙市 岳麓区 0731 湘A 410013
440106 广东省 广州市 天河区 020 粤A 510630
440305 广东省 深圳市 南山区 0755 粤B 518052
450103 广西壮族自治区 南宁市 青秀区 0771 桂A 530022
460106 海南省 海口市 龙华区 0898 琼A 570105
500103 重庆市 重庆市 渝中区 023 渝A 400010
510104 四川省 成都市 锦江区 028 川A 610011
510107 四川省 成都市 武侯区 028 川A 610041
520103 贵州省 贵阳市 云岩区 0851 贵A 550001
530102 云南省 昆明市 五华区 0871 云A 650032
540102 西藏自治区 拉萨市 城关区 0891 藏A 850000
610113 陕西省 西安市 雁塔区 029 陕A 710061
620102 甘肃省 兰州市 城关区 0931 甘A 730030
630102 青海省 西宁市 城东区 0971 青A 810007
640104 宁夏回族自治区 银川市 兴庆区 0951 宁A 750001
650102 新疆维吾尔自治区 乌鲁木齐市 天山区 0991 新A 830002
""".strip().splitlines())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文",
)
COMPOUND_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "司徒", "东方", "皇甫", "尉迟", "令狐", "慕容")
GIVEN_MALE = tuple("伟强磊军洋勇杰涛超明刚平辉鹏飞波斌浩凯健俊帆宇晨轩泽睿博文昊然志国建永成东海山林毅恒峰")
GIVEN_FEMALE = tuple("芳娜敏静丽艳娟霞秀燕玲桂婷雪慧莹洁梅琳萍红欣怡佳琪梦瑶雨涵诗悦思彤晓蕾颖岚月倩妍")
MINORITY_NAMES = (
    ("维吾尔族", "男", "艾力·买买提"), ("维吾尔族", "女", "阿依古丽·吐尔逊"), ("维吾尔族", "男", "努尔·艾合买提江"),
    ("藏族", "男", "扎西·次仁"), ("藏族", "女", "卓玛·央金"), ("蒙古族", "男", "巴特尔·格日勒"),
    ("哈萨克族", "女", "古丽娜·叶尔肯"), ("彝族", "男", "阿木·拉且"),
)
ENGLISH_GIVEN = _words("James Mary Robert Linda Daniel Susan Peter Karen Oliver Emma Henry Alice")
ENGLISH_SURNAMES = _words("Smith Johnson Brown Taylor Wilson Clark Walker Hughes Foster Bennett")
ETHNIC_GROUPS = ("汉族",) * 10 + ("回族", "满族", "壮族", "苗族", "土家族")

ROADS = _words("""
文三路 中山北路 解放大道 人民东路 建设二路 和平街 长江西路 新华大街 学院路 滨河南路 民生巷 幸福路
迎宾大道 青年路 朝阳北街
""")
COMMUNITIES = _words("翠苑小区 阳光花园 锦绣家园 金桂苑 绿城新村 东湖名邸 康乐里 丽景嘉园 向阳新村 和谐家园")
ORGANISATION_STEMS = _words("华信 恒通 中兴达 明德 瑞丰 东方智联 绿源 宏远 天和 博雅 金桥 云帆")
ORGANISATION_TRADES = _words("科技 贸易 建筑工程 餐饮管理 物流 信息技术 农业发展 医疗器械 文化传媒 环保设备")
ORGANISATION_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
DISEASES = _words("高血压 2型糖尿病 慢性乙型肝炎 支气管哮喘 肺结核 抑郁症 冠心病 类风湿关节炎")
COMPLAINTS = _words("""
楼上住户夜间施工噪音扰民 小区路灯损坏多日无人维修 自来水浑浊有异味 门口占道经营影响通行
供暖温度不达标 电梯频繁故障 垃圾清运不及时 道路积水严重
""")
MAIL_NAMES = _words("zhang li wang chen liu yang zhao sun lin he gao luo wei fang xu tang")
MAIL_DOMAINS = _words("example.com example.org mail.example.cn example.com.cn 163.com qq.com 126.com sina.com")
"""Reserved names first (RFC 2606); the providers that Chinese registers really hold follow."""

BANK_PREFIXES = (("622848", 19), ("622202", 19), ("621700", 19), ("621661", 19), ("623058", 19), ("622588", 16),
                 ("622155", 16))
MOBILE_PREFIXES = _words("""
130 131 133 135 136 137 138 139 150 151 152 155 157 158 159 166 176 177 180 181 182 185 186 187 188
189 191 198 199
""")
