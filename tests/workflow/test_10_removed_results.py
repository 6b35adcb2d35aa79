"""After a finished study, a result of each kind is removed: it alone is made again, and nothing is trained."""

import re
import shutil

import pytest
from workflow_folder import REPOSITORY, Folder

MANIFEST = "models/digits/dataset/seed0.parquet"
SCORES = "similarity/task_overlap/digits/digits_test"
# of each kind one, and what is done for it at least, by the jobs' messages
REMOVED = {
    f"{SCORES}.parquet": "Similarity: task_overlap, digits, on digits_test: all metrics",
    "models/models.parquet": "Models: table of all",
    "similarity/views.parquet": "Similarity: table of all views",
    "statistics/label_overlap.parquet": "Statistics: label_overlap",
    "statistics/accuracy.md": "Statistics: tables of mutual information and accuracy",
    "figures/classes.pdf": "Figures: classes",
    "findings.md": "Statistics: the findings in words",
    "claims.md": "Statistics: verdicts on the paper's claims",
}
COSTLY = ("Data", "Splits", "Training", "Activations")
SCORING = r"Similarity: .*: (kernels|neighbours_k5)"


@pytest.fixture
def own(finished, tmp_path) -> Folder:
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    return Folder(tmp_path)


def messages(said: str) -> list[str]:
    return re.findall(r"^ *Job \d+: (.*)$", said, re.MULTILINE)


def check_status(own: Folder) -> None:
    costs = ("--costs", str(REPOSITORY / "config" / "costs.yaml"))
    status = own.process(own.whyalike_command("status", str(own.config), *costs))
    counts = re.findall(r"(\d+) of (\d+)", status.stdout)
    assert counts and all(made == asked for made, asked in counts), status.stdout


def check_finished(own: Folder, finished: Folder) -> None:
    assert own.numbers() == finished.numbers()
    plan = own.call(own.snakemake_command("--dry-run"))
    assert "Nothing to be done" in plan.stdout, plan.stdout
    check_status(own)


def test_removed_results_are_made_again_and_nothing_before_them(own, finished):
    for name, job in REMOVED.items():
        (own.results / name).unlink()
        planned = messages(own.call(own.snakemake_command("--dry-run")).stdout)
        assert job in planned
    done = own.call(own.snakemake_command())
    assert done.returncode == 0, done.stdout
    jobs = messages(own.log(done.stdout))
    assert set(REMOVED.values()) <= set(jobs)
    assert not [one for one in jobs if one.startswith(COSTLY) or re.match(SCORING, one)]
    check_finished(own, finished)


def test_a_removed_manifest_is_written_from_the_store_and_what_follows_is_kept(own, finished):
    (own.results / MANIFEST).unlink()
    ledgers = {path: path.read_bytes() for path in own.path.glob("results/runs/*/ledger.jsonl")}
    before = {path: path.stat().st_mtime_ns for path in (own.results / "similarity").rglob("*.parquet")}
    done = own.call(own.run_command())
    assert done.returncode == 0, done.stdout
    assert f"First the manifests that are missing, of runs that are finished: results/tiny/{MANIFEST}" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert {path: path.read_bytes() for path in ledgers} == ledgers
    check_finished(own, finished)


def test_removed_representations_stay_away_once_they_are_scored(own):
    shutil.rmtree(own.results / "activations")
    plan = own.call(own.snakemake_command("--dry-run"))
    assert "Nothing to be done" in plan.stdout, plan.stdout
    check_status(own)
