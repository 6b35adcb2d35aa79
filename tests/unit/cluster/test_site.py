"""The site file: what it gives to jobs with and without a GPU, and what is said of its faults."""

from pathlib import Path

import pytest
import yaml

from whyalike.cluster.site import Site, read
from whyalike.config.yaml_file import ConfigError

RULES = sorted((Path(__file__).parents[3] / "workflow" / "rules").glob("*.smk"))
TEMPLATE = Path(__file__).parents[3] / "profiles" / "slurm" / "site.yaml"
WHOLE = {
    "account": "lab",
    "partition": "cpu",
    "gpu_partition": "gpu",
    "gpu_model": "h100",
    "max_minutes": 600,
    "gpus": 4,
    "price_per_gpu_hour": 2.5,
    "scratch": "/scratch",
    "stage_gb": 50,
}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_that_may_be_a_job_takes_what_the_site_gives(path):
    before, *blocks = path.read_text(encoding="utf-8").split("resources:\n")
    for head, block in zip([before, *blocks], blocks, strict=False):
        local = "localrule: True" in head.rpartition("output:")[2].rpartition("rule ")[2]
        assert local or block.lstrip().startswith("**SITE.resources("), block.splitlines()[0]


@pytest.fixture
def site_of(tmp_path):
    """Reads a site file with this text."""

    def make(text):
        path = tmp_path / "site.yaml"
        path.write_text(text)
        return read(path)

    return make


def test_only_jobs_with_a_gpu_name_its_type_and_partition(site_of):
    site = site_of(yaml.safe_dump(WHOLE))
    assert site.resources(gpus=1) == {
        "slurm_account": "lab", "slurm_partition": "gpu", "gpu_model": "h100", "tmpdir": "/scratch",
    }  # fmt: skip
    assert site.resources(gpus=0) == {"slurm_account": "lab", "slurm_partition": "cpu", "tmpdir": "/scratch"}


def test_one_partition_serves_for_both(site_of):
    site = site_of("partition: all\n")
    assert site.resources(gpus=1) == site.resources(gpus=0) == {"slurm_partition": "all"}


def test_without_a_file_or_keys_the_clusters_defaults_hold(tmp_path, site_of):
    assert read(tmp_path / "none.yaml") == site_of("") == read(TEMPLATE) == Site()
    assert Site().resources(gpus=1) == {}


def test_the_template_names_every_key_and_its_examples_are_valid(site_of):
    lines = [line.removeprefix("# ") for line in TEMPLATE.read_text(encoding="utf-8").splitlines()]
    examples = "\n".join(line for line in lines if line.partition(":")[0] in Site.model_fields)
    assert set(yaml.safe_load(examples)) == set(Site.model_fields)
    assert site_of(examples).gpu_model == "h100"


def test_all_faults_are_told_at_once_with_key_and_value(site_of):
    with pytest.raises(ConfigError) as told:
        site_of("gpu_partiton: gpu\nmax_minutes: 0\naccount: 'my lab'\n")
    lines = str(told.value).splitlines()
    assert lines[0].endswith("site.yaml: 3 faults, nothing was run")
    assert "  - gpu_partiton: unknown key. Did you mean 'gpu_partition'?" in lines
    assert any(line.startswith("  - max_minutes:") and line.endswith("(got 0)") for line in lines)
    assert any(line.startswith("  - account:") and line.endswith("(got 'my lab')") for line in lines)


def test_what_is_no_mapping_or_no_yaml_is_told(site_of):
    with pytest.raises(ConfigError, match=r"site.yaml must hold keys as profiles/slurm/site.yaml does, got \['gpu'\]"):
        site_of("- gpu\n")
    with pytest.raises(ConfigError, match=r"site.yaml is not valid YAML"):
        site_of("a: [\n")
