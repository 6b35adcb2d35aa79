"""The studies with rules of their own, by name: a line each.

A study's name is also that of its section in a configuration and of the file with it at full size
(config/{name}.yaml). Its target is a `whyalike.studies.study.RuleStudy`. Importing this
module is cheap: the configuration reads it.
"""

from dataclasses import dataclass

from whyalike.registry import Entry, Registry
from whyalike.section import Section
from whyalike.studies.closeness.section import Closeness
from whyalike.studies.consistency.section import Consistency
from whyalike.studies.convergence.section import Convergence


@dataclass(frozen=True)
class StudyFacts:
    """What is known of a study.

    Attributes
    ----------
    section : the model that checks its section.
    about : what it is, in the description of the section.
    stands_alone : whether it runs beside any configuration; otherwise one without its section has nothing of it, and
        config/{name}.yaml is a whole configuration.
    """

    section: type[Section]
    about: str
    stands_alone: bool = True


STUDIES: Registry[StudyFacts] = Registry(
    "study with rules of its own",
    {
        "closeness": Entry(
            "whyalike.studies.closeness.study:ClosenessStudy",
            StudyFacts(Closeness, "The study of closeness in distribution"),
        ),
        "consistency": Entry(
            "whyalike.studies.consistency.study:ConsistencyStudy",
            StudyFacts(Consistency, "The study of consistency of similarity over stimulus sets", stands_alone=False),
        ),
        "convergence": Entry(
            "whyalike.studies.convergence.study:ConvergenceStudy",
            StudyFacts(Convergence, "The study of convergence over layers, training and shifts", stands_alone=False),
        ),
    },
)
