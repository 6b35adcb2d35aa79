"""The table of views: what stands behind each id in activation files and score tables.

A view is one run at one step of its training, seen at one layer in one way. Activation files hold views of one layer
each, and call them `run`; so do score tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.files import made_by, read_table, write_table
from whyalike.job import note
from whyalike.similarity.absent import ABSENT
from whyalike.similarity.parameters import ViewsParameters

GIVEN = "given"  # of activations from files
SEEN = ("pooling", "batch_norm")
_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()

VIEW_SCHEMA = pa.schema(
    [
        pa.field("view", _TEXT, nullable=False),  # `run` of activation files, `run_a` and `run_b` of score tables
        pa.field("run", _TEXT, nullable=False),  # identity in the run store
        pa.field("name", _TEXT, nullable=False),  # of the run, unique within setting, factor and seed
        pa.field("setting", _TEXT, nullable=False),
        pa.field("factor", _TEXT, nullable=False),
        pa.field("seed", _COUNT, nullable=False),
        pa.field("step", _COUNT),  # of training, 0 for the untrained start; null for the final weights
        pa.field("layer", _TEXT, nullable=False),
        pa.field("depth", _NUMBER),  # from 0, the setting's first layer, to 1, its last; null where it has but one
        pa.field("width", _COUNT),  # units; null where no score was made of the layer
        pa.field("pooling", _TEXT, nullable=False),  # how an output with positions becomes a vector; GIVEN: by the user
        pa.field("batch_norm", _TEXT, nullable=False),  # whose statistics normalise; GIVEN: the user knows
        pa.field("recalibration_images", _COUNT),  # of which these statistics are; null of running ones
        pa.field("place", _NUMBER),  # from 0 to 1, among all the model's layers of the kind; null where it is not known
        pa.field("receptive_field", _COUNT),  # side in pixels, of convolutions and what is made of them; else null
        pa.field("receptive_share", _NUMBER),  # of the side of the model's input: above 1 it sees beyond the border
        pa.field("absent", _TEXT),  # why there is no score of it, and on which stimuli; null where it can be scored
    ]
)


def write_views(parameters: ViewsParameters, scores: Sequence[Path], output: Path) -> None:
    """Write the table of all views of a configuration: a row a (view, name, layer), of `VIEW_SCHEMA`.

    Two runs that begin with the same weights share the view of their start, and have a row each.

    Parameters
    ----------
    scores : the score tables, which know the widths, and the representations that do not vary.
    output : path of the table.
    """
    rows = list(_rows(parameters, _widths(scores), _absent(scores)))
    write_table(output, pa.Table.from_pylist(rows, schema=VIEW_SCHEMA), {"work": parameters.plain()})
    note(f"{len(rows)} views of {len({row['run'] for row in rows})} runs")


def _widths(scores: Sequence[Path]) -> dict[tuple[str, str], int]:
    """(view, layer) -> units."""
    found = {}
    for path in scores:
        for side in "ab":
            columns = [f"{name}_{side}" for name in ("run", "layer", "width")]
            seen = read_table(path, columns=columns).group_by(columns).aggregate([])
            rows = (row.values() for row in seen.to_pylist())
            found |= {(view, layer): width for view, layer, width in rows if width is not None}
    return found


def _absent(scores: Sequence[Path]) -> dict[tuple[str, str], str]:
    """(view, layer) -> why and on which stimuli no score was made of it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for path in scores:
        for one in made_by(path).get(ABSENT, ()):
            words = f"{one['reason']} ({one['stimuli']})"
            found.setdefault((one["run"], one["layer"]), {})[words] = None
    return {view: "; ".join(words) for view, words in found.items()}


def _rows(
    parameters: ViewsParameters, widths: Mapping[tuple[str, str], int], absent: Mapping[tuple[str, str], str]
) -> Iterator[dict[str, Any]]:
    for cell in parameters.cells:
        setting = parameters.settings[cell.setting]
        layers, seen = setting.layers, {name: getattr(setting, name) for name in (*SEEN, "recalibration_images")}
        if cell.setting in parameters.given:
            seen = dict.fromkeys(SEEN, GIVEN) | {"recalibration_images": None}
        for view in cell.views:
            for index, layer in enumerate(layers):
                yield {
                    **cell.model_dump(exclude={"views"}),
                    **view.model_dump(),
                    "layer": layer,
                    "depth": index / (len(layers) - 1) if len(layers) > 1 else None,
                    # a start has the width of its run
                    "width": widths.get((view.view, layer), widths.get((view.run, layer))),
                    **seen,
                    "place": setting.places.get(layer),
                    "receptive_field": (field := setting.fields.get(layer)),
                    "receptive_share": None if field is None else field / setting.size,
                    "absent": absent.get((view.view, layer)),
                }
