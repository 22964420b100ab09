"""Reports: the JSON of a run in, text in some format and language out. Rendering reads no data and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guard.errors import UsageError
from guard.model import Report
from guard.render.escape import shown
from guard.render.phrases import LANGUAGES, phrases
from guard.render.stored import load_report, parse_report

__all__ = ["FORMATS", "LANGUAGES", "load_report", "parse_report", "render", "render_notice", "shown"]

Json = Mapping[str, Any]


def render(report: Json | Report, format: str, language: str = "en") -> str:  # noqa: A002 - the word of the command line
    """A report (or the shape of `Report.as_json`, schema `guard.report/v1`) as text in one of FORMATS.

    Same report, same text. json and jsonl do not depend on the language. Raises UsageError for an unknown format or
    language, ContentError for a broken template or string.
    """
    phrases(language)
    if format not in FORMATS:
        raise UsageError(f"unknown report format {shown(format, 20)}", hint=f"use one of {', '.join(FORMATS)}")
    if not isinstance(report, Report):
        return FORMATS[format](report, language)
    if format == "json":
        from guard.render.report_text import write_report

        return write_report(report)
    return FORMATS[format](report.as_json(), language)


def render_notice(manifest: Json, language: str = "en", format: str = "html", *,  # noqa: A002
                  publisher: str = "", contact: str = "") -> str:
    """The public notice of a release, for citizens, as html or markdown, from the public manifest alone.

    Read from the manifest: `created`, `audience`, `tool`, `policy`, `rules`, `files[{path, bytes, sha256}]`,
    `protection[{data_class, action}]`, `pseudonym_key`, `signature`; what is missing is left out.
    """
    from guard.render.notice import write_notice

    return write_notice(manifest, language, format, publisher=publisher, contact=contact)


# Each format is imported when it is asked for: Jinja2 and hashing templates cost more than a small scan.
def _json(report: Json, _language: str) -> str:
    from guard.render.stored import write_json

    return write_json(report)


def _json_lines(report: Json, _language: str) -> str:
    from guard.render.stored import write_findings

    return write_findings(report)


def _sarif(report: Json, language: str) -> str:
    from guard.render.sarif import write_sarif

    return write_sarif(report, language)


def _page(report: Json, language: str) -> str:
    from guard.render.page import write_page

    return write_page(report, language)


def _markdown(report: Json, language: str) -> str:
    from guard.render.page import write_markdown

    return write_markdown(report, language)


def _fields(report: Json, language: str) -> str:
    from guard.render.fields_csv import write_fields

    return write_fields(report, language)


FORMATS: Mapping[str, Callable[[Json, str], str]] = {
    "json": _json, "jsonl": _json_lines, "sarif": _sarif, "html": _page, "markdown": _markdown, "csv": _fields,
}
"""The formats by name: json (the whole report), jsonl (findings), sarif, html, markdown, csv (fields)."""
