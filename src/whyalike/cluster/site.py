"""What only a cluster's users know: account, partitions, type of GPU, longest job, scratch. For the rules' resources.

The values stand in config/site.yaml of the working directory, a copy of profiles/slurm/site.yaml; without that file
the cluster's own defaults hold. A local run ignores all but `scratch` and the longest job. Changing the file re-runs
nothing. This module is read each time the Snakefile is parsed.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from whyalike.config.faults import faults_in_words, listed
from whyalike.config.yaml_file import ConfigError, keys_of
from whyalike.section import WORD, Count, PathText, Section, real

SITE = "config/site.yaml"  # from the working directory
GPU_FILES = ("nvidiactl", "kfd", "dxg")  # of NVIDIA's driver, of AMD's, of Windows' for Linux
Word = Annotated[str, Field(pattern=WORD, max_length=200)]


class Site(Section):
    """One cluster, as its users see it."""

    account: Word | None = Field(None, description="SLURM account that pays for the jobs.")
    partition: Word | None = Field(None, description="Partition of the jobs without a GPU.")
    gpu_partition: Word | None = Field(None, description="Partition of the jobs with a GPU; else `partition`.")
    gpu_model: Word | None = Field(None, description="Type of GPU, as `sinfo -o %G` names it; any if left out.")
    max_minutes: Count | None = Field(None, description="Longest time limit that the partitions accept.")
    gpus: Count | None = Field(None, description="GPUs that you get at a time: the plan tells the hours on them.")
    price_per_gpu_hour: real(gt=0, le=10**6) | None = Field(
        None, description="Price of a GPU hour: the plan tells the costs."
    )
    scratch: PathText | None = Field(None, description="Folder for temporary files on every node.")
    stage_gb: real(gt=0, le=10**9) | None = Field(
        None,
        description="Training and extraction copy their data set into `scratch`, once for all jobs of a node, and read "
        "it there; the copies take so many GB at most. Left out: no copies.",
    )

    @model_validator(mode="after")
    def _copies_have_a_place(self) -> "Site":
        if self.stage_gb and self.scratch is None:
            raise ValueError(
                f"stage_gb is {self.stage_gb:g}, but there is no scratch to copy to: name a folder of the nodes"
            )
        return self

    def resources(self, gpus: int) -> dict[str, str]:
        """The resources of a job that its rule does not know, by the names of Snakemake and its SLURM plugin.

        Parameters
        ----------
        gpus : how many GPUs the job asks for.
        """
        named = {
            "slurm_account": self.account,
            "slurm_partition": (self.gpu_partition if gpus else None) or self.partition,
            # the plugin asks for a GPU wherever a model is named: so only where the job wants one
            "gpu_model": self.gpu_model if gpus else None,
            "tmpdir": self.scratch,
        }
        return {name: value for name, value in named.items() if value}


def read(path: str | Path = SITE) -> Site:
    """Read and check the site file; where there is none, nothing is known of the site.

    Raises
    ------
    ConfigError : every fault at once, each with file, key, the value that came and what must hold.
    """
    path = Path(path)
    if not path.is_file():
        return Site()
    values = keys_of(path, "profiles/slurm/site.yaml")
    try:
        return Site.model_validate(values)
    except ValidationError as error:
        raise ConfigError(listed(str(path), faults_in_words(error.errors(), Site, values))) from None


def has_gpu() -> bool:
    """Whether this machine has a GPU: by the files of its driver, as loading PyTorch takes seconds."""
    return any(Path("/dev", name).exists() for name in GPU_FILES)
