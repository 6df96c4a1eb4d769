"""Views of Isabelle's steps.

Sources: EleutherAI/math-lm, process_isabelle_proofsteps.py (Proof-Pile-II);
albertqjiang/Portal-to-ISAbelle, its extraction and src/main/python/data_extraction (PISA).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.goals.views.tables import Module, Row

__all__ = ["pisa", "pisa_problems", "proof_pile_isabelle"]

_Json = dict[str, Any]


def _proofs(module: Module) -> Iterator[tuple[Row, list[Row]]]:
    """Declarations with their steps, in the order of the trace."""
    steps: dict[str, list[Row]] = {}
    for step in module.steps:
        steps.setdefault(step["declaration_id"], []).append(step)
    by_id = {row["declaration_id"]: row for row in module.declarations}
    for declaration_id, proof in steps.items():
        if declaration_id in by_id:
            yield by_id[declaration_id], proof


def proof_pile_isabelle(module: Module) -> Iterator[tuple[Row, _Json]]:
    """One text a theorem: the statement, then each state and what was done in it.

    The keys are those of the published set, ``text`` and ``meta``; the original program wrote
    ``proof`` and ``metadata``.
    """
    for row, proof in _proofs(module):
        steps = "".join(f"\n{step['text']}" for step in proof)
        meta = {
            "file": row["file_path"] or None,
            "length": len(proof),
            "theory": row["module"],
            "name": row["decl_name"],
        }
        yield row, {"text": f"[STATEMENT]\n{row['statement']}{steps}", "meta": meta}


def pisa(module: Module) -> Iterator[_Json]:
    """A theory as PISA's extraction has it: statements and their steps; ``hammer`` is empty."""
    translations: list[list[object]] = []
    names = []
    for row, proof in _proofs(module):
        names.append(row["statement"])
        translations.append(["", row["statement"], 0, ""])
        translations += [
            [step["state_before"], step["tactic"], max(step["isa_proof_level"], 0), ""]
            for step in proof
        ]
    if translations:
        path = module.steps[0]["file_path"]
        yield {
            "problem_names": names,
            "translations": translations,
            "theory_file_path": path,
            "working_directory": path.rpartition("/")[0],
        }


def pisa_problems(module: Module) -> Iterator[tuple[Row, _Json]]:
    """Problems as PISA's ``process_data.py`` makes them, without the split."""
    for row, proof in _proofs(module):
        texts = [row["statement"], *(step["tactic"] for step in proof)]
        yield (
            row,
            {
                "problem_name": row["statement"],
                "full_proof_text": "\n".join(texts),
                "transitions": [
                    ["", row["statement"], 0, ""],
                    *(
                        [s["state_before"], s["tactic"], max(s["isa_proof_level"], 0), ""]
                        for s in proof
                    ),
                ],
            },
        )
