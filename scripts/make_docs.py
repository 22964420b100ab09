"""Write what follows from the program: docs/cli.md, docs/detectors.md, the screen in the READMEs. `make docs`.

With --check nothing is written; the exit code is 1 when a page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from readme_screen import with_screen

from guard.cli.verbs import cli
from guard.detect import pack
from guard.detect.pack import Detector
from guard.taxonomy import data_class

ROOT = Path(__file__).parents[1]
_CLI_HEAD = """\
# The command line

Written by `make docs` from the program itself. stdout carries the result only; progress, `error:` and `hint:` lines go
to stderr. NO_COLOR is honoured.
"""
_DETECTORS_HEAD = """\
# Detectors

Written by `make docs` from `detectors/*.yml`. A finding has a confidence: `shape` is what the pattern alone is worth,
`checked` what it is worth when every check passes, `failed` when a check fails although header or context fit. Context
words and a fitting header raise it. From 0.9 a finding is called certain, from 0.6 likely, from 0.3 possible.

## Why something is reported, or is not

    guard detectors explain --text '联系人 张伟，电话 13812345678'
    guard detectors explain --text 13812345678 --header 订单号 --detector cn-mobile
    guard detectors explain --text - --json --lang zh < line.txt

The answer names every place that a detector looked at: what came of it, what each filter, check and piece of evidence
said, the word that speaks for or against it and where it stands, what each part added to the confidence, which finding
explains the same value better, and whether an inline mark stands in the line. Places that are not reported have a
reason: a check digit that is wrong, a word or header that is missing, a stand-in such as `YOUR_API_KEY`, a digit that
touches. `--detector` tells in full what one detector made of the text, also where its pattern matches nowhere. Values
are masked as in reports, so the answer may be pasted into a ticket. In the library it is
`guard.detect.explain(matcher, text, header)`.

## How right they are

Measured on documents and tables of our own, with synthetic people; the tests hold floors below these figures.

| what | measured | in tests/ |
|---|---|---|
| 125 documents of offices, by span and class | F1 0.966, names 0.946, addresses 0.962 | `test_offices_accuracy.py` |
| 52 tables of 366 columns | macro F1 0.996, no other column called a name | `test_offices_accuracy.py` |
| 1,000,000 lines of a log, 500 secrets of 63 kinds | 499 found, none false | `test_secrets_accuracy.py` |
| 960 lines of configuration, secrets without a form | 956 found | `test_secrets_accuracy.py` |
| names in pinyin behind labels, at first sight | 11 of 11 | `test_wordings_accuracy.py` |
| rare names behind labels, at first sight | 11 of 12 | `test_wordings_accuracy.py` |
| addresses in Hong Kong, Macao, Taiwan, at first sight | 10 of 10 | `test_wordings_accuracy.py` |
| names in prose without a label, at first sight | 11 of 16 | `test_wordings_accuracy.py` |
| Presidio's 90 pattern recognizers, 3 + 3 cases each | answers of Presidio itself | `test_presidio_pack.py` |
"""


def cli_page() -> str:
    """The reference of all verbs and options."""
    parts = [_CLI_HEAD]
    for path, command in _commands("guard", cli):
        parts.append(_command(path, command))
    return "\n".join(parts)


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            if (found := command.get_command(context, name)) is not None:
                yield from _commands(f"{path} {name}", found)


def _command(path: str, command: click.Command) -> str:
    # The help options of the group hold for its verbs; a context of its own would not know.
    context = click.Context(command, info_name=path, help_option_names=cli.context_settings["help_option_names"])
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"## {path}", "", _text(command.help), "", f"    {usage}", ""]
    options = [record for parameter in command.get_params(context) if isinstance(parameter, click.Option)
               if (record := parameter.get_help_record(context))]
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in options]
        lines.append("")
    if command.epilog:
        lines += ["```", command.epilog.replace("\b\n", ""), "```", ""]
    return "\n".join(lines)


def detectors_page() -> str:
    """All shipped detectors, one table a pack."""
    parts = [_DETECTORS_HEAD]
    for path in pack.shipped():
        parts += [f"## {path.name}", "", "| detector | finds | class, grade | confidence | checks | source |",
                  "|---|---|---|---|---|---|", *(_row(detector) for detector in pack.load([path])), ""]
    return "\n".join(parts)


def _row(detector: Detector) -> str:
    worth = detector.confidence
    by = "header" if not detector.pattern else f"shape {worth.shape}"
    confidence = f"{by}, checked {worth.checked}" if detector.check else by
    confidence += f", failed {worth.failed}" if worth.failed else ""
    needs = {"context": "needs a context word", "header": "needs a fitting header"}.get(detector.require, "")
    checks = "; ".join(filter(None, (", ".join(f"`{name}`" for name in detector.check), needs)))
    cells = (f"`{detector.id}`", f"{detector.title.en} {detector.title.zh}",
             f"`{detector.data_class}`, {data_class(detector.data_class).grade}", confidence, checks,
             "; ".join(detector.references))
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _text(help_: str | None) -> str:
    return " ".join((help_ or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[str, str]:
    """Every generated page by its path, as it should be now."""
    made = {"docs/cli.md": cli_page(), "docs/detectors.md": detectors_page()}
    for name in ("README.md", "README.zh.md"):
        made[name] = with_screen(name, (ROOT / name).read_text("utf-8"))
    return made


def main() -> None:
    """Write the pages, or name the stale ones."""
    check = "--check" in sys.argv[1:]
    stale = {name: text for name, text in pages().items() if _read(ROOT / name) != text}
    if check and stale:
        sys.exit(f"stale: {', '.join(stale)}; run make docs")
    for name, text in stale.items():
        (ROOT / name).write_text(text, encoding="utf-8")


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


if __name__ == "__main__":
    main()
