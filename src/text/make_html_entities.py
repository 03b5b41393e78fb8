"""Writes HTML 5's named characters as a C++ table: make_html_entities.py OUT. The build runs it.

They come from Python's own copy of the standard's table, the one that the published tokenizers unescape with."""

import html.entities
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    for name, text in sorted(html.entities.html5.items()):
        first, second = [ord(character) for character in text] + [0] * (2 - len(text))
        out.write(f'{{"{name}", {first:#x}, {second:#x}}},\n')
