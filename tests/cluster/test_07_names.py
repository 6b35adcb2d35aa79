"""Working folders whose names a shell, or SLURM, would read as something else."""

import pytest
from driven import Study

pytestmark = pytest.mark.cluster
CELL = "results/tiny/activations/digits/dataset/seed0/digits_test.avgpool.parquet"  # of a job, and of a group of jobs


def studied(cluster, path) -> Study:
    path.mkdir()
    return Study(path, cluster, site={"partition": "cpu", "gpu_partition": "gpu", "max_minutes": 60}, options=(CELL,))


def test_a_folder_with_commands_in_its_name_is_refused_before_any_job(cluster, tmp_path):
    study = studied(cluster, tmp_path / "a $(touch ran) `touch ran2` b")
    refused = study.call(study.driver_command())
    assert refused.returncode == 1
    assert "has '$', of which a shell may make something else" in refused.stdout
    assert not list(tmp_path.rglob("ran*"))
    assert not study.jobs("")


def test_a_folder_with_a_pattern_of_slurm_in_its_name_is_refused_before_any_job(cluster, tmp_path):
    study = studied(cluster, tmp_path / "50%u")
    refused = study.call(study.driver_command())
    assert refused.returncode == 1
    assert "50%u has '%', which jobs of SLURM cannot: rename it" in refused.stdout
    assert not study.results.exists()


def test_a_folder_with_spaces_quotes_and_letters_of_any_language_serves(cluster, tmp_path):
    study = studied(cluster, tmp_path / "Zoë's & Bob's; study")
    done = study.call(study.driver_command())
    assert done.returncode == 0, done.stdout
    assert (study.path / CELL).is_file()
    assert len(study.jobs("rule_")) == 2
