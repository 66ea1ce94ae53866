"""budgets.yaml edited as text: what a person wrote around an entry stays, and what comes out says what it should."""

import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.budget_edits import EditError, patch, with_raise
from meterbook.assets.budgets import BudgetsFile, Raise
from meterbook.assets.dated import OPEN
from meterbook.rate_cards.strict_yaml import load_yaml

ADDED = Raise(amount=Decimal(120), starts_on=date(2026, 11, 3), ends_on=date(2026, 12, 1), request="2026-11-02-support-1")
ENTRY = '{amount: 120, starts_on: 2026-11-03, ends_on: 2026-12-01, request: "2026-11-02-support-1"}'
OTHER = "  - {budget: sales, amount_usd: 50}   # theirs\n"


def _of(text: str, folder: Path) -> BudgetsFile:
    (folder / "budgets.yaml").write_text(text, "utf-8", newline="")
    return BudgetsFile.model_validate(load_yaml(folder / "budgets.yaml"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - {budget: support, amount_usd: 100}  # ours\n", f"  - {{budget: support, amount_usd: 100, raises: [{ENTRY}]}}  # ours\n"),
        ("  - {budget: support, amount_usd: 100,}\n", f"  - {{budget: support, amount_usd: 100, raises: [{ENTRY}],}}\n"),
        (
            "  - {budget: support,  # ours\n     amount_usd: 100  # dollars\n    }\n",
            f"  - {{budget: support,  # ours\n     amount_usd: 100, raises: [{ENTRY}]  # dollars\n    }}\n",
        ),
        (
            "  - budget: support\n    # agreed in May\n    amount_usd: 100  # dollars\n    # the end\n",
            f"  - budget: support\n    # agreed in May\n    amount_usd: 100  # dollars\n    raises: [{ENTRY}]\n    # the end\n",
        ),
        (
            "  - budget: support\n    amount_usd: 100\n    levels:\n      - 50\n      - 80 # enough\n",
            f"  - budget: support\n    amount_usd: 100\n    levels:\n      - 50\n      - 80 # enough\n    raises: [{ENTRY}]\n",
        ),
        (
            "  - {budget: support, raises: [{amount: 110, starts_on: 2026-10-01}], amount_usd: 100}\n",
            f"  - {{budget: support, raises: [{{amount: 110, starts_on: 2026-10-01}}, {ENTRY}], amount_usd: 100}}\n",
        ),
        ("  - {budget: support, amount_usd: 100, raises: []}\n", f"  - {{budget: support, amount_usd: 100, raises: [{ENTRY}]}}\n"),
        (
            "  - budget: support\n    raises:\n    - amount: 110 # so far\n    amount_usd: 100\n",
            f"  - budget: support\n    raises:\n    - amount: 110 # so far\n    - {ENTRY}\n    amount_usd: 100\n",
        ),
    ],
)
def test_one_entry_gets_another_amount_and_every_other_character_stays(before: str, after: str) -> None:
    head = "# Budgets of Acme\nbudgets:\n"
    assert with_raise(f"{head}{before}{OTHER}", "support", ADDED) == f"{head}{after}{OTHER}"
    assert with_raise(f"{head}{OTHER}{before}", "support", ADDED) == f"{head}{OTHER}{after}"


def test_a_file_without_a_last_newline_and_one_of_windows_are_edited_too() -> None:
    assert with_raise("budgets:\n- budget: support\n  amount_usd: 100", "support", ADDED).endswith(f"100\n  raises: [{ENTRY}]")
    text = with_raise("budgets:\r\n- budget: support\r\n  amount_usd: 100\r\n- {budget: b, amount_usd: 1}\r\n", "support", ADDED)
    assert text == f"budgets:\r\n- budget: support\r\n  amount_usd: 100\r\n  raises: [{ENTRY}]\r\n- {{budget: b, amount_usd: 1}}\r\n"


def test_what_is_for_good_and_has_no_request_says_neither() -> None:
    text = with_raise("budgets: [{budget: a, amount_usd: 1}]\n", "a", Raise(amount=Decimal("2.50"), starts_on=date(2026, 11, 3)))
    assert text == "budgets: [{budget: a, amount_usd: 1, raises: [{amount: 2.50, starts_on: 2026-11-03}]}]\n"


@pytest.mark.parametrize(
    "text",
    [
        "budgets:\n- {budget: sales, amount_usd: 1}\n",
        "base: &base {amount_usd: 1}\n",
        "budgets:\n- &one {budget: support, amount_usd: 1}\n- {<<: *one, budget: other}\n",
        "budgets: {}\n",
    ],
)
def test_what_cannot_be_edited_is_told_with_the_line_to_add(text: str) -> None:
    with pytest.raises(EditError, match=r"by hand: \{amount: 120") as told:
        with_raise(text, "support", ADDED)
    assert "\n" not in str(told.value)


NAMES = st.text(st.sampled_from("ab-: #'\"ü,{}[]9"), min_size=1, max_size=8).map(lambda text: f"n{text}".strip())


@examples(40)
@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.lists(st.booleans(), min_size=4, max_size=4), st.data())
def test_whatever_names_and_styles_there_are_only_the_wanted_budget_changes(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], flow: list[bool], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("book")
    quoted = [name.replace("'", "''") for name in names]
    text = "budgets:\n" + "".join(
        f"- {{budget: '{name}', amount_usd: 1}} # one\n" if is_flow else f"- amount_usd: 1 # two\n  budget: '{name}'\n\n"
        for name, is_flow in zip(quoted, flow, strict=False)
    )
    wanted = data.draw(st.sampled_from(names))
    edited = with_raise(text, wanted, ADDED.model_copy(update={"request": wanted}))
    assert {one.budget: len(one.raises) for one in _of(edited, folder).budgets} == {name: int(name == wanted) for name in names}
    gone = [line for line in text.splitlines() if line not in edited.splitlines()]
    assert len(gone) == int(flow[names.index(wanted)])


@pytest.mark.parametrize("last", ["\n", ""])
@pytest.mark.parametrize("program", [("patch", "-p0", "--batch", "--input"), ("git", "apply")])
def test_a_patch_is_taken_by_patch_and_by_git(program: tuple[str, ...], last: str, tmp_path: Path) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    before = f"budgets:\n- {{budget: support, amount_usd: 100}}\n- {{budget: sales, amount_usd: 50}}{last}"
    after = with_raise(with_raise(before, "sales", ADDED), "support", ADDED.model_copy(update={"ends_on": OPEN}))
    (tmp_path / "budgets.yaml").write_text(before, "utf-8")
    (tmp_path / "more.patch").write_text(patch(before, after), "utf-8")
    subprocess.run([*program, "more.patch"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "budgets.yaml").read_text("utf-8") == after


def test_where_nothing_changes_the_patch_is_empty() -> None:
    assert patch("budgets: []\n", "budgets: []\n") == ""
