"""What of the named comparisons of a study cannot be."""

from collections.abc import Collection, Iterator
from typing import Any

from whyalike.config.comparisons import FINAL, NamedComparison
from whyalike.config.config import Config
from whyalike.config.faults import near
from whyalike.designs.registry import design
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


def _layer_misfits(path: str, comparison: NamedComparison, a: Any, b: Any) -> Iterator[str]:
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
            # of activations not even the start is known
            if lacking := sorted(asked - ({0} if hasattr(setting, "checkpoints") else set())):
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
