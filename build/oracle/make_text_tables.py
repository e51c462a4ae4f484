"""Writes the tables behind the clean-up of prompts, from Python's standard library alone. Run by hand: python3 build/oracle/make_text_tables.py

src/CudaAttribution.Models/Text/Tables/entities.txt: one HTML character reference a line, 'name code-points'. First those of the HTML standard, as
html.unescape knows them (those without a semicolon are valid without one), then after a line '--' the capitals that ftfy reads as well (NTILDE;).
unicode.txt: one fact a line, code points in hexadecimal, of the Unicode version in its first line:
    class FIRST LAST N      canonical combining class N
    pair C A B              C is canonically equivalent to A B and composed from them
    split C A [B]           C decomposes into A [B] and is never composed
    width C A [B]           halfwidth and fullwidth forms, and their usual form
    cased FIRST LAST        what str.lower takes for a letter with case, when it looks for the end of a word
    ignorable FIRST LAST    what it looks past
"""
import html
import html.entities
import pathlib
import unicodedata

OUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "CudaAttribution.Models" / "Text" / "Tables"
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
HANGUL = range(0xAC00, 0xD7A4)  # composed by arithmetic


def code_points(text):
    return " ".join(f"{ord(c):X}" for c in text)


def entities():
    standard = html.entities.html5
    lines = [f"{name} {code_points(value)}" for name, value in sorted(standard.items())]
    lines.append("--")
    for name, value in sorted(standard.items()):
        capitals = name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape("&" + capitals) == "&" + capitals:
            lines.append(f"{capitals} {code_points(value.upper())}")
    return lines


def ranges(kind, value):
    """Lines 'kind FIRST LAST [value]' over runs of code points with the same value; None is left out."""
    lines, start, previous, current = [], None, None, None
    for cp in [*CODE_POINTS, None]:
        found = None if cp is None else value(cp)
        if current is not None and (found != current or cp != previous + 1):
            lines.append(f"{kind} {start:X} {previous:X}" + ("" if current is True else f" {current}"))
            current = None
        if found is not None and current is None:
            start, current = cp, found
        previous = cp
    return lines


def decompositions():
    lines = []
    for cp in CODE_POINTS:
        mapping = unicodedata.decomposition(chr(cp))
        if not mapping or mapping.startswith("<") or cp in HANGUL:
            continue
        parts = " ".join(f"{int(part, 16):X}" for part in mapping.split())
        composed = unicodedata.normalize("NFC", chr(cp)) == chr(cp)
        lines.append(f"{'pair' if composed else 'split'} {cp:X} {parts}")
    return lines


def widths():
    forms = {cp: unicodedata.normalize("NFKC", chr(cp)) for cp in (0x3000, *range(0xFF01, 0xFFF0))}
    return [f"width {cp:X} {code_points(form)}" for cp, form in forms.items() if form != chr(cp)]


def unicode_facts():
    """Cased and ignorable are found by what str.lower does to a capital sigma behind the character."""
    final = "\u03c2"
    cased = lambda cp: True if (chr(cp) + "\u03a3").lower().endswith(final) else None
    ignorable = lambda cp: True if not cased(cp) and ("A" + chr(cp) + "\u03a3").lower().endswith(final) else None
    return [f"unicode {unicodedata.unidata_version}", *ranges("class", lambda cp: unicodedata.combining(chr(cp)) or None), *decompositions(),
            *widths(), *ranges("cased", cased), *ranges("ignorable", ignorable)]


for file, lines in (("entities.txt", entities()), ("unicode.txt", unicode_facts())):
    (OUT / file).write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{file}: {len(lines)} lines")
