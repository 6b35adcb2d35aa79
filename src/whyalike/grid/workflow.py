"""What the rules ask for: the paths of each stage's files, and the canonical parameters of each job."""

from whyalike.config.config import Config
from whyalike.grid import partial
from whyalike.grid.parameters import Parameters


class Workflow(Parameters):
    """Paths and parameters for one configuration; of a partial result, for the part whose models are finished."""

    def __init__(self, config: Config):
        super().__init__(config)
        if config.partial:
            self.grid = partial.finished_only(self.asked, self.manifest, self.manifest_work)
