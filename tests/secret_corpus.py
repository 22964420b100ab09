"""Synthetic secrets as they leak: in logs beside what only looks like them, and in configuration of every style.

    python tests/secret_corpus.py LINES SECRETS > app.log      # the list of planted lines goes to stderr

Every value is drawn from a seeded source of chance; none opens anything.
"""

from __future__ import annotations

import base64
import random
import string
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BASE62 = string.ascii_letters + string.digits
URL_SAFE, BASE64, HEX = BASE62 + "-_", BASE62 + "+/", "0123456789abcdef"
UPPER, LOWER36 = string.ascii_uppercase + string.digits, string.ascii_lowercase + string.digits
BASE32 = string.ascii_uppercase + "234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Chance(random.Random):
    """A seeded source of values."""

    def of(self, alphabet: str, length: int) -> str:
        """A random text."""
        return "".join(self.choices(alphabet, k=length))

    def uuid(self) -> str:
        """A UUID of version 4."""
        digits = self.of(HEX, 32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{self.choice('89ab')}{digits[17:20]}-{digits[20:]}"

    def encoded(self, count: int) -> str:
        """Random bytes in base 64."""
        return base64.b64encode(self.randbytes(count)).decode()

    def password(self) -> str:
        """A word with digits and a mark, pinyin with a year, or a random string, as people have them."""
        word = self.choice(("hangzhou", "dragon", "zhengwu", "Summer", "gongan", "xinxi", "Winter", "shuju", "Yunwei"))
        kind = self.randrange(4)
        if kind == 0:
            return f"{word.capitalize()}{self.choice('@#!_')}{self.randint(100, 99999)}"
        if kind == 1:
            return f"{word}{self.choice('@#!.')}{self.of(string.digits, 3)}{self.choice('@!#Xz')}"
        if kind == 2:
            return self.of(BASE62, 7) + self.choice("!@#") + self.of(BASE62, 4)
        return self.of(BASE62, self.randint(10, 20)) + self.choice(string.digits)


LOG_KINDS: dict[str, Callable[[Chance], str]] = {
    "password": lambda c: f"connect user=app password={c.password()} ok",
    "passwd": lambda c: f"login request passwd={c.password()}, ip=10.1.2.{c.randint(1, 250)}",
    "pwd-json": lambda c: f'body {{"user":"admin","pwd":"{c.password()}"}}',
    "escaped-json": lambda c: f'payload "{{\\"account\\":\\"li\\",\\"password\\":\\"{c.password()}\\"}}"',
    "spring": lambda c: f"resolved spring.datasource.password={c.password()}",
    "chinese": lambda c: f"已重置，初始密码：{c.password()}",
    "jdbc": lambda c: f"open jdbc:mysql://10.1.2.3:3306/app?user=root&password={c.of(BASE62, 12)}",
    "postgres-url": lambda c: f"DATABASE_URL=postgres://app:{c.of(BASE62, 14)}@db1.example.cn:5432/main",
    "redis-url": lambda c: f"connecting to redis://:{c.of(BASE62, 18)}@10.0.0.5:6379/0",
    "mongo-url": lambda c: f"mongodb+srv://svc:{c.of(BASE62, 16)}@cluster0.example.net/db",
    "amqp-url": lambda c: f"broker amqp://mq:{c.of(BASE62, 12)}@mq.example.cn:5672/v",
    "odbc": lambda c: f"Server=10.1.1.9;Database=gov;User Id=sa;Password={c.of(BASE62, 12)};",
    "mysql": lambda c: f"exec: mysql -h db -u root -p{c.of(BASE62, 12)} app",
    "sshpass": lambda c: f"exec: sshpass -p '{c.of(BASE62, 10)}' ssh root@10.1.1.1",
    "curl": lambda c: f"+ curl -s -u admin:{c.of(BASE62, 12)} https://repo.example.cn/x",
    "sql": lambda c: f"statement: ALTER USER app IDENTIFIED BY '{c.password()}'",
    "bearer": lambda c: f"header Authorization: Bearer {c.of(BASE62, 40)}",
    "basic": lambda c: f"header Authorization: Basic {base64.b64encode(f'app:{c.of(BASE62, 9)}'.encode()).decode()}",
    "jwt": lambda c: f"token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{c.of(BASE62, 24)}.{c.of(URL_SAFE, 42)}A",
    "api-key": lambda c: f'config "api_key": "{c.of(BASE62, 32)}"',
    "client-secret": lambda c: f"oauth client_secret={c.of(BASE62, 32)}",
    "access-token": lambda c: f"refreshed access_token={c.of(BASE62, 40)}",
    "app-secret": lambda c: f"appSecret={c.of(HEX, 32)}",
    "private-key": lambda c: "\\n".join(("-----BEGIN PRIVATE KEY-----", c.encoded(48), c.encoded(48),
                                          "-----END PRIVATE KEY-----")),
    "rsa-base64": lambda c: f"privateKey=MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{c.encoded(300)}",
    "aliyun": lambda c: f"oss accessKeyId=LTAI5t{c.of(BASE62, 18)} accessKeySecret={c.of(BASE62, 30)}",
    "tencent": lambda c: f"cos SecretId: AKID{c.of(BASE62, 32)}",
    "huawei": lambda c: f"HUAWEI_SK={c.of(BASE62, 40)}",
    "volcengine": lambda c: f"ak=AKLT{c.of(BASE62, 43)}",
    "jd": lambda c: f"key JDC_{c.of('0123456789ABCDEF', 28)}",
    "qianfan": lambda c: f"key bce-v3/ALTAK-{c.of(BASE62, 21)}/{c.of(HEX, 40)}",
    "dingtalk": lambda c: f"POST https://oapi.dingtalk.com/robot/send?access_token={c.of(HEX, 64)}",
    "wecom": lambda c: f"POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={c.uuid()}",
    "feishu": lambda c: f"POST https://open.feishu.cn/open-apis/bot/v2/hook/{c.uuid()}",
    "amap": lambda c: f"GET https://restapi.amap.com/v3/geocode/geo?output=json&key={c.of(HEX, 32)}",
    "tianditu": lambda c: f"GET https://t0.tianditu.gov.cn/vec_w/wmts?SERVICE=WMTS&tk={c.of(HEX, 32)}",
    "mch-key": lambda c: f"wxpay mchKey={c.of(BASE62, 32)}",
    "sm4": lambda c: f"sm4.key={c.of(HEX, 32)}",
    "aws": lambda c: f"aws_access_key_id=AKIA{c.of(BASE32, 16)}",
    "aws-secret": lambda c: f"aws_secret_access_key={c.of(BASE64, 40)}",
    "azure": lambda c: f"AccountName=f;AccountKey={c.of(BASE64, 86)}==;",
    "google": lambda c: f"key=AIzaSy{c.of(URL_SAFE, 32)}A",
    "github": lambda c: f"git clone https://ghp_{c.of(BASE62, 36)}@github.com/a/b",
    "gitlab": lambda c: f"PRIVATE-TOKEN: glpat-{c.of(BASE62, 20)}",
    "gitee": lambda c: f"gitee_token={c.of(HEX, 32)}",
    "slack": lambda c: f"slack xoxb-{c.of(string.digits, 12)}-{c.of(string.digits, 13)}-{c.of(BASE62, 24)}",
    "stripe": lambda c: f"stripe sk_live_{c.of(BASE62, 24)}",
    "npm": lambda c: f"//registry.npmjs.org/:_authToken=npm_{c.of(BASE62, 36)}",
    "pypi": lambda c: f"twine pypi-AgEIcHlwaS5vcmcC{c.of(URL_SAFE, 80)}A",
    "openai": lambda c: f"OPENAI_API_KEY=sk-proj-{c.of(BASE62, 48)}",
    "deepseek": lambda c: f"llm key sk-{c.of(HEX, 32)}",
    "anthropic": lambda c: f"x-api-key: sk-ant-api03-{c.of(URL_SAFE, 92)}A",
    "zhipu": lambda c: f"zhipu {c.of(HEX, 32)}.{c.of(BASE62, 16)}",
    "sendgrid": lambda c: f"mail SG.{c.of(BASE62, 22)}.{c.of(BASE62, 43)}",
    "telegram": lambda c: f"POST https://api.telegram.org/bot{c.of('123456789', 9)}:AA{c.of(BASE62, 33)}/send",
    "docker": lambda c: f"docker login -p dckr_pat_{c.of(BASE62, 27)}",
    "huggingface": lambda c: f"HF_TOKEN=hf_{c.of(string.ascii_letters, 34)}",
    "vault": lambda c: f"VAULT_TOKEN=hvs.{c.of(BASE62, 90)}",
    "grafana": lambda c: f"grafana glsa_{c.of(BASE62, 32)}_{c.of(HEX, 8)}",
    "digitalocean": lambda c: f"DO_TOKEN=dop_v1_{c.of(HEX, 64)}",
    "shopify": lambda c: f"shopify shpat_{c.of(HEX, 32)}",
    "bcrypt": lambda c: f"user row admin,$2b$12${c.of(BASE62, 53)}",
    "session-cookie": lambda c: f"Cookie: lang=zh; JSESSIONID={c.of('0123456789ABCDEF', 32)}",
}
"""One line of a log for each kind of secret."""

LOG_NOISE: tuple[Callable[[Chance], str], ...] = (
    lambda c: f"auth request_id={c.uuid()} status=200 cost={c.randint(1, 900)}ms",
    lambda c: f"auth token {c.uuid()} refreshed for user {c.randint(1, 10**6)}",
    lambda c: f"token={c.uuid()} uid={c.randint(1, 10**6)}",
    lambda c: f"session {c.of(HEX, 32)} opened, key={c.of(HEX, 16)}",
    lambda c: f"session_id={c.of(HEX, 32)} auth=ok",
    lambda c: f"sessionKey={c.uuid()} expired",
    lambda c: f"token: {c.of(HEX, 40)} verified",
    lambda c: f"token_id={c.of(_CROCKFORD, 26)} jti={c.uuid()}",
    lambda c: f"token=01{c.of(_CROCKFORD, 24)} issued",
    lambda c: f"cache key=user:{c.randint(1, 10**7)}:{c.of(HEX, 32)} hit",
    lambda c: f"cacheKey={c.of(HEX, 64)} miss, etag=\"{c.of(HEX, 32)}\"",
    lambda c: f"idempotency-key: {c.uuid()}",
    lambda c: f"key={c.of(BASE62, 22)} partition={c.randint(0, 63)} offset={c.randint(1, 10**9)}",
    lambda c: f"secret version {c.randint(1, 90)} rotated, secret_id={c.uuid()} arn=aws:secretsmanager:prod/db",
    lambda c: f"commit {c.of(HEX, 40)} md5 {c.of(HEX, 32)} sha256={c.of(HEX, 64)}",
    lambda c: f"traceparent: 00-{c.of(HEX, 32)}-{c.of(HEX, 16)}-01 X-Request-Id: {c.of(BASE62, 20)}",
    lambda c: f"auth: req-{c.of(LOWER36, 20)} token_type=bearer expires_in=7200",
    lambda c: f"auth_request={c.of(BASE62, 24)} nonce={c.of(HEX, 16)}",
    lambda c: f"password={c.choice(('******', '${DB_PASSWORD}', '<redacted>', 'null', '[FILTERED]', 'xxxx'))} user=app",
    lambda c: f"Accepted password for deploy from 10.0.1.{c.randint(1, 254)} port {c.randint(1024, 9999)}",
    lambda c: f"Failed password for invalid user admin{c.randint(1, 99)} from 10.0.0.{c.randint(1, 254)}",
    lambda c: f"key fingerprint SHA256:{c.of(BASE64, 43)} accepted",
    lambda c: f"Authorization: Bearer {c.choice(('[FILTERED]', '${TOKEN}', '****', '<token>', 'REDACTED'))}",
    lambda c: f"access_token={c.choice(('***', '<redacted>', c.uuid(), c.of(HEX, 32)))}",
    lambda c: f"GET /api/v1/token/{c.uuid()}/refresh HTTP/1.1 200 {c.randint(100, 9999)}",
    lambda c: f"tokenizer loaded sk-learn-pipeline-{c.randint(1, 9)}.{c.randint(0, 20)} key_size=2048 keyspace=main",
    lambda c: f"secretKeyRef: name=db-credentials key=password namespace=prod-{c.randint(1, 9)}",
    lambda c: f"com.example.auth.TokenService.getSecretKey(TokenService.java:{c.randint(1, 900)})",
    lambda c: f"oauth client_id={c.of(BASE62, 24)} grant_type=client_credentials scope=read",
    lambda c: f"container {c.of(HEX, 64)} started image=registry.example.cn/auth@sha256:{c.of(HEX, 64)}",
    lambda c: f"upload etag={c.of(HEX, 32)}-{c.randint(1, 20)} key=backup/2026/{c.uuid()}.zip",
    lambda c: f"密码错误 第{c.randint(1, 5)}次 用户 {c.randint(10**5, 10**6)} 令牌 {c.uuid()} 已失效",
    lambda c: f"user=u{c.randint(1, 99)} action=password_reset result=token_expired code=AUTH-{c.randint(100, 999)}",
)
"""Lines that hold no secret, but words such as auth, token, key or session beside what looks like one."""

_LEVELS = ("INFO ", "DEBUG", "WARN ", "ERROR")


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret at a line of a text (from 1)."""

    line: int
    kind: str


def log_lines(count: int, secrets: int, seed: int = 2026) -> tuple[list[str], list[Planted]]:
    """A log of `count` lines with `secrets` planted ones, all kinds equally often."""
    chance = Chance(seed)
    places = sorted(chance.sample(range(count), secrets))
    kinds = [*LOG_KINDS] * (secrets // len(LOG_KINDS) + 1)
    planted = dict(zip(places, kinds, strict=False))
    lines = [_stamped(chance, number, LOG_KINDS[planted[number]](chance) if number in planted
                      else chance.choice(LOG_NOISE)(chance)) for number in range(count)]
    return lines, [Planted(place + 1, kind) for place, kind in planted.items()]


def _stamped(chance: Chance, number: int, message: str) -> str:
    clock = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{chance.randrange(1000):03}"
    return f"2026-03-{number // 86400 % 28 + 1:02} {clock} {chance.choice(_LEVELS)} [worker-{number % 32}] {message}"


Value = Callable[[Chance], str]
VALUES: dict[str, tuple[tuple[str, ...], Value]] = {
    "password": (("db_password", "DB_PASSWORD", "password", "redis.password", "smtpPassword", "ldap-bind-password",
                  "spring.datasource.password", "admin_passwd", "ftp_pwd", "keystorePassword", "userPwd"),
                 Chance.password),
    "hex": (("app_secret", "appSecret", "APP_SECRET", "sign.secret", "client-secret", "secretKey", "jwt_secret"),
            lambda c: c.of(HEX, c.choice((32, 40, 64)))),
    "random": (("api_key", "apiKey", "API_KEY", "secret_key", "access-token", "authToken", "clientSecret",
                "webhook_secret", "private_token", "accessKeySecret"), lambda c: c.of(BASE62, c.choice((24, 32, 40)))),
    "base64": (("encryption_key", "aesKey", "jwt.signing-key", "SECRET_KEY_BASE", "cookie_secret", "ENCRYPT_KEY"),
               lambda c: c.encoded(c.choice((16, 24, 32)))),
    "uuid": (("client_secret", "clientSecret", "keycloak.credentials.secret"), Chance.uuid),
}
"""Kinds of secrets without a form of their own: the names of their keys, and how they are drawn."""

STYLES: dict[str, tuple[str, ...]] = {
    "env": ("{n}={v}", 'export {n}="{v}"', "{n}='{v}'"),
    "yaml": ("{n}: {v}", "  {n}: '{v}'", '    {n}: "{v}"', "- {{name: {n}, value: '{v}'}}"),
    "json": ('  "{n}": "{v}",', '{{"name": "{n}", "value": "{v}"}}', '{{"{n}":"{v}"}}'),
    "ini": ("{n} = {v}", "{n}={v}", "{n} : {v}"),
    "properties": ("{n}={v}", "{n} = {v}", "app.{n}: {v}"),
    "xml": ("<{n}>{v}</{n}>", '<property name="{n}" value="{v}"/>', '<add key="{n}" value="{v}" />',
            '<entry key="{n}">{v}</entry>', '<bean p:{n}="{v}"/>'),
    "tf": ('  {n} = "{v}"', '{n}      = "{v}"'),
    "py": ('{n} = "{v}"', "connect(host='h', {n}='{v}')", "    '{n}': '{v}',", '{n}: str = "{v}"',
           'os.environ["{n}"] = "{v}"'),
    "js": ("const {n} = '{v}';", '  {n}: "{v}",', "process.env.{n} = '{v}'", "let {n}: string = `{v}`"),
    "go": ('{n} := "{v}"', '\t{n}: "{v}",', 'os.Setenv("{n}", "{v}")', 'const {n} string = "{v}"'),
    "java": ('String {n} = "{v}";', 'props.setProperty("{n}", "{v}");', 'private static final String {n} = "{v}";',
             'map.put("{n}", "{v}");'),
    "sh": ("{n}={v}", "export {n}='{v}'", "--{n}={v}", "--{n} '{v}'", "-D{n}={v}"),
    "sql": ("SET {n} = '{v}';", "INSERT INTO conf(name, value) VALUES ('{n}', '{v}');",
            "ALTER USER app IDENTIFIED BY '{v}'; -- {n}"),
}
"""How a name and its value are written, by kind of file; `{n}` and `{v}` are what is filled in."""


def config_lines(seed: int = 2026, rounds: int = 4) -> Iterator[tuple[str, str, str, str]]:
    """(style, kind, line, value) for every way of writing and every kind, `rounds` times."""
    chance = Chance(seed)
    for style, forms in STYLES.items():
        for form in forms:
            for kind, (names, draw) in VALUES.items():
                for _ in range(rounds):
                    name, value = _spelled(style, chance.choice(names)), draw(chance)
                    yield style, kind, form.format(n=name, v=value), value


def _spelled(style: str, name: str) -> str:
    """A name as the language allows it."""
    return name if style in ("yaml", "json", "ini", "properties", "xml", "sh") else name.replace("-", "_").replace(
        ".", "_")


def main() -> None:
    """Write a log."""
    count, secrets = (int(argument) for argument in sys.argv[1:3])
    lines, planted = log_lines(count, secrets)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stderr.writelines(f"{one.line}\t{one.kind}\n" for one in planted)


if __name__ == "__main__":
    main()
