"""One's own cost table, config/costs.local.yaml: what was measured is put into it, and what that changes is told.

A new rate takes the place of one for the same work on the same device; all else in the file stays, but for comments
below its head. The file is checked before it is written, so a plan can always be made with it.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from whyalike.designs.registry import design
from whyalike.files import atomic
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.costs import Costs
from whyalike.planning.plan import Plan
from whyalike.planning.workload import Workload

HEAD = """# What was measured here, over config/costs.yaml: written by `whyalike calibrate` and `whyalike costs update`,
# and yours to edit; comments below these lines are lost when it is written again.
"""

UNITS = {"seconds": "each job, s", "work": "times the families' figures"}

SAME = 0.01  # a figure that moves by less was not learnt anew: what is learnt of a stage starts from the table before

Figures = dict[str, tuple[float, str]]


class _Plain(yaml.SafeDumper):
    """Writes a value that stands twice twice, where YAML would refer to the first."""

    def ignore_aliases(self, data: Any) -> bool:
        """Of anything."""
        return True


def match(workload: Workload, setting: str) -> dict[str, Any]:
    """What a measured rate is for: this setting as it is now; a changed model, size or batch has another rate."""
    return {key: value for key, value in workload.features(setting).items() if value is not None}


def merged(own: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``new`` over those of ``own``; rates of the same work on the same device are replaced."""
    done = dict(own)
    for key, value in new.items():
        old = done.get(key)
        if key == "rates":
            replaced = {_work(rate) for rate in value}
            done[key] = [*value, *(rate for rate in old or () if _work(rate) not in replaced)]
        else:
            done[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return done


def write(new: Mapping[str, Any], table: Path, local: Path) -> Costs:
    """Put measured values into one's own cost table.

    Parameters
    ----------
    new : keys and values as in the file.
    table : the table that it goes over.
    local : one's own; made if it is missing.

    Returns
    -------
    Costs : the whole table as it is now.

    Raises
    ------
    ConfigError : the file as it was has a fault, or would have one; it is then left as it is.
    OSError : it cannot be written.
    """
    costs.read(table, local)
    text = local.read_text(encoding="utf-8") if local.is_file() else HEAD
    values = merged(yaml.safe_load(text) or {}, new)
    with atomic(local) as temporary:
        temporary.write_text(
            _head(text) + yaml.dump(values, Dumper=_Plain, default_flow_style=None, sort_keys=False, width=120),
            encoding="utf-8",
        )
        return costs.read(table, temporary)


def models(flow: Workflow, table: Costs, device: str) -> Figures:
    """What training and extraction cost on a device by a table: words -> figure and how it is known."""
    if device not in table.devices:
        return {}
    plan = Plan(flow.config, flow.grid, table, flow.store)
    plan.device = device
    found: Figures = {}
    for cell in _one_each(flow):
        name = cell.setting
        if design(cell.factor).is_trained:
            step, beside, how = plan.step(cell)
            found[f"{name}: training step, s"] = step, how
            found[f"{name}: each run beside its steps, s"] = beside, how
            found[f"{name}: start of a training job, s"] = plan.startup(cell, "training")
        found[f"{name}: extraction of a sample, s"] = plan.sample(cell)
        found[f"{name}: start of an extraction job, s"] = plan.startup(cell, "extraction")
    return found


def other_stages(table: Costs) -> Figures:
    """The same for jobs without models, on any machine."""
    found: Figures = {}
    for rule, stage in [*table.stages.items(), ("score_comparison", table.scoring)]:
        amounts = stage.model_dump(exclude={"source", "megabytes", "seconds_of", "families"})
        found |= {f"{rule}: {_unit(key)}": (value, stage.source) for key, value in amounts.items()}
        by_word = getattr(stage, "seconds_of", {})
        found |= {f"{rule}: each job of {word}, s": (value, stage.source) for word, value in by_word.items()}
    return found


def changes(flow: Workflow, before: Costs, after: Costs, devices: Iterable[str]) -> Table:
    """What was measured and is another figure now, by a hundredth at least, or known better: a line each."""
    shown = Table(box=None, header_style="bold")
    for name, side in {"device": "left", "cost": "left", "before": "right", "known": "left", "now": "right",
                       "known now": "left"}.items():  # fmt: skip
        shown.add_column(name, justify=side, no_wrap=True)
    if before.device != after.device:
        shown.add_row("", "the device that plans are made for", before.device, "", after.device, "")
    for device in [*devices, ""]:
        old, new = (models(flow, table, device) if device else other_stages(table) for table in (before, after))
        for words, (value, how) in new.items():
            was, known = old.get(words, (None, "-"))
            same = how == known and math.isclose(value, was, rel_tol=SAME)
            if how == "measured" and not same and (value or was):
                shown.add_row(device, words, _number(was), known, _number(value), how)
    return shown


def _one_each(flow: Workflow) -> list[Cell]:
    """A cell of each setting whose models are run here."""
    found: dict[str, Cell] = {}
    for cell in flow.grid.cells:
        if hasattr(flow.config.settings[cell.setting], "model"):
            found.setdefault(cell.setting, cell)
    return list(found.values())


def _head(text: str) -> str:
    return "".join(takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))


def _work(rate: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(sorted(rate["match"].items())), rate["device"], rate.get("work", "training")


def _unit(key: str) -> str:
    return UNITS.get(key) or f"{key.replace('seconds_per_', 'each ')}, s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
