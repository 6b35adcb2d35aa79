"""The table of the models that the study compares, a row a model, with a column for each attribute of its setting."""

from pathlib import Path

import pyarrow as pa

from whyalike.files import write_table
from whyalike.studies.consistency.parameters import ModelListing

COLUMNS = pa.schema(
    [("model", pa.string()), ("setting", pa.string()), ("view", pa.string()), ("seed", pa.int64()),
     ("trained", pa.bool_())]
)  # fmt: skip


def list_models(parameters: ModelListing, output: Path) -> None:
    """Write the table. An attribute that is nowhere but in other settings is null; numbers stand as float64."""
    rows = [{"model": one.name, **one.plain(), **one.attributes} for one in parameters.models]
    names = list(dict.fromkeys(name for one in parameters.models for name in one.attributes))
    schema = pa.schema([*COLUMNS, *((name, _type([row.get(name) for row in rows])) for name in names)])
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    write_table(output, table, {"work": parameters.plain()})


def _type(values: list[bool | float | str | None]) -> pa.DataType:
    """The type of an attribute, which is one in all settings: the configuration was checked."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float}:
        return pa.float64()
    return pa.bool_() if kinds == {bool} else pa.string()
