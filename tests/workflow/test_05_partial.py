"""A seed whose training fails: what is said, a partial result on request, and the whole one from the same models."""

import re
import shutil
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from workflow_folder import TINY, Folder

LACKING = "dataset_overlap, digits: 1 of 2 seeds"
MANIFEST = "results/tiny/models/digits/dataset/seed1.parquet"
PARTIAL = ("--config", "partial=true")


def starts(folder: Folder) -> dict[str, int]:
    """How often each stored run was begun, by its ledger."""
    ledgers = folder.path.glob("results/runs/*/ledger.jsonl")
    return {path.parent.name: path.read_text().count('"event": "start"') for path in ledgers}


class Failed(Folder):
    """The finished study, from which seed 1 of dataset overlap is missing and one of its models damaged; run again."""

    def __init__(self, path: Path, finished: Folder):
        super().__init__(path)
        shutil.copytree(finished.path, path, dirs_exist_ok=True)
        manifest = path / MANIFEST
        self.run = pd.read_parquet(manifest).set_index("name").loc["B@0", "run"]
        manifest.unlink()
        # without what was made from the seed: Snakemake makes nothing again for a result that is there
        shutil.rmtree(self.results / "activations" / "digits" / "dataset" / "seed1")
        shutil.rmtree(self.results / "similarity" / "dataset_overlap")
        for name in ("statistics/dataset_overlap.parquet", "statistics/accuracy.csv", "findings.md"):
            (self.results / name).unlink()
        for figure in ("dataset_overlap", "accuracy"):
            (self.results / "figures" / f"{figure}.svg").unlink()
        with (path / "results" / "runs" / self.run / "weights.safetensors").open("ab") as weights:
            weights.write(b"damage")
        self.failure = self.call(self.run_command())


@pytest.fixture(scope="module")
def failed(finished, tmp_path_factory) -> Failed:
    """The study after the seed failed."""
    return Failed(tmp_path_factory.mktemp("failed"), finished)


@pytest.fixture(scope="module")
def part(failed, tmp_path_factory) -> Folder:
    """A copy of it in which the partial result was asked for."""
    folder = Folder(tmp_path_factory.mktemp("part"))
    shutil.copytree(failed.path, folder.path, dirs_exist_ok=True)
    done = folder.call(folder.snakemake_command(*PARTIAL))
    assert done.returncode == 0, done.stdout
    folder.said = done.stdout
    return folder


def test_a_failed_training_job_names_run_log_and_how_to_try_it_alone(failed):
    said = failed.failure.stdout
    assert failed.failure.returncode == 1
    assert f"This was run B@0 ({failed.run}) of digits, dataset overlap, seed 1." in said
    assert f"`whyalike clean CONFIG --run {failed.run}`" in said
    assert "Log: results/tiny/logs/train_models/digits.dataset.seed1.log" in said
    target = re.search(r"To try this job alone, .* this target: (\S+)", said)[1]
    assert target == MANIFEST
    plan = failed.call(failed.snakemake_command("--dry-run", target))
    messages = re.findall(r"Job \d+: (.+)", plan.stdout)
    assert messages == ["Training: digits, dataset overlap, seed 1"]


def test_a_failed_study_says_how_to_get_the_partial_result(failed):
    advice = failed.failure.stdout.rstrip().splitlines()[-1]
    assert advice.split() == ["whyalike", *failed.run_command()[1:], *PARTIAL]


def test_without_the_request_no_result_leaves_the_failed_seed_out(failed):
    for name in ("similarity/dataset_overlap", "statistics/dataset_overlap.parquet", "figures/dataset_overlap.svg",
                 "statistics/accuracy.csv", "figures/accuracy.svg", "findings.md"):  # fmt: skip
        assert not (failed.results / name).exists()


def test_a_partial_result_trains_nothing(failed, part):
    assert starts(part) == starts(failed)
    assert not (part.path / MANIFEST).exists()
    log = part.log(part.said)
    assert "Figures: dataset_overlap" in log and "Training" not in log


def test_partial_scores_and_statistics_carry_the_seeds_asked_for(part):
    scores = pd.read_parquet(part.results / "similarity" / "dataset_overlap" / "digits" / "digits_test.parquet")
    assert scores["seed"].unique().tolist() == [0]
    assert scores["seeds_asked"].unique().tolist() == [2]
    statistics = pd.read_parquet(part.results / "statistics" / "dataset_overlap.parquet")
    assert statistics[["n_seeds", "seeds_asked"]].drop_duplicates().to_numpy().tolist() == [[1, 2]]
    whole = pd.read_parquet(part.results / "statistics" / "label_overlap.parquet")
    assert (whole["seeds_asked"] == 1).all()


def test_partial_figures_tables_and_findings_say_how_many_seeds(part):
    for name in ("dataset_overlap", "accuracy"):
        assert f"Partial result: {LACKING.replace('_', ' ')}" in drawn_text(part, name)
        assert pd.read_csv(part.results / "figures" / f"{name}.csv")["partial"].unique().tolist() == [LACKING]
    for name in ("mutual_information", "accuracy"):
        assert (part.results / "statistics" / f"{name}.md").read_text().endswith(f"\nPartial result: {LACKING}.\n")
        assert set(pd.read_csv(part.results / "statistics" / f"{name}.csv")["partial"]) <= {LACKING}
    findings = (part.results / "findings.md").read_text(encoding="utf-8")
    assert f"- {LACKING}\n" in findings
    assert "1 of 2 seeds, p = " in findings


def test_what_lacks_nothing_is_as_in_the_whole_study(finished, part):
    for path in ("figures/label_overlap.csv", "figures/label_overlap.svg", "statistics/task_overlap.parquet"):
        assert (part.results / path).read_bytes() == (finished.results / path).read_bytes()


def test_a_partial_study_is_exported_only_on_request_and_with_what_it_lacks(part):
    command = part.whyalike_command("export", str(TINY), "-o", "supplement.tar.gz")
    refused = part.call(command)
    assert refused.returncode == 1
    assert f"  {MANIFEST}: missing" in refused.stdout
    assert "results/tiny/figures/dataset_overlap.png: made from other parameters" in refused.stdout
    assert not (part.path / "supplement.tar.gz").exists()
    assert part.call([*command, "--partial"]).returncode == 0
    with tarfile.open(part.path / "supplement.tar.gz") as archive:
        missing = archive.extractfile("tiny/MISSING.txt").read().decode()
    assert {line.split(": ")[0] for line in missing.splitlines()} >= {
        MANIFEST, "results/tiny/statistics/dataset_overlap.parquet", "results/tiny/figures/accuracy.png",
    }  # fmt: skip


def test_the_remedy_and_a_full_run_end_in_the_whole_result_and_train_one_model(finished, part, tmp_path):
    whole = Folder(tmp_path)
    shutil.copytree(part.path, whole.path, dirs_exist_ok=True)
    log = (whole.results / "logs" / "train_models" / "digits.dataset.seed1.log").read_text()
    run = re.search(r"--run ([0-9a-f]{16})`", log)
    cleaned = whole.call(whole.whyalike_command("clean", str(TINY), "--run", run[1], "--yes"))
    assert cleaned.returncode == 0, cleaned.stdout
    before = starts(whole)
    assert run[1] not in before
    done = whole.call(whole.snakemake_command())
    assert done.returncode == 0, done.stdout
    after = starts(whole)
    assert {name for name in after if after[name] != before.get(name)} == {run[1]}
    assert whole.numbers() == finished.numbers()


def test_with_no_finished_seed_a_partial_result_is_one_message(tmp_path):
    folder = Folder(tmp_path)
    refused = folder.call(folder.snakemake_command(*PARTIAL))
    assert refused.returncode == 1
    assert "partial is true, but no seed is finished" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_figure_of_a_study_with_no_finished_seed_is_one_message(part, tmp_path):
    folder = Folder(tmp_path)
    shutil.copytree(part.path, folder.path, dirs_exist_ok=True)
    (folder.results / "models" / "colorshapedigit" / "label" / "seed0.parquet").unlink()
    refused = folder.call(folder.snakemake_command("--dry-run", "label_overlap", *PARTIAL))
    assert refused.returncode == 1
    assert "figure label_overlap: study label_overlap has no finished seed to show" in refused.stdout
    plan = folder.call(folder.snakemake_command("--dry-run", *PARTIAL))
    assert plan.returncode == 0, plan.stdout
    assert "Figures: label_overlap" not in plan.stdout
    assert "Training" not in plan.stdout


def drawn_text(folder: Folder, figure: str) -> str:
    """The words in a figure: matplotlib leaves each drawn line as a comment in the SVG."""
    svg = (folder.results / "figures" / f"{figure}.svg").read_text()
    return " ".join(re.findall(r"<!-- (.*?) -->", svg))
