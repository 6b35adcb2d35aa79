"""Studies at the edge of what has numbers: every table is written, and every claim has a verdict."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tables import LEVELS, Tables

from whyalike.files import read_table, write_table
from whyalike.studies.consistency.claims import write_claims
from whyalike.studies.consistency.claims_table import CLAIMS
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model, StimuliSet
from whyalike.studies.consistency.statistics import consistency, gap, groups, shares, sizes, spread

TABLES = {"consistency": consistency, "groups": groups, "spread": spread, "shares": shares, "gap": gap,
          "sizes": sizes}  # fmt: skip


def numbered(own, n):
    return {**own, "objective": n % 3, "architecture": 0.5 * (n % 2), "data": n > 6}


CASES = {
    "three models": (Tables(3, metrics=1), lambda own, n: own, None),
    "three sets": (Tables(sets=3, metrics=1), lambda own, n: own, None),
    "one set": (Tables(sets=1, metrics=1), lambda own, n: own, None),
    "one source": (Tables(metrics=1), lambda own, n: own, "one"),
    "one level": (Tables(metrics=1), lambda own, n: {**own, "objective": "one", "architecture": "one"}, None),
    "a level of one model": (Tables(metrics=1), lambda own, n: {**own, "objective": "other" if n else "one"}, None),
    "no attributes": (Tables(metrics=1), lambda own, n: {}, None),
    "numbers": (Tables(metrics=1), numbered, None),
}


@pytest.mark.parametrize("case", CASES)
def test_every_table_is_written_with_finite_numbers_and_every_claim_has_a_verdict(tmp_path, case):
    given, attributes, source = CASES[case]
    models = tuple(
        Model(name=one.model, setting=one.setting, view=one.view, seed=0, trained=True,
              attributes=attributes({"family": one.family, **{name: getattr(one, name) for name in LEVELS}}, n))
        for n, one in enumerate(given.models.itertuples())
    )  # fmt: skip
    parameters = ConsistencyStatistics(
        models=models,
        sets={
            name: StimuliSet(source=source or given.sources[name], category=given.set_category[name])
            for name in given.names
        },
        categories=tuple(LEVELS), families="family", strata=(), factorial=("objective", "architecture"),
        anchors=(models[0].setting,), draws=9, seed=0,
    )  # fmt: skip
    random = np.random.default_rng(0)
    probes = pd.DataFrame({"model": [one.name for one in models], "stimuli": "set_1", "seed": 0, "n_test": 20,
                           "correct": [(random.random(20) < 0.6).tolist() for _ in models]})  # fmt: skip
    files = {}
    for name, table in {"similarity": given.similarity, "probes": probes, "scores": given.size_scores}.items():
        files[name] = tmp_path / f"{name}.parquet"
        write_table(files[name], pa.Table.from_pandas(table, preserve_index=False), {})
    more = {"gap": {"probes": [files["probes"]]}, "sizes": {"sizes": [files["scores"]]}}
    found = {name: tmp_path / f"statistics_{name}.parquet" for name in TABLES}
    for name, module in TABLES.items():
        module.analyse(parameters, similarity=[files["similarity"]], output=found[name], **more.get(name, {}))
        numbers = read_table(found[name]).to_pandas().select_dtypes("number")
        assert not np.isinf(numbers.to_numpy(float, na_value=np.nan)).any(), name
    write_claims(parameters, tmp_path / "claims.md", tmp_path / "claims.parquet", found)
    verdicts = read_table(tmp_path / "claims.parquet").to_pandas().drop_duplicates("claim")["verdict"]
    assert len(verdicts) == len(CLAIMS)
    assert not (verdicts == "holds").any()  # of one metric nothing holds
