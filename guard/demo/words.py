"""Words in quantity, commonest first, for large files: what `vocabulary` has in small. None of them names a
person."""

from __future__ import annotations

from guard.demo.vocabulary import SURNAMES as _COMMON_SURNAMES


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _each(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys("".join(text.split())))


SURNAMES = (*_COMMON_SURNAMES, *_each("""
庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳
邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童
欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边净阴闫
"""))
GIVEN_MALE = _each("""
伟强军杰涛超明刚平辉鹏飞波斌浩凯健俊帆宇晨轩泽睿博文昊然志国建永成东海山林毅恒峰磊洋勇亮龙华鑫彬旭宏祥胜福生贵荣兴发庆
宝春光正清学义德仁友民新中天安康乐逸航霖彦哲翰瑞嘉景鸿坤乾震振威豪雄克先少世长宗绍承继家启子一之立松柏栋梁钧钢铁铭锋
""")
GIVEN_FEMALE = _each("""
芳娜敏静丽艳娟霞秀燕玲桂婷雪慧莹洁梅琳萍红欣怡佳琪梦瑶雨涵诗悦思彤晓蕾颖岚月倩妍英华兰凤珍贞莉素云莲真环爱妹香彩春菊勤
珠翠雅芝玉卿君琴毓昭冰爽琬茗羽希宁婧娅媛嫣嫦妮姗姝姣娇婉婵媚芬芸苑荔菁菲萱蓉蓓薇紫可昕晴曼梓楠馨若语
""")
FIRST_PARTS = _split("""
艾力 阿依古丽 努尔 扎西 卓玛 巴特尔 古丽娜 阿木 买买提 热依汗 帕提古丽 木合塔尔 阿迪力 次旦 格桑 乌兰 其木格
达瓦 白玛 玛依拉
""")
SECOND_PARTS = _split("""
买买提 吐尔逊 艾合买提江 次仁 央金 格日勒 叶尔肯 拉且 阿不都热西提 肉孜 玉素甫 司马义 平措 曲珍 图雅 朝鲁 罗布
依明 卡德尔 托合提
""")
PINYIN = _split("""
wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo liang song tang han feng yu
dong xiao
cheng cao yuan deng shen zeng peng lu su jiang cai jia ding wei xue ye yan pan du dai xia zhong tian ren fan fang shi
yao tan liao zou xiong jin hao kong bai cui kang mao qiu qin gu hou shao meng long wan duan lei qian tao mei ping hong
jun jie hui min qiang bo kai xin yi ling na jing ting rui zhe han qi tong yue xuan ning kun peng shuai chao bin
""")
ROAD_STEMS = _split("""
人民 建设 解放 中山 新华 和平 文化 胜利 迎宾 学院 滨河 幸福 青年 朝阳 长江 黄河 文三 民生 团结 光明 东风 工农
振兴 友谊 兴华 站前
体育场 府前 环城 科技 创业 银杏 桃源 翠竹 凤凰 龙泉 金山 玉泉 莲花 梧桐 紫荆 白云 清江 锦绣 永安 太平 福兴 吉祥
丰收 向阳 红旗 前进
跃进 五一 八一 北京 上海 南京 天津 珠江 淮河 泰山 华山 昆仑 天山 长白 太湖 西湖 东湖 洞庭 鄱阳 湘江 汉江 嘉陵
岷江 松花江 图们
""")
ROAD_MIDDLES = ("", "", "", "", "东", "西", "南", "北", "中", "一", "二", "三")
ROAD_ENDS = ("路", "路", "路", "街", "街", "大道", "大街", "巷", "弄", "胡同")
ESTATE_STEMS = _split("""
阳光 翠苑 锦绣 金桂 绿城 东湖 康乐 丽景 向阳 和谐 万科 碧桂 恒大 保利 中海 龙湖 世纪 滨江 香榭 蓝湾 星河 御景
天誉 金地 华府 半岛
水岸 名门 盛世 尚东 百合 玫瑰 桂花 春江 山水 雅居 汇景 嘉和 福临 瑞景 新都 时代 国际 中央 凯旋 罗马 枫林 杏林
梅园 竹园 松园 荷塘
""")
ESTATE_ENDS = ("小区", "花园", "家园", "苑", "新村", "名邸", "里", "嘉园", "公寓", "广场", "城", "庭院")
TRADE_NAME_CHARACTERS = _each("""
华信恒通达明德瑞丰东方智联绿源宏远天和博雅金桥云帆盛泰安康隆昌鼎新创科嘉诚亿佳美利众合汇聚海纳川腾飞旭日升辉煌兴旺顺
发福禄寿喜平祥庆丽景星月光彩虹龙凤麟鹏程万里长城江河山峰林森木火土石玉宝珍珠翠兰梅竹菊松柏
""")
TRADES = _split("""
科技 贸易 商贸 建筑工程 餐饮管理 物流 信息技术 农业发展 医疗器械 文化传媒 环保设备 装饰工程 劳务派遣 物业管理
网络科技 电子商务
机械制造 汽车服务 教育咨询 房地产开发 食品 服饰 包装材料 生物科技 投资管理 广告 园林绿化 电气设备 仓储服务
人力资源服务
""")

SERVICES = _split("""
gateway user-center order-service pay-core file-store auth-server sms-sender search-api audit-log cert-center
dict-service report-engine job-scheduler data-exchange gov-portal openapi workflow notice-hub map-proxy id-verify
""")
PATH_WORDS = _split("""
users orders items files profile login logout search export import audit records applications approvals certificates
notices payments refunds regions departments roles permissions sessions tasks reports statistics attachments templates
messages feedback appointments schedules vehicles households benefits projects contracts suppliers invoices
""")
CLASS_WORDS = _split("""
User Order Payment File Session Token Report Task Notice Region Department Certificate Application Approval
Audit Batch
Cache Config Connection Data Event Export Filter Handler Import Index Job Lock Message Metric Parser Policy Pool Queue
Record Request Response Retry Role Rule Schedule Schema Search Service Stream Table Template Timer Validator Worker
""")
VERBS = _split("""
get set load save find list create update delete build parse render send receive open close check count merge split
filter resolve register release acquire convert encode decode validate refresh schedule dispatch collect export fetch
""")
NOUNS = _split("""
user order payment file session token report task notice region department certificate application approval
audit batch
cache config connection data event filter handler index job lock message metric parser policy pool queue record
request
response retry role rule schedule schema search service stream table template timer worker name path size limit offset
count total status state type kind value key field column row page line text title label code result error reason
deadline timeout interval version digest header body source target owner group member parent child node edge
""")
