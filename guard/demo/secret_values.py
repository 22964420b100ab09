"""Synthetic secrets of many kinds, in the words in which they are really found. None of them opens anything.

`KINDS` maps the name of a kind to a function from a source of chance to one line of text that holds a new secret.
They are kinds of Chinese and of international providers, passwords in assignments, commands, addresses and prose:
chosen from what leaks, not from what one scanner knows.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable

from guard.demo.numbers import BASE62, github_token

Kind = Callable[[random.Random], str]
_UPPER = string.ascii_uppercase + string.digits
_BASE32 = string.ascii_uppercase + "234567"
_HEX = "0123456789abcdef"
_URL_SAFE = BASE62 + "_-"
_BASE64 = BASE62 + "+/"
_HOSTS = ("db", "redis", "mq", "es", "pay", "auth", "ftp", "nacos")
_USERS = ("app", "root", "admin", "report", "etl", "svc_order", "gov_read")


def password(chance: random.Random) -> str:
    """What people choose or are given: a word with digits and a mark, or a random string."""
    word = "".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 7)))
    if chance.random() < 0.5:
        return f"{word.capitalize()}{chance.choice('@#!$%_')}{chance.randint(10, 99999)}"
    return _token(chance, BASE62, chance.randint(10, 20))


def _token(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choices(alphabet, k=length))


def _host(chance: random.Random) -> str:
    return f"{chance.choice(_HOSTS)}{chance.randint(1, 20)}.example.cn"


def _user(chance: random.Random) -> str:
    return chance.choice(_USERS)


def _jwt(chance: random.Random) -> str:
    claims = {"sub": str(chance.randrange(10**8)), "iat": 1_767_000_000 + chance.randrange(10**7), "scope": "read"}
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps(claims))
    head = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{_token(chance, _URL_SAFE, 43)}"


def _basic(chance: random.Random) -> str:
    return base64.b64encode(f"{_user(chance)}:{password(chance)}".encode()).decode()


def _uuid(chance: random.Random) -> str:
    digits = _token(chance, _HEX, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _body(chance: random.Random) -> str:
    return _token(chance, _BASE64, 64)


KINDS: dict[str, Kind] = {
    "password-assignment": lambda c: f"password={password(c)}",
    "password-property": lambda c: f"spring.datasource.password={password(c)}",
    "password-json": lambda c: f'{{"username":"{_user(c)}","passwd":"{password(c)}"}}',
    "password-yaml": lambda c: f"db_password: {password(c)}",
    "password-chinese": lambda c: f"初始密码：{password(c)}",
    "password-jdbc": lambda c: f"jdbc:mysql://{_host(c)}:3306/app?user={_user(c)}&password={password(c)}",
    "password-url": lambda c: f"postgres://{_user(c)}:{_token(c, BASE62, 14)}@{_host(c)}:5432/main",
    "password-redis": lambda c: f"redis://:{_token(c, BASE62, 18)}@{_host(c)}:6379/0",
    "password-odbc": lambda c: f"Server={_host(c)};Database=gov;User Id=sa;Password={_token(c, BASE62, 12)};",
    "password-command": lambda c: f"mysql -h {_host(c)} -u {_user(c)} -p{password(c)} app",
    "password-curl": lambda c: f"curl -u {_user(c)}:{password(c)} https://{_host(c)}/api/v1/status",
    "password-sql": lambda c: f"CREATE USER {_user(c)} IDENTIFIED BY '{password(c)}'",
    "bearer": lambda c: f"Authorization: Bearer {_token(c, BASE62, 40)}",
    "basic": lambda c: f"Authorization: Basic {_basic(c)}",
    "jwt": lambda c: f"access_token={_jwt(c)}",
    "api-key": lambda c: f'"api_key": "{_token(c, BASE62, 32)}"',
    "client-secret": lambda c: f"client_secret={_token(c, BASE62, 32)}",
    "private-key": lambda c: f"-----BEGIN PRIVATE KEY-----\\n{_body(c)}\\n{_body(c)}\\n-----END PRIVATE KEY-----",
    "aliyun": lambda c: f"accessKeyId=LTAI5t{_token(c, BASE62, 18)} accessKeySecret={_token(c, BASE62, 30)}",
    "tencent": lambda c: f"SecretId: AKID{_token(c, BASE62, 32)}, SecretKey: {_token(c, BASE62, 32)}",
    "huawei": lambda c: f"HUAWEI_AK={_token(c, _UPPER, 20)} HUAWEI_SK={_token(c, BASE62, 40)}",
    "baidu": lambda c: f"BAIDU_AK={_token(c, _HEX, 32)} BAIDU_SK={_token(c, _HEX, 32)}",
    "wechat": lambda c: f"appid=wx{_token(c, _HEX, 16)} appSecret={_token(c, _HEX, 32)}",
    "dingtalk": lambda c: f"https://oapi.dingtalk.com/robot/send?access_token={_token(c, _HEX, 64)}",
    "wecom": lambda c: f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={_uuid(c)}",
    "feishu": lambda c: f"https://open.feishu.cn/open-apis/bot/v2/hook/{_uuid(c)}",
    "amap": lambda c: f"https://restapi.amap.com/v3/geocode/geo?output=json&key={_token(c, _HEX, 32)}",
    "aws": lambda c: f"aws_access_key_id=AKIA{_token(c, _BASE32, 16)} aws_secret_access_key={_token(c, _BASE64, 40)}",
    "github": lambda c: f"GITHUB_TOKEN={github_token(_token(c, BASE62, 30))}",
    "gitlab": lambda c: f"PRIVATE-TOKEN: glpat-{_token(c, BASE62, 20)}",
    "google": lambda c: f"key=AIzaSy{_token(c, _URL_SAFE, 33)}",
    "slack": lambda c: f"xoxb-{_token(c, string.digits, 12)}-{_token(c, string.digits, 13)}-{_token(c, BASE62, 24)}",
    "stripe": lambda c: f"sk_live_{_token(c, BASE62, 24)}",
    "npm": lambda c: f"//registry.npmjs.org/:_authToken=npm_{_token(c, BASE62, 36)}",
    "openai": lambda c: f"OPENAI_API_KEY=sk-proj-{_token(c, BASE62, 48)}",
    "azure": lambda c: f"AccountName=files{c.randint(1, 99)};AccountKey={_token(c, _BASE64, 86)}==;",
    "sendgrid": lambda c: f"SG.{_token(c, BASE62, 22)}.{_token(c, BASE62, 43)}",
    "telegram": lambda c: f"https://api.telegram.org/bot{c.randint(10**8, 10**9)}:AA{_token(c, BASE62, 33)}/send",
    "docker": lambda c: f"docker login -p dckr_pat_{_token(c, BASE62, 27)}",
    "huggingface": lambda c: f"HF_TOKEN=hf_{_token(c, string.ascii_letters, 34)}",
}


def secret_line(chance: random.Random) -> tuple[str, str]:
    """The kind and the text of the next secret, all kinds equally often."""
    kind = chance.choice(_NAMES)
    return kind, KINDS[kind](chance)


_NAMES = tuple(KINDS)
