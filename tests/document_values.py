"""Random values for the marks of `marked_documents`: names, numbers and keys in the forms that people write."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

from guard.demo import numbers


def _words(text: str) -> list[str]:
    return text.split()


_SURNAMES = list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏"
                 "薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷")
_COMPOUND = ["欧阳", "上官", "司马", "诸葛", "东方", "尉迟", "公孙", "慕容", "夏侯"]
_GIVEN = _words("建军 志刚 丽娟 国华 秀兰 婷婷 浩然 欣怡 子涵 雨桐 宇轩 俊杰 雪梅 海燕 永强 立新 春花 桂英 玉珍 小红 "
                "伟 芳 敏 静 磊 洋 勇 艳 杰 娟 涛 超 霞 平 刚 鹏 飞 波 斌 莉 思远 明哲 "
                "若曦 梓萱 文博 天佑 诗涵 佳琪 晓彤 家豪")
_ETHNIC = ["买买提·吐尔逊", "古丽娜尔·艾山", "扎西平措", "次仁卓玛", "乌日娜", "阿不都热合曼·买买提"]
_FIRST = _words("James Mary Robert Linda David Susan Carlos Priya Ahmed Emily Kevin Laura Daniel Fatima Peter Hannah")
_LAST = _words("Smith Johnson Brown Garcia Miller Nguyen Patel Khan O'Brien Anderson Martinez Thompson "
               "Lee Walker Rossi")
_AREAS = _words("110101 310115 330106 420111 440305 510104 370202 320505 610113 210102 500103 350203")
_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


class Values:
    """One value for each call of `of`, seeded."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._makers: dict[str, Callable[[], str]] = {
            "name": self._name, "en": self._english, "id": self._id, "mobile": self._mobile, "tel": self._tel,
            "card": self._card, "uscc": self._uscc, "mail": self._mail, "ip": self._ip, "mac": self._mac,
            "imei": lambda: numbers.luhn_number("86" + self._digits(12)), "vin": self._vin, "plate": self._plate,
            "us": self._us, "ssn": self._ssn, "born": self._born, "pass": lambda: "E" + self._digits(8),
            "akid": lambda: "AKIA" + self._pick(string.ascii_uppercase + "234567", 16),
            "sk": lambda: self._mixed(40), "ali": lambda: "LTAI5t" + self._mixed(18), "alisk": lambda: self._mixed(30),
            "tid": lambda: "AKID" + self._mixed(32), "tkey": lambda: self._mixed(32),
            "google": lambda: "AIza" + self._mixed(35), "gh": lambda: numbers.github_token(self._mixed(30)),
            "gl": lambda: "glpat-" + self._mixed(20), "stripe": lambda: "sk_live_" + self._mixed(24),
            "slack": lambda: f"xoxb-{self._digits(12)}-{self._digits(12)}-{self._mixed(24)}", "jwt": self._jwt,
            "wxs": lambda: self._pick(_HEX, 32), "amap": lambda: self._pick(_HEX, 32),
            "bak": lambda: self._pick(_HEX, 32), "bsk": lambda: self._pick(_HEX, 32), "pw": self._password,
            "hak": lambda: self._pick(string.ascii_uppercase + string.digits, 20), "hsk": lambda: self._mixed(40),
            "ding": lambda: self._pick(_HEX, 64),
        }

    def of(self, kind: str) -> str:
        """A value of the kind that a mark names."""
        return self._makers[kind]()

    def _pick(self, alphabet: str, size: int) -> str:
        return "".join(self.random.choices(alphabet, k=size))

    def _digits(self, size: int) -> str:
        return self._pick("0123456789", size)

    def _mixed(self, size: int) -> str:
        """Letters and digits with at least one of each kind, as random keys of this size have."""
        return "".join(self.random.sample(self._pick(_ALNUM, size - 3) + "k7Q", size))

    def _name(self) -> str:
        if self.random.random() < 0.05:
            return self.random.choice(_ETHNIC)
        surname = self.random.choice(_COMPOUND if self.random.random() < 0.04 else _SURNAMES)
        return surname + self.random.choice(_GIVEN)

    def _english(self) -> str:
        return f"{self.random.choice(_FIRST)} {self.random.choice(_LAST)}"

    def _date(self) -> tuple[int, int, int]:
        return self.random.randint(1940, 2012), self.random.randint(1, 12), self.random.randint(1, 28)

    def _id(self) -> str:
        year, month, day = self._date()
        return numbers.resident_number(f"{self.random.choice(_AREAS)}{year}{month:02}{day:02}{self._digits(3)}")

    def _mobile(self) -> str:
        number = self.random.choice(("136", "139", "150", "158", "186", "177", "199"))
        number += self._digits(7) + str(self.random.randint(1, 9))
        spaced = f"{number[:3]}{{0}}{number[3:7]}{{0}}{number[7:]}"
        forms = (number, number, number, spaced.format(" "), spaced.format("-"), f"+86 {number}", f"86-{number}")
        return self.random.choice(forms)

    def _tel(self) -> str:
        area = self.random.choice(("010", "021", "0571", "0755", "028", "0311"))
        number = str(self.random.randint(2, 8)) + self._digits(7)
        return self.random.choice((f"{area}-{number}", f"({area}){number}", f"{area} {number[:4]} {number[4:]}",
                                   f"{area}-{number}-{self._digits(3)}", f"{area}-{number}转{self._digits(3)}"))

    def _card(self) -> str:
        number = numbers.luhn_number("62" + self._digits(16))
        return self.random.choice((number, " ".join(number[i : i + 4] for i in range(0, 19, 4))))

    def _uscc(self) -> str:
        organisation = numbers.organisation_code("MA" + self._digits(6))
        return numbers.credit_code(f"91{self.random.choice(_AREAS)}{organisation}")

    def _mail(self) -> str:
        host = self.random.choice(("163.com", "qq.com", "example.org", "hz.gov.cn", "mail.example.co.uk"))
        return f"{self.random.choice(_FIRST).lower()}{self._digits(3)}@{host}"

    def _ip(self) -> str:
        rest = (str(self.random.randint(1, 250)) for _ in range(3))
        return ".".join((self.random.choice(("10", "61", "117", "183", "203")), *rest))

    def _mac(self) -> str:
        return ":".join(["3c", *(self._pick(_HEX, 2) for _ in range(5))])

    def _vin(self) -> str:
        return numbers.vehicle_number("LSV" + self._pick("ABCDEFGH12345678", 8) + self._digits(6))

    def _plate(self) -> str:
        return f"{self.random.choice('京沪粤浙苏川')}{self._pick('ABCDEF', 1)}{self._digits(4)}{self._pick('GHJK', 1)}"

    def _us(self) -> str:
        area = self.random.randint(2, 9) * 100 + self.random.randint(12, 89)
        return f"({area}) {self.random.randint(201, 989)}-{self._digits(4)}"

    def _ssn(self) -> str:
        return f"{self.random.randint(101, 665)}-{self.random.randint(10, 99)}-{self.random.randint(1000, 9999)}"

    def _born(self) -> str:
        year, month, day = self._date()
        return self.random.choice((f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}",
                                   f"{year}.{month:02}.{day:02}"))

    def _jwt(self) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": self._digits(8), "iat": 1700000000})
        coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return ".".join((*coded, self._mixed(43)))

    def _password(self) -> str:
        return self._pick(string.ascii_uppercase, 1) + self._pick(string.ascii_lowercase, 4) + self._digits(3) + \
            self.random.choice(("!", "@9", "#kT", "Zq2"))
