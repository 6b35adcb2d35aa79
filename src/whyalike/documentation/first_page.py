"""The first page of Snakemake's report: questions, designs, findings, claims, then every figure with its caption.

Names, captions and pages are drawn as text: whatever they hold, none of it is HTML.
"""

import base64
import textwrap
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.designs.registry import DESIGNS, design

# the report's own column, which it goes beyond, is too narrow for a figure of a page's width; 22rem is the menu's
WIDE = "width: min(60rem, calc(100vw - 22rem))"
LINE = 8000  # characters: docutils, which Snakemake hands the page to, takes no line over 10,000


class Reported(dict):
    """A configuration as Snakemake hands it on; the report's template finds the first page beside its keys.

    Jobs, to which it goes pickled, get the keys alone.
    """

    def __init__(self, values: Mapping[str, Any], root: str, config: Config):
        super().__init__(values)
        self._root, self._config = root, config

    def __reduce__(self) -> tuple:
        """A plain dict."""
        return dict, (dict(self),)

    def first_page(self) -> str:
        """See `html`."""
        captions = {name: figure.caption for name, figure in self._config.figures.items()}
        return html(self._root, self._config.name, asked(self._config), captions)


def html(root: str, name: str, studies: Mapping[str, str], captions: Mapping[str, str]) -> str:
    """The page as HTML, with figures inside it.

    Parameters
    ----------
    root : folder of the results.
    name : of the configuration.
    studies : study -> what it asks, a sentence (`asked`).
    captions : figure -> its caption, in the order of the page: that of the configuration.
    """
    questions = "".join(f"<li><b>{escape(study)}</b>: {escape(words)}</li>" for study, words in studies.items())
    parts = [f"<h1>{escape(name)}</h1><h2>Questions and designs</h2><ul>{questions}</ul>"]
    parts += [_page(Path(root, f"{page}.md")) for page in ("findings", "claims")]
    parts += ["<h1>Figures</h1>", *(_figure(Path(root, "figures", f"{one}.svg"), captions[one]) for one in captions)]
    return "\n".join([f'<div style="{WIDE}">', *parts, "</div>"])


def asked(config: Config) -> dict[str, str]:
    """Study -> what it asks: what its design varies, its conditions, settings, seeds and stimuli, in a sentence."""
    return {name: _asked(study) for name, study in config.studies.items()}


def _asked(study: Any) -> str:
    what = f"how similarity goes with {DESIGNS[study.factor].facts}"
    own = design(study.factor)
    if own.is_of_pairs:
        what = "how alike models are" if own.gathers else "how alike models from files are"
    if own.gathers and not study.comparisons:
        what = "models, of which none are compared"
    levels = f", at {', '.join(study.levels)}" if study.levels and not own.gathers else ""
    seeds = f", {len(study.seeds)} seed{'s' if len(study.seeds) > 1 else ''}" if study.levels else ""
    stimuli = f"; on {', '.join(study.all_stimuli())}" if study.all_stimuli() else ""
    return f"{what}{levels}; settings {', '.join(study.settings)}{seeds}{stimuli}."


def _page(path: Path) -> str:
    """A page of Markdown as HTML; nothing where it is not made."""
    from markdown_it import MarkdownIt  # when a report is made only

    if not path.is_file():
        return ""
    # without HTML: what stands in angle brackets is text
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(path.read_text(encoding="utf-8"))


def _figure(path: Path, caption: str) -> str:
    """A figure and its caption; of one that is not made, that it is not."""
    if not path.is_file():
        return f"<p><b>{escape(path.stem)}</b>: {escape(caption)} <i>This figure is not made yet.</i></p>"
    data = "\n".join(textwrap.wrap(base64.b64encode(path.read_bytes()).decode(), LINE))
    image = f'<img style="width: 100%" alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{image}<figcaption><b>{escape(path.stem)}</b>: {escape(caption)}</figcaption></figure>"
