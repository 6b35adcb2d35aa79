"""Names of the configuration that would be another thing's too: a rule of the workflow, a folder of the results."""

from collections.abc import Iterator

from whyalike.config.config import Config
from whyalike.data.parameters import OfficialParameters
from whyalike.studies.registry import STUDIES

# rules of workflow/ and targets, those of studies with rules of their own among them; a test compares
RULES = frozenset(
    {"all", "analyse_published", "analyse_study", "draw_figure", "import_activations", "import_runs", "join_parts"}
    | {"join_scores", "list_views", "make_splits", "prepare_data", "prepare_small_data", "score_comparison"}
    | {"train_models", "write_beton", "write_claims", "write_findings", "write_pairs", "write_sample_text"}
    | {"write_tables"}
    | {"analyse_closeness", "closeness", "closeness_synthetic", "draw_closeness", "embed_group", "embed_images"}
    | {"prepare_closeness", "score_constructed", "score_group", "score_tuples", "train_embedders", "train_embeddings"}
)
STORE = "runs"  # {results}/runs is the store of all configurations


def misfits(config: Config) -> Iterator[str]:
    """Names of figures and sample texts that rules have, and names under which others write their results."""
    own = {name: getattr(config, name) for name in STUDIES}
    folders = {STORE: "the run store", **{name: f"the study {name}" for name in STUDIES}}
    folders |= {section.name: f"the study {name}" for name, section in own.items() if section is not None}
    if config.name in folders:
        yield _taken("name", config.name, f"{folders[config.name]} lies in {{results}}/{config.name}")
    for study, section in own.items():
        if section is not None and section.name == STORE:
            yield _taken(f"{study}.name", STORE, f"the run store lies in {{results}}/{STORE}")
    downloads = {f"download_{name}" for name, one in config.datasets.items() if isinstance(one, OfficialParameters)}
    for table in ("figures", "sample_texts"):
        for name in getattr(config, table):
            if name in RULES | downloads or name.startswith("extract_"):
                yield _taken(f"{table}.{name}", name, "a rule of the workflow has this name, and each is a target")


def _taken(path: str, name: str, why: str) -> str:
    return f"{path}: '{name}' is taken: {why}. Choose another name."
