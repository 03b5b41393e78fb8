#!/usr/bin/env python3
"""Makes stand-ins for the CUDA libraries that `import torch` asks for and CPU work never calls.

usage: scripts/cuda_stand_ins.py TORCH OUT     TORCH: the wheel's folder; OUT: where the libraries go

The PyTorch wheel of the package index is linked with ten NVIDIA libraries, 3.4 GB; Python must find all of them, with every
function that torch's own libraries take the address of, before it opens torch. Each stand-in defines those names, and
calling one ends the program. Libraries beside the wheel (../nvidia) are left as they are.
"""
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

OPENED_AT_IMPORT = ("torch_python", "torch_cuda", "torch_nvshmem", "c10_cuda")
VERSION_NAMES = {"libnvshmem_host.so.3": "NVSHMEM"}  # where the symbols' version is not the library's name


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def asked_for(torch):
    """-> (names of libraries, {version: names of symbols}; the version of those without one is "")"""
    libraries, symbols = set(), defaultdict(set)
    for name in OPENED_AT_IMPORT:
        library = torch / "lib" / f"lib{name}.so"
        libraries.update(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", library)))
        for line in output_of("nm", "-D", "--undefined-only", "--with-symbol-versions", library).splitlines():
            symbol, _, version = line.split()[-1].partition("@")
            symbols[version].add(symbol)
    return libraries, symbols


def make(library, symbols, out):
    version = VERSION_NAMES.get(library, library)
    names = symbols.get(version)
    arguments = []
    if names:
        versions = out / "versions.map"
        versions.write_text(f"{version} {{ *; }};")
        arguments = [f"-Wl,--version-script={versions}"]
    else:  # libcusparseLt.so.0 -> every cusparseLt... without a version
        stem = re.match(r"lib([^._]+)", library).group(1).lower()
        names = {name for name in symbols[""] if name.lower().startswith(stem)}
    source = "".join(f"void {name}(void) {{ __builtin_trap(); }}\n" for name in sorted(names))
    subprocess.run(["g++", "-w", "-shared", "-nostdlib", f"-Wl,-soname,{library}", *arguments, "-o", out / library,
                    "-x", "c", "-fno-builtin", "-"], input=source, text=True, check=True)


def main():
    torch, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True)
    beside = {path.name for path in (torch.parent / "nvidia").rglob("*.so*")}
    libraries, symbols = asked_for(torch)
    for library in sorted(libraries - beside):
        if re.match(r"lib(cu|nccl|nvshmem)", library):
            make(library, symbols, out)
    (out / "versions.map").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
