"""Names of the configuration that would be another thing's too: a rule of the workflow, or the run store."""

from collections.abc import Collection, Iterator

from whyalike.config.config import Config
from whyalike.data.parameters import OfficialParameters
from whyalike.studies.registry import STUDIES

# the rules of workflow/; a test compares
RULES = frozenset(
    {"all", "analyse_published", "analyse_study", "draw_figure", "import_activations", "import_runs", "join_parts"}
    | {"import_activations_for_scores_alone"}
    | {
        "join_scores",
        "list_models",
        "list_views",
        "make_splits",
        "prepare_data",
        "prepare_small_data",
        "score_all_pairs",
        "score_comparison",
    }
    | {"train_models", "write_beton", "write_claims", "write_findings", "write_pairs", "write_sample_text"}
    | {"write_tables"}
)
STORE = "runs"  # {results}/runs is the store of all configurations


def misfits(config: Config) -> Iterator[str]:
    """Names of figures and sample texts that rules have, and results in the place of the run store."""
    sections = {f"{name}.": getattr(config, name) for name in STUDIES}
    for path, section in {"": config, **sections}.items():
        if section is not None and section.name == STORE:
            yield _taken(f"{path}name", STORE, f"the run store lies in {{results}}/{STORE}")
    downloads = {f"download_{name}" for name, one in config.datasets.items() if isinstance(one, OfficialParameters)}
    extractions = {name for name in (*config.figures, *config.sample_texts) if name.startswith("extract_")}
    yield from taken(config, RULES | downloads | extractions)


def taken(config: Config, rules: Collection[str]) -> Iterator[str]:
    """Figures and sample texts with the name of a rule, or of a target of a study."""
    for table in ("figures", "sample_texts"):
        for name in getattr(config, table):
            if name in rules:
                yield _taken(f"{table}.{name}", name, "a rule of the workflow has this name, and each is a target")


def _taken(path: str, name: str, why: str) -> str:
    return f"{path}: '{name}' is taken: {why}. Choose another name."
