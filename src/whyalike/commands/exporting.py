"""One archive of a finished study, for a paper's supplement: what was asked for, what made it, and what came out.

    {name}/config.yaml                the configuration, every default written out
    {name}/versions.json              version of whyalike, git commit, and whether files differ from it
    {name}/requirements.txt           the lock of the environment
    {name}/runs.csv                   every run with its identity
    {name}/MISSING.txt                what a partial export lacks
    {name}/data, models, similarity, statistics, figures, samples      as in the results; of data the checksums
    {name}/findings.md, claims.md
    {study}/models, similarity, statistics, figures         of a study with rules of its own that the configuration has

Equal content gives equal bytes: sorted names, no times, no owners. A file that was made from other parameters than the
configuration asks for (of fewer seeds, for example) counts as missing.
"""

import csv
import gzip
import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import yaml

from whyalike.config.config import Config
from whyalike.files import atomic
from whyalike.grid.runs import Grid
from whyalike.studies.main_line import studies_of
from whyalike.studies.traces import fault_of

REPOSITORY = Path(__file__).parents[3]
LOCK = REPOSITORY / "envs" / "requirements.txt"
RUN_COLUMNS = ("setting", "factor", "seed", "name", "replica", "labelling", "level", "identity")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
MODE = 0o644


def export(config: Config, output: Path, partial: bool = False) -> str:
    """Write the archive and say what is in it.

    Parameters
    ----------
    config : of the study; with `partial: true` it is exported as if it were false.
    output : .tar.gz or .zip.
    partial : export what there is, with a list of what is missing, instead of refusing.

    Raises
    ------
    ValueError : another suffix, or something is missing and ``partial`` is false.
    """
    if not output.name.endswith((".tar.gz", ".zip")):
        raise ValueError(f"the archive must end in .tar.gz or .zip, got {output}")
    expected = dict(_expected(config))
    faults = {path: fault for path, work in expected.items() if (fault := fault_of(path, work))}
    missing = [f"{path}: {fault}" for path, fault in faults.items()]
    if not LOCK.is_file():
        missing.append(f"{LOCK.name}: the lock is not beside this installation of whyalike")
    lacking = f"{len(missing)} file{'s are' if len(missing) > 1 else ' is'} missing or outdated"
    if missing and not partial:
        raise ValueError("\n".join([f"the study is not finished, {lacking}:",
                                    *(f"  {line}" for line in missing),
                                    "Run it to its end, or export what there is with --partial."]))  # fmt: skip
    members: dict[str, bytes | Path] = dict(_made(config.model_copy(update={"partial": False})))
    members |= {LOCK.name: LOCK} if LOCK.is_file() else {}
    members |= {"MISSING.txt": "".join(f"{line}\n" for line in missing).encode()} if missing else {}
    members = {f"{config.name}/{name}": content for name, content in members.items()}
    members |= {str(path.relative_to(config.results)): path for path in expected if path not in faults}
    write = _write_zip if output.suffix == ".zip" else _write_tar
    with atomic(output) as temporary:
        write(temporary, {name: members[name] for name in sorted(members)})
    size = f"{output}: {len(members)} files, {output.stat().st_size / 1e6:.1f} MB"
    return f"{size}; {lacking}, see MISSING.txt" if missing else size


def _expected(config: Config) -> Iterator[tuple[Path, str | None]]:
    """Every file of the results that belongs into the archive, with the parameters that it must be made from.

    Of studies with rules of their own that is what `all` makes of them where the configuration has them.
    """
    for study in studies_of(config):
        for job in study.jobs(whole=False) if study.asked else ():
            made = study.work(job) if job.is_traced else None
            yield from ((Path(file), made) for file in job.archive)


def _made(config: Config) -> Iterator[tuple[str, bytes]]:
    values = config.model_dump(mode="json")
    yield "config.yaml", yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()
    yield "versions.json", (json.dumps(_versions(), indent=2) + "\n").encode()
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(RUN_COLUMNS)
    grid = Grid(config)
    rows.writerows([getattr(run, name) for name in RUN_COLUMNS] for cell in grid.cells for run in grid.runs(cell))
    yield "runs.csv", text.getvalue().encode()


def _versions() -> dict[str, str | bool]:
    """The package's version; commit and state of its git checkout, if it is one."""
    versions: dict[str, str | bool] = {"whyalike": metadata.version("whyalike")}
    if (REPOSITORY / ".git").exists() and (commit := _git("rev-parse", "HEAD")) is not None:
        versions |= {"git_commit": commit, "files_differ_from_commit": bool(_git("status", "--porcelain"))}
    return versions


def _git(*arguments: str) -> str | None:
    try:
        return subprocess.run(
            ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git here, or a folder that it does not trust
        return None


def _write_tar(path: Path, members: Mapping[str, bytes | Path]) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in members.items():
            content = content if isinstance(content, bytes) else content.read_bytes()
            member = tarfile.TarInfo(name)  # time 0, no owner
            member.size, member.mode = len(content), MODE
            archive.addfile(member, io.BytesIO(content))


def _write_zip(path: Path, members: Mapping[str, bytes | Path]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type, member.external_attr, member.create_system = zipfile.ZIP_DEFLATED, MODE << 16, 3
            archive.writestr(member, content if isinstance(content, bytes) else content.read_bytes())
