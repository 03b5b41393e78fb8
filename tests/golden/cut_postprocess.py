#!/usr/bin/env python3
"""Makes the case `postprocess_rows` from the full case `postprocess`: of each expected matrix [texts, videos] every STEP-th row.

usage: tests/golden/cut_postprocess.py FULL_CASE OUT

Rows are copied as they are; inputs, ranks, biases, metrics and tolerances stay whole. case.json gets "rows_kept": set -> its rows.
"""
import json
import shutil
import sys
from pathlib import Path

from safetensors.numpy import load_file, save_file

STEP = 5


def main():
    full, out = map(Path, sys.argv[1:])
    out.mkdir()
    for name in ("inputs.safetensors", "results.json"):
        shutil.copyfile(full / name, out / name)
    case = json.loads((full / "case.json").read_text())
    case["case"] = out.name
    case["rows_kept"] = {name: list(range(0, case["config"][name][0], STEP)) for name in ("square", "multi")}
    tensors = {}
    for name, tensor in load_file(full / "expected.safetensors").items():
        if tensor.ndim == 2:
            tensor = tensor[case["rows_kept"][name.split(".")[0]]]
            case["tensors"][name]["shape"] = list(tensor.shape)
        tensors[name] = tensor
    save_file(tensors, out / "expected.safetensors")
    (out / "case.json").write_text(json.dumps(case, indent=1) + "\n")


if __name__ == "__main__":
    main()
