"""Large texts of sentences, Chinese and English, with the figures, dates and references that office prose is full of.

One sentence in forty names a way to reach somebody. The sentences are drawn from patterns: phrases repeat more than in
real prose, figures do not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from guard.demo import crowd, words
from guard.demo.bulk import write_rows
from guard.demo.draw import Draw, Text, choose, join, spread

_PERSONAL_SHARE = 1 / 40
_SENTENCES_OF_PARAGRAPH = 5


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BODIES = _split("""
市人民政府 区民政局 街道办事处 社区居委会 市发展和改革委员会 区教育局 市公安局 县农业农村局 市生态环境局
卫生健康委员会 住房保障中心 数据管理局 行政审批局 交通运输局 水务局 财政局 审计局 文化旅游局 应急管理局
市场监督管理局 统计局 自然资源和规划局 人力资源社会保障局 退役军人事务局
""")
_ACTIONS = _split("""
印发 落实 推进 完善 开展 组织 启动 完成 修订 部署 研究 核查 公示 受理 督办 协调 规范 调整 优化 验收 总结 通报
汇总 报送
""")
_MATTERS = _split("""
老旧小区改造工作 公共数据开放目录 医疗救助资金发放 防汛应急预案 义务教育招生方案 政务服务事项清单
农村公路养护计划 垃圾分类实施细则 电动自行车充电设施建设 住房公积金缴存政策 残疾人两项补贴标准
食品安全专项检查 城乡居民基本养老保险 历史建筑保护名录 耕地保护责任目标 地下管网普查 一网通办平台升级
营商环境评价指标 社区养老服务设施 高层建筑消防整治 信访积案化解 饮用水水源地保护 创业担保贷款贴息
春耕备耕物资供应 公共卫生体系建设
""")
_RESULTS = _split("""
取得阶段性成效 基本符合要求 仍存在薄弱环节 群众满意度稳步提升 进度总体可控 需要进一步细化责任
已列入年度重点任务 有关情况正在核实 具备竣工验收条件
""")
_EN_BODIES = _split("""
council committee department agency ministry board office bureau commission municipality hospital university
utility regulator contractor auditor registry archive foundation laboratory
""")
_EN_VERBS = _split("""
approved reviewed published postponed extended rejected amended funded opened closed measured reported
announced completed delayed signed audited revised withdrew launched
""")
_EN_THINGS = _split("""
budget programme bridge survey contract register guideline proposal timetable tender network reservoir clinic
tramway dataset regulation licence pilot plan audit scheme platform tariff forecast inventory warehouse
""")
_EN_QUALITIES = _split("""
regional annual revised temporary digital rural joint final open preliminary seasonal municipal independent
national
""")
_EN_ENDS = tuple("""
after a long debate|without further comment|ahead of the deadline|for the third year running|despite rising costs
at the request of residents|in line with earlier advice|pending a formal decision|as the minutes record
""".strip().replace("\n", "|").split("|"))


def write_chinese_prose(path: Path, megabytes: float, seed: int = 2026) -> int:
    """Paragraphs of official Chinese of at least `megabytes` * 10^6 bytes; returns the size in bytes."""
    return write_rows(path, megabytes, seed, lambda draw, _: _paragraphs(draw, _chinese, ""))


def write_english_prose(path: Path, megabytes: float, seed: int = 2026) -> int:
    """Paragraphs of English of at least `megabytes` * 10^6 bytes; returns the size in bytes."""
    return write_rows(path, megabytes, seed, lambda draw, _: _paragraphs(draw, _english, " "))


def _paragraphs(draw: Draw, sentences: Callable[[Draw], Text], space: str) -> Text:
    drawn = sentences(draw)
    ends = np.arange(draw.rows) % _SENTENCES_OF_PARAGRAPH == _SENTENCES_OF_PARAGRAPH - 1
    return join(drawn, choose(ends, "\n", space))


def _chinese(draw: Draw) -> Text:
    personal = max(1, int(_PERSONAL_SHARE * draw.rows))
    counts = [(draw.rows - personal) // 6] * 5
    one = [draw.of(count) for count in (*counts, draw.rows - personal - sum(counts))]
    people, few = crowd.crowd(draw.of(personal)), draw.of(personal)
    year = [part.number(2018, 2026) for part in one]
    kinds = [
        join(_subject(one[0]), year[0], "年", one[0].number(1, 12), "月", one[0].number(1, 28), "日", _deed(one[0]),
             "，", one[0].pick(_RESULTS), "。"),
        join("根据", _subject(one[1]), "〔", year[1], "〕", one[1].number(1, 400), "号文件要求，", _subject(one[1]),
             _deed(one[1]), "，投入资金", one[1].number(10, 9000), ".", one[1].digits(2), "万元。"),
        join("截至", one[2].number(1, 12), "月底，全市共", _deed(one[2]), one[2].number(2, 9000), "项，同比增长",
             one[2].number(0, 40), ".", one[2].digits(1), "%，", one[2].pick(_RESULTS), "。"),
        join(_subject(one[3]), "负责人表示，", one[3].common(_MATTERS), one[3].pick(_RESULTS), "，下一步将继续",
             _deed(one[3]), "。"),
        join("会议听取了", _subject(one[4]), "关于", one[4].common(_MATTERS), "的汇报，要求在", one[4].number(3, 90),
             "个工作日内", _deed(one[4]), "。"),
        join("项目编号为", one[5].letters("ABCDEFGHJK", 2), "-", year[5], "-", one[5].digits(4), "，建筑面积",
             one[5].number(200, 90000), "平方米，由", _subject(one[5]), _deed(one[5]), "。"),
        join("如有意见，请在", few.number(3, 15), "日内与", people.name, "联系，电话", people.mobile, "，邮箱",
             people.email, "，地址：", people.address, "。"),
    ]
    return spread(kinds, draw.random)


def _subject(draw: Draw) -> Text:
    return draw.common(_BODIES)


def _deed(draw: Draw) -> Text:
    return join(draw.common(_ACTIONS), draw.common(_MATTERS))


def _english(draw: Draw) -> Text:
    personal = max(1, int(_PERSONAL_SHARE * draw.rows))
    counts = [(draw.rows - personal) // 5] * 4
    one = [draw.of(count) for count in (*counts, draw.rows - personal - sum(counts))]
    few = draw.of(personal)
    kinds = [
        join("The ", _office(one[0]), " ", one[0].common(_EN_VERBS), " the ", _thing(one[0]), " on ",
             one[0].number(1, 28), " March ", one[0].number(2018, 2026), " ", one[0].pick(_EN_ENDS), "."),
        join("In ", one[1].number(2015, 2026), " the ", _thing(one[1]), " cost ", one[1].number(1, 900), ",",
             one[1].digits(3), " euros, ", one[1].number(1, 60), " per cent more than the ", _office(one[1]),
             " had planned."),
        join("Section ", one[2].number(1, 40), ".", one[2].number(1, 12), " says that the ", _thing(one[2]), " is ",
             one[2].common(_EN_VERBS), " by the ", _office(one[2]), " ", one[2].pick(_EN_ENDS), "."),
        join("Of ", one[3].number(100, 9999), " answers, ", one[3].number(10, 99), " mentioned the ", _thing(one[3]),
             " and ", one[3].number(2, 99), " the ", _thing(one[3]), "; see table ", one[3].number(1, 40), "."),
        join("Reference ", one[4].letters("ABCDEFGHJK", 3), "/", one[4].digits(5), "/", one[4].digits(2), ": the ",
             _office(one[4]), " ", one[4].common(_EN_VERBS), " the ", _thing(one[4]), " at ", one[4].number(0, 23), ":",
             one[4].number(0, 59, 2), "."),
        join("Please write to ", crowd.email(few), " or call +1 212-555-01", few.digits(2), " about the ", _thing(few),
             "."),
    ]
    return spread(kinds, draw.random)


def _office(draw: Draw) -> Text:
    return join(draw.pick(_EN_QUALITIES), " ", draw.common(_EN_BODIES))


def _thing(draw: Draw) -> Text:
    kind = draw.maybe(0.5, join(draw.common(words.NOUNS), " "))
    return join(draw.pick(_EN_QUALITIES), " ", kind, draw.common(_EN_THINGS))
