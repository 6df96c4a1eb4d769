"""Settings of near-duplicates: presets, targets, and errors that say what is wrong."""

from __future__ import annotations

import pytest
from datasketch import MinHashLSH

from filters.near_duplicates import PRESETS, NearDuplicates
from filters.url_duplicates import UrlDuplicates, canonical_url
from pipelines.deduplication.recipe import load_deduplication_recipe
from pipelines.errors import RecipeError


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_all_that_is_needed(preset: str) -> None:
    near = NearDuplicates(preset=preset)
    assert near.band_count * near.row_count <= near.signature_length
    assert near.verify in ("exact", "estimated", "none")


def test_what_is_set_goes_before_the_preset() -> None:
    near = NearDuplicates(preset="datatrove", ngram=7, verify="estimated", threshold=0.75)
    assert (near.ngram, near.verify, near.threshold) == (7, "estimated", 0.75)
    assert (near.bands, near.rows, near.permutations, near.normalisation) == (14, 8, 112, "prose")


@pytest.mark.parametrize(("target", "permutations"), [(0.5, 128), (0.7, 256), (0.9, 64)])
def test_a_target_gives_datasketch_s_optimum(target: float, permutations: int) -> None:
    near = NearDuplicates(target=target, permutations=permutations)
    lsh = MinHashLSH(threshold=target, num_perm=permutations)
    assert (near.bands, near.rows) == (lsh.b, lsh.r)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("preset=datatruffe", "known: maths, datatrove"),
        ("bands=9", "bands and rows go together"),
        ("keep=[best_score]", "score"),
        ("keep=[loudest]", "keep"),
        ("threshold=80", "from 0 to 1"),
        ("target=1.5", "between 0 and 1"),
        ("shingle=5", "'shingle' is unknown"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_deduplication_recipe().changed([f"near_duplicates.{setting}"])


def test_stages_have_one_order() -> None:
    recipe = load_deduplication_recipe()
    plain = recipe.model_dump(mode="json")
    plain["stages"] = plain["stages"][::-1]
    with pytest.raises(RecipeError, match="the order is url_duplicates"):
        type(recipe).model_validate(plain).deduplication  # noqa: B018


def test_a_resolved_recipe_is_the_recipe() -> None:
    recipe = load_deduplication_recipe().changed(["near_duplicates.target=0.7"])
    again = type(recipe).model_validate(recipe.resolved)
    assert again.deduplication == recipe.deduplication
    assert again.digest == recipe.digest


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("http://www.example.org/a/", "https://example.org:443/a"),
        ("https://example.org/a?b=2&a=1#top", "HTTPS://EXAMPLE.org/a?a=1&b=2"),
        ("https://example.org/a?utm_source=x&id=3&fbclid=y", "https://example.org/a?id=3"),
        ("https://example.org/%7Eeuler/", "https://example.org/~euler"),
        (
            "https://example.org/viewtopic.php?t=5&PHPSESSID=0a1b",
            "http://example.org/viewtopic.php?t=5",
        ),
    ],
)
def test_spellings_of_one_address(first: str, second: str) -> None:
    assert canonical_url(first) == canonical_url(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://example.org/?p=1", "https://example.org/?p=2"),
        ("https://example.org/a", "https://example.org/A"),
        ("https://example.org:8080/", "https://example.org/"),
        ("https://math.example.org/", "https://example.org/"),
        ("http://[::1", "http://[::2"),
    ],
)
def test_other_addresses_stay_apart(first: str, second: str) -> None:
    assert canonical_url(first) != canonical_url(second)


def test_without_an_address_there_is_no_key() -> None:
    assert UrlDuplicates().key(" ") is None
