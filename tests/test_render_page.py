"""The HTML page and the public notice: what they say, what they can never do."""

from __future__ import annotations

import base64
import hashlib
import html
import http.server
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_example import ALL, HOSTILE, MANIFEST, empty, incomplete, release, scan, violation

from guard.errors import ContentError, UsageError
from guard.render import render, render_notice, shown
from guard.render.page import MAX_PAGE_ROWS

VOID = {"meta", "br", "circle", "path", "rect"}
ALLOWED = VOID | {
    "html", "head", "title", "style", "body", "a", "header", "p", "span", "main", "section", "h1", "h2", "h3", "div",
    "ul", "ol", "li", "dl", "dt", "dd", "nav", "figure", "figcaption", "svg", "b", "strong", "table", "thead", "tbody",
    "tr", "th", "td", "bdi", "footer", "pre",
}


class Page(HTMLParser):
    """The tags, attributes and visible text of a page; a tag that is not closed in order is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.style = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data


def all_pages() -> Iterator[str]:
    for language in ("en", "zh"):
        yield render_notice(MANIFEST, language)
        for report in ALL.values():
            yield render(report(), "html", language)


# -- what it can never do ---------------------------------------------------------------------------------------------


def test_pages_hold_known_tags_no_script_no_inline_style_and_no_address() -> None:
    for text in all_pages():
        page = Page(text)
        assert {tag for tag, _ in page.tags} <= ALLOWED
        names = {name for _, attributes in page.tags for name in attributes}
        assert not {name for name in names if name.startswith("on") or name in ("style", "src", "srcset", "action")}
        links = {attributes.get("href") for tag, attributes in page.tags if tag == "a"}
        ids = {attributes.get("id") for _, attributes in page.tags}
        assert all(link and link.removeprefix("#") in ids and link.startswith("#") for link in links)
        assert "//" not in text.replace("</", "")


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    for text in all_pages():
        page = Page(text)
        policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        assert "url(" not in page.style
        assert "@import" not in page.style
        # The policy counts only for what follows it.
        first = next(i for i, (tag, a) in enumerate(page.tags) if "http-equiv" in a)
        assert [tag for tag, _ in page.tags[:first]] == ["html", "head", "meta"]


@settings(max_examples=60)
@given(st.text(st.characters(), max_size=60))
def test_any_name_is_text(name: str) -> None:
    report = violation()
    for row in (*report["fields"], *report["decisions"], *report["skipped"]):
        row["dataset"] = name
    report["fields"][0]["examples"][0]["preview"] = report["inputs"][0]["path"] = report["warnings"][0] = name
    report["decisions"][0] |= {"rule": name, "basis": [name], "params": {name: name}, "waived_by": name, "reason": name}
    page = Page(render(report, "html", "zh"))
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert shown(name) in page.text


def test_a_hostile_name_is_shown_and_does_nothing() -> None:
    text = render(violation(), "html")
    assert "<script" not in text
    assert html.escape(shown(HOSTILE), quote=False) in text
    assert "⟨U+202E⟩" in text
    assert "⟨U+001B⟩" in text


def test_a_broken_template_names_its_place_and_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.render import page

    (tmp_path / "bad.html.j2").write_text("a\n{{ nothing_like_this }}\n{% if %}", "utf-8")
    (tmp_path / "undefined.html.j2").write_text("{{ nothing_like_this }}", "utf-8")
    (tmp_path / "attack.html.j2").write_text("{{ values.append(1) }}{{ ''.__class__.__mro__ }}", "utf-8")
    page._html.cache_clear()
    monkeypatch.setattr(page, "root", lambda kind: tmp_path)
    for name, place in (("bad.html.j2", "bad.html.j2:3"), ("undefined.html.j2", "undefined.html.j2"),
                        ("attack.html.j2", "attack.html.j2")):
        with pytest.raises(ContentError, match=re.escape(place)) as caught:
            page.fill(name, values=["canary"])
        assert "canary" not in str(caught.value)
    page._html.cache_clear()


# -- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("report", "headline", "sentences"), [
    (violation, "Must not be released", [
        "1 decision blocks the release: Password (1 place).", "1 decision waits for a person: Health information",
        "3 parts of the input were not read", "Revoke and replace the credentials", "by exception EX-2026-014"]),
    (incomplete, "No answer: part of the input was not read", ["What was not read counts as unknown, not as clean"]),
    (release, "Released: what was found was dealt with and the output was checked", [
        "All 4 checks of the output passed.", "not that everything was found", "Hand on the folder public only",
        "Everything that was given was read to its end.",
        "5 decisions removed or protected what was found.", "4978 values replaced"]),
    (scan, "Scan finished: personal or secret information was found", ["No policy was applied", "guard check"]),
    (empty, "Scan finished: nothing was found", ["No detector reported anything in what was read."]),
])
def test_the_verdict_is_said_in_plain_words(report: Any, headline: str, sentences: list[str]) -> None:
    page = Page(render(report(), "html"))
    for sentence in (headline, *sentences):
        assert sentence in page.text
    assert ("Not measured." in page.text) == (report()["risk"]["status"] == "not_measured")


def test_a_pass_is_never_said_of_an_unknown_verdict() -> None:
    text = Page(render({**release(), "verdict": "splendid"}, "html")).text
    assert "Not released: part of the input was not read" in text
    assert "Passed" not in text


def test_a_check_that_does_not_clearly_pass_has_failed() -> None:
    report = release()
    report["checks"][0]["passed"] = "yes"
    report["verdict"] = "violation"
    text = Page(render(report, "html")).text
    assert "Not released" in text
    assert "The output did not pass a check: Every value that had to change did change." in text


def test_what_was_accepted_unread_is_said_beside_a_pass() -> None:
    report = {**release(), "skipped": violation()["skipped"]}
    text = Page(render(report, "html")).text
    assert "The run was told to go on without what was not read" in text
    assert "Everything that was given was read" not in text


def test_a_state_secret_mark_says_what_to_do() -> None:
    report = violation()
    report["fields"][0]["classes"][0]["data_class"] = "state.secret_mark"
    assert "inform the secrecy officer" in Page(render(report, "html")).text
    assert "立即报告本单位保密工作人员" in Page(render(report, "html", "zh")).text


def test_a_secrecy_mark_is_named_before_what_is_more_frequent() -> None:
    report = violation()
    secret = next(d for d in report["decisions"] if d["action"] == "block")
    kinds = [f"secret.{name}" for name in ("password", "private_key", "token", "api_key", "amap.key", "slack.token",
                                           "stripe.key") for _ in range(2)]
    report["decisions"] = [{**secret, "data_class": kind} for kind in (*kinds, "state.secret_mark")]
    text = Page(render(report, "html")).text
    assert "15 decisions block the release: State-secret mark (1 place), " in text
    assert "2 more." in text


def test_a_check_does_not_say_that_something_was_done() -> None:
    report = {**incomplete(), "verdict": "pass", "skipped": []}
    text = Page(render(report, "html")).text
    assert "are to remove or protect" in text
    assert "was dealt with" not in text


def test_risk_is_shown_once_it_is_measured() -> None:
    text = Page(render({**violation(), "risk": {"status": "measured", "k": 7}}, "html")).text
    assert "As measured by the run:" in text
    assert "Not measured." not in text


def test_tables_and_landmarks_are_marked_up() -> None:
    page = Page(render(violation(), "html"))
    assert {"main", "nav", "header"} <= {tag for tag, _ in page.tags}
    heads = [a for tag, a in page.tags if tag == "th"]
    assert {a.get("scope") for a in heads} == {"col", "row"}
    assert all(a.get("aria-label") for tag, a in page.tags if tag == "table")
    assert [tag for tag, _ in page.tags].count("h1") == 1
    labelled = {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a}
    assert labelled <= {a.get("id") for _, a in page.tags}


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_text_has_the_contrast_of_wcag_aa() -> None:
    """4.5 : 1 for every pair of text and ground that the style uses: on screen, in the dark, on paper."""
    style = Page(render(violation(), "html")).style
    palettes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
                for block in re.findall(r":root \{[^}]*\}", style)]
    assert len(palettes) == 3
    pairs = [("ink", "paper"), ("soft", "paper"), ("link", "paper"), ("ink", "tint"), ("violation", "paper"),
             ("incomplete", "paper"), *((f"g{n}-ink", f"g{n}") for n in range(1, 5))]
    pairs += [(text, f"{verdict}-tint") for verdict in ("pass", "violation", "incomplete")
              for text in ("ink", "soft", verdict)]
    for palette in palettes:
        for text, ground in pairs:
            light, dark = sorted((luminance(palette[text]), luminance(palette[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground, palette[text], palette[ground])


def test_each_grade_stays_visible_in_the_chart() -> None:
    report = violation()
    plain = report["fields"][5]
    report["fields"] = [report["fields"][0]] + [{**plain, "field": f"f{n}"} for n in range(9999)]
    bars = [a for tag, a in Page(render(report, "html")).tags if tag == "rect" and "x" in a]
    assert [a["class"] for a in bars] == ["g4", "g0"]
    assert int(bars[0]["width"] or 0) >= 7
    assert sum(int(a["width"] or 0) for a in bars) == 1000


def test_a_large_report_stays_bounded_and_says_what_is_missing() -> None:
    report = violation()
    field, decision, skipped = report["fields"][0], report["decisions"][0], report["skipped"][0]
    report["fields"] = [{**field, "field": f"field {n:05}"} for n in range(10_000)]
    report["decisions"] = [{**decision, "field": f"field {n:05}"} for n in range(10_000)]
    report["skipped"] = [{**skipped, "dataset": f"file {n:05}"} for n in range(1000)]
    started = time.process_time()
    text = render(report, "html")
    assert time.process_time() - started < 3
    assert len(text) < 1_500_000
    assert f"The {MAX_PAGE_ROWS} highest of 10,000 fields are shown" in text
    assert f"The {MAX_PAGE_ROWS} strictest of 10,000 decisions are shown" in text
    assert f"The first {MAX_PAGE_ROWS} of 1,000 are shown" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_stays_as_it_is(language: str, snapshot: Any) -> None:
    text = render(violation(), "html", language)
    assert re.sub(r"<style>.*</style>|'sha256-[^']*'", "", text, flags=re.DOTALL) == snapshot


# -- the public notice ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_notice_stays_as_it_is(language: str, snapshot: Any) -> None:
    assert render_notice(MANIFEST, language, "markdown") == snapshot


def test_the_notice_tells_kinds_and_treatment_how_to_check_and_what_is_not_promised() -> None:
    text = Page(render_notice(MANIFEST, "en", publisher="Office of Example", contact="data@example.gov")).text
    for sentence in ("Published by Office of Example, 2026-11-20.", "Resident identity number", "removed",
                     "removed; partly hidden", "guard verify .", "it does not protect against somebody who forges",
                     "The key that made the codes was destroyed", "tell data@example.gov",
                     "not that everything was found"):
        assert sentence in text


def test_a_notice_without_a_publisher_has_no_gap() -> None:
    text = Page(render_notice(MANIFEST, "zh")).text
    assert "由提供本数据的单位发布，日期：2026-11-20。" in text


def test_a_notice_needs_nothing_but_a_manifest() -> None:
    text = Page(render_notice({"schema": "guard.manifest/v1", "files": []}, "en")).text
    assert "No kind was found that had to be treated." in text
    assert "date not stated" in text
    with pytest.raises(UsageError, match="a notice has no format pdf"):
        render_notice(MANIFEST, "en", "pdf")


# -- in a real browser ------------------------------------------------------------------------------------------------

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OFFLINE = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr")


def browse(text: str, folder: Path) -> tuple[str, str]:
    """The page as the browser has it, and what it said on its console."""
    (folder / "page.html").write_text(text, "utf-8")
    command = [BROWSER or "", *OFFLINE, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000",
               "--dump-dom", (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=90, check=True)
    console = "\n".join(line for line in done.stderr.decode().splitlines() if "CONSOLE" in line)
    return done.stdout.decode(), console


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """The address of a local server, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_a_browser_shows_the_page_and_has_nothing_to_object(tmp_path: Path) -> None:
    dom, console = browse(render(violation(), "html", "zh"), tmp_path)
    assert "不得发布" in dom
    assert "公民身份号码" in dom
    assert console == ""


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_a_browser_refuses_what_somebody_slips_in(tmp_path: Path, requests: tuple[str, list[str]]) -> None:
    """The control of the test above: with an attack in the page the console speaks, and still nothing is fetched.

    Its own control: without the policy the browser does fetch.
    """
    address, asked = requests
    attack = (f'<img src="{address}/image"><script>document.body.textContent = "owned"</script>'
              f'<link rel="stylesheet" href="{address}/style"><p style="color:red">')
    page = render(violation(), "html", "zh").replace("</main>", f"{attack}</main>")
    dom, console = browse(page, tmp_path)
    assert "不得发布" in dom
    assert "Content Security Policy" in console
    assert asked == []
    browse(re.sub("<meta http-equiv[^>]*>", "", page), tmp_path)
    assert set(asked) >= {"/image", "/style"}
