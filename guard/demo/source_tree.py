"""A source tree in nine languages with planted secrets: what a secret scanner reads in a repository.

Identifiers, literals and comments are drawn anew for every block of every file; file and folder names are distinct. In
about one file in eleven stands one secret, in a place where it is really found there: a setting or a comment.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from guard.demo.numbers import BASE62
from guard.demo.secret_log import Planted
from guard.demo.secret_values import secret_line
from guard.demo.words import CLASS_WORDS, NOUNS, VERBS

SECRET_SHARE = 1 / 11


@dataclass(frozen=True, slots=True)
class Language:
    """How files of a suffix look: a head, blocks, a tail; `@word` is drawn anew at each place (`_DRAWS`).

    `@a` and `@b` are variables, the same within a block. `comment` begins a line that the language skips.
    """

    suffix: str
    comment: str
    head: str
    block: str
    tail: str = ""
    between: str = "\n"


LANGUAGES = (
    Language("py", "# ", '''\
"""@phrase."""

from __future__ import annotations

import logging
from app.@noun import @class, @class
from app.@noun.@noun import @class

log = logging.getLogger(__name__)
''', '''

class @class(@class):
    """@phrase."""

    @snake: int = @number

    def @verb_@noun(self, @a: int = @number) -> str:
        # @phrase
        @b = self.@snake.@verb(@a, key="@noun")
        if @b is None or @b.@noun > @number:
            raise @classError("@phrase")
        log.info("@noun %s took %d ms, @phrase", @a, @number)
        return @b["@snake"]

    def @verb_@noun(self) -> dict[str, @class]:
        """@phrase, @phrase."""
        return {"@snake": @class(self.@noun, @number), "@noun": self.@verb_@noun(@number)}'''),
    Language("js", "// ", '''\
import { @camel, @camel } from './@noun.js'
import @class from '../@noun/@class.vue'
''', '''
// @phrase
export async function @camel(@a, @nounId) {
  const @b = await fetch(`/api/v1/@noun/${@a}?size=@number&@noun=@noun`)
  if (@a.@noun === '@snake') return @camel(@b)
  state.@camel = { @noun: @number, @noun: '#@hex6', @noun: [@number, @number] }
  return @camel(@a, { timeout: @number, token: store.@camel, label: '@phrase' })
}'''),
    Language("java", "// ", '''\
package cn.example.@noun.@noun;

import cn.example.@noun.@class;
import cn.example.@noun.@noun.@class;
import java.util.List;

/** @phrase */
public class @class extends Abstract@class {
''', '''
    private static final long serialVersionUID = @digits18L;

    /** @phrase，返回@noun。 */
    @RequestMapping(value = "/@noun/@noun", method = RequestMethod.POST)
    public @class @camel(String @nounId, Integer @nounSize) {
        @class @a = @nounMapper.@camel(@nounId, @number);
        logger.debug("@phrase {}", @a.get@class());
        if (@a.@camel() > @number) {
            throw new @classException("@phrase");
        }
        return @nounService.@camel(@a, @class.@NOUN);
    }''', "\n}"),
    Language("yaml", "# ", "apiVersion: apps/v1\nkind: Deployment", '''\
@snake:
  image: registry.example.cn/@noun/@noun@sha256:@hex64
  replicas: @number
  env:
    - name: @SNAKE
      value: "@number"
    - name: @SNAKE_PASSWORD
      valueFrom:
        secretKeyRef: {name: @noun-secret, key: @noun}
  # @phrase
  schedule: '@digits2 @digits2 * * *\''''),
    Language("properties", "# ", "# @phrase", '''\
@noun.@noun.@noun=@number
@noun.password=${@SNAKE}
@noun.url=http://@noun.example.cn:80@digits2/@noun
@noun.class=cn.example.@noun.@class
# @phrase
@noun.format=yyyy-MM-dd HH:mm:ss'''),
    Language("json", "", '{\n  "@noun": [', '''\
    {
      "@snake": @number,
      "@noun": "@phrase",
      "integrity": "sha512-@base86==",
      "version": "@digits1.@digits2.@digits1",
      "@camel": ["@class", "@class"],
      "id": "@hex24"
    }''', "\n  ]\n}", ",\n"),
    Language("sql", "-- ", "CREATE TABLE t_@snake (id BIGINT PRIMARY KEY, @snake VARCHAR(64) COMMENT '@phrase');",
             "INSERT INTO t_@noun VALUES (@number, '@phrase', '@hex32', '2026-03-1@digits1 08:@digits2', @number.5);"),
    Language("md", "    ", "# @phrase", '''
## @class

@phrase, @phrase. See `@camel` in [@noun](docs/@snake.md#@noun) and issue #@number.

```bash
export @SNAKE=@number
app @noun --@noun @number
```
- 支持按 @noun 查询，默认 @number 条'''),
    Language("env", "", "APP_NAME=@noun", "@SNAKE=@number\n@SNAKE=@noun\n@SNAKE=${@SNAKE}"),
)
_ORDER = ("py", "js", "java", "py", "js", "yaml", "java", "py", "properties", "json", "js", "sql", "java", "md", "env")
_BY_SUFFIX = {language.suffix: language for language in LANGUAGES}
_LINES = {"env": 0.3, "sql": 0.8}
"""Languages whose files are shorter than those of the others."""


def _digits(chance: random.Random, base: int, length: int) -> str:
    return f"{chance.randrange(base**length):0{length}{'x' if base == 16 else 'd'}}"


_PHRASE_WORDS = (*NOUNS, *VERBS, "the", "a", "of", "when", "not", "for", "and")
_DRAWS: dict[str, Callable[[random.Random], str]] = {
    "noun": lambda chance: chance.choice(NOUNS),
    "NOUN": lambda chance: chance.choice(NOUNS).upper(),
    "verb": lambda chance: chance.choice(VERBS),
    "snake": lambda chance: "_".join(chance.choices(NOUNS, k=chance.randint(1, 3))),
    "SNAKE": lambda chance: "_".join(chance.choices(NOUNS, k=chance.randint(1, 3))).upper(),
    "camel": lambda chance: chance.choice(VERBS) + "".join(chance.choices(CLASS_WORDS, k=chance.randint(1, 2))),
    "class": lambda chance: "".join(chance.choices(CLASS_WORDS, k=chance.randint(1, 3))),
    "phrase": lambda chance: " ".join(chance.choices(_PHRASE_WORDS, k=chance.randint(3, 10))),
    "number": lambda chance: str(chance.choice((0, 1, 2, 8, 16, 30, 60, 100, 256, 1000, chance.randrange(100_000)))),
    "base86": lambda chance: "".join(chance.choices(BASE62 + "+/", k=86)),
    **{f"hex{length}": partial(_digits, base=16, length=length) for length in (6, 24, 32, 64)},
    **{f"digits{length}": partial(_digits, base=10, length=length) for length in (1, 2, 18)},
}
_WORD = re.compile(f"@({'|'.join(sorted(_DRAWS, key=len, reverse=True))}|[ab](?![a-z]))")


def write_source_tree(folder: Path, megabytes: float, seed: int = 2026) -> list[Planted]:
    """Files of about 11 kB below a new folder, `megabytes` * 10^6 bytes in all; returns what was planted where."""
    chance, planted, size, number = random.Random(seed), list[Planted](), 0, 0  # noqa: S311
    while size < megabytes * 1_000_000:
        language = _BY_SUFFIX[_ORDER[number % len(_ORDER)]]
        path = folder / _drawn(chance, f"@noun{number % 97}/@snake_{number}.{language.suffix}")
        lines = _source(chance, language)
        if chance.random() < SECRET_SHARE:
            kind, secret = secret_line(chance)
            planted.append(Planted(path.relative_to(folder).as_posix(), _plant(chance, language, lines, secret), kind))
        path.parent.mkdir(parents=True, exist_ok=True)
        size += path.write_bytes(("\n".join(lines) + "\n").encode())
        number += 1
    return planted


def _source(chance: random.Random, language: Language) -> list[str]:
    wanted = _LINES.get(language.suffix, 1) * chance.lognormvariate(5.2, 0.8)
    count = 1 + int(wanted / (language.block.count("\n") + 1))
    blocks = [_drawn(chance, language.block) for _ in range(count)]
    text = f"{_drawn(chance, language.head)}\n{language.between.join(blocks)}{language.tail}"
    return text.split("\n")


def _drawn(chance: random.Random, template: str) -> str:
    variables = {name: _DRAWS["snake"](chance) for name in "ab"}
    return _WORD.sub(lambda found: variables.get(found[1]) or _DRAWS[found[1]](chance), template)


def _plant(chance: random.Random, language: Language, lines: list[str], secret: str) -> int:
    """Put a secret where the language allows it; returns its line, from 1."""
    if language.suffix == "json":
        lines.insert(1, f'  "{chance.choice(NOUNS)}": {json.dumps(secret, ensure_ascii=False)},')
        return 2
    place = chance.randrange(len(lines) + 1)
    lines.insert(place, language.comment + secret)
    return place + 1
