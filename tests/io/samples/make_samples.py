"""Writes the samples beside this script, as PyTorch writes them; tests/io/torch_file_test.cpp knows what they hold. Those
without checksums are the seeds of fuzz/torch_file_fuzz.cpp.

usage: PYTHON make_samples.py     PYTHON: the one that `scripts/setup --python` installs
"""
import argparse
import collections
import pathlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path(__file__).resolve().parent
SEEDS = FOLDER.parents[2] / "fuzz/seeds/torch_file"
GRID = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 4  # exact in every floating type


def state_dict():
    """Every type, strided, tied, a part of another, a number, empty."""
    shared = GRID.clone()
    weights = collections.OrderedDict(
        f32=GRID, f64=GRID.double(), f16=GRID.half(), bf16=GRID.bfloat16(),
        i64=torch.tensor([2**62, -1]), i32=torch.tensor([[-7]], dtype=torch.int32), i16=torch.tensor([300], dtype=torch.int16),
        i8=torch.tensor([-8], dtype=torch.int8), u8=torch.tensor([255], dtype=torch.uint8), bool=torch.tensor([True, False]),
        tied=shared, transposed=shared.t(), part=shared[1:, ::2], number=torch.tensor(2.5), empty=torch.empty(0, 3),
        repeated=torch.tensor([1.5]).expand(2, 3))
    weights["parameter"] = nn.Parameter(GRID[0].clone())
    weights._metadata = {"": {"version": 1}}
    return weights


def checkpoint():
    """What training scripts save."""
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.5)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    counts = collections.defaultdict(list)
    counts["seen"].append(3)
    return {
        "state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7, "best": np.float64(45.5),
        "args": argparse.Namespace(lr=0.125, name="run", resume=None, sizes=(2, 3)), "counts": counts,
        "rng": np.arange(3, dtype=np.uint32), "path": pathlib.PosixPath("a/b"), "dtype": torch.float16,
        "shape": torch.Size([4, 5]), "device": torch.device("cpu"), "note": b"bytes", ("a", 1): 2,
    }


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 2, bias=False)
        self.blocks = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
        self.register_buffer("mask", torch.tensor([True, False]))

    def forward(self, x):
        return self.blocks(self.conv1(x).mean([2, 3]))


class Clip(nn.Module):
    """The layout of OpenAI's archives: fp16 weights in nested modules, three integers on the top one."""

    def __init__(self):
        super().__init__()
        self.visual = Tower()
        self.logit_scale = nn.Parameter(torch.tensor(4.5))
        self.tied = self.visual.blocks[0].weight
        self.register_buffer("context_length", torch.tensor(77))
        self.input_resolution = 224
        self.vocab_size = 49408
        self.sizes = [1, 2]
        self.extra = {"k": torch.tensor([1.0])}
        self.scale = 0.5

    def forward(self, x):
        return self.visual(x) * self.logit_scale.exp() * self.scale + self.sizes[0] + self.vocab_size + self.extra["k"]


def without_checksums(path):
    """The archive, its table of contents with zeros for checksums: a reader then takes them for not kept."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 16:at + 20] = bytes(4)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def main():
    torch.manual_seed(1)
    torch.save(state_dict(), FOLDER / "state_dict.pt")
    torch.save(state_dict(), FOLDER / "state_dict_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(checkpoint(), FOLDER / "checkpoint.pt")
    torch.save(checkpoint(), FOLDER / "checkpoint_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(checkpoint(), FOLDER / "checkpoint_protocol4.pt", pickle_protocol=4)
    model = Clip()
    model.visual.blocks.apply(lambda m: m.half() if isinstance(m, nn.Linear) else m)
    torch.jit.script(model).save(FOLDER / "clip.torchscript.pt")

    SEEDS.mkdir(parents=True, exist_ok=True)
    for name in ("state_dict.pt", "clip.torchscript.pt", "checkpoint.pt", "checkpoint_legacy.pt", "state_dict_legacy.pt"):
        path = FOLDER / name
        (SEEDS / name).write_bytes(path.read_bytes() if "legacy" in name else without_checksums(path))


if __name__ == "__main__":
    main()
