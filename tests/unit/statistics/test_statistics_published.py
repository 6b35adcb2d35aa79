"""Published tables: what becomes a score, what is set aside, and that the published numbers come back."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from published_tables import (
    CORPORA,
    DATASET,
    IMAGES,
    LABELS,
    METRICS,
    PARTITIONS,
    THIRDS,
    published_analysis,
    table,
)
from sklearn.feature_selection import mutual_info_regression

from whyalike.files import made_by, write_table
from whyalike.similarity.table import SCORE_SCHEMA
from whyalike.statistics.analysis import (
    analyse_published,
    analyse_tables,
    parse_architectures,
    read_scores,
    write_information,
)
from whyalike.statistics.inference import t_interval
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.parameters import PublishedParameters
from whyalike.statistics.published import parse_stimuli, read_published, with_set_aside, write_published
from whyalike.statistics.published_format import Description
from whyalike.statistics.study import study_statistics

QUICK = {"permutations": 20, "information_permutations": 3}
FIFTHS = ("0.4", "0.0", "1.0", "0.2", "0.6", "0.8")
TABLES = {
    "dataset": (DATASET, FIFTHS, "dataset"),
    "task images": (IMAGES, FIFTHS, "task"),
    "task text": (CORPORA, THIRDS, "task"),
    "label": (LABELS, PARTITIONS, None),
}
KIND = {
    ("metric_overlap", "dataset"): "in_distribution",
    ("metric_overlap", "task"): "common",
    ("metric_ood_one", "task"): "ood_one",
    ("metric_common", "task"): "common",
    ("metric_OOD_for_one", "task"): "ood_one",
    ("metric_OOD_for_all", "task"): "ood_both",
    ("partition_metric", None): "in_distribution",
}


@pytest.fixture
def imported(tmp_path):
    """An importer: text of tables -> path of the score table, and what was found."""

    def make(*texts, **given):
        paths = [tmp_path / f"published{i}.csv" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        description = Description(**{"setting": "resnet", **given})
        found = read_published(paths, description)
        write_published(tmp_path / "scores.parquet", found, description)
        return tmp_path / "scores.parquet", found

    return make


# ---- the published numbers ----


@pytest.mark.parametrize("name", TABLES)
def test_the_published_analysis_comes_back_to_the_twelfth_digit(imported, tmp_path, number, name):
    columns, levels, factor = TABLES[name]
    text = table(columns, levels, header_before=(2, 5))
    scores, _ = imported(text, factor=factor)
    found = analyse_tables([scores], "as_published", tmp_path / "statistics.parquet", **QUICK)
    assert set(found["protocol"]) == {"as_published"}
    for column in columns:
        for metric in METRICS:
            expected = published_analysis(text, metric, column, task=factor == "task")
            where = {"metric": {"unbiased_cka": "cka_unbiased"}.get(metric, metric)}
            where["stimuli_kind"] = KIND.get((column, factor), "out_of_distribution")
            # labels are regressed on 1, 2, 3 in the published figure: half the slope, the same R2
            expected["ols_slope"] /= 2 if factor is None else 1
            for estimator in ("ols_r2", "ols_slope", "mi_ksg"):
                row = number(found, estimator, **where)
                assert row["value"] == pytest.approx(expected[estimator], abs=1e-12)
                assert row["n"] == expected["n"]


def test_the_order_of_lines_is_part_of_the_published_mutual_information(imported):
    text = table(CORPORA, THIRDS)
    rows = [line.split(",") for line in text.splitlines()[1:]]
    x, y = np.array([(float(row[2]), float(row[3])) for row in rows if row[1] == "cka"]).T
    forward, backward = (
        mutual_info_regression(x[order, None], y[order], random_state=42)[0]
        for order in (slice(None), slice(None, None, -1))
    )
    assert abs(forward - backward) > 1e-3  # or the test above would not see the order
    path, _ = imported(text, factor="task")
    back = with_set_aside(path).query("metric == 'cka' and stimuli_kind == 'common'")
    np.testing.assert_array_equal(back["value"], y)
    np.testing.assert_array_equal(back["label_overlap"], x)


# ---- what is no score ----


def test_sentinels_are_no_rows_of_the_table(imported):
    path, found = imported(table(CORPORA, THIRDS), factor="task")
    rows = pd.read_parquet(path)
    assert len(rows) == 6 * 3 * 9  # of 4 levels every column misses one
    assert len(found.aside) == 6 * 3 * 3
    assert rows["value"].gt(-1).all()
    assert (with_set_aside(path)["value"] == -1).sum() == 54
    assert "set aside 54" in found.summary()


def test_the_corrected_analysis_cannot_see_what_is_set_aside(imported, tmp_path):
    with_sentinels = table(CORPORA, THIRDS)
    tables = []
    for text in (with_sentinels, with_sentinels.replace("-1.000000", "")):
        scores, _ = imported(text, factor="task")
        tables.append(analyse_tables([scores], "corrected", tmp_path / "statistics.parquet", **QUICK))
        # the function of the rules, on the file as anyone reads it
        rules = study_statistics(pd.read_parquet(scores), **QUICK)
        pd.testing.assert_frame_equal(tables[-1], rules[rules["protocol"] == "corrected"].reset_index(drop=True))
    pd.testing.assert_frame_equal(*tables)


def test_a_sentinel_turns_the_sign_of_a_published_slope(imported, tmp_path, number):
    lines = [f"{seed},cka,{x},{0.5 + 0.2 * float(x) + 0.01 * seed if x != '1.0' else -1}" for seed in range(4)
             for x in THIRDS]  # fmt: skip
    scores, _ = imported("\n".join(["seed,metric,frac_overlap,metric_OOD_for_one", *lines]), factor="task")
    published, corrected = (
        analyse_tables([scores], protocol, tmp_path / "statistics.parquet", **QUICK)
        for protocol in ("as_published", "corrected")
    )
    assert number(published, "ols_slope")["value"] < -1
    slope = number(corrected, "slope")
    assert slope["value"] == pytest.approx(0.2, abs=1e-12)
    assert (slope["ci_low"], slope["ci_high"]) == pytest.approx(t_interval([0.2] * 4), abs=1e-12)


def test_a_number_for_a_set_that_does_not_exist_is_no_score(imported):
    header = "seed,metric,frac_overlap,metric_overlap,metric_ood_one\n"
    text = header + "0,cka,0.0,0.9,0.8\n0,cka,0.5,0.7,0.6\n0,cka,1.0,0.5,0.4\n"
    path, found = imported(text, factor="task")
    assert found.scores["value"].tolist() == [0.8, 0.7, 0.6, 0.5]
    assert with_set_aside(path)["value"].tolist() == [0.8, 0.7, 0.6, 0.5]  # nor does the published analysis count it
    text = text.replace("metric_overlap", "metric_common").replace("metric_ood_one", "metric_OOD_for_one")
    path, found = imported(text, factor="task")
    assert found.scores["value"].tolist() == [0.8, 0.7, 0.6, 0.5]
    assert with_set_aside(path)["value"].tolist() == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]  # here it does
    text = "seed,metric,frac_overlap,metric_overlap\n0,cka,0.0,0.9\n0,cka,1.0,0.7\n"
    assert imported(text, factor="dataset")[1].scores["value"].tolist() == [0.9, 0.7]


def test_a_table_that_lost_rows_has_no_place_for_what_was_set_aside(imported, tmp_path):
    path, _ = imported(table(CORPORA, THIRDS), factor="task")
    write_table(tmp_path / "cut.parquet", pq.read_table(path).slice(3), made_by(path))
    with pytest.raises(ValueError, match=r"cut\.parquet has 159 of 162"):
        with_set_aside(tmp_path / "cut.parquet")


def test_a_table_of_ours_has_nothing_set_aside(scores, tmp_path):
    ours = scores().assign(n=10, preprocessing="none", estimator="hsic_biased", eps=0.0)
    columns = [pa.array(ours[f.name], f.type) if f.name in ours else pa.nulls(len(ours), f.type) for f in SCORE_SCHEMA]
    write_table(tmp_path / "ours.parquet", pa.table(columns, schema=SCORE_SCHEMA), {"work": {}})
    pd.testing.assert_frame_equal(with_set_aside(tmp_path / "ours.parquet"), pd.read_parquet(tmp_path / "ours.parquet"))


# ---- what becomes a score ----


def test_a_line_becomes_a_row_for_each_score_column_in_the_order_of_the_file(imported):
    header = "seed,metric,frac_overlap,metric_overlap,metric_ood_all_mnist"
    text = f"\ufeff{header}\n3,unbiased_cka,0.3, 0.51,0.25\n\n{header}\n3,cka,0.1,0.5,\n"
    _, found = imported(text, factor="dataset", study="ds", own="cifar10_test")
    rows = found.scores
    columns = ["seed", "metric", "data_overlap", "stimuli", "stimuli_kind", "value"]
    assert rows[columns].to_numpy().tolist() == [
        [3, "cka_unbiased", 0.3, "cifar10_test", "in_distribution", 0.51],
        [3, "cka_unbiased", 0.3, "mnist", "out_of_distribution", 0.25],
        [3, "cka", 0.1, "cifar10_test", "in_distribution", 0.5],
    ]
    assert (rows[["study", "setting", "comparison", "factor"]] == ["ds", "resnet", "resnet", "dataset"]).all(axis=None)
    assert (rows[["score_protocol", "preprocessing"]] == ["as_published", "clamp95+l2"]).all(axis=None)
    assert rows[["label_overlap", "n"]].isna().all(axis=None)
    assert rows["run_a"].tolist() == ["resnet seed 3 A@0.3", "resnet seed 3 A@0.3", "resnet seed 3 A@0.1"]


def test_labels_have_their_level_and_their_shared_information(imported):
    _, found = imported(table(LABELS, PARTITIONS, seeds=1))
    rows = found.scores.query("metric == 'cka' and stimuli == 'cifar10'")
    assert rows["condition"].tolist() == ["1", "2A", "2B", "2C", "3"]
    assert rows["label_overlap"].tolist() == [0, 0.5, 0.5, 0.5, 1]
    a, b = np.log(8) / np.log(80), np.log(10) / np.sqrt(np.log(80) * np.log(100))
    assert rows["label_information"].tolist() == pytest.approx([0, a, b, b, 1])
    assert (a, b) == pytest.approx((0.475, 0.513), abs=5e-4)  # as known of the data set
    assert found.scores["data_overlap"].isna().all()


def test_columns_of_the_file_say_study_setting_and_factor(imported):
    text = ("study,setting,factor,seed,metric,frac_overlap,metric_overlap\n"
            "a,one,task,0,cka,0.5,0.1\nb,two,dataset,0,cka,0.5,0.2\n")  # fmt: skip
    _, found = imported(text, setting=None)
    columns = ["study", "setting", "factor", "stimuli", "stimuli_kind", "value"]
    assert found.scores[columns].to_numpy().tolist() == [
        ["a", "one", "task", "one", "common", 0.1],
        ["b", "two", "dataset", "two", "in_distribution", 0.2],
    ]


def test_options_name_the_stimuli_of_columns_or_leave_them_out(imported):
    text = "seed,metric,frac_overlap,metric_new,metric_mnist,metric_svhn,acc\n0,cka,0.5,0.1,0.2,0.3,0.9\n"
    given = {"stimuli": {"metric_new": ("new_test", "out_of_distribution")}, "left_out": ("acc", "metric_svhn")}
    _, found = imported(text, factor="dataset", own="mnist", **given)
    assert found.scores[["stimuli", "stimuli_kind", "value"]].to_numpy().tolist() == [
        ["new_test", "out_of_distribution", 0.1],
        ["mnist", "in_distribution", 0.2],
    ]


def test_files_behind_each_other_are_one_table(imported):
    whole = table(DATASET, FIFTHS)
    header, *lines = whole.splitlines(keepends=True)
    _, one = imported(whole, factor="dataset")
    _, two = imported(header + "".join(lines[:20]), header + "".join(lines[20:]), factor="dataset")
    pd.testing.assert_frame_equal(one.scores, two.scores)


def test_lines_that_come_again_are_further_points_as_published_and_one_point_corrected(imported, tmp_path, number):
    text = table(("metric_overlap",), FIFTHS, seeds=3)
    again = table(("metric_overlap",), FIFTHS, seeds=1, key=1)
    scores, found = imported(text, again, factor="dataset")
    assert found.repeated == 6 * 3
    assert "18 are of models, level and seed that came before" in found.summary()
    published, corrected = (
        analyse_tables([scores], protocol, tmp_path / "statistics.parquet", **QUICK)
        for protocol in ("as_published", "corrected")
    )
    expected = published_analysis(text + again, "cka", "metric_overlap", task=False)
    assert number(published, "ols_r2", metric="cka")[["value", "n"]].tolist() == pytest.approx(
        [expected["ols_r2"], 24], abs=1e-12
    )
    assert number(corrected, "slope", metric="cka")[["n", "n_seeds"]].tolist() == [18, 3]


# ---- the analysis of any tables ----


def test_one_protocol_is_its_part_of_both(scores):
    both = study_statistics(scores(), **QUICK)
    for protocol in ("as_published", "corrected"):
        part = both[both["protocol"] == protocol].reset_index(drop=True)
        pd.testing.assert_frame_equal(study_statistics(scores(), **QUICK, protocols=[protocol]), part)
    with pytest.raises(ValueError, match=r"one of as_published, corrected: got 'published'"):
        study_statistics(scores(), protocols=["published"])


def test_table_3_is_the_mean_over_stimuli_then_settings_then_architectures(imported, tmp_path):
    paths, expected = [], {}
    for i, setting in enumerate(("cifar10", "cifar100", "gpt")):
        columns = DATASET if i else DATASET[:1]
        text = table(columns, FIFTHS, key=i)
        path, _ = imported(text, setting=setting, factor="dataset")
        paths.append(path.rename(tmp_path / f"{setting}.parquet"))
        expected[setting] = np.mean([published_analysis(text, "cka", c, task=False)["mi_ksg"] for c in columns])
    named = parse_architectures(["cifar10=resnet", "cifar100=resnet"])
    write_information(paths, "as_published", tmp_path / "t.csv", named, permutations=2)
    row = pd.read_csv(tmp_path / "t.csv").iloc[0]
    resnet = (expected["cifar10"] + expected["cifar100"]) / 2
    assert row["value"] == pytest.approx((resnet + expected["gpt"]) / 2, abs=1e-12)
    with pytest.raises(ValueError, match=r"cifar10, cifar100, gpt\): got vae"):
        write_information(paths, "as_published", tmp_path / "t.csv", {"vae": "vae"}, permutations=2)


def test_corrected_table_3_of_published_scores_is_of_the_scores_that_there_are(imported, tmp_path):
    path, _ = imported(table(DATASET, FIFTHS), factor="dataset")
    write_information([path], "corrected", tmp_path / "t.csv", {}, permutations=2)
    row = pd.read_csv(tmp_path / "t.csv").iloc[0]
    assert row[["protocol", "score_protocol", "n_seeds"]].tolist() == ["corrected", "as_published", 6]
    rows = read_scores([path], "corrected")
    as_exact = mutual_information_table({"s": rows.assign(score_protocol="exact")}, permutations=2)
    assert row["value"] == pytest.approx(as_exact.iloc[-1]["value"], abs=1e-12)
    assert "corrected" not in set(mutual_information_table({"s": rows}, permutations=2)["protocol"])


# ---- faults ----

HEAD = "seed,metric,frac_overlap,metric_overlap\n"
LABEL_HEAD = "seed,metric,partition,model0,model1,svhn\n"


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("", {}, r"published0\.csv must be a table of scores as CSV.*\(it is empty\)"),
        (HEAD, {}, r"published0\.csv hold none"),
        ("seed,metric,p\n", {}, r"has no frac_overlap"),
        (LABEL_HEAD.replace(",model1", ""), {}, r"has no model1"),
        (HEAD.replace("metric_overlap", "metric"), {}, r"has metric again"),
        (HEAD + "0,cka,0.5\n", {}, r"needs 4 fields: .*line 2 has 3"),
        (HEAD + "0,cka,0.5,.3\nseed,metric,frac_overlap,acc\n", {}, r"line 3 is seed,metric,frac_overlap,acc, the"),
        (HEAD.replace("\n", ",acc,metric_what\n") + "0,cka,.5,.3,.9,.1\n", {}, r"acc, metric_what of .* dataset"),
        (HEAD.replace("overlap\n", "ood_one\n") + "0,cka,.5,.3\n", {}, r"metric_ood_one of .* factor dataset"),
        (HEAD + "0,cka,0.5,.3\n", {"left_out": ("metric_overlap",)}, r"published0\.csv has none"),
        (HEAD.replace("\n", ",metric_mnist,metric_ood_all_mnist\n") + "0,cka,.5,.3,.9,.1\n", {},
         r"metric_mnist and metric_ood_all_mnist of .* are both mnist out_of_distribution"),
        (HEAD + "0,cka,0.5,.3\n", {"factor": None}, r"dataset or task: got 'None'"),
        (HEAD + "0,cka,0.5,.3\n", {"factor": "label"}, r"frac_overlap must be dataset or task: got 'label'"),
        (LABEL_HEAD + "0,cka,partition1,shape,digit,.3\n", {}, r"partition must be label: got 'dataset'"),
        (HEAD + "0,cka,0.5,.3\n", {"setting": None}, r"needs a setting: .*line 2"),
        ("study," + HEAD + "a,0,cka,0.5,.3\n", {"study": "b"}, r"has a column study, and 'b' is given"),
        (HEAD, {"stimuli": {"metric_overlap": ("a", "own")}}, r"got 'own' for metric_overlap"),
        (HEAD, {"left_out": ("acc",)}, r"has no acc"),
        (HEAD + "0.5,cka,0.5,.3\n", {}, r"whole number: .*line 2 has '0\.5'"),
        (HEAD + "0,cka,0.5,.3\n0,cka,1.5,.3\n", {}, r"in \[0, 1\]: .*line 3 has 1\.5"),
        (HEAD + "0,cka,0.5,high\n", {}, r"metric_overlap must be a finite number.*line 2 has 'high'"),
        (HEAD + "0,cka,0.5,nan\n", {}, r"line 2 has 'nan'"),
        (HEAD + "0,cka,0.5,0_3\n", {}, r"line 2 has '0_3'"),
        (HEAD + "0,cka,0.5,-inf\n", {}, r"line 2 has '-inf'"),
        (HEAD + f"{10**20},cka,0.5,.3\n", {}, r"a seed must be a whole number: .*line 2"),
        (HEAD + "0,cka,0,5,0,31\n", {}, r"line 2 has 6.* decimal point"),
        (HEAD + '0,cka,"0,5",.3\n', {}, r"frac_overlap must be .* decimal point: .*line 2 has '0,5'"),
        (HEAD + "0,cka,0,5\n", {}, r"metric_overlap must be a score of cka, 0 to 1: .*line 2 has 5\..*decimal comma"),
        (HEAD + "\n0,cka,0.5,85.1\n", {}, r"metric_overlap must be a score of cka, 0 to 1: .*line 3 has 85\.1.*cent"),
        (HEAD.replace(",", ";") + "0;cka;0,5;0,3\n", {}, r"published0\.csv must .*line 1: semicolons.* decimal points"),
        (HEAD.replace(",", "\t") + "0\tcka\t0.5\t.3\n", {}, r"published0\.csv must be .*line 1: tabs stand between"),
        ("," + HEAD + "0,0,cka,0.5,.3\n", {}, r"column 1 of .*published0\.csv has none.* index=False"),
        ("0,cka,0.5,.3\n", {}, r"published0\.csv has no seed, .* first line is 0,cka,0\.5,\.3"),
        (HEAD + '0,cka,0.5,".3\n1,cka,0.5,.3\n', {}, r"published0\.csv must be .*line 3: .*quotation mark"),
        (HEAD + "0,ckaa,0.5,.3\n", {}, r"unknown metric 'ckaa'.* Did you mean 'cka'.*line 2"),
        (HEAD + "0,procrustes,0.5,.3\n", {}, r"procrustes has no form as_published.*line 2"),
        (LABEL_HEAD + "0,cka,partition1,shape,color,.3\n", {"factor": None}, r"line 2 has partition1 shape color"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place_and_value(imported, text, given, message):
    with pytest.raises(ValueError, match=message):
        imported(text, **{"factor": "dataset", **given})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD.encode("utf-16"), r"it is in UTF-16\)\. Save the table as CSV in UTF-8"),
        (HEAD.encode("utf-16-le"), "zero bytes"),
        (b"\xef\xbb\xbf" + HEAD.encode() + b"0,cka\xff,0.5,.3\n", "line 2: the byte 0xff is no UTF-8"),
        (HEAD.encode() + b"\xff", "line 2: the byte 0xff is no UTF-8"),
        (gzip.compress(HEAD.encode()), "it is compressed by gzip"),
        (b"PK\x03\x04\x14\0 and more", "a zip archive, as .npz and Excel workbooks are"),
        (b"PAR1\x15\0 and more", "a Parquet file"),
        (HEAD.encode() + b"0,cka,0.5," + b"3" * 200_000, "line 2: field larger than field limit"),
    ],
    ids=["UTF-16", "UTF-16 without a mark", "mark and byte", "byte", "gzip", "zip", "Parquet", "a long field"],
)  # fmt: skip
def test_a_file_that_is_no_csv_is_named_with_what_it_is(tmp_path, content, message):
    (tmp_path / "scores.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"scores\.csv must be a table of scores as CSV.*{message}"):
        read_published([tmp_path / "scores.csv"], Description(setting="resnet", factor="dataset"))


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ValueError, match=rf"^{path} must be a table of scores as CSV"):
            read_published([path], Description(setting="resnet", factor="dataset"))


def test_marks_and_empty_lines_of_other_programs_change_nothing(tmp_path):
    plain = HEAD + "0,cka,0.5,.3\n" + HEAD + "1,cka,0.5,.4\n"
    begun = "\ufeffsep=,\n" + HEAD + "0,cka,0.5,.3\n,,,\n \n\ufeff" + HEAD + "1, cka ,0.5,.4\n,,,\n"
    found = []
    for text in (plain, begun, begun.replace("\n", "\r\n"), begun.replace("\n", "\r")):
        (tmp_path / "scores.csv").write_bytes(text.encode())
        given = Description(setting="resnet", factor="dataset")
        found.append(read_published([tmp_path / "scores.csv"], given).scores)
    assert found[0]["value"].tolist() == [0.3, 0.4]
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0])


def test_empty_fields_are_counted(imported):
    _, found = imported(table(DATASET, ("0.0", "1.0")), factor="dataset")
    assert "empty" not in found.summary()
    text = HEAD.replace("\n", ",mnist\n") + "0,cka,0.5,.3,\n1,cka,0.5,.3,.2\n2,cka,0.5,.3,\n"
    _, found = imported(text, factor="dataset")
    assert found.summary() == "4 scores: 1 metrics, 2 stimuli, 3 seeds; empty fields are left out: 2 of mnist"


def test_the_information_of_labels_is_the_same_in_every_process(tmp_path):
    (tmp_path / "scores.csv").write_text(table(LABELS, PARTITIONS, seeds=1))
    code = ("import sys, pathlib; from whyalike.statistics.published import *\n"
            "found = read_published([pathlib.Path(sys.argv[1])], form.Description(setting='a'))\n"
            "print(found.scores['label_information'].unique().tolist())")  # fmt: skip
    told = {
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "scores.csv")], check=True, capture_output=True,
                       env=os.environ | {"PYTHONHASHSEED": key}).stdout
        for key in "0123"
    }  # fmt: skip
    assert len(told) == 1


def test_options_of_another_form_are_named():
    assert parse_stimuli(["a=b:common"]) == {"a": ("b", "common")}
    with pytest.raises(ValueError, match=r"COLUMN=NAME:KIND; got 'a=b'"):
        parse_stimuli(["a=b"])
    with pytest.raises(ValueError, match=r"COMPARISON=NAME; got 'a'"):
        parse_architectures(["a"])


def test_a_job_imports_tables_and_analyses_them_under_both_protocols(tmp_path):
    (tmp_path / "theirs.csv").write_text(table(CORPORA, THIRDS))
    parameters = PublishedParameters(
        files=["given"], study="task_text", setting="theirs", factor="task", own="six", leave_out=[],
        stimuli={"metric_common": ["six", "common"]}, seed=0, **QUICK, code="of a test",
    )  # fmt: skip
    paths = tmp_path / "scores.parquet", tmp_path / "statistics.parquet"
    analyse_published(parameters, [tmp_path / "theirs.csv"], *paths)
    given = Description(study="task_text", setting="theirs", factor="task", own="six")
    pd.testing.assert_frame_equal(pd.read_parquet(paths[0]), read_published([tmp_path / "theirs.csv"], given).scores)
    found = pd.read_parquet(paths[1])
    for protocol in ("as_published", "corrected"):
        scores = read_scores(paths[:1], protocol)
        expected = study_statistics(scores, protocols=[protocol], seed=0, **QUICK)
        own = found[found["protocol"] == protocol].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, expected, check_dtype=False)
    assert made_by(paths[1])["work"] == parameters.plain()
