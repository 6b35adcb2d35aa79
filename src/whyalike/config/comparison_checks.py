"""What of the named comparisons of a study cannot be."""

from collections.abc import Collection, Iterator
from typing import Any

from whyalike.config.comparisons import FINAL, AllPairs, NamedComparison, has_step, steps_in_words
from whyalike.config.config import Config
from whyalike.config.faults import near
from whyalike.designs.registry import design, of_pairs
from whyalike.training.kept_steps import in_words, keeps


def misfits(config: Config) -> Iterator[str]:
    """Comparisons that name what is not there, or pair what cannot be compared on the study's stimuli."""
    for key, study in config.studies.items():
        for name, comparison in study.comparisons.items():
            path = f"studies.{key}.comparisons.{name}"
            if name in config.settings:
                own = "" if design(study.factor).gathers else ", and with it a comparison of its own"
                yield f"{path}: a setting has this name{own}: choose another one."
            known = dict.fromkeys(study.settings)
            if isinstance(comparison, AllPairs):
                yield from _all_pairs_misfits(config, path, study, comparison)
                continue
            unknown = {setting: side for side, setting in zip("ba", comparison.sides[::-1], strict=True)
                       if setting not in known}  # fmt: skip
            for setting, side in unknown.items():
                yield _unknown(f"{path}.{side}", setting, known, f"studies.{key}.settings")
            if unknown or not set(comparison.sides) <= config.settings.keys():
                continue
            a, b = (config.settings[side] for side in comparison.sides)
            yield from _settings_misfits(path, study, comparison, a, b)
            yield from _layer_misfits(path, comparison, a, b)
            yield from _step_misfits(config, path, comparison)


def _all_pairs_misfits(config: Config, path: str, study: Any, comparison: AllPairs) -> Iterator[str]:
    if not design(study.factor).is_of_pairs:
        fitting = ", ".join(of_pairs())
        yield (
            f"{path}.of: all pairs are of models that no condition sets apart; the factor is {study.factor}: make it "
            f"a comparison of a study of factor {fitting}."
        )
        return
    names = comparison.settings_of(study)
    if unknown := [name for name in names if name not in study.settings]:
        where = path.split(".comparisons")[0]
        for name in unknown:
            yield _unknown(f"{path}.of", name, study.settings, f"{where}.settings")
        return
    if not set(names) <= config.settings.keys():
        return
    held = {name: [step for step in comparison.steps if has_step(config, name, step)] for name in names}
    for step in (step for step in comparison.steps if not any(step in own for own in held.values())):
        known = steps_in_words(config, names)
        yield f"{path}.steps: no model of {', '.join(names)} has a step {step}. Known: {known}."
    for name in (name for name in names if not held[name]):
        yield f"{path}.of: '{name}' has none of the steps {', '.join(map(str, comparison.steps))}: leave it out."
    if "exact" not in config.similarity.protocols:
        yield f"{path}: all pairs of representations have exact scores alone: add exact to similarity.protocols."
    yield from _too_few(config, path, study, comparison, held)


def _too_few(config: Config, path: str, study: Any, comparison: AllPairs, held: dict[str, list]) -> Iterator[str]:
    """Stimuli on which no two representations are compared."""
    if not all(_layers_are_known(config.settings[name]) for name in held):
        return
    for stimuli in study.all_stimuli():
        counts = _representations(config, study, comparison, held, stimuli)
        if sum(counts.values()) == 1:
            what = "there is one representation, and nothing to compare it with"
            yield f"{path}: on {stimuli} {what}: add another setting."
        elif counts and comparison.layers == "same" and max(counts.values()) < 2:
            yield f"{path}.layers: on {stimuli} no two representations are of layers of one name: write all."


def _representations(
    config: Config, study: Any, comparison: AllPairs, held: dict[str, list], stimuli: str
) -> dict[str, int]:
    """Layer -> how many representations are of layers of its name, on one stimulus set."""
    counts: dict[str, int] = {}
    for name in (name for name in comparison.settings_of(study) if stimuli in study.stimuli_of(name)):
        setting = config.settings[name]
        runs = getattr(setting, "runs", None)
        models = len(study.seeds) * len(study.levels) if runs is None else len(runs)
        for layer in setting.layers:
            counts[layer] = counts.get(layer, 0) + models * len(held[name])
    return counts


def _settings_misfits(path: str, study: Any, comparison: NamedComparison, a: Any, b: Any) -> Iterator[str]:
    name_a, name_b = comparison.sides
    for what in ("dataset", "labelling") if not design(study.factor).gathers else ():
        if getattr(a, what) != getattr(b, what):
            yield (
                f"{path}.b: its pairs share data and labels, but the {what} of '{name_a}' is {getattr(a, what)}, "
                f"that of '{name_b}' {getattr(b, what)}."
            )
    if not set(study.stimuli_of(name_a)) & set(study.stimuli_of(name_b)):
        yield f"{path}: the study has no stimuli that are both of '{name_a}' and of '{name_b}'."
    if getattr(study, "pairs", "all") != "all" and name_a != name_b:
        for side, setting, runs in (("a", name_a, a.runs), ("b", name_b, b.runs)):
            if lacking := sorted({getattr(pair, side) for pair in study.pairs} - set(runs)):
                yield f"{path}.{side}: '{setting}' has no run {', '.join(lacking)}. Runs: {', '.join(runs)}."


def _layers_are_known(setting: Any) -> bool:
    """Whether they are: an architecture may stand in a folder that is yet to be brought."""
    return getattr(setting, "facts", setting) is not None


def _layer_misfits(path: str, comparison: NamedComparison, a: Any, b: Any) -> Iterator[str]:
    if not all(map(_layers_are_known, (a, b))):
        return
    if comparison.layers == "same" and not set(a.layers) & set(b.layers):
        yield (
            f"{path}.layers: '{comparison.sides[0]}' has the layers {', '.join(a.layers)}, '{comparison.sides[1]}' "
            f"{', '.join(b.layers)}, none of the same name: name pairs of layers, or write all."
        )
    if not isinstance(comparison.layers, str):
        for i, side in enumerate((a, b)):
            where = f"settings.{comparison.sides[i]}.layers"
            for layer in dict.fromkeys(pair[i] for pair in comparison.layers if pair[i] not in side.layers):
                yield _unknown(f"{path}.layers", layer, side.layers, where)


def _step_misfits(config: Config, path: str, comparison: NamedComparison) -> Iterator[str]:
    for name in dict.fromkeys(comparison.sides):
        setting = config.settings[name]
        asked = {pair[i] for pair in comparison.steps for i in (0, 1) if comparison.sides[i] == name} - {FINAL}
        if not hasattr(setting, "recipe"):
            if lacking := sorted(step for step in asked if not has_step(config, name, step)):
                yield f"{path}.steps: the runs of '{name}' come from files, which have no step {lacking[0]}."
        elif (recipe := config.recipes.get(setting.recipe)) is not None:
            for step in sorted(step for step in asked - {0} if not keeps(recipe, step)):
                epochs = getattr(recipe.keep_steps, "epochs", ())
                hint = " An epoch's end has a number only when training begins: name it under extra." if epochs else ""
                yield (
                    f"{path}.steps: '{name}' keeps no weights of step {step}: it is not under "
                    f"recipes.{setting.recipe}.keep_steps. Kept: {in_words(recipe)}, beside 0 and {FINAL}.{hint}"
                )


def _unknown(path: str, name: str, known: Collection[str], where: str) -> str:
    return f"{path}: '{name}' is not under {where}.{near(name, known)} Known: {', '.join(known)}."
