"""The pack that is made of Presidio's pattern recognizers when somebody asks for them: one detector a pattern.

The pattern runs in our matcher, under the limits of patterns that we have not reviewed; the recognizer's own
`validate_result` and `invalidate_result` decide. From Presidio's scores come our confidences:

- what no check decides is worth the score of its pattern;
- what passes the check, which Presidio gives 1.0, is worth CHECKED more than its pattern: one number in ten passes a
  check digit, so a bare number that does is possible, a number of a telling form certain;
- a context word adds BOOST, and at least so much that LEAST is reached, as in Presidio.

What stays below 0.3 is no finding, so a scan finds what `AnalyzerEngine.analyze(score_threshold=0.3)` would.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import version
from typing import NamedTuple

from presidio_analyzer import Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers import IbanRecognizer

from guard import taxonomy
from guard.detect.pack import Confidence, Context, Detector
from guard.detect.validators import Checks
from guard.errors import UsageError
from guard.model import CERTAIN, POSSIBLE
from guard.presidio.checks import Accepts, Validates
from guard.presidio.entities import COMPANIONS, DATA_CLASSES, PROOFS, UNKNOWN
from guard.presidio.installed import GENERIC, country, iso, recognizers
from guard.presidio.spelling import spelled, with_prefixes

CHECKED = 0.45
BOOST = 0.35
LEAST = 0.4
WINDOW = 60
"""Characters before a value in which context words are looked for; Presidio looks at five words."""
EVERY = "all"


class Pack(NamedTuple):
    """Detectors, and the checks that they name: `Matcher(pack.detectors, checks=pack.checks)`."""

    detectors: tuple[Detector, ...]
    checks: Checks


def of_countries(countries: Collection[str]) -> Pack:
    """What presidio-analyzer recognises by patterns in these countries (ISO 3166-1 codes in lower case).

    `all` stands for all of them, `generic` for what belongs to none; of that, bank accounts and wallets come with every
    country. Raises UsageError for a country that Presidio does not know.
    """
    known = {country(recognizer) for recognizer in recognizers()} - {GENERIC}
    wanted = set(map(iso, countries))
    if unknown := sorted(wanted - known - {EVERY, GENERIC}):
        raise UsageError(f"no recognizer for country {unknown[0]!r}",
                         hint=f"known are cn, {', '.join(sorted(known))}; {EVERY} and {GENERIC}")
    chosen = known if EVERY in wanted else known & wanted
    return translated(recognizer for recognizer in recognizers() if country(recognizer) in chosen
                      or (GENERIC in wanted and country(recognizer) == GENERIC)
                      or (chosen and COMPANIONS.intersection(recognizer.supported_entities)))


def translated(chosen: Iterable[PatternRecognizer]) -> Pack:
    """The detectors of pattern recognizers; their names have to differ."""
    detectors: list[Detector] = []
    functions: dict[str, Accepts | Validates] = {}
    proofs: set[str] = set()
    for recognizer in chosen:
        accepts, validates = f"{recognizer.name}.accepts", f"{recognizer.name}.validates"
        functions |= {accepts: Accepts(recognizer), validates: Validates(recognizer)}
        if recognizer.supported_entities[0] in PROOFS:
            proofs.add(validates)
        detectors += _detectors(recognizer, accepts, validates)
    return Pack(tuple(sorted(detectors, key=lambda detector: detector.id)), Checks(functions, frozenset(proofs)))


def _detectors(recognizer: PatternRecognizer, accepts: str, validates: str) -> Iterator[Detector]:
    entity = recognizer.supported_entities[0]
    data_class = DATA_CLASSES.get(entity, UNKNOWN)
    title = taxonomy.data_class(data_class).title
    ignore_case = bool(recognizer.global_regex_flags & re.IGNORECASE)
    for number, (pattern, text, group) in enumerate(_patterns(recognizer), 1):
        is_checked = _overrides(recognizer, "validate_result")
        proves = is_checked and entity in PROOFS
        worth = min(pattern.score + CHECKED, 1.0)
        yield Detector(
            id=f"presidio-{entity.lower().replace('_', '-')}-{number}", data_class=data_class,
            title=taxonomy.Title(en=f"{title.en} ({entity} of Presidio)", zh=f"{title.zh}（Presidio 的 {entity}）"),
            pattern=spelled(text, ignore_case=ignore_case), group=group, boundary="none",
            filters=(accepts,) if is_checked or _overrides(recognizer, "invalidate_result") else (),
            check=(validates,) if proves else (),
            evidence={validates: CHECKED} if is_checked and not proves else {},
            confidence=Confidence(shape=pattern.score, checked=max(worth, CERTAIN)),
            require="context" if not is_checked and pattern.score < POSSIBLE else "nothing",
            context=_context(recognizer, pattern.score),
            references=(f"presidio-analyzer {version('presidio-analyzer')}", recognizer.name))


def _patterns(recognizer: PatternRecognizer) -> Iterator[tuple[Pattern, str, int]]:
    """Its patterns, deny list included: each with the text to run and the group to report."""
    for pattern in recognizer.patterns:
        if isinstance(recognizer, IbanRecognizer):
            text, groups = with_prefixes(pattern.regex)
            yield from ((pattern, text, group) for group in range(1, groups + 1))
        else:
            yield pattern, pattern.regex, 0


def _context(recognizer: PatternRecognizer, score: float) -> Context | None:
    words = tuple(word for word in recognizer.context or () if word.strip())
    return Context(words=words, boost=round(max(BOOST, LEAST - score), 4), window=WINDOW, after=0) if words else None


def _overrides(recognizer: PatternRecognizer, method: str) -> bool:
    return getattr(type(recognizer), method) is not getattr(PatternRecognizer, method)
