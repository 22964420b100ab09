"""Our detectors as a recognizer of Presidio."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from presidio_analyzer import AnalysisExplanation, LocalRecognizer, RecognizerResult

from guard.model import POSSIBLE, Finding
from guard.presidio.entities import entity_of
from guard.scanner import Scanner

if TYPE_CHECKING:
    from presidio_analyzer.nlp_engine import NlpArtifacts


class GuardRecognizer(LocalRecognizer):  # type: ignore[misc]
    """Gives what `scanner` finds to an AnalyzerEngine.

        engine.registry.add_recognizer(GuardRecognizer(supported_language="zh"))

    Entities are our data classes in Presidio's naming (`guard.presidio.entities.entity_of`), offsets code points,
    scores our confidences. Masked values are none of its results, since they are no leak. What it explains is the
    detector, never the value. Presidio asks a recognizer for one language: to serve several, add one for each; they may
    share a scanner. The default scanner reads the shipped packs.
    """

    def __init__(self, supported_language: str = "zh", *, scanner: Scanner | None = None,
                 min_confidence: float = POSSIBLE, name: str = "GuardRecognizer") -> None:
        self._scanner = scanner or Scanner(min_confidence=min_confidence)
        self._min_confidence = min_confidence
        entities = sorted({entity_of(detector.data_class) for detector in self._scanner.matcher.detectors})
        super().__init__(supported_entities=entities, supported_language=supported_language, name=name)

    def load(self) -> None:
        """Nothing is left to load."""

    def analyze(self, text: str, entities: Collection[str] | None = None,
                nlp_artifacts: NlpArtifacts | None = None) -> list[Any]:
        """The results (`RecognizerResult`) of these entities, of all without any; in order of the text."""
        found = [finding for finding in self._scanner.scan_text(text)
                 if not finding.masked and finding.confidence >= self._min_confidence]
        return [self._result(finding) for finding in found if not entities or entity_of(finding.data_class) in entities]

    def _result(self, finding: Finding) -> Any:
        explanation = AnalysisExplanation(recognizer=self.name, original_score=finding.confidence,
                                          pattern_name=finding.detector, validation_result=finding.validated or None,
                                          textual_explanation=f"detector {finding.detector}, {finding.data_class}")
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(entity_of(finding.data_class), finding.start, finding.end, finding.confidence,
                                explanation, metadata)
