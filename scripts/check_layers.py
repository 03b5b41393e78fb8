#!/usr/bin/env python3
"""Checks that the rooms of glint include only what they may know.

usage: scripts/check_layers.py [FOLDER]     FOLDER: the checkout; default: the one this script lies in

A room may include itself and the rooms before it in ROOMS; FORBIDDEN lists what it must not know besides. A line a violation,
`file:line: sentence`, and exit code 1; nothing and 0 where all is well.
"""
import re
import sys
from pathlib import Path

# Lowest first, as CMakeLists.txt builds them.
ROOMS = "core io config text media nn device dist datasets data model optim weights eval train report study app cuda".split()

LIBRARIES = {
    "torch": r"(torch|ATen|c10|caffe2)/",
    "FFmpeg": r"lib(av|sw)\w+/",
    "YAML": r"yaml-cpp/",
    "OpenCV": r"opencv2/",
    "JSON": r"nlohmann/",
    "spdlog": r"(spdlog|fmt)/",
    "CUDA": r"(cuda|cublas|cudnn|nccl)\w*(/|\.h)",
}
NEVER_IN_PUBLIC_HEADERS = {"FFmpeg", "YAML", "OpenCV", "JSON", "spdlog", "CUDA"}
FORBIDDEN = {  # room -> libraries
    "core": {"torch", "YAML"},
    "config": {"torch"},
    "text": {"torch"},
    "media": {"torch"},
    "datasets": {"torch"},
    "report": {"torch"},
    "study": {"torch"},
}
FORBIDDEN_ROOMS = {"model": {"data"}, "optim": {"model", "data"}}  # lower rooms that must stay unknown all the same
LITERAL_FORMS = Path("src/model/literal")  # slow judges of the fast heads
HEADS = Path("src/model/heads")
JSON_HOME = Path("include/glint/core/json.h")  # the one reader and writer of JSON; sees the names of the types alone
SPDLOG_HOME = Path("src/core/log.cpp")  # the wheel's fmt headers clash with spdlog's, so one file sees it

TORCH_USE = re.compile(r"\b(torch|at|c10)::")  # a precompiled header brings LibTorch without an include

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cpp", ".cu"}


def includes(path):
    """-> [(line number, included name)]"""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = ((number, INCLUDE.match(line)) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, match.group(2)) for number, match in found if match]


def library_of(name):
    return next((library for library, pattern in LIBRARIES.items() if re.match(pattern, name)), None)


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = {}  # path below root -> includes
        for top in ("include/glint", "src", "tests"):
            for path in sorted((root / top).rglob("*")):
                if path.suffix in SOURCES:
                    self.files[path.relative_to(root)] = includes(path)
        self.reached = {}

    def resolve(self, name):
        """Our own header behind an include's name, below root; None for all others."""
        candidates = (Path("include") / name, Path("src") / name)
        return next((path for path in candidates if path in self.files), None)

    def libraries(self, path):
        """Libraries that a file sees, through our own headers too."""
        if path not in self.reached:
            self.reached[path] = set()  # ends circles
            for _, name in self.files[path]:
                header = self.resolve(name)
                self.reached[path] |= self.libraries(header) if header else {library_of(name)} - {None}
        return self.reached[path]


def room_of(path):
    """include/glint/<room>/x.h, src/<room>/x.cpp -> room; None for files of no room."""
    index = 2 if path.parts[0] == "include" else 1
    return path.parts[index] if len(path.parts) > index + 1 and path.parts[index] in ROOMS else None


def literal_problem(path, header):
    """What is wrong with using a literal form's header in `path`."""
    of_descriptor = path.parent == HEADS and header == LITERAL_FORMS / "forms.h"
    if path.parts[0] == "tests" or LITERAL_FORMS in path.parents or of_descriptor:
        return None
    return f"the literal forms are for tests and benchmarks; a head's descriptor takes its own from {LITERAL_FORMS / 'forms.h'}"


def room_problem(path, room, header):
    if LITERAL_FORMS in header.parents:
        return literal_problem(path, header)
    other = room_of(header)
    if other is None or other == room:
        return None
    if ROOMS.index(other) > ROOMS.index(room):
        return f"room '{room}' must not include '{other}', which is above it"
    if other in FORBIDDEN_ROOMS.get(room, ()):
        return f"room '{room}' must not know '{other}'"
    if header.parts[0] == "src":
        return f"'{header}' is private to room '{other}'; use its headers under include/glint/{other}"
    return None


def library_problem(path, room, seen):
    """What is wrong with seeing the libraries `seen`."""
    for library in sorted(seen):
        if path.parts[0] == "include" and library in NEVER_IN_PUBLIC_HEADERS and path != JSON_HOME:
            return f"a public header must not show {library}; keep it in src/{room}"
        if library in FORBIDDEN.get(room, ()):
            return f"room '{room}' must not see {library}"
        if library == "spdlog" and path.parts[0] == "src" and path != SPDLOG_HOME:
            return f"only {SPDLOG_HOME} may see spdlog; use glint/core/log.h"
    return None


def code_lines(path):
    """-> [(line number, line without its comment and texts)]"""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [(number, re.sub(r'"(\\.|[^"\\])*"|//.*', "", line)) for number, line in enumerate(text.splitlines(), start=1)]


def unseen_torch(tree, path):
    """The first line that uses LibTorch in a file that includes nothing of it; None where there is none."""
    if "torch" in tree.libraries(path):
        return None
    return next((number for number, line in code_lines(tree.root / path) if TORCH_USE.search(line)), None)


def folders_without_room(root):
    """Folders where rooms lie that are none, and rooms that have no folder."""
    for top in ("include/glint", "src"):
        names = {folder.name for folder in (root / top).iterdir() if folder.is_dir()} if (root / top).is_dir() else set()
        for name in sorted(names - set(ROOMS)):
            yield Path(top) / name, 1, f"'{name}' is no room; {Path(__file__).name} lists them"


def violations(tree):
    yield from folders_without_room(tree.root)
    for path, lines in tree.files.items():
        room = room_of(path)
        is_test = path.parts[0] == "tests"  # of a room's order only; they may use any library
        if room is None:
            continue  # tests/support, tests/parity and the like see everything; folders_without_room() names others
        if path.parts[0] != "tests" and (line := unseen_torch(tree, path)):
            yield path, line, "uses LibTorch without including a header of it"
        for number, name in lines:
            header = tree.resolve(name)
            if header is None and name.startswith("glint/"):
                yield path, number, f"'{name}' is no header of ours"
                continue
            seen = tree.libraries(header) if header else {library_of(name)} - {None}
            problem = room_problem(path, room, header) if header else None
            if problem is None and not is_test:
                problem = library_problem(path, room, seen)
                if problem and header:
                    problem += f", which comes with '{name}'"
            if problem:
                yield path, number, problem


def main():
    if len(sys.argv) > 2 or "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__.strip())
        return 0
    root = Path(sys.argv[1]) if len(sys.argv) == 2 else Path(__file__).resolve().parent.parent
    if not (root / "include" / "glint").is_dir():
        print(f"error: {root} has no include/glint; name the folder of a checkout", file=sys.stderr)
        return 1
    found = list(violations(Tree(root)))
    for path, number, problem in found:
        print(f"{path}:{number}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
