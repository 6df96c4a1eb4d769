"""Recipes: valid ones say everything, wrong ones say what is wrong before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.errors import RecipeError
from pipelines.recipe import Recipe, difference, load_recipe, packaged_recipes
from pipelines.stages import STAGES

MINIMAL = {
    "name": "mine",
    "subset": "web",
    "edition": "ours",
    "summary": "Mine.",
    "stages": [{"responses": {}}, {"math_prefilter": {}}, {"extract": {}}, {"language": {}}],
}


def written(tmp_path: Path, **changes: object) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**MINIMAL, **changes}))
    return str(path)


@pytest.mark.parametrize("name", packaged_recipes())
def test_packaged_recipes_can_be_used(name: str) -> None:
    recipe = load_recipe(name)
    recipe.check()
    assert recipe.name == name
    assert recipe.differences, "deliberate differences are listed"


def test_a_resolved_recipe_is_the_same_recipe() -> None:
    recipe = load_recipe("open-web-math")
    again = Recipe.model_validate(yaml.safe_load(yaml.safe_dump(recipe.resolved)))
    assert again.digest == recipe.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": [{"responses": {}}, {"langage": {}}]}, "did you mean language"),
        (
            {"stages": [*MINIMAL["stages"][:3], {"language": {"treshold": 1}}]},
            "did you mean threshold",
        ),
        (
            {"stages": [*MINIMAL["stages"][:3], {"language": {"threshold": "high"}}]},
            "language.threshold",
        ),
        ({"stages": [{"responses": {}}, {"language": {}}, {"extract": {}}]}, "after extract"),
        (
            {"stages": [{"responses": {}}, {"extract": {}}, {"math_prefilter": {}}]},
            "before extract",
        ),
        ({"stages": [{"responses": {}}]}, "extract is missing"),
        ({"stages": [{"extract": {}}]}, "responses is missing"),
        ({"stages": [*MINIMAL["stages"], {"language": {}}]}, "appears twice"),
        ({"limits": {"source_bytes": 0}}, "limits.source_bytes"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(written(tmp_path, **changes))


def test_what_is_no_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="open-web-math"):
        load_recipe("no-such-recipe")
    path = tmp_path / "bad.yaml"
    path.write_text("a: [")
    with pytest.raises(RecipeError, match="not YAML"):
        load_recipe(str(path))
    path.write_text("- 1")
    with pytest.raises(RecipeError, match="mapping"):
        load_recipe(str(path))
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(RecipeError):
        load_recipe(str(path))


def test_settings_can_be_changed_by_name() -> None:
    recipe = load_recipe("open-web-math")
    changed = recipe.changed(
        ["language.threshold=0.7", "perplexity.enabled=false", "audit.shadow_share=0.5"]
    )
    assert changed.digest != recipe.digest
    by_name = {stage.name: stage for stage in changed.built()}
    assert by_name["language"].settings.threshold == 0.7
    assert not by_name["perplexity"].enabled
    rows = {key: (a, b) for key, a, b in difference(recipe, changed)}
    assert rows["language.threshold"] == ("0.5", "0.7")
    assert rows["perplexity.enabled"] == ("true", "false")
    for wrong in ("language.threshold", "nothing.here=1", "language.colour=1"):
        with pytest.raises(RecipeError):
            recipe.changed([wrong])


def test_the_editions_differ_where_the_recipe_says(tmp_path: Path) -> None:
    rows = difference(load_recipe("open-web-math"), load_recipe("open-web-math-published"))
    keys = {key for key, _, _ in rows}
    assert {"extract.edition", "language.edition", "url_rules.table"} <= keys


def test_every_stage_has_a_name_of_its_own() -> None:
    for stages in STAGES.values():
        for name, kind in stages.items():
            assert kind.settings.name == name
