"""`whyalike zoo`: the weights of pretrained models, listed, or saved on a machine with a network.

`save` is the only thing in whyalike that downloads weights. It does so with the library's own functions, and writes the
model's tensors under the names that the model has, so that they load strictly.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from whyalike.commands.cli_faults import fail, messages, path
from whyalike.config import reading
from whyalike.config.config import Config
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.files import temporary_of
from whyalike.models.libraries.registry import LIBRARIES
from whyalike.training.weight_files import WRITTEN, weight_files, weights_sha256

main = typer.Typer(no_args_is_help=True, help="The weights of pretrained models: listed, or saved with a network.")
MEGABYTE = 1e6

Configuration = Annotated[Path, typer.Argument(parser=path, help="The configuration.")]


@main.command(name="list")
def listed(configfile: Configuration) -> None:
    """Say of each model of another library where its weights belong, whether they are there, size and SHA-256."""
    with messages():
        for name, setting in pretrained(reading.read(configfile)).items():
            for run, place in setting.weight_paths().items():
                what = f"{setting.library} {setting.name}, tag {setting.tag.format(run=run)}"
                print(f"{name} {run}: {what}\n  {_state(place, setting.hashes[run])}")


@main.command()
def save(
    configfile: Configuration,
    names: Annotated[
        list[str] | None, typer.Argument(help="Settings; all whose weights are missing if left out.")
    ] = None,
) -> None:
    """Download the weights of settings to their `weights` paths. It needs a network; nothing else here does."""
    with messages():
        settings = pretrained(reading.read(configfile))
        if unknown := [name for name in names or () if name not in settings]:
            raise ValueError(f"{', '.join(unknown)} is no setting of another library's models in {configfile}. "
                             f"Known: {', '.join(settings) or 'none'}.")  # fmt: skip
        for name in names or settings:
            for line in saved(name, settings[name]):
                print(line, flush=True)


def pretrained(config: Config) -> dict[str, ResolvedPretrained]:
    """The settings of a configuration whose models are of another library."""
    return {name: one for name, one in config.settings.items() if isinstance(one, ResolvedPretrained)}


def saved(name: str, setting: ResolvedPretrained) -> Iterator[str]:
    """Save what is missing of a setting; a line for each run.

    Raises
    ------
    ValueError : there are no such weights, they are not those whose SHA-256 is declared, or nothing can be reached.
    """
    facts = LIBRARIES[setting.library].facts
    for run, place in setting.weight_paths().items():
        if place.exists():
            yield f"{name} {run}: {_state(place, setting.hashes[run])}"
            continue
        if not facts.folder and place.suffix != WRITTEN:
            raise ValueError(f"settings.{name}.weights: {place} must end in {WRITTEN}, which is what is written here.")
        place.parent.mkdir(parents=True, exist_ok=True)
        _fetch(setting, run, place)
        sha256 = weights_sha256(place)
        yield f"{name} {run}: {_state(place, sha256)}"
        if setting.declared_sha256(run) not in (None, sha256):
            raise ValueError(f"{place} has another SHA-256 than settings.{name} declares, "
                             f"{setting.declared_sha256(run)}: see which is right before you use it.")  # fmt: skip


def _fetch(setting: ResolvedPretrained, run: str, place: Path) -> None:
    """Have the library write weights; a folder gets its name when it is whole, as files do."""
    unfinished = temporary_of(place, os.getpid())
    try:
        LIBRARIES[setting.library].load()().fetch(setting.architecture(run), unfinished)
        unfinished.rename(place)
    except ValueError:
        raise
    except Exception as error:  # of a library, its hub or the network: it may be any
        words = str(error).strip().splitlines() or [""]
        fail(
            f"{setting.library} {setting.name}, tag {setting.tag.format(run=run)} could not be downloaded "
            f"({type(error).__name__}: {words[0]}). Try again on a machine that reaches the network, without "
            "HF_HUB_OFFLINE."
        )
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        unfinished.unlink(missing_ok=True)


def _state(place: Path, sha256: str | None) -> str:
    if not place.exists():
        return f"{place} is missing" + (f", SHA-256 {sha256}" if sha256 else "")
    size = sum(file.stat().st_size for file in weight_files(place)) / MEGABYTE
    return f"{place} is there, {size:,.1f} MB, SHA-256 {sha256}"
