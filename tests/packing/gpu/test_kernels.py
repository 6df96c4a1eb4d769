"""Triton's kernels give what torch's operations give.

Without a GPU they run in Triton's interpreter, which has to be chosen before Triton is imported,
and are compiled for two kinds of GPU, which shows that they are well-typed and no more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch (the extra `gpu`) is not installed")
pytest.importorskip("triton", reason="Triton, which comes with torch for GPUs, is not installed")

_COMPARE = """
import sys
import numpy as np
from packing.gpu.encoding import DeviceTokenizer
from packing.tokenizers import Texts
from tests.packing.tokenizers.texts_to_try import random_texts

texts = Texts.of([*random_texts(400, seed=41), "", " " * 40, "a" * 100, "theorem" * 9])
plain = DeviceTokenizer(sys.argv[1])
with_kernels = DeviceTokenizer(sys.argv[1], kernels=True)
for _ in range(2):
    expected, found = plain.encode(texts), with_kernels.encode(texts)
    assert expected.ids.tolist() == found.ids.tolist()
    assert expected.offsets.tolist() == found.offsets.tolist()
"""


def test_kernels_agree_with_operations(small: Path) -> None:
    interpreted = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
    subprocess.run(
        [sys.executable, "-c", _COMPARE, str(small)],
        check=True,
        env=os.environ | interpreted,
        cwd=Path(__file__).resolve().parents[3],
    )


@pytest.mark.parametrize("architecture", [80, 90])
def test_kernels_compile(architecture: int) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from packing.gpu.kernels import _find_units, _flag_pairs

    target = GPUTarget("cuda", architecture, 32)
    flags = {"text": "*u8", "table": "*u8", "flags": "*u8", "size": "i32", "BLOCK": "constexpr"}
    triton.compile(ASTSource(_flag_pairs, flags, constexprs={"BLOCK": 1024}), target=target)
    arrays = ("aligned", "units", "lengths", *(f"words_{n}" for n in range(4)), "entries", "found")
    numbers = ("count", "shortest", "longest", "reach")
    signature = dict.fromkeys(arrays, "*i64") | dict.fromkeys(numbers, "i32")
    signature |= {f"factor_{place}": "i64" for place in range(4)}
    signature |= {"BITS": "constexpr", "WORDS": "constexpr", "BLOCK": "constexpr"}
    for words in (1, 4):
        constants = {"BITS": 18, "WORDS": words, "BLOCK": 1024}
        triton.compile(ASTSource(_find_units, signature, constexprs=constants), target=target)
