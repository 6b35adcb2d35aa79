"""Random tables of the study of consistency, as its jobs write them: models in groups, sets of several sources.

On the logit scale a similarity is the affinity of the two models' groups, an effect of each model (widest among
self-supervised ones), of the pair, of each model on the set, and of the pair on the set.
"""

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from whyalike.statistics.consistency import FEWEST_PAIRS, agreement, at_common_spread, pairs_of_groups

METRICS = {
    "corrected": {"cka_unbiased": {}, "cka_rbf_unbiased": {"sigma_median": 0.4}, "rsa": {}},
    "as_published": {"cka_unbiased": {}, "cka_rbf_unbiased": {"sigma": 0.4}, "rsa": {}},
}
ROWS = {"corrected": "raw", "as_published": "l2"}
LEVELS = {
    "objective": ("image_text", "self_supervised", "supervised"),
    "architecture": ("convolutional", "transformer"),
    "data": ("imagenet_1k", "imagenet_21k", "large"),
    "size": ("small", "medium", "large"),
}
SET_CATEGORIES = ("multi_domain", "single_domain", "specialised", "structured")
GROWING = {f"cka_rbf_{tenths}": ("cka_rbf_unbiased", {"sigma": tenths / 10}) for tenths in (2, 4, 6, 8)} | {
    "cka_unbiased": ("cka_unbiased", {})
}
OF_PAIR = ["metric", "analysis", "scoring"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@dataclass(frozen=True)
class Tables:
    """The tables of ``count`` models on ``sets`` stimulus sets; the last two sets are from the first one's source.

    ``absent`` : pairs (set, place of a model) without scores. ``anchors`` : places of the anchors.
    """

    count: int = 12
    sets: int = 4
    seed: int = 0
    metrics: int = 3
    analyses: tuple[str, ...] = ("corrected", "as_published")
    anchors: tuple[int, ...] = (0, 1, 2)
    absent: tuple[tuple[str, int], ...] = ()

    @cached_property
    def models(self):
        place = np.arange(self.count)
        columns = {name: [of[one] for one in (place // step) % len(of)]
                   for step, (name, of) in zip((1, 3, 2, 5), LEVELS.items(), strict=True)}  # fmt: skip
        names = [
            f"{one[:4]}_{'vit' if two == 'transformer' else 'rn'}_{n}"
            for n, (one, two) in enumerate(zip(columns["objective"], columns["architecture"], strict=True))
        ]
        family = [f"family_{one // 2}" for one in place]
        return pd.DataFrame({"model": names, "setting": names, "view": names, "seed": 0, "trained": False,
                             **columns, "family": family})  # fmt: skip

    @cached_property
    def names(self):
        return [f"set_{n + 1}" for n in range(self.sets)]

    @cached_property
    def sources(self):
        shared = self.sets - max(self.sets // 4, 1)
        return {name: f"source_{1 if n >= shared else n + 1}" for n, name in enumerate(self.names)}

    @cached_property
    def set_category(self):
        return {name: SET_CATEGORIES[n % len(SET_CATEGORIES)] for n, name in enumerate(self.names)}

    @cached_property
    def logits(self):
        """(analysis, scoring) -> S x M x M, symmetric."""
        generator = np.random.default_rng(self.seed)
        s, m = self.sets, self.count
        group = np.arange(m) % 3
        affinity = np.array([[1.2, -0.6, -1.0], [-0.6, 0.3, 0.0], [-1.0, 0.0, 0.6]])[np.ix_(group, group)]
        own = generator.normal(size=m) * np.array([0.3, 1.2, 0.6])[group]
        base = affinity + own[:, None] + own + self._symmetric(generator, (1, m), 0.3)
        on_set = generator.normal(size=(s, m)) * np.array([0.2, 0.3, 0.5])[group]
        shared = base + on_set[:, :, None] + on_set[:, None] + generator.normal(size=(s, 1, 1)) * 0.4
        noise = {(a, k): self._symmetric(generator, (s, m), 0.25) for a in ROWS for k in range(3)}
        local = {"cka_unbiased": 0.0, "cka_rbf_unbiased": -0.8, "rsa": -0.4}
        return {(a, name): shared + local[name] + noise[a, k] + (0.4 if a == "as_published" else 0)
                for a in self.analyses for k, name in enumerate(list(METRICS[a])[: self.metrics])}  # fmt: skip

    @staticmethod
    def _symmetric(generator, shape, sd):
        drawn = generator.normal(size=(*shape, shape[-1])) * sd
        return np.triu(drawn, 1) + np.triu(drawn, 1).swapaxes(-1, -2)

    @cached_property
    def stacks(self):
        """(analysis, scoring) -> S x M x M similarities, NaN where a model is absent on a set."""
        found = {key: sigmoid(x) for key, x in self.logits.items()}
        for name, model in self.absent:
            for x in found.values():
                x[self.names.index(name), model] = x[self.names.index(name), :, model] = np.nan
        return found

    def _key(self, analysis, scoring):
        return {"metric": scoring, "analysis": analysis, "scoring": scoring}

    @cached_property
    def similarity(self):
        """By set, then metric, then analysis, as the study's list of files is."""
        generator, (i, j) = np.random.default_rng(self.seed + 1), np.triu_indices(self.count, 1)
        names = self.models["model"].to_numpy()
        metrics = list(dict.fromkeys(scoring for _, scoring in self.stacks))
        frames = []
        for n, stimuli in enumerate(self.names):
            for scoring in metrics:
                for analysis in self.analyses:
                    value = self.stacks[analysis, scoring][n, i, j]
                    noise = generator.normal(size=(2, len(i))) * 0.01
                    reach = 20 + 200 * generator.random(self.count) if scoring == "cka_rbf_unbiased" else None
                    frames.append(pd.DataFrame({
                        "stimuli": stimuli, "source": self.sources[stimuli], "category": self.set_category[stimuli],
                        **self._key(analysis, scoring), "rows": ROWS[analysis],
                        "parameters": json.dumps(METRICS[analysis][scoring]), "a": names[i], "b": names[j],
                        "value": value, "value_half_1": value + noise[0], "value_half_2": value + noise[1],
                        "n": 1000 * (n + 1), "width_a": 512, "width_b": 512,
                        "neighbours_a": np.nan if reach is None else reach[i],
                        "neighbours_b": np.nan if reach is None else reach[j],
                    }).dropna(subset="value"))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def consistency(self):
        """By scoring, then category: all, each category, anchors."""
        frames = []
        for (analysis, scoring), stack in self.stacks.items():
            complete = np.nan_to_num(stack, nan=np.nanmean(stack))
            spread_of_all = agreement(complete[:, *np.triu_indices(self.count, 1)]).spread
            for category, theta, phi, i, j in self._cells():
                counts = self._counts(category, theta, phi, i, j)
                frames.append(self._cell(complete[:, i, j], spread_of_all, i, j).assign(
                    **self._key(analysis, scoring), category=category, theta=theta, phi=phi, **counts))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def _cells(self):
        yield "all", "all", "all", *np.triu_indices(self.count, 1)
        for category in LEVELS:
            groups = list(self.models[category])
            known = list(dict.fromkeys(groups))
            for n, theta in enumerate(known):
                for phi in known[n:]:
                    i, j = pairs_of_groups(groups, theta, phi)
                    if len(i) >= FEWEST_PAIRS:
                        yield category, theta, phi, i, j
        groups = self.models["objective"].to_numpy()
        for anchor in self.anchors:
            for phi in dict.fromkeys(groups):
                others = np.array([m for m in np.flatnonzero(groups == phi) if m != anchor], dtype=int)
                if len(others) >= FEWEST_PAIRS:
                    yield "anchor", self.models["model"][anchor], phi, np.full(len(others), anchor), others

    def _counts(self, category, theta, phi, i, j):
        if category in ("all", "anchor"):
            counts = (self.count, self.count) if category == "all" else (1, len(j))
        else:
            counts = [int((self.models[category] == one).sum()) for one in (theta, phi)]
        return {"models": len({*i, *j}), "models_theta": counts[0], "models_phi": counts[1]}

    def _cell(self, x, spread_of_all, i, j):
        """A row a pair of sets, of the similarities (S x pairs) of one pair of groups."""
        found, (a, b) = agreement(x), np.triu_indices(self.sets, 1)
        names, spreads = np.array(self.names), x.std(axis=1, ddof=1)
        sources = np.array([self.sources[name] for name in names])
        reliability = 1 - 0.0001 / np.maximum(x.var(axis=1), 0.0001)
        common = at_common_spread(found.pearson, found.spread, spread_of_all)
        ceiling = np.sqrt(np.clip(reliability[a] * reliability[b], 0.05, 1))
        groups = self.models["objective"].to_numpy()
        return pd.DataFrame({
            "set_a": names[a], "set_b": names[b], "same_source": sources[a] == sources[b], "pairs": len(i),
            "spread_a": spreads[a], "spread_b": spreads[b], "pearson": found.pearson[a, b],
            "spearman": found.spearman[a, b], "concordance": found.concordance[a, b],
            "slope": spreads[b] / np.where(spreads[a] > 0, spreads[a], np.nan), "residual_sd": found.residual_sd[a, b],
            "pearson_at_common_spread": common[a, b],
            "pearson_within": found.pearson[a, b] * 0.9 if len(set(groups[i])) > 1 else np.nan,
            "reliability_a": reliability[a], "reliability_b": reliability[b], "ceiling": ceiling,
            "pearson_of_ceiling": found.pearson[a, b] / ceiling,
        })  # fmt: skip

    @cached_property
    def spread(self):
        i, j = np.triu_indices(self.count, 1)
        names, groups = self.models["model"].to_numpy(), self.models["objective"].to_numpy()
        scales = {
            "plain": lambda x: x,
            "arccos": lambda x: np.arccos(np.clip(x, -1, 1)),
            "tan": np.tan,
            "logit": lambda x: np.log(np.clip(x, 0.001, 0.999) / (1 - np.clip(x, 0.001, 0.999))),
        }
        frames = []
        for (analysis, scoring), stack in self.stacks.items():
            for scale, of in scales.items():
                x = of(stack[:, i, j])
                frames.append(pd.DataFrame({
                    **self._key(analysis, scoring), "scale": scale, "a": names[i], "b": names[j],
                    "group_a": groups[i], "group_b": groups[j], "mean": np.nanmean(x, axis=0),
                    "sd": np.nanstd(x, axis=0), "sets": np.isfinite(x).sum(axis=0),
                }))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def size_scores(self):
        generator, (i, j) = np.random.default_rng(self.seed + 2), np.triu_indices(self.count, 1)
        names, base = self.models["model"].to_numpy(), next(iter(self.logits.values()))[0]
        frames = []
        for place, (scoring, (metric, parameters)) in enumerate(GROWING.items()):
            for per_class in (1, 5, 10, 20, 30, 40):
                noise = generator.normal(size=len(i)) * 0.1 * (5 - place) / per_class
                frames.append(pd.DataFrame({
                    "stimuli": self.names[0], "metric": metric, "analysis": "as_published", "scoring": scoring,
                    "rows": "l2", "parameters": json.dumps({"metric": metric, **parameters}), "per_class": per_class,
                    "n": 1000 * per_class, "a": names[i], "b": names[j],
                    "value": sigmoid(base[i, j] - (4 - place) * (0.4 + 0.8 / per_class) + noise),
                }))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def sizes(self):
        """What is known of consecutive sizes; consistency with other sets of the linear metric alone."""
        table, rows = self.size_scores, []
        wide = table.pivot(index=["scoring", "metric", "a", "b"], columns="per_class", values="value")
        for (scoring, metric), of in wide.groupby(level=["scoring", "metric"], sort=False):
            shared = {"metric": metric, "analysis": "as_published", "scoring": scoring, "models": self.count,
                      "pairs": len(of)}  # fmt: skip
            for previous, per_class in zip((None, 1, 5, 10, 20, 30), (1, 5, 10, 20, 30, 40), strict=True):
                measures = {}
                if previous:
                    change = (of[per_class] - of[previous]).abs()
                    measures = {"mean_change": change.mean(), "largest_change": change.max(),
                                "share_below_01": (change < 0.01).mean()}  # fmt: skip
                if scoring == "cka_unbiased":
                    measures["pearson_with_other_sets"] = 0.8 - 0.2 / per_class
                rows += [{**shared, "per_class": per_class, "previous": previous, "measure": measure, "value": value,
                          "ci_low": value - 0.05, "ci_high": value + 0.05, "n": 1000 * per_class}
                         for measure, value in measures.items()]  # fmt: skip
        return pd.DataFrame(rows)
