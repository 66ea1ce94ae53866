import hashlib
import json
import re
from pathlib import Path

import plotly.offline

from meterbook import reports

STATIC = Path(reports.__file__).parent / "static"
VENDORED = json.loads((STATIC / "vendored.json").read_text("utf-8"))


def test_the_vendored_script_is_that_of_the_installed_plotly() -> None:
    named = re.search(r"plotly\.js \(basic - minified\) v(\S+)", (STATIC / "plotly-basic.min.js").read_text("utf-8")[:200])
    assert named is not None
    assert named[1] == VENDORED["plotly-basic.min.js"]["version"] == plotly.offline.get_plotlyjs_version()


def test_every_vendored_file_is_described_and_unchanged() -> None:
    files = {path.name for path in STATIC.iterdir() if not path.name.startswith("LICENSE")} - {"vendored.json"}
    assert files == set(VENDORED)
    for name, about in VENDORED.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == about["sha256"]


def test_every_vendored_file_comes_with_its_licence() -> None:
    for about in VENDORED.values():
        text = (STATIC / about["licence_text"]).read_text("utf-8")
        assert {"MIT": "MIT License", "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1"}[about["licence"]] in text
