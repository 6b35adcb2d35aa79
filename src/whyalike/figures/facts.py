"""What is known of a figure kind without drawing it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureFacts:
    """What is known of a figure kind.

    Attributes
    ----------
    needs : keys that the figure's entry in the config must have: "study", "dataset".
    inputs : what is read, each a list of paths: "scores", "statistics", "manifests" (Parquet tables, concatenated),
        "all_statistics" (of every study), "pairs" (pair tables of the study), "tables" (one CSV file), "data" (the
        folder of a prepared data set, or its files); of one comparison, stimuli and layer, that the options name,
        "panel_scores", "representations" and "labels". In the order of the arguments of ``draw``.
        A figure of a study with rules of its own reads Parquet tables by whatever name the study has for them.
    category : heading in the report.
    options : keys that the entry's `options` may have: the keyword arguments of ``draw``.
    of_pairs : whether it shows studies of which each pair is a result, and no others.
    study : the study whose rules draw it, and no configuration's `figures`.
    caption : of such a figure, one sentence for the report.
    """

    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    category: str
    options: tuple[str, ...] = ()
    of_pairs: bool = False
    study: str = ""
    caption: str = ""
