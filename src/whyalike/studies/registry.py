"""The studies with rules of their own, by name: a line each.

A study's name is also that of its section in a configuration and of the file with its section at full size
(config/{name}.yaml). Its target is a `whyalike.studies.study.RuleStudy`. Importing this
module is cheap: the configuration reads it.
"""

from dataclasses import dataclass

from whyalike.registry import Entry, Registry
from whyalike.section import Section
from whyalike.studies.closeness.section import Closeness


@dataclass(frozen=True)
class StudyFacts:
    """What is known of a study.

    Attributes
    ----------
    section : the model that checks its section.
    about : what it is, in the description of the section.
    """

    section: type[Section]
    about: str


STUDIES: Registry[StudyFacts] = Registry(
    "study with rules of its own",
    {
        "closeness": Entry(
            "whyalike.studies.closeness.study:ClosenessStudy",
            StudyFacts(Closeness, "The study of closeness in distribution"),
        ),
    },
)
