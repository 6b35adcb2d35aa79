"""The manifest of a cell: a row a run. Who puts manifests together needs no PyTorch."""

import pyarrow as pa

MANIFEST = pa.schema(
    [
        ("run", pa.string()),
        ("name", pa.string()),
        ("setting", pa.string()),
        ("factor", pa.string()),
        ("seed", pa.int64()),
        ("replica", pa.string()),
        ("level", pa.string()),
        ("labelling", pa.string()),
        ("classes", pa.int64()),
        ("class_names", pa.list_(pa.string())),
        ("n_train", pa.int64()),
        ("n_test", pa.int64()),
        ("steps", pa.int64()),
        ("accuracy", pa.float64()),
        ("loss", pa.float64()),
        ("loss_unit", pa.string()),
        ("sha256", pa.string()),
        ("device", pa.string()),
        ("torch", pa.string()),
    ]
)
