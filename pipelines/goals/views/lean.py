"""Views of Lean's steps; each names the program whose output it equals.

Sources: EleutherAI/math-lm, process_lean_proofsteps.py (Proof-Pile-II); wellecks/llmstep,
python/train/data.py; cmu-l3/ntp-toolkit, scripts/training_data.lean, full_proof_training_data.lean
and instruction_tuning.py; lean-dojo/LeanDojo, generate-benchmark-lean4.ipynb;
leanprover-community/repl; cmu-l3/minictx-eval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.goals.views.tables import Module, Row

__all__ = [
    "PROMPTS",
    "leandojo_corpus",
    "leandojo_theorems",
    "llmstep",
    "minictx",
    "ntp_declarations",
    "ntp_tactics",
    "prompt",
    "proof_pile_lean",
    "repl_tactics",
]

_Json = dict[str, Any]


# ---- Proof-Pile-II ------------------------------------------------------------------------------


def proof_pile_lean(module: Module) -> Iterator[_Json]:
    """One text a file: ``[GOAL]``, the state, ``[PROOFSTEP]``, the step, over and over.

    A line feed ends each step. ``llama_tokens``, which the original counted, is left to whoever has
    the tokenizer.
    """
    if module.steps:
        first = module.steps[0]
        text = "".join(f"{step['text']}\n" for step in module.steps)
        yield {
            "text": text,
            "meta": {
                "mathlib_filename": first["module"],
                "repo": first["repo_url"],
                "commit": first["commit"],
                "license": first["license_spdx"],
                "steps": len(module.steps),
            },
        }


# ---- llmstep ------------------------------------------------------------------------------------


def llmstep(step: Row) -> _Json:
    """A pair as llmstep and ntptutorial train on: nothing between the tags and the texts."""
    return {
        "input": f"[GOAL]{step['state_before']}[PROOFSTEP]",
        "output": f"{step['tactic']}<|endoftext|>",
    }


# ---- ntp-toolkit --------------------------------------------------------------------------------


def ntp_tactics(module: Module) -> Iterator[_Json]:
    """Rows of ``training_data``: a step with the file's and the declaration's text up to it.

    ``declId`` is the module, the declaration's place and fifteen letters as there, but the letters
    are a hash and the same in every run.
    """
    data = module.data
    for step in module.steps:
        if not data or step["start_byte"] < 0:
            continue
        begin = step["decl_start_byte"] if step["decl_start_byte"] >= 0 else step["start_byte"]
        yield {
            "state": "\n".join(goal["pp"] for goal in step["goals_before"]),
            "srcUpToTactic": data[: step["start_byte"]].decode("utf-8", "replace"),
            "nextTactic": step["tactic"],
            "declUpToTactic": data[begin : step["start_byte"]].decode("utf-8", "replace"),
            "declId": _decl_id(module, step),
            "decl": step["statement"],
        }


def _decl_id(module: Module, step: Row) -> str:
    line, column = step["decl_start_line"], step["decl_start_col"]
    if line < 0:
        line = column = 0
    letters = hashlib.blake2b(step["declaration_id"].encode(), digest_size=15).digest()
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return f"{step['module']}.{line}_{column}.{''.join(alphabet[b % 52] for b in letters)}"


def ntp_declarations(module: Module) -> Iterator[_Json]:
    """Rows of ``full_proof_training_data``: a declaration, its proof, the file's text up to it."""
    data = module.data
    for row in module.declarations:
        if data and row["decl_start_byte"] >= 0 and row["proof_text"] and row["decl_name"]:
            yield {
                "file": row["file_path"],
                "module": row["module"],
                "declName": row["decl_name"],
                "decl": row["statement"],
                "proof": row["proof_text"],
                "srcUpToDecl": data[: row["decl_start_byte"]].decode("utf-8", "replace"),
            }


_STATE_TACTIC = """/- You are proving a theorem in Lean 4.
You are given the following information:
- The current proof state, inside [STATE]...[/STATE]

Your task is to generate the next tactic in the proof.
Put the next tactic inside [TAC]...[/TAC]
-/
[STATE]
{state}
[/STATE]
[TAC]
"""
_CONTEXT_STATE_TACTIC = """/- You are proving a theorem in Lean 4.
You are given the following information:
- The file contents up to the current tactic, inside [CTX]...[/CTX]
- The current proof state, inside [STATE]...[/STATE]

Your task is to generate the next tactic in the proof.
Put the next tactic inside [TAC]...[/TAC]
-/
[CTX]
{context}
[/CTX]
[STATE]
{state}
[/STATE]
[TAC]
"""
_FULL_PROOF = """/- You are proving a theorem in Lean 4.
You are given the following information:
- The theorem declaration, inside [DECL]...[/DECL]

Your task is to generate the proof.
Put the proof inside [PROOF]...[/PROOF]
-/
[DECL]
{decl}
[/DECL]
[PROOF]
"""
_CONTEXT_FULL_PROOF = """/- You are proving a theorem in Lean 4.
You are given the following information:
- The current file contents up to and including the theorem statement, inside [CTX]...[/CTX]

Your task is to generate the proof.
Put the proof inside [PROOF]...[/PROOF]
-/
[CTX]
{context}
[/CTX]
[PROOF]
"""
# ntp-toolkit's prompts by name.
PROMPTS: Mapping[str, str] = {
    "state_tactic": _STATE_TACTIC,
    "context_state_tactic": _CONTEXT_STATE_TACTIC,
    "full_proof": _FULL_PROOF,
    "context_full_proof": _CONTEXT_FULL_PROOF,
}


def prompt(name: str, row: _Json, side: str, *, project: str = "", context: int = 0) -> _Json:
    """An instruction row.

    The original cuts a long context by a tokenizer at a place drawn at random; here its last
    characters stay, always the same. ``task`` is spelt as it is there.

    Args:
        name: A key of ``PROMPTS``.
        row: A row of ``ntp_tactics`` or ``ntp_declarations``.
        side: The row's split.
        project: What the metadata call the project.
        context: Characters of context; 0 for all.
    """
    full = "full_proof" in name
    before = row["srcUpToDecl"] + row["decl"] if full else row["srcUpToTactic"]
    values = {
        "state": row.get("state", ""),
        "decl": row["decl"],
        "context": before[-context:] if context else before,
    }
    target = row["proof"] if full else row["nextTactic"]
    return {
        "task": "tactic_predition",
        "prompt": PROMPTS[name].format(**values),
        "prompt_name": name,
        "completion": f"{target}\n[/PROOF]" if full else f"{target}\n[/TAC]",
        "metadata": {
            "task": "full_proof" if full else "tactic_prediction",
            "project": project,
            "file": row.get("file", ""),
            "declId": row.get("declName", row.get("declId")),
            "target": target,
            "split": {"val": "dev"}.get(side, side),
        },
    }


# ---- LeanDojo -----------------------------------------------------------------------------------


def leandojo_theorems(module: Module) -> Iterator[tuple[Row, _Json]]:
    """Theorems of the benchmark with the declaration that each is of.

    Steps with ``·`` are left out as there, and of equal ones (states and step) the first stays.
    Lines and columns count from 1.
    """
    by_declaration: dict[str, list[Row]] = {}
    for step in module.steps:
        by_declaration.setdefault(step["declaration_id"], []).append(step)
    for row in module.declarations:
        if row["decl_kind"] not in ("theorem", "lemma"):
            continue
        yield (
            row,
            {
                "url": row["repo_url"],
                "commit": row["commit"],
                "file_path": row["file_path"],
                "full_name": row["decl_name"],
                "start": _from_one(row["decl_start_line"], row["decl_start_col"]),
                "end": _from_one(row["decl_end_line"], row["decl_end_col"]),
                "traced_tactics": list(_traced(by_declaration.get(row["declaration_id"], ()))),
            },
        )


def _traced(steps: Iterable[Row]) -> Iterator[_Json]:
    seen = set()
    for step in steps:
        before, after = _dojo_state(step, "before"), _dojo_state(step, "after")
        signature = (before, step["tactic"], after)
        if "·" in step["tactic"] or before == "no goals" or signature in seen:
            continue
        seen.add(signature)
        yield {
            "tactic": step["tactic"],
            "annotated_tactic": [
                step["annotated_tactic"] or step["tactic"],
                [_provenance(p) for p in step["premises"] if p["role"] == "explicit"],
            ],
            "state_before": before,
            "state_after": after,
        }


def _dojo_state(step: Row, when: str) -> str:
    """Goals with an empty line between them."""
    return "\n\n".join(goal["pp"] for goal in step[f"goals_{when}"]) or "no goals"


def _provenance(premise: Row) -> _Json:
    return {
        "full_name": premise["full_name"],
        "def_path": premise["def_path"],
        "def_pos": _from_one(*premise["def_start"]) if premise["def_start"] else [],
        "def_end_pos": _from_one(*premise["def_end"]) if premise["def_end"] else [],
    }


def _from_one(line: int, column: int) -> list[int]:
    return [line, column + 1] if line > 0 else []


def leandojo_corpus(module: Module) -> Iterator[_Json]:
    """A line of ``corpus.jsonl``: a file, what it imports, and what it declares."""
    premises = [
        {
            "full_name": row["decl_name"],
            "code": row["statement"].rstrip() if row["decl_kind"] in ("theorem", "lemma")
            else f"{row['statement']}{row['proof_text']}".rstrip(),
            "start": _from_one(row["decl_start_line"], row["decl_start_col"]),
            "end": _from_one(row["decl_end_line"], row["decl_end_col"]),
            "kind": "commanddeclaration",
        }
        for row in module.declarations
        if row["decl_name"]
    ]  # fmt: skip
    first = module.file or next(iter([*module.declarations, *module.steps]), None)
    if first is not None:
        imports = list(first.get("imports") or ())
        yield {"path": first["file_path"], "imports": imports, "premises": premises}


# ---- the REPL -----------------------------------------------------------------------------------


def repl_tactics(module: Module) -> Iterator[_Json]:
    """What the REPL answers to the file as one command with ``allTactics``."""
    tactics = [
        {
            "usedConstants": [p["full_name"] for p in step["premises"] if p["role"] == "used"],
            "tactic": step["tactic"],
            "proofState": number,
            "pos": {"line": step["start_line"], "column": step["start_col"]},
            "goals": step["state_before"],
            "endPos": {"line": step["end_line"], "column": step["end_col"]},
        }
        for number, step in enumerate(module.steps)
    ]
    if tactics:
        yield {"tactics": tactics, "env": 0}


# ---- miniCTX ------------------------------------------------------------------------------------


def minictx(module: Module) -> Iterator[tuple[Row, _Json]]:
    """Evaluation rows of miniCTX with the declaration that each is of: theorems in their context.

    Premises are counted where the trace has them; ``inFilePremises`` are those that the file
    declares.
    """
    data = module.data
    names = {row["decl_name"] for row in module.declarations if row["decl_name"]}
    theorems = [row for row in module.declarations if row["decl_kind"] in ("theorem", "lemma")]
    for number, row in enumerate(theorems):
        if not data or row["decl_start_byte"] < 0:
            continue
        context = data[: row["decl_start_byte"]].decode("utf-8", "replace")
        used = {premise["full_name"] for premise in row["premises"]}
        in_file = used & names
        package = row["module"].partition(".")[0]
        in_repository = {
            p["full_name"]
            for p in row["premises"]
            if p["full_name"] not in in_file and p["module"].partition(".")[0] == package
        }
        proof = row["proof_text"]
        assert module.file is not None
        yield (
            row,
            {
                "srcContext": context,
                "theoremStatement": row["statement"],
                "theoremName": row["decl_name"],
                "fileCreated": _dated(module.file["file_created"]),
                "theoremCreated": _dated(row["decl_created"]),
                "file": row["file_path"],
                "module": row["module"],
                "jsonFile": f"{row['module']}.jsonl",
                "positionMetadata": {
                    "lineInFile": row["decl_start_line"],
                    "tokenPositionInFile": len(context),
                    "theoremPositionInFile": number,
                },
                "dependencyMetadata": {
                    "inFilePremises": bool(in_file),
                    "numInFilePremises": len(in_file),
                    "repositoryPremises": bool(in_repository),
                    "numRepositoryPremises": len(in_repository),
                    "numPremises": len(used),
                    "importedModules": list(module.file["imports"]),
                },
                "proofMetadata": {
                    # What leaves a gap is no proof there.
                    "hasProof": bool(proof) and not row["decl_has_sorry"],
                    "proof": proof,
                    "proofType": "tactic" if row["proof_style"] == "tactic" else "term",
                    "proofLengthLines": proof.count("\n"),
                    "proofLengthTokens": len(proof),
                },
            },
        )


def _dated(text: str) -> _Json:
    """``COMMIT DATE`` apart; a date alone has no commit."""
    commit, _, date = text.rpartition(" ")
    return {"commit": commit, "date": date}
