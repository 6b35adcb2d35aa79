"""The study of closeness in distribution as the rules see it: which models there are, paths, parameters of each job.

Results lie in {results}/{name}/, the section's own name, whatever configuration it came with: see docs/results.md.
"""

import re

from whyalike.config.config import Config
from whyalike.provenance import version
from whyalike.studies.closeness import images
from whyalike.studies.closeness.parameters import EmbedderTraining, Group, GroupScores, PerceptronTraining
from whyalike.studies.closeness.rules import CONSTRUCTIONS, PARTS, image_tables, rules
from whyalike.studies.rule import Paths, Rule
from whyalike.studies.study import RuleStudy


class ClosenessStudy(RuleStudy):
    """The groups of models and the figures of the study, and the parameters of jobs. Parameters as `RuleStudy`."""

    name = "closeness"

    def __init__(self, config: Config, default: str):
        super().__init__(config, default)
        self.photographs = self.section.cifar10
        if self.photographs is not None:
            self.datasets = {images.SOURCE: self.photographs.data}

    def own_rules(self) -> list[Rule]:
        """As `rules` has them."""
        return rules(self)

    # ---- groups of models, and figures ----

    def groups(self, part: str) -> list[str]:
        """The groups of models of growing width of a part of the study."""
        width = self.section.width
        counts = width.synthetic_classes if part == "synthetic" else width.classes
        return [f"k{count}_width{units}" for count in counts for units in width.widths]

    def widest(self, part: str) -> list[str]:
        """Of these the widest models of each number of labels."""
        return [group for group in self.groups(part) if group.endswith(f"_width{max(self.section.width.widths)}")]

    def images(self) -> dict[str, list[str]]:
        """The kinds of images -> their groups, one a number of dimensions."""
        digits = [f"digits_m{dimensions}" for dimensions in self.section.digits.dimensions]
        photographs = images.groups(self.photographs)
        return {"digits": digits, **({images.SOURCE: photographs} if photographs else {})}

    def perceptrons(self) -> list[str]:
        """The groups of which all seeds are trained at once, outside the run store."""
        return [*self.groups("all"), *self.images()["digits"]]

    def models(self, group: str) -> list[str]:
        """The names of such a group's models."""
        return [f"{group}_seed{seed}" for seed in range(self.training(group).seeds)]

    def runs(self) -> dict[str, str]:
        """The runs of the store: those of photographs."""
        groups = images.groups(self.photographs)
        return {run.identity: group for group in groups for run in self.training(group).runs}

    def figures(self, *parts: str) -> dict[str, Paths]:
        """The figures of parts of the study -> their tables; constructed models are in each, images in the whole."""
        found: dict[str, Paths] = {name: {"scores": [f"similarity/{name}.parquet"]} for name in CONSTRUCTIONS}
        for part in parts:
            for kind in ("width", "metrics"):
                found[f"{kind}_{part}"] = {"statistics": [f"statistics/{part}.parquet"]}
            found[f"tuples_{part}"] = {"scores": [f"similarity/tuples_{part}.parquet"]}
        groups = self.images() if "all" in parts else {}
        return found | {name: image_tables(of_name) for name, of_name in groups.items()}

    def targets(self) -> dict[str, list[str]]:
        """The constructed models, and trained ones of few labels: under an hour on two cores; and all."""
        parts = {"closeness_synthetic": PARTS[:1], "closeness": PARTS}
        return {
            target: [f"{self.root}/figures/{name}.svg" for name in self.figures(*of)] for target, of in parts.items()
        }

    # ---- parameters ----

    def training(self, group: str) -> PerceptronTraining | EmbedderTraining:
        """Those of a group's training, of which its name tells: k{classes}_width{units}, or {images}_m{dimensions}."""
        if group in images.groups(self.photographs):
            return images.training(self.photographs, group)
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        if group.startswith("digits"):
            section = self.section.digits
            data = {"source": "digits", "train": section.train, "seed": section.seed}
            shape = {"inputs": 64, "classes": 10, "width": section.width, "dimensions": numbers[0]}
        else:
            section = self.section.width
            data = {"source": "radial", "train": section.train.plain(), "test": section.test.plain()}
            shape = {"inputs": 2, "classes": numbers[0], "width": numbers[1], "dimensions": section.dimensions}
        how = {"seeds": section.seeds, "recipe": section.recipe.plain()}
        state = version("whyalike.studies.closeness.training")
        return PerceptronTraining(group=group, data=data, **shape, **how, version=state)

    def scoring(self, group: str) -> GroupScores:
        """Those of the scores of a group's pairs; the test data are named after their source."""
        kind, training = group.partition("_")[0], self.training(group)
        return GroupScores(
            **{name: getattr(training, name) for name in Group.model_fields},
            study=self.name,
            stimuli=f"{kind if kind in self.images() else 'radial'}_test",
            num_samples=self.section.num_samples,
            metrics=self.section.metrics,
        )
