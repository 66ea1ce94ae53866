"""Run the official FOCUS validator over a file, and hold what fails against the reviewed list.

The validator needs Python 3.12 and an environment of its own (`make focus-validate` builds it), has to be started from the folder it is
installed in, where it looks for its currency codes, and ends with 0 whatever it finds: its report is read instead.

python tests/focus_validator/focus_validation.py FILE...
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

HERE = Path(__file__).parent
TOOL = HERE.parents[1] / "build" / "focus-validator"
LEAST_PASSED = 355
"""Of the 578 rules; 210 cannot be checked by a program."""
WAITS = 600


@dataclass(frozen=True)
class Verdict:
    """What the validator said of a file."""

    passed: int
    skipped: int
    failed: frozenset[str]
    """Ids of rules."""

    @property
    def unexpected(self) -> list[str]:
        """Rules that failed and are not on the reviewed list; a rule made of others only where one of these is on it and failed."""
        return sorted(self.failed - _excused(self.failed))

    @property
    def is_good(self) -> bool:
        """Whether enough passed, and nothing failed that may not."""
        return self.passed >= LEAST_PASSED and not self.unexpected


def validate(path: Path, tool: Path = TOOL) -> Verdict:
    """Validate a Parquet or CSV file with all applicability criteria.

    Raises:
        RuntimeError: the validator gave no report.
    """
    folders = list(tool.glob("lib/python3*/site-packages"))
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        done = subprocess.run(
            [tool / "bin" / "focus-validator", "--data-file", path.resolve(), "--block-download", "--validate-version", "1.2.0.1",
             "--focus-dataset", "CostAndUsage", "--applicability-criteria", "ALL", "--output-type", "unittest",
             "--output-destination", report],
            cwd=folders[0], check=False, capture_output=True, text=True, timeout=WAITS,
        )  # fmt: skip
        if not report.is_file():
            raise RuntimeError(f"no report on {path}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return read_report(report.read_text("utf-8"))


def read_report(text: str) -> Verdict:
    """What a report in the format of JUnit says."""
    cases = list(ET.fromstring(text).iter("testcase"))  # noqa: S314 -- a report that we had written
    failed = {str(case.get("name")).split(" ")[0] for case in cases if case.find("failure") is not None or case.find("error") is not None}
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Verdict(len(cases) - len(failed) - skipped, skipped, frozenset(failed))


def _excused(failed: frozenset[str]) -> set[str]:
    accepted = [entry for entry in yaml.safe_load((HERE / "accepted.yaml").read_text("utf-8")) if entry["rule"] in failed]
    return {name for entry in accepted for name in (entry["rule"], *entry["fails"])}


def main(paths: list[str]) -> int:
    """Print a line for each file; 1 where any is not good."""
    verdicts = {path: validate(Path(path)) for path in paths}
    for path, verdict in verdicts.items():
        figures = f"{verdict.passed} passed, {len(verdict.failed)} failed, {verdict.skipped} not checked"
        sys.stdout.write(f"{path}: {figures}; beyond the reviewed list: {', '.join(verdict.unexpected) or 'nothing'}\n")
    return 0 if all(verdict.is_good for verdict in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
