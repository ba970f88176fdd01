"""Facts about fruits from sourced tables, and the classes of both data sets; stdlib only."""

from pomona.facts.classes import FruitClass, Label, find_class, load_classes, merge_classes
from pomona.facts.lookup import find_facts
from pomona.facts.records import LANGUAGES, Claim, Facts, Nutrition, Storage
from pomona.facts.tables import load_facts

__all__ = [
    "LANGUAGES",
    "Claim",
    "Facts",
    "FruitClass",
    "Label",
    "Nutrition",
    "Storage",
    "find_class",
    "find_facts",
    "load_classes",
    "load_facts",
    "merge_classes",
]
