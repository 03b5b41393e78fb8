#!/usr/bin/env python3
"""Checks that what code, help and pages refer to exists.

usage: scripts/check_references.py [FOLDER]     FOLDER: the checkout; default: the one this script lies in

Looked at: "methods N.M" and a page's name followed by a number (a numbered heading of it), Note [x] (defined somewhere as
"Note [x]:"), names of pages, paths that begin with a folder of the checkout, and relative links of Markdown with their anchors.
One line per broken reference, `file:line: sentence`, and exit code 1; nothing and 0 where all is well.
"""
import os
import re
import sys
from pathlib import Path

FOLDERS = ("docs", "src", "include/glint", "tests", "scripts", "configs", "benchmarks", "cmake", "third_party", "fuzz", ".ci")
SUFFIXES = {".h", ".cpp", ".cu", ".py", ".md", ".yaml", ".cmake", ".txt", ".sh", ".sbatch", ""}
SKIPPED = {Path("tests/golden"), Path("tests/scripts")}  # data; trees with planted faults
PROGRAMS = (".cpp", ".py", ".sh")  # benchmarks/isolation_bench is built from a source beside it
MADE_PAGES = {"usage.md"}  # glint writes it into what it exports

NUMBER = r"\d+(?:\.\d+)*"
METHODS = re.compile(rf"\b[Mm]ethods ({NUMBER}(?:, {NUMBER})*)(?![\w%])")
PAGE = re.compile(rf"(?<![\w/.-])((?:[\w.-]+/)*[A-Za-z]\w*\.md)(?: ({NUMBER}(?:, {NUMBER})*)(?![\w%]))?\b")
NOTE = re.compile(r"\bNote \[([^\]\[]{1,80})\](:?)")
PATH = re.compile(rf"(?<![\w/.$}}~-])((?:{'|'.join(re.escape(folder) for folder in FOLDERS)})/[\w./-]*\w)(?![\w]*[*<{{$])")
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCE = re.compile(r"^(```|~~~)")
HEADING = re.compile(r"^#{1,6} +(.*)")
NEXT_COMMENT_LINE = re.compile(r"\s*\n\s*(//+|#+)?\s*")


def files_of(root):
    """-> the text files that are looked at, below root, in order"""
    found = [Path(name) for name in sorted(os.listdir(root)) if Path(name).suffix in (".md", ".txt") and (root / name).is_file()]
    for folder in FOLDERS:
        for place, folders, names in os.walk(root / folder):
            here = Path(place).relative_to(root)
            folders[:] = sorted(name for name in folders if here / name not in SKIPPED and name != "__pycache__")
            found += [here / name for name in sorted(names) if Path(name).suffix in SUFFIXES]
    return found


def outside_fences(text):
    """-> the lines, empty ones in place of those inside a code block"""
    lines, inside = [], False
    for line in text.splitlines():
        fence = bool(FENCE.match(line.strip()))
        lines.append("" if inside or fence else line)
        inside ^= fence
    return lines


def headings(text):
    return [match.group(1).strip() for line in outside_fences(text) if (match := HEADING.match(line))]


def anchors(text):
    """The anchors that GitHub gives the headings."""
    found = set()
    for heading in headings(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = 0
        while (name := slug if count == 0 else f"{slug}-{count}") in found:
            count += 1
        found.add(name)
    return found


def numbers(text):
    """The numbers that headings begin with: "3.4" of "### 3.4 Losses", "3" of "## 3. GLSCL"."""
    found = (re.match(rf"({NUMBER})\.? ", heading) for heading in headings(text))
    return {match.group(1) for match in found if match}


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Checkout:
    def __init__(self, root):
        self.root = root
        self.texts = {}
        for path in files_of(root):
            try:
                self.texts[path] = (root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass  # no text
        self.notes = {name for text in self.texts.values() for name, defines in self.notes_in(text) if defines}

    @staticmethod
    def notes_in(text):
        for match in NOTE.finditer(text):
            yield NEXT_COMMENT_LINE.sub(" ", match.group(1)), bool(match.group(2))

    def exists(self, path):
        return (self.root / path).exists() or any((self.root / f"{path}{suffix}").exists() for suffix in PROGRAMS)

    def page(self, path, name):
        """The page that `name` means in the file `path`; None where there is none."""
        for place in (Path(name), path.parent / name, Path("docs") / name):
            place = Path(os.path.normpath(place))
            if (self.root / place).is_file():
                return place
        return None

    def missing_numbers(self, page, named):
        there = numbers((self.root / page).read_text(encoding="utf-8"))
        return [number for number in named.split(", ") if number not in there]

    def broken_sections(self, path, text):
        for match in METHODS.finditer(text):
            page = Path("docs/methods.md")
            if not (self.root / page).is_file():
                yield match.start(), f"'{match.group(0)}', but there is no {page}"
                continue
            for number in self.missing_numbers(page, match.group(1)):
                yield match.start(), f"{page} has no section {number}"

    def broken_pages(self, path, text):
        for match in PAGE.finditer(text):
            name, named = match.groups()
            if Path(name).name in MADE_PAGES:
                continue
            page = self.page(path, name)
            if page is None:
                yield match.start(), f"there is no page '{name}'"
            elif named:
                for number in self.missing_numbers(page, named):
                    yield match.start(), f"{page} has no section {number}"

    def broken_notes(self, path, text):
        for match in NOTE.finditer(text):
            name = NEXT_COMMENT_LINE.sub(" ", match.group(1))
            if not match.group(2) and name not in self.notes:
                yield match.start(), f"no comment defines the note [{name}]"

    def broken_paths(self, path, text):
        for match in PATH.finditer(text):
            if not match.group(1).endswith(".md") and not self.exists(match.group(1)):
                yield match.start(1), f"'{match.group(1)}' does not exist"

    def broken_links(self, path, text):
        if path.suffix != ".md":
            return
        for number, line in enumerate(outside_fences(text), start=1):
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue  # another site's
                name, _, anchor = target.partition("#")
                page = Path(os.path.normpath(path.parent / name)) if name else path
                if not (self.root / page).exists():
                    yield number, f"the link '{target}' leads nowhere"
                elif anchor and (page.suffix != ".md" or anchor not in anchors((self.root / page).read_text(encoding="utf-8"))):
                    yield number, f"the link '{target}': {page} has no such heading"

    def broken(self):
        for path, text in self.texts.items():
            found = {(number, problem) for number, problem in self.broken_links(path, text)}
            for check in (self.broken_sections, self.broken_pages, self.broken_notes, self.broken_paths):
                found |= {(line_of(text, position), problem) for position, problem in check(path, text)}
            for number, problem in sorted(found):
                yield path, number, problem


def main():
    if len(sys.argv) > 2 or "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__.strip())
        return 0
    root = Path(sys.argv[1]) if len(sys.argv) == 2 else Path(__file__).resolve().parent.parent
    if not root.is_dir():
        print(f"error: {root} is no folder; name the folder of a checkout", file=sys.stderr)
        return 1
    found = list(Checkout(root).broken())
    for path, number, problem in found:
        print(f"{path}:{number}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
