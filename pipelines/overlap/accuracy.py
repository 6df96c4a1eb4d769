"""Whether a model does better on the problems that are in its corpus: accuracy, found or not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import InputError
from pipelines.overlap.corpus import json_lines, value_of
from pipelines.overlap.report import Report

__all__ = ["GroupAccuracy", "accuracy_by_group", "read_outputs"]


@dataclass(slots=True)
class GroupAccuracy:
    """A model's answers to the problems of one group.

    Attributes:
        group: The group, such as a level.
        found: For each problem that is in the corpus, whether the answer is right.
        others: The same for those that aren't.
    """

    group: str
    found: list[bool] = field(default_factory=list)
    others: list[bool] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Counts and accuracies; an accuracy over no problem is None."""
        row: dict[str, Any] = {"group": self.group}
        for name, answers in (("found", self.found), ("others", self.others)):
            row[name] = len(answers)
            row[f"{name}_accuracy"] = sum(answers) / len(answers) if answers else None
        return row


def read_outputs(path: Path, item_field: str, correct_field: str) -> dict[str, bool]:
    """A model's answers by item: whether each is right.

    Args:
        path: JSON lines, a JSON list, or a JSON object with the list in ``results`` or ``samples``,
            as evaluation harnesses write them.
        item_field: The item's field; a dot goes into an object.
        correct_field: The field that says whether the answer is right: true or false, 1 or 0.

    Raises:
        InputError: The file isn't so, or an item comes twice.
    """
    answers: dict[str, bool] = {}
    for row in _rows(path):
        item, correct = value_of(row, item_field), value_of(row, correct_field)
        if item is None or correct not in (0, 1):
            raise InputError(
                f"{path}: a row has {item_field} {item!r} and {correct_field} {correct!r}; "
                "name the fields with --item-field and --correct-field"
            )
        if str(item) in answers:
            raise InputError(f"{path}: two answers to {item}")
        answers[str(item)] = bool(correct)
    return answers


def _rows(path: Path) -> Sequence[Any]:
    try:
        if path.name.removesuffix(".gz").removesuffix(".zst").endswith(".jsonl"):
            return [json.loads(line) for line in json_lines(str(path))]
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: no JSON: {error}") from error
    if isinstance(content, dict):
        content = content.get("results") or content.get("samples")
    if not isinstance(content, list):
        raise InputError(f"{path}: no list of answers")
    return content


def accuracy_by_group(
    report: Report, answers: Mapping[str, bool], problem_set: str, side: str, edition: str
) -> list[GroupAccuracy]:
    """Accuracy over problems that an edition found in the corpus, and over the others.

    Problems that the edition can't find because they are too short are left out.

    Args:
        report: The report.
        answers: Whether each item was answered right; items may be missing.
        problem_set: The problem set.
        side: Its side.
        edition: The edition.

    Raises:
        InputError: The report has no such problems, or none of them was answered.
    """
    table = pq.read_table(report.root / "problems.parquet")
    for name, value in (("problem_set", problem_set), ("side", side), ("edition", edition)):
        known = sorted(set(table.column(name).to_pylist()))
        table = table.filter(pc.equal(table[name], value))
        if not table.num_rows:
            raise InputError(f"the report has no {name} {value!r} there, but {', '.join(known)}")
    groups: dict[str, GroupAccuracy] = defaultdict(lambda: GroupAccuracy(""))
    for row in table.filter(table["searched"]).to_pylist():
        if row["item"] in answers:
            group = groups[row["group"]]
            group.group = row["group"]
            (group.found if row["documents"] else group.others).append(answers[row["item"]])
    if not groups:
        some = ", ".join(list(answers)[:3])
        raise InputError(f"no answer belongs to a problem of the report; the answers are to {some}")
    return [groups[name] for name in sorted(groups)]
