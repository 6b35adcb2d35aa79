"""A table at the end of which faults hit a study in which stage, where tests of them were run."""

from collections import Counter


def pytest_terminal_summary(terminalreporter):
    reports = [report for name in ("passed", "failed") for report in terminalreporter.getreports(name)]
    hits = Counter(value for report in reports for name, value in report.user_properties if name == "fault")
    if not hits:
        return
    from disturbance import OPERATIONS, SEED  # not where nothing of it is needed

    terminalreporter.section(f"{hits.total()} faults that hit, by stage: WHYALIKE_FAULTS_SEED={SEED}")
    for kind in sorted({hit.partition("|")[0] for hit in hits}):
        counts = "".join(f"{hits[f'{kind}|{stage}'] or '':>12}" for stage in OPERATIONS)
        terminalreporter.write_line(f"{kind:<24}{counts}")
    terminalreporter.write_line(" " * 24 + "".join(f"{stage:>12}" for stage in OPERATIONS))
