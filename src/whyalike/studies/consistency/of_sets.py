"""Contrasts of categories of stimulus sets, which claims need and no table has; a source is the unit."""

import numpy as np
import pandas as pd

from whyalike.randomness import keyed
from whyalike.statistics.crossed import ROUNDING
from whyalike.statistics.inference import jackknife_interval
from whyalike.studies.claims import BESIDE, MAIN, Evidence
from whyalike.studies.consistency.tables import Tables, known

SINGLE, MULTI = "single_domain", "multi_domain"
FEWEST = 3  # sources of an interval


def categories_of_sets(tables: Tables) -> tuple[list[Evidence], str]:
    """R of pairs of sets of one category less that of two, and what is lacking in words."""
    found = tables.speaking("consistency")
    sets = tables.parameters.sets
    category, source = ({name: getattr(one, key) for name, one in sets.items()} for key in ("category", "source"))
    of_category = pd.Series({source[name]: category[name] for name in sets}).value_counts()
    if len(of_category) < 2 or of_category.max() < 2:
        return [], "sets of one category and of two need two sources of one category, and another category"
    if found is None:
        return [], "no consistency of pairs of sets"
    rows = []
    found = found[(found["category"] == "all") & ~found["same_source"].astype(bool)]
    for metric, own in found.groupby("metric", sort=False):
        for measure, role in (("pearson_of_ceiling", MAIN), ("pearson", BESIDE)):
            pairs = own[["set_a", "set_b", measure]].dropna()
            a, b = (pairs[side].to_numpy() for side in ("set_a", "set_b"))
            values = pairs[measure].to_numpy()

            def contrast(of: dict[str, str], a=a, b=b, values=values) -> float:
                same = np.array([of[one] == of[two] for one, two in zip(a, b, strict=True)])
                return values[same].mean() - values[~same].mean() if 0 < same.sum() < len(same) else np.nan

            without = [_without(pairs, source, one, category, measure) for one in dict.fromkeys(source.values())]
            rows.append(_of_sources(metric, f"{measure}, same category less different", contrast(category),
                                    without, _permuted(contrast, category, source, tables.parameters),
                                    f"{len(values)} pairs of {len(set(a) | set(b))} sets", 1, role))  # fmt: skip
    return [one for one in rows if one.value is not None], ""


def gap_by_category(tables: Tables) -> tuple[list[Evidence], str]:
    """The correlation of similarity and gap on single-domain sets less that on multi-domain ones, in Fisher's z."""
    found = tables.speaking("gap")
    if found is None:
        return [], "no linear probes"
    found = found[(found["scale"] == "accuracy") & found["pearson"].notna()]
    if missing := [one for one in (SINGLE, MULTI) if one not in set(found["category"])]:
        return [], f"no set with a probe is of the category {' or '.join(missing)}"
    rows = []
    for metric, own in found[found["category"].isin([SINGLE, MULTI])].groupby("metric", sort=False):
        z = dict(zip(own["stimuli"], np.arctanh(np.clip(own["pearson"], -1 + 1e-9, 1 - 1e-9)), strict=True))
        source, category = (dict(zip(own["stimuli"], own[key], strict=True)) for key in ("source", "category"))

        def contrast(of: dict[str, str], z=z) -> float:
            of_one, of_other = ([z[name] for name in z if of[name] == level] for level in (SINGLE, MULTI))
            return float(np.mean(of_one) - np.mean(of_other)) if of_one and of_other else np.nan

        without = [contrast({name: "" if source[name] == one else category[name] for name in z})
                   for one in dict.fromkeys(source.values())]  # fmt: skip
        words = f"r of similarity and gap, {SINGLE} less {MULTI} (Fisher's z)"
        n = f"{int(own['models'].min())} models, {len(z)} sets, {len(set(source.values()))} sources"
        p = _permuted(contrast, category, source, tables.parameters)
        rows.append(_of_sources(metric, words, contrast(category), without, p, n, -1, MAIN))
        rows += [Evidence(metric, level, f"r of similarity and gap, mean of {level}", float(np.tanh(np.mean(
            [z[name] for name in z if category[name] == level]))), None, None, None, n, -1, BESIDE)
            for level in (SINGLE, MULTI)]  # fmt: skip
    return rows, ""


def _without(pairs: pd.DataFrame, source: dict, one: str, category: dict, measure: str) -> float:
    """Same category less different without the sets of one source."""
    kept = pairs[(pairs["set_a"].map(source) != one) & (pairs["set_b"].map(source) != one)]
    same = (kept["set_a"].map(category) == kept["set_b"].map(category)).to_numpy()
    values = kept[measure].to_numpy()
    return values[same].mean() - values[~same].mean() if 0 < same.sum() < len(same) else np.nan


def _permuted(contrast, category: dict[str, str], source: dict[str, str], parameters) -> float | None:
    """Two-sided p of the categories permuted over sources; a source has that of its first set."""
    value = contrast(category)
    if np.isnan(value):
        return None
    names = list(dict.fromkeys(source.values()))
    first = {one: next(category[name] for name in source if source[name] == one) for one in names}
    generator, reached = keyed(parameters.seed, "categories of sources", len(names)), 0
    for _ in range(parameters.draws):
        moved = dict(zip(names, generator.permutation([first[one] for one in names]).tolist(), strict=True))
        drawn = contrast({name: moved[source[name]] for name in source})
        reached += bool(np.isnan(drawn) or abs(drawn) >= abs(value) - ROUNDING)
    return (1 + reached) / (1 + parameters.draws)


def _of_sources(metric, estimand, value, without, p, n, direction, role) -> Evidence:
    """Evidence whose interval leaves sources out."""
    left_out = [None if np.isnan(one) else one for one in without]
    interval = None
    if len(without) >= FEWEST and not np.isnan(value):
        interval = jackknife_interval(value, left_out)
    low, high = interval or (None, None)
    return Evidence(metric, "sets", estimand, known(value), low, high, p, n, direction, role)
