"""What another setting would do, held against what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import AuditRun, open_run
from audit.comparing import diff
from audit.errors import NotAnswerable
from audit.what_if import what_if
from pipelines.errors import RecipeError
from tests.audit.conftest import EVERYTHING, MakeRun

# A filter on addresses judges them anew, another is switched off, a third is tightened.
_MIXED = ["url_rules.table=published", "quality.enabled=false", "math_prefilter.threshold=12"]


@pytest.mark.parametrize(
    "changes",
    [
        # Documents enter that nothing after MathScore minds.
        ["math_score.threshold_without_math=0.1", "language.languages=[en, de]"],
        # A near-duplicate enters for the document that stood for it; most leave.
        ["perplexity.threshold=70"],
        _MIXED,
    ],
)
def test_the_answer_is_what_running_it_gives(
    run: AuditRun, make_run: MakeRun, changes: list[str]
) -> None:
    answer = what_if(run, changes, sites=1000)
    with open_run(make_run(*EVERYTHING, *changes)) as really:
        found = diff(run, really)
    assert answer.exact and answer.method == ""
    assert (answer.entering.value, answer.leaving) == (found.entered, found.left)
    assert answer.kept_after.value == found.kept_after
    entered = {case.document_id for case in answer.enter_examples}
    assert entered == {mover.document_id for mover in found.entered_examples}
    assert sum(site.enter for site in answer.sites) == found.entered


def test_duplicates_come_back_when_their_stage_is_switched_off(run: AuditRun) -> None:
    answer = what_if(run, ["near_duplicates.enabled=false"])
    dropped = run.one("SELECT count(*) FROM trails WHERE dropped_by = 'near_duplicates'")[0]
    assert answer.exact and answer.entering.value == dropped > 0
    assert answer.leaving == 0


def test_threshold_stands_for_all_of_a_filters_thresholds(run: AuditRun) -> None:
    answer = what_if(run, ["math_score.threshold=0.2"])
    assert answer == what_if(
        run, ["math_score.threshold_with_math=0.2", "math_score.threshold_without_math=0.2"]
    )
    assert [change[0] for change in answer.changes] == [
        "math_score.threshold_with_math",
        "math_score.threshold_without_math",
    ]


def test_unchanged_settings_change_nothing(run: AuditRun) -> None:
    answer = what_if(run, ["math_score.threshold_with_math=0.1", "perplexity.threshold=2100"])
    assert (answer.entering.value, answer.leaving, answer.moved) == (0, 0, 0)


def test_an_estimate_holds_what_everything_tells_and_names_its_sample(
    run: AuditRun, half_run: AuditRun
) -> None:
    change = ["math_score.enabled=false", "language.enabled=false"]
    truth, answer = what_if(run, change), what_if(half_run, change)
    assert truth.exact and not answer.exact
    assert answer.entering.low <= truth.entering.value <= answer.entering.high
    assert answer.entering.low < answer.entering.value < answer.entering.high
    assert answer.entering_chars.low <= truth.entering_chars.value <= answer.entering_chars.high
    assert "Wilson" in answer.method
    by_stage = {stratum.stage: stratum for stratum in answer.strata}
    for stratum in truth.strata:
        half = by_stage[stratum.stage]
        candidates = stratum.enter + stratum.dropped_later
        assert half.enter + half.dropped_later + half.unknown == candidates
        assert half.sampled == half.enter + half.dropped_later


def test_tightening_is_exact_without_a_shadow_share(make_run: MakeRun, run: AuditRun) -> None:
    change = ["word_order.threshold=4"]
    with open_run(make_run("audit.shadow_share=0", "audit.dropped_text=none")) as bare:
        answer = what_if(bare, change)
    assert answer.exact
    assert answer.leaving == what_if(run, change).leaving > 0


def test_no_sample_means_between_none_and_all(make_run: MakeRun) -> None:
    with open_run(make_run("audit.shadow_share=0", "audit.dropped_text=none")) as bare:
        answer = what_if(bare, ["math_score.enabled=false"])
    (stratum,) = answer.strata
    assert (answer.entering.low, answer.entering.high) == (0, stratum.unknown)
    assert any("shadow_share" in line for line in answer.ignores)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("quality.minimum_chars=400", "quality.enabled"),
        ("math_score.model=/nowhere.ftz", "math_score.threshold_with_math"),
        ("near_duplicates.threshold=0.9", "near_duplicates"),
        ("limits.text_chars=10", "limits.text_chars"),
        ("extract.edition=published", "extract.edition"),
    ],
)
def test_what_no_record_tells_is_refused(run: AuditRun, change: str, told: str) -> None:
    with pytest.raises(NotAnswerable, match=told):
        what_if(run, [change])


@pytest.mark.parametrize("change", ["math_score", "math_scor.threshold=1", "perplexity.treshold=1"])
def test_a_wrong_assignment_says_what_is_meant(run: AuditRun, change: str) -> None:
    with pytest.raises(RecipeError):
        what_if(run, [change])


def test_a_stage_that_was_off_judged_nothing(make_run: MakeRun) -> None:
    with (
        open_run(make_run(*EVERYTHING, *_MIXED)) as without,
        pytest.raises(NotAnswerable, match="switched off"),
    ):
        what_if(without, ["quality.enabled=true"])


def test_a_run_of_another_version_still_opens(judged_by_all: Path, tmp_path: Path) -> None:
    """A recipe that this version can't read leaves every other question answerable."""
    for item in judged_by_all.iterdir():
        (tmp_path / item.name).symlink_to(item)
    (tmp_path / "recipe.yaml").unlink()
    (tmp_path / "recipe.yaml").write_text("name: other\nunknown: [1]\n")
    with open_run(tmp_path) as other:
        assert other.recipe is None
        assert next(stage.name for stage in other.stages) == "responses"
        with pytest.raises(NotAnswerable, match="recipe"):
            what_if(other, ["perplexity.threshold=1"])
