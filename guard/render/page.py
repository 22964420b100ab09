"""Reports that are pages: HTML for readers, Markdown for pull requests and step summaries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from guard.content import root
from guard.errors import ContentError
from guard.render.escape import markdown_code, markdown_text
from guard.render.view import view

MAX_PAGE_ROWS = 500
MAX_MARKDOWN_ROWS = 40
Json = Mapping[str, Any]


def write_page(report: Json, language: str) -> str:
    """One HTML page that fetches nothing and runs nothing; it works by mail, offline and printed."""
    return fill("report.html.j2", view=view(report, language, MAX_PAGE_ROWS), **style("report.css"))


def write_markdown(report: Json, language: str) -> str:
    """A short summary in GitHub's Markdown."""
    return fill("report.md.j2", view=view(report, language, MAX_MARKDOWN_ROWS))


def fill(template: str, **values: Any) -> str:
    """The template of `reports/` with these values. Raises ContentError when the template is broken."""
    environment = _markdown() if template.endswith(".md.j2") else _html()
    try:
        return environment.get_template(template).render(values).strip() + "\n"
    except TemplateError as error:
        # The text of an undefined name or a syntax error names the template's own words, never a value.
        line = getattr(error, "lineno", None)
        raise ContentError(f"the template is broken ({type(error).__name__})",
                           place=f"{template}:{line}" if line else template) from None


def style(name: str) -> dict[str, Markup]:
    """The style sheet, and the source expression that allows exactly this style and no other (CSP level 2)."""
    text = (root("reports") / name).read_text("utf-8")
    if "</" in text:
        raise ContentError("a style sheet may not hold a closing tag", place=name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"style": Markup(text), "style_source": Markup(f"'sha256-{digest}'")}  # noqa: S704 - our own content


@cache
def _html() -> ImmutableSandboxedEnvironment:
    return _environment(finalize=None)


@cache
def _markdown() -> ImmutableSandboxedEnvironment:
    environment = _environment(finalize=_escape_markdown)
    environment.filters["code"] = lambda text: Markup(markdown_code(text))  # noqa: S704
    return environment


def _environment(finalize: Callable[[Any], Any] | None) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(root("reports")), autoescape=True, undefined=StrictUndefined, finalize=finalize,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )


def _escape_markdown(value: Any) -> Any:
    """In Markdown every value is escaped for Markdown, unless a filter did it already."""
    return value if isinstance(value, Markup) else Markup(markdown_text(value))  # noqa: S704
