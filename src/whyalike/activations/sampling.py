"""Text that language models go on with after a prompt: the overlap study's sample text, a model a paragraph.

Every model gets the same prompt and the same draws (one key), so that two texts differ by what the models learned and
not by chance; a model that two levels share speaks once. What is written is a table of all texts as they are, and a
page of them for a reader. Source: Exploring Causes of Representational Similarity, appendix (prompt "Do you not hear").
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer

from whyalike.activations.extraction import trained_model
from whyalike.activations.parameters import SampleTextParameters
from whyalike.data.tokenization import encode, of_prepared
from whyalike.files import read_table, write_text
from whyalike.job import note
from whyalike.markdown import plain
from whyalike.randomness import key
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.store import StoredRun

COLUMNS = ("setting", "seed", "name", "level", "run", "loss", "loss_unit", "text")
UNPRINTED = "\N{REPLACEMENT CHARACTER}"  # stands for control characters, and for bytes that are no UTF-8


def sample_text(
    parameters: SampleTextParameters,
    operation: Operation,
    threads: int,
    datasets: Mapping[str, Path],
    manifests: Sequence[Path],
    store: Path,
    table: Path,
    page: Path,
) -> None:
    """Write what each model of a study says after the prompt.

    Parameters
    ----------
    parameters : models, prompt and draws.
    operation, threads : how to carry it out; a GPU's rounding may change a draw.
    datasets : name -> prepared data set, whose tokenizer is the models' own.
    manifests : of the cells, for the models' losses.
    store : folder of the run store.
    table, page : paths of the CSV and of the Markdown file.

    Raises
    ------
    ValueError : a data set that is no text.
    DamagedRun : the store lacks a run, or its weights are not what was written.
    """
    device = set_up_device(operation.device, threads)
    known = pd.concat([read_table(path).to_pandas() for path in manifests], ignore_index=True)
    losses = known.drop_duplicates("run").set_index("run")[["loss", "loss_unit"]]
    rows = []
    for cell in parameters.cells:
        tokenizer = of_prepared(datasets[cell.dataset])
        for run in cell.runs:
            model = trained_model(cell.model, StoredRun(store, run.run)).to(device)
            said = {**losses.loc[run.run].to_dict(), "text": _text(model, tokenizer, parameters, device)}
            rows.append({"setting": cell.setting, **run.plain(), **said})
        note(f"sample text {cell.setting} · {len(cell.runs)} models")
    frame = pd.DataFrame(rows, columns=COLUMNS)
    write_text(table, _csv(frame))
    write_text(page, "".join(_page(frame, parameters)))


def _text(model: torch.nn.Module, tokenizer: Tokenizer, parameters: SampleTextParameters, device: torch.device) -> str:
    """The prompt and what the model goes on with."""
    [prompt] = encode(tokenizer, [(parameters.prompt, False)])  # False: the text does not end here
    generator = torch.Generator().manual_seed(key(parameters.seed, "sample text"))
    tokens = torch.from_numpy(prompt.astype(np.int64))[None].to(device)  # (1, t)
    said = model.sample(tokens, parameters.tokens, generator, parameters.temperature, parameters.top_k)
    return tokenizer.decode(said[0].tolist(), skip_special_tokens=False)


def _csv(frame: pd.DataFrame) -> str:
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def _page(frame: pd.DataFrame, parameters: SampleTextParameters) -> Iterator[str]:
    """Markdown: how the texts were drawn, then a heading a cell and a text a model, A before the levels of B."""
    yield (
        f"# Sample text\n\nThe prompt is “{plain(parameters.prompt)}”. "
        f"Each model adds {parameters.tokens} tokens, drawn at "
        f"temperature {parameters.temperature:g} from its {parameters.top_k} likeliest; all models have the same draws "
        f"(key {parameters.seed}). {UNPRINTED} stands for what cannot be printed.\n"
    )
    for (setting, seed), rows in frame.groupby(["setting", "seed"], sort=False):
        yield f"\n## {setting}, seed {seed}\n"
        for row in rows.itertuples():
            head = f"**{row.name}**{_overlap(row.level)}, test loss {row.loss:.3f} {row.loss_unit}:"
            yield f"\n{head}\n\n{_block(row.text)}"


def _overlap(level: str | None) -> str:
    return "" if pd.isna(level) else f" (overlap {level} with A)"


def _block(text: str) -> str:
    """A block of code by indentation: whatever the text holds, it ends where the indentation does."""
    lines = text.expandtabs(4).split("\n")
    shown = ("".join(one if one.isprintable() else UNPRINTED for one in line) for line in lines)
    return "".join(f"    {line}".rstrip() + "\n" for line in shown)
