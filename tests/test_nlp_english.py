"""English names: which lines are a reason to ask a model, and what of its answer counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from listed_model import ListedModel, persons

from guard import Scanner
from guard.nlp import Entity, Kind, PresidioModel


def seen(text: str, model: ListedModel) -> list[tuple[str, float]]:
    """Value and confidence of what a model sees in a text."""
    return [(text[f.start : f.end], round(f.confidence, 2)) for f in Scanner(models=[model]).scan_text(text)
            if f.detector.startswith("model-")]


@pytest.mark.parametrize(("text", "name", "confidence"), [
    ("yesterday the clerk told Margaret Whitfield to pay", "Margaret Whitfield", 0.7),
    ("a letter from Mary-Ann O'Neil arrived late", "Mary-Ann O'Neil", 0.7),
    ("the minutes name John Q. Adamson as the last owner", "John Q. Adamson", 0.7),
    ("nobody had seen Ludwig van Aspern since the spring", "Ludwig van Aspern", 0.7),
    ("the parcel was signed for by Zbryna Kowetzki in person", "Zbryna Kowetzki", 0.45),
    ("the keys were handed to Emily Law in the morning", "Emily Law", 0.7),
])
def test_a_name_in_prose_is_found(text, name, confidence):
    model = persons(name, language="en")
    assert seen(text, model) == [(name, confidence)]
    assert model.asked == [text]


@pytest.mark.parametrize("text", [
    "2026-01-01 INFO UserService login accepted in 12 ms",
    "GET /api/v1 HTTP/1.1 Mozilla/5.0 (Macintosh; Intel Mac OS X)",
    "Restarting Kafka Broker", "the bank of the river was flooded in spring", "MARGARET WHITFIELD",
    "the works on Martin Luther Boulevard will be finished before the winter",
    "they moved all the tables of the archive to Vexel Cloud before the winter", "Mary Whitfield",
    "the general department of National Service was closed for a week", "", "A",
])
def test_other_lines_are_not_asked_about(text):
    model = persons("Kafka Broker", "National Service", language="en")
    assert seen(text, model) == []
    assert model.asked == []


@pytest.mark.parametrize("person", ["Whitfield", "the clerk", "National Service", "whitfield margaret"])
def test_a_person_that_does_not_look_like_one_does_not_count(person):
    text = "Margaret Whitfield told the clerk of the National Service that whitfield margaret was somebody else"
    assert seen(text, persons(person, language="en")) == []


@pytest.mark.parametrize(("value", "counts"), [("Northgate Consulting Ltd", True), ("Springfield", False)])
def test_an_organisation_says_what_it_is(value, counts):
    text = f"yesterday Margaret Whitfield left {value} for good"
    found = seen(text, ListedModel({value: Kind.ORGANISATION}, "en"))
    assert found == ([(value, 0.6)] if counts else [])


def test_places_are_no_addresses():
    text = "yesterday Margaret Whitfield left Springfield for good"
    assert seen(text, ListedModel({"Springfield": Kind.PLACE}, "en")) == []


class Engine:
    """As much of an NLP engine of Presidio as is asked for."""

    def process_batch(self, texts, language, batch_size):
        for text in texts:
            start = text.index("Margaret")
            spans = [SimpleNamespace(start_char=start, end_char=start + 18, label_="PERSON"),
                     SimpleNamespace(start_char=0, end_char=4, label_="DATE_TIME")]
            yield text, SimpleNamespace(entities=spans)


def test_an_engine_of_presidio_is_a_model():
    model = PresidioModel(Engine())
    assert model.entities(["told Margaret Whitfield"]) == [[Entity(5, 23, Kind.PERSON)]]
    text = "yesterday the clerk told Margaret Whitfield to pay"
    found, = Scanner(models=[model]).scan_text(text)
    assert (found.detector, found.reveal()) == ("model-en-person", "Margaret Whitfield")
