"""Random tables of the study of convergence, as its jobs write them: groups of models, layers, checkpoints, shifts.

Alignment falls with depth, rises with training (more in deep layers), by metric and analysis; shifts lower it in deep
layers. The tables of statistics are drawn about the same curves, without going through the jobs.
"""

import itertools
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
import pandas as pd

ANALYSES = ("corrected", "as_published")
METRICS = {"linear": 0.02, "procrustes": 0.0, "permutation": -0.24, "soft_matching": -0.2}  # less than Procrustes
N, BATCH = 600, 64
SMALL_SHIFTS = {
    "contrast": (0.5, 0.3, 0.1),
    "low_pass": (1, 2, 4),
    "uniform_noise": (0.1, 0.2, 0.6),
    "rotation": (90, 180, 270),
    "stylized": (),  # from files
}
LARGE_SHIFTS = {
    "greyscale": (1,),
    "contrast": (0.5, 0.3, 0.15, 0.1, 0.05, 0.03, 0.01),
    "high_pass": (3, 1.5, 1, 0.7, 0.55, 0.45, 0.4),
    "low_pass": (1, 3, 5, 7, 10, 15, 40),
    "phase_noise": (30, 60, 90, 120, 150, 180),
    "power_equalisation": (1,),
    "opponent_colour": (1,),
    "rotation": (90, 180, 270),
    "eidolon_1": (1, 2, 4, 8, 16, 32, 64, 128),
    "eidolon_2": (1, 2, 4, 8, 16, 32, 64, 128),
    "eidolon_3": (1, 2, 4, 8, 16, 32, 64, 128),
    "uniform_noise": (0.03, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9),
} | dict.fromkeys(("sketch", "stylized", "edge", "silhouette", "cue_conflict"), ())


@dataclass(frozen=True)
class OfGroup:
    """A group: its kind, names of its layers, its steps beside 0, steps an epoch, side of its grid of starts."""

    kind: str
    layers: tuple[str, ...]
    steps: tuple[int, ...] = (1, 2, 4, 8, 16)
    epochs: tuple[int, ...] = (1, 2, 3, 5, 8)
    per_epoch: int = 25
    last: int = 250
    setting: str = ""
    grid: int = 0
    width: int = 16

    @property
    def is_text(self):
        return self.kind == "language"


def convolutions(count):
    return tuple("conv1" if n == 0 else f"layer{1 + (n - 1) // 4}.{(n - 1) % 4 // 2}.conv{1 + (n - 1) % 2}"
                 for n in range(count))  # fmt: skip


def blocks(count):
    return tuple(f"blocks.{n}" for n in range(count))


SMALL = {
    "resnet": OfGroup("cnn", convolutions(9), setting="resnet", grid=3),
    "resnet_shuffled": OfGroup("cnn", convolutions(9), setting="resnet"),
    "vgg": OfGroup("cnn", tuple(f"features.{3 * n}" for n in range(8)), setting="vgg"),
    "vit": OfGroup("transformer", blocks(6), setting="vit", width=48),
    "simclr": OfGroup("self_supervised", convolutions(9), setting="simclr"),
    "gpt": OfGroup("language", blocks(5), steps=(1, 2, 4, 8, 16, 32, 64, 128, 200, 300), epochs=(), last=400,
                   setting="gpt", width=64),
}  # fmt: skip
POWERS = tuple(2**n for n in range(10))
_CNN = {"steps": (*POWERS, 1000, 2000, 4000), "epochs": tuple(range(1, 11)), "per_epoch": 5005, "last": 450450}
_PYTHIA = {"steps": (*POWERS, *range(1000, 143000, 1000)), "epochs": (), "per_epoch": 143000, "last": 143000}
LARGE = {
    "imagenet_resnet18": OfGroup("cnn", convolutions(17), setting="imagenet_resnet18", width=64, grid=4, **_CNN),
    "imagenet_resnet18_shuffled": OfGroup("cnn", convolutions(17), setting="imagenet_resnet18", width=64, **_CNN),
    "imagenet_resnet50": OfGroup("cnn", convolutions(49), setting="imagenet_resnet50", width=256, **_CNN),
    "imagenet_vgg16": OfGroup("cnn", tuple(f"features.{3 * n}" for n in range(13)), setting="imagenet_vgg16", **_CNN),
    "imagenet_vgg19": OfGroup("cnn", tuple(f"features.{3 * n}" for n in range(16)), setting="imagenet_vgg19", **_CNN),
    "cifar100_resnet18": OfGroup("cnn", convolutions(17), setting="cifar100_resnet18", **_CNN),
    "cifar100_vgg16": OfGroup("cnn", tuple(f"features.{3 * n}" for n in range(13)), setting="cifar100_vgg16", **_CNN),
    "imagenet_vit": OfGroup("transformer", blocks(12), setting="imagenet_vit", width=384, **_CNN),
    "cifar100_vit_small_patch4": OfGroup("transformer", blocks(12), setting="cifar100_vit_small_patch4", **_CNN),
    "imagenet_moco_resnet50": OfGroup("self_supervised", convolutions(49), setting="imagenet_moco_resnet50", **_CNN),
    "pythia_70m": OfGroup("language", blocks(7), setting="pythia_70m", width=512, **_PYTHIA),
    "pythia_160m": OfGroup("language", blocks(13), setting="pythia_160m", width=768, **_PYTHIA),
}


def product(**levels):
    """Every combination, the last changing fastest."""
    return pd.DataFrame(list(itertools.product(*levels.values())), columns=list(levels))


@dataclass(frozen=True)
class Tables:
    """The tables of ``groups`` of ``models`` seeds each; a table is made when it is asked for."""

    groups: dict[str, OfGroup] = field(default_factory=lambda: SMALL)
    models: int = 6
    seed: int = 0
    analyses: tuple[str, ...] = ANALYSES
    scorings: tuple[str, ...] = tuple(METRICS)
    shifts_used: dict[str, tuple[float, ...]] = field(default_factory=lambda: SMALL_SHIFTS)
    over_time: tuple[str, ...] = ("procrustes",)

    # ---- what models and curves are ----

    def named(self, group, analysis):
        return {"group": group, "setting": self.groups[group].setting or group, "analysis": analysis}

    def _generator(self, *key):
        return np.random.default_rng([self.seed, *(sum(map(ord, one)) for one in key)])

    def members(self, group):
        """Seeds, then the further models of the grid of seed 0."""
        side = range(self.groups[group].grid)
        of_grid = [(0, start, order) for start in side for order in side if start or order]
        seeds = [(seed, 0, 0) for seed in range(self.models)]
        return {
            f"seed{seed}" + (f".start{start}" if start else "") + (f".order{order}" if order else ""):
            (seed, start, order) for seed, start, order in [*seeds, *of_grid]
        }  # fmt: skip

    def pairs(self, group, main=True):
        """A row a pair: a, b, relation, effect (of the models and of itself)."""
        keys = {name: key for name, key in self.members(group).items() if not main or key[1:] == (0, 0)}
        generator, rows = self._generator(group, "pairs"), []
        own = dict(zip(keys, generator.normal(size=len(keys)) * 0.012, strict=True))
        for (a, one), (b, other) in itertools.combinations(keys.items(), 2):
            same_seed, same_start, same_order = (x == y for x, y in zip(one, other, strict=True))
            relation = "independent"
            if same_seed and (same_start or same_order):
                relation = "same_start" if same_start else "same_order"
            rows.append({"a": a, "b": b, "relation": relation, "effect": own[a] + own[b] + generator.normal() * 0.006})
        return pd.DataFrame(rows)

    def layers(self, group):
        """A row a layer: layer, index, depth, width, field."""
        of = self.groups[group]
        index = np.arange(len(of.layers))
        width = of.width * (2 ** (3 * index // max(len(index), 1)) if of.kind in ("cnn", "self_supervised") else 1)
        known = of.kind in ("cnn", "self_supervised")
        return pd.DataFrame({"layer": list(of.layers), "index": index, "depth": index / max(len(index) - 1, 1),
                             "width": width * np.ones(len(index), int),
                             "receptive": 3.0 + 4 * index if known else np.nan})  # fmt: skip

    def checkpoints(self, group):
        """A row a checkpoint: checkpoint, step, epoch, samples, lr_sum, progress (0 to 1)."""
        of = self.groups[group]
        names = {"start": 0, **{f"step{step}": step for step in of.steps},
                 **{f"epoch{epoch}": epoch * of.per_epoch for epoch in of.epochs}, "final": of.last}  # fmt: skip
        step = np.array(list(names.values()))
        return pd.DataFrame({
            "checkpoint": list(names), "step": step, "epoch": step / of.per_epoch, "samples": step * float(BATCH),
            "lr_sum": 0.1 * (step - step**2 / (2.2 * of.last)), "progress": np.log1p(step) / np.log1p(of.last),
        })  # fmt: skip

    def curve(self, group, depth, progress, scoring="procrustes", analysis="corrected"):
        """Mean alignment."""
        place = list(self.groups).index(group) % 6
        kind = self.groups[group].kind
        start = (0.86 if kind == "transformer" else 0.92 - 0.6 * depth) - (
            0.12 * depth if analysis != ANALYSES[0] else 0
        )
        end = 0.93 - (0.25 + 0.04 * place) * depth - (0.15 * depth if group.endswith("shuffled") else 0)
        if kind == "language":
            end = end + 0.05 * np.sin(np.pi * progress**3)
        value = start + (end - start) * progress**1.5
        return value + METRICS[scoring] * (0.3 + 0.7 * depth)

    def accuracy_at(self, group, progress):
        return 0.1 + (0.82 - 0.05 * (list(self.groups).index(group) % 6)) * progress**2.2

    # ---- tables of scoring jobs ----

    @cached_property
    def scores(self):
        frames = []
        for group, analysis in itertools.product(self.groups, self.analyses):
            known = self.checkpoints(group)
            over_time = [one for one in self.over_time if one in self.scorings]
            ends = known["checkpoint"].isin(["start", "final"])
            asked = [(known, over_time, "pearson", False),
                     (known[ends], [one for one in self.scorings if one not in over_time], "pearson", False),
                     (known[ends], list(self.scorings), "spearman", True)]  # fmt: skip
            for at, scorings, comparison, main in asked:
                pairs = self.pairs(group, main)
                pairs = pd.concat([pairs, *(self._to_the_end(group) if comparison == "pearson" else ())])
                rows = at.drop(columns=["epoch", "samples", "lr_sum"]).merge(pairs, how="cross")
                rows = rows[~((rows["relation"] == "own_end") & (rows["checkpoint"] == "final"))]
                rows = rows.merge(self.layers(group), how="cross")
                for scoring in scorings:
                    frames.append(self._scored(rows, group, analysis, scoring).assign(comparison=comparison))
        return pd.concat(frames, ignore_index=True)

    def _to_the_end(self, group):
        main = self.pairs(group)
        own = pd.DataFrame({"a": [f"seed{n}" for n in range(self.models)], "relation": "own_end", "effect": 0.0})
        other = main.assign(relation="other_end")
        return own.assign(b=own["a"]), other, other.rename(columns={"a": "b", "b": "a"})

    def _scored(self, rows, group, analysis, scoring):
        noise = self._generator(group, analysis, scoring).normal(size=(3, len(rows))) * 0.005
        value = self.curve(group, rows["depth"], rows["progress"], scoring, analysis) + rows["effect"]
        value = np.where(rows["relation"] == "same_start", np.maximum(value, 1 - 0.35 * rows["progress"]), value)
        value = np.where(rows["relation"] == "own_end", 0.3 + 0.7 * rows["progress"], value) + noise[0]
        return rows.drop(columns=["effect", "progress", "receptive"]).assign(
            **self.named(group, analysis), field=rows["receptive"], n=N, metric=scoring, scoring=scoring, value=value,
            value_ab=value + noise[1], value_ba=value - noise[1], fold_sd=0.01 + np.abs(noise[2]),
            matched=0.8 if scoring == "soft_matching" else np.nan,
        )  # fmt: skip

    @cached_property
    def accuracies(self):
        frames = []
        for group, analysis in itertools.product(self.groups, self.analyses):
            of, names = self.groups[group], list(self.members(group))
            rows = self.checkpoints(group).merge(pd.DataFrame({"model": names}), how="cross")
            value = self.accuracy_at(group, rows["progress"])
            value = value + self._generator(group, analysis, "accuracy").normal(size=len(rows)) * 0.01
            kind = {"language": None, "self_supervised": "probe"}.get(of.kind, "labels")
            frames.append(rows.drop(columns="progress").assign(
                **self.named(group, analysis), accuracy=np.nan if kind is None else value, accuracy_kind=kind,
                loss=(6 if kind is None else 2.3) * (1.02 - value), n=N))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def layer_jobs(self):
        names = [name for name in self.groups if not name.endswith("_shuffled")]
        return [(a, b) for n, a in enumerate(names) for b in names[n:]
                if self.groups[a].is_text == self.groups[b].is_text]  # fmt: skip

    @cached_property
    def layer_scores(self):
        frames, models = [], [("seed0", "seed1"), ("seed0", "seed2"), ("seed1", "seed2")]
        for (a, b), analysis in itertools.product(self.layer_jobs(), self.analyses):
            sides = [self.layers(one).drop(columns="receptive") for one in (a, b)]
            rows = sides[0].add_suffix("_a").merge(sides[1].add_suffix("_b"), how="cross")
            apart = (rows["depth_a"] - rows["depth_b"]).abs()
            for scoring in [one for one in self.scorings if one != "linear"]:
                own = rows[rows["width_a"] == rows["width_b"]] if scoring == "permutation" else rows
                mean = self.curve(a, own["depth_b"], 1.0, scoring, analysis) * (1 - 0.7 * apart[own.index])
                for one, other in models:
                    noise = self._generator(a, b, analysis, scoring, one, other).normal(size=len(own)) * 0.02
                    frames.append(own.assign(group_a=a, group_b=b, analysis=analysis, a=one, b=other, metric=scoring,
                                             scoring=scoring, n=N, value=mean + noise))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def shifted_groups(self):
        return [name for name, of in self.groups.items() if not of.is_text and not name.endswith("_shuffled")]

    @cached_property
    def levels(self):
        """A row a level of a shift: shift, level, strength, severity (0 to 1)."""
        rows = []
        for shift, levels in self.shifts_used.items():
            names = [f"{level:g}".replace(".", "p") for level in levels] or ["file"]
            for place, name in enumerate(names):
                rows.append({"shift": shift, "level": name, "strength": levels[place] if levels else np.nan,
                             "severity": (place + 1) / len(names) if levels else 0.7})  # fmt: skip
        return pd.DataFrame(rows)

    def _under_shift(self, analysis):
        """The rows of levels of an analysis, with those of undistorted and pooled stimuli."""
        ends = [{"level": "none", "strength": np.nan, "severity": 0.0}]
        ends.append({"level": "control", "strength": np.nan, "severity": 0.05} if analysis == ANALYSES[0] else
                    {"level": "pooled", "strength": np.nan, "severity": 0.5})  # fmt: skip
        more = product(shift=list(self.shifts_used), place=range(2))
        more = pd.concat([more["shift"], pd.DataFrame(ends).loc[more["place"]].reset_index(drop=True)], axis=1)
        if analysis == ANALYSES[0]:
            return pd.concat([more, self.levels])
        files = self.levels[self.levels["level"] == "file"]
        return pd.concat([more[(more["level"] == "none") | ~more["shift"].isin(files["shift"])], files])

    @cached_property
    def shift_scores(self):
        frames = []
        for group, analysis in itertools.product(self.shifted_groups(), self.analyses):
            rows = self._under_shift(analysis).merge(pd.DataFrame({"checkpoint": ["start", "final"]}), how="cross")
            rows = rows.merge(self.pairs(group).drop(columns="relation"), how="cross")
            rows = rows.merge(self.layers(group).drop(columns="receptive"), how="cross")
            for scoring in (one for one in self.over_time if one in self.scorings):
                noise = self._generator(group, analysis, "shifted").normal(size=len(rows)) * 0.015
                own = self.curve(group, rows["depth"], (rows["checkpoint"] == "final") * 1.0, scoring, analysis)
                value = own - 0.3 * rows["depth"] * rows["severity"] + rows["effect"] + noise
                frames.append(rows.drop(columns=["severity", "effect"]).assign(
                    **self.named(group, analysis), metric=scoring, scoring=scoring, n=160, value=value, fold_sd=0.02,
                    participation=4 + 20 * rows["depth"]))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def shift_accuracies(self):
        frames = []
        for group, analysis in itertools.product(self.shifted_groups(), self.analyses):
            names = [f"seed{n}" for n in range(self.models)]
            rows = self._under_shift(analysis).merge(product(checkpoint=["start", "final"], model=names), how="cross")
            top = self.accuracy_at(group, (rows["checkpoint"] == "final") * 1.0)
            noise = self._generator(group, analysis, "under").normal(size=len(rows)) * 0.03
            value = np.clip(0.1 + (top - 0.1) * (1 - 0.8 * rows["severity"]) + noise, 0, 1)
            frames.append(rows.drop(columns=["severity", "strength"]).assign(
                **self.named(group, analysis), n=160, accuracy=value, loss=2.3 * (1.02 - value),
                distance=np.where(rows["level"] == "file", np.nan, 0.3 * rows["severity"])))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    # ---- tables of statistics ----

    def _told(self, rows, group, analysis, scoring, half=0.02, **more):
        """Rows with a value, as rows of a table of statistics: an interval of about ``half`` each way, counts."""
        scale = self._generator(group, analysis, "half").uniform(0.6, 1.4, size=len(rows)) * half
        names = {"layer": None, "index": np.nan, "depth": np.nan, "width": np.nan}
        rows = rows.assign(**{name: empty for name, empty in names.items() if name not in rows})
        given = {"scoring": scoring, "metric": scoring, "comparison": "pearson", "p": np.nan, "p_holm": np.nan, **more}
        pairs = self.models * (self.models - 1) // 2
        return rows.assign(
            **self.named(group, analysis), kind=self.groups[group].kind, ci_low=rows["value"] - scale,
            ci_high=rows["value"] + scale, models=self.models, pairs=pairs,
            **{"n": N, **{key: value for key, value in given.items() if key not in rows}},
        )  # fmt: skip

    def _of_layers(self, group):
        return self.layers(group).drop(columns="receptive")

    def _wobble(self, count, *key):
        return self._generator(*key).normal(size=count) * 0.006

    @cached_property
    def depth(self):
        frames = []
        cells = itertools.product(self.groups, self.analyses, self.scorings, ("pearson", "spearman"))
        for group, analysis, scoring, comparison in cells:
            of, key = self._of_layers(group), (group, analysis, scoring, comparison)
            less = 0.02 if comparison == "spearman" else 0.0
            start, final = (
                self.curve(group, of["depth"], end, scoring, analysis) - less + self._wobble(len(of), *key, str(end))
                for end in (0.0, 1.0)
            )
            found = {"start": start, "final": final, "gain": final - start, "gain_ratio": 100 * (final / start - 1),
                     "fold_sd": np.full(len(of), 0.012)}  # fmt: skip
            if scoring == "linear":
                found["linear_less_procrustes"] = 0.02 * (0.3 + 0.7 * of["depth"]) + self._wobble(len(of), *key, "less")
            halves = {"gain_ratio": 6.0, "fold_sd": np.nan, "linear_less_procrustes": 0.006}
            whole = {"slope": -0.3, "slope_start": -0.6, "slope_equal_width": -0.25, "early_gain": 0.05,
                     "late_gain": 0.2, "early_ratio": 20.0, "late_ratio": 60.0, "early_ratio_of_layers": 22.0,
                     "late_ratio_of_layers": 75.0, "gain_slope": 0.3}  # fmt: skip
            rows = pd.concat([self._by_quantity(of, found),
                              pd.DataFrame({"quantity": list(whole), "value": list(whole.values())})])  # fmt: skip
            half = rows["quantity"].map({name: halves.get(name, 0.02) for name in found})
            half = np.where(rows["quantity"].isin(whole), rows["value"].abs() * 0.2, half)
            frames.append(self._told(rows.reset_index(drop=True), *key[:3], half, comparison=comparison))
        return pd.concat(frames, ignore_index=True)

    @staticmethod
    def _by_quantity(rows, found):
        """The rows once a quantity, with its values."""
        every = pd.concat([rows] * len(found), ignore_index=True)
        values = np.concatenate([np.asarray(value, float) for value in found.values()])
        return every.assign(quantity=np.repeat(list(found), len(rows)), value=values)

    @cached_property
    def time(self):
        frames = []
        for group, analysis in itertools.product(self.groups, self.analyses):
            known, of = self.checkpoints(group), self._of_layers(group)
            text, last = self.groups[group].is_text, self.groups[group].last
            value = self.accuracy_at(group, known["progress"])
            curves = {"loss": (6 if text else 2.3) * (1.02 - value), **({} if text else {"accuracy": value})}
            for quantity, own in curves.items():
                rows = known.drop(columns="progress").assign(quantity=quantity, value=own)
                frames.append(self._told(rows, group, analysis, None))
            for of_what in curves:
                frames.append(self._told(self._times(None, of_what, (0.2 * last, 0.6 * last)), group, analysis, None,
                                         self._halves()))  # fmt: skip
            for scoring in (one for one in self.over_time if one in self.scorings):
                rows = known.merge(of, how="cross")
                level = self.curve(group, rows["depth"], rows["progress"], scoring, analysis)
                every = {"alignment": level, "own_end": 0.3 + 0.7 * rows["progress"],
                         "other_end": level * (0.5 + 0.5 * rows["progress"])}  # fmt: skip
                for quantity, own in every.items():
                    own = own + self._wobble(len(rows), group, analysis, quantity)
                    kept = rows.drop(columns="progress").assign(quantity=quantity, value=own)
                    kept = kept[(kept["checkpoint"] != "final") | (quantity != "own_end")]
                    frames.append(self._told(kept, group, analysis, scoring))
                for _, layer in of.iterrows():
                    times = (0.25 * last * (0.4 + layer["depth"]), 0.5 * last * (0.4 + layer["depth"]))
                    if layer["depth"] > 0.2:  # where the gain is under two standard errors there is none
                        frames.append(self._told(self._times(layer, "alignment", times), group, analysis, scoring,
                                                 self._halves()))  # fmt: skip
                frames.append(self._told(self._ends_of(of, last), group, analysis, scoring, 0.01))
                if self.groups[group].kind in ("cnn", "self_supervised"):
                    rows = of.assign(quantity="at_equal_lr_sum", lr_sum=0.05 * last,
                                     value=self.curve(group, of["depth"], 0.9, scoring, analysis))  # fmt: skip
                    frames.append(self._told(rows, group, analysis, scoring))
        return pd.concat(frames, ignore_index=True)

    @staticmethod
    def _halves():
        return np.tile([5.0, 8.0], 4)

    @staticmethod
    def _times(layer, of, steps):
        """t50 and t90 in every unit."""
        per_unit = {"updates": 1.0, "samples": float(BATCH), "lr_sum": 0.07, "loss": 0.004}
        rows = [{"quantity": name, "unit": unit, "of": of, "value": step * factor}
                for unit, factor in per_unit.items()
                for name, step in zip(("t50", "t90"), steps, strict=True)]  # fmt: skip
        return pd.DataFrame(rows).assign(**({} if layer is None else layer.to_dict()))

    @staticmethod
    def _ends_of(of, last):
        found = {"share_epoch1": 0.4 + 0.3 * of["depth"], "lag50": -0.01 * last + 0 * of["depth"],
                 "lag90": 0.02 * last * of["depth"], "peak": 0.8 * last + 0 * of["depth"],
                 "decline": 0.02 * of["depth"]}  # fmt: skip
        return pd.concat([of.assign(quantity=name, value=value, unit="updates" if name.startswith("lag") else None)
                          for name, value in found.items()])  # fmt: skip

    @cached_property
    def grid(self):
        frames = []
        for group, analysis in itertools.product([one for one, of in self.groups.items() if of.grid], self.analyses):
            for scoring in (one for one in self.over_time if one in self.scorings):
                known = self.checkpoints(group)[["checkpoint", "step", "progress"]]
                rows = known.merge(self._of_layers(group), how="cross")
                p = rows["progress"]
                alike = self.curve(group, rows["depth"], p, scoring, analysis)
                order = 1 - (1 - self.curve(group, rows["depth"], 1.0, scoring, analysis)) * p**0.7
                found = {"same_start": order, "same_order": alike + 0.02 * p, "independent": alike,
                         "order_less_start": order - alike - 0.02 * p, "start_share": np.clip(0.9 - p, 0.02, 1),
                         "order_share": 0.05 + 0.1 * p}  # fmt: skip
                for quantity, value in found.items():
                    value = value + self._wobble(len(rows), group, analysis, quantity)
                    frames.append(self._told(rows.drop(columns="progress").assign(quantity=quantity, value=value),
                                             group, analysis, scoring))  # fmt: skip
                of = self._of_layers(group)
                step = self.groups[group].last * (0.3 + 0.5 * of["depth"])
                frames.append(
                    self._told(of.assign(quantity="crossing_to_end", value=step), group, analysis, scoring, 8.0)
                )
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def bases(self):
        frames = []
        for group, analysis in itertools.product(self.groups, self.analyses):
            of, kind = self._of_layers(group), self.groups[group].kind
            for checkpoint, end in (("start", 0.0), ("final", 1.0)):
                native = self.curve(group, of["depth"], end, "permutation", analysis)
                rotated = native * (0.97 if kind == "transformer" else 0.5 + 0.25 * of["depth"])
                both = rotated - 0.01
                found = {"native": native, "rotated": rotated, "rotated_both": both, "effect": native - rotated,
                         "effect_both": native - both, "ratio_to_rotated": 100 * (native / rotated - 1),
                         "ratio_to_native": 100 * (1 - rotated / native),
                         "participation": 3 + 9 * of["depth"]}  # fmt: skip
                if analysis != ANALYSES[0]:
                    del found["rotated_both"], found["effect_both"]
                rows = self._by_quantity(of, found).assign(checkpoint=checkpoint)
                rows["value"] += self._wobble(len(rows), group, analysis, checkpoint)
                is_effect = rows["quantity"].str.startswith("effect")
                p = np.where(is_effect, np.where(rows["value"] > 0.02, 0.001, 0.3), np.nan)
                rows = rows.assign(p=p, p_holm=np.minimum(p * len(of), 1))
                half = np.where(rows["quantity"].str.contains("ratio"), 8.0, 0.02)
                frames.append(self._told(rows, group, analysis, "permutation", half))
                rows = [{"quantity": f"{name}_{end_of}", "value": getattr(found[name], end_of)()}
                        for name in ("native", "rotated", "ratio_to_rotated") for end_of in ("min", "max")]  # fmt: skip
                rows += [{"quantity": "mean_ratio_to_native", "value": found["ratio_to_native"].mean()},
                         {"quantity": "equivalence", "value": float(kind == "transformer")}]  # fmt: skip
                frames.append(self._told(pd.DataFrame(rows).assign(checkpoint=checkpoint), group, analysis,
                                         "permutation", np.array([np.nan] * 6 + [8.0, np.nan])))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def baselines(self):
        frames = []
        for group, analysis, scoring in itertools.product(self.groups, self.analyses, self.scorings):
            of, is_text = self._of_layers(group), self.groups[group].is_text
            for checkpoint, end in (("start", 0.0), ("final", 1.0)):
                full = self.curve(group, of["depth"], end, scoring, analysis)
                found = {"full": full} if is_text else {
                    "full": full, "partial": full * (0.3 + 0.5 * of["depth"]), "partial_share": 0.3 + 0.5 * of["depth"]
                }  # fmt: skip
                if scoring == "linear" and not is_text:
                    found["input"] = 0.9 - 0.6 * of["depth"]
                rows = self._by_quantity(of, found).assign(checkpoint=checkpoint)
                rows["components"] = np.where(rows["quantity"] == "full", 0, 50)
                frames.append(self._told(rows, group, analysis, scoring))
            if scoring == "linear":
                limit = 0.03 * of["depth"]
                for n in (100, 200, 400, N):
                    per_unit = 0.8 * n / of["width"]
                    rows = of.assign(quantity="linear_less_procrustes", checkpoint="final", n=n, n_per_unit=per_unit,
                                     value=limit - 0.3 / per_unit)  # fmt: skip
                    frames.append(self._told(rows[per_unit > 1], group, analysis, scoring, 0.01))
                rows = of.assign(quantity="linear_less_procrustes_limit", checkpoint="final", value=limit)
                frames.append(self._told(rows, group, analysis, scoring, 0.01))
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def layers_told(self):
        """The table `layers` of statistics (its name here is that of a method)."""
        frames = []
        for (a, b), analysis in itertools.product(self.layer_jobs(), self.analyses):
            for scoring in [one for one in self.scorings if one not in ("linear", "permutation")]:
                whole = {"match_distance": 0.06, "null_mean": 0.33, "null_low": 0.2, "null_high": 0.45}
                rows = [pd.DataFrame({"quantity": list(whole), "value": list(whole.values()), "p": 0.001})]
                for quantity, group in (("largest_a", a), ("largest_b", b), ("match_depth", a)):
                    of = self._of_layers(group)
                    value = of["depth"] if quantity == "match_depth" else self.curve(group, of["depth"], 1.0, scoring)
                    rows.append(of.assign(quantity=quantity, value=value))
                for one in rows:
                    frames.append(self._told(one, a, analysis, scoring).assign(
                        group_b=b, setting_b=self.groups[b].setting))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def shifts(self):
        frames, count = [], len(self.levels)
        for group, analysis in itertools.product(self.shifted_groups(), self.analyses):
            for scoring in (one for one in self.over_time if one in self.scorings):
                frames += self._gaps(group, analysis, scoring)
                frames += self._tracked(group, analysis, scoring, count)
        return pd.concat(frames, ignore_index=True)

    def _gaps(self, group, analysis, scoring):
        of, frames = self._of_layers(group), []
        levels = self._under_shift(analysis)
        levels = levels[levels["level"] != "none"].drop(columns="strength")
        whole = pd.DataFrame({"shift": [None], "level": [None], "severity": [levels["severity"].mean()]})
        for checkpoint, end in (("start", 0.0), ("final", 1.0)):
            rows = pd.concat([whole, levels]).merge(of, how="cross")
            within = self.curve(group, rows["depth"], end, scoring, analysis)
            gap = -(0.3 if end else 0.1) * rows["depth"] * rows["severity"]
            gap = gap + self._wobble(len(rows), group, analysis, checkpoint, "gap")
            found = {"within": within, "shifted": within + gap, "gap": gap} if end else {"gap_untrained": gap}
            for quantity, value in found.items():
                told = self._told(rows.assign(quantity=quantity, value=value, checkpoint=checkpoint), group, analysis,
                                  scoring, n=160)  # fmt: skip
                wide = 0.03 * (told["depth"] + 0.2) * np.where(told["level"].isna(), 1, np.nan)
                wide = wide if quantity != "within" else np.nan
                shifts = len(self.shifts_used)
                levels_of = len(self.levels) if analysis == ANALYSES[0] else shifts
                frames.append(told.assign(ci_low_sets=told["value"] - wide, ci_high_sets=told["value"] + wide,
                                          sets=shifts, levels=levels_of).drop(columns="severity"))  # fmt: skip
        return frames

    def _tracked(self, group, analysis, scoring, count):
        of = self._of_layers(group)
        r = 0.05 + 0.75 * of["depth"] + 5 * self._wobble(len(of), group, "r")
        frames = []
        for quantity, value in (("r", r), ("partial_r", 0.7 * r - 0.1), ("family_slope", 0.4 * r)):
            told = self._told(of.assign(quantity=quantity, value=value, checkpoint="final"), group, analysis, scoring,
                              0.06, n=160)  # fmt: skip
            frames.append(told.assign(ci_low_sets=value - 0.3, ci_high_sets=np.minimum(value + 0.2, 0.98),
                                      sets=len(self.shifts_used), levels=count))  # fmt: skip
        rows = pd.DataFrame({"quantity": ["gap_slope", "level_slope"], "value": [-0.2, -0.15], "checkpoint": "final"})
        return [*frames, self._told(rows, group, analysis, scoring, 0.04, n=160)]


@cache
def small():
    """Six groups, shared by the tests of a process, which do not change them."""
    return Tables()


def table_of(tables, name):
    """A table by the name that figures know it by."""
    return tables.layers_told if name == "layers" else getattr(tables, name)
