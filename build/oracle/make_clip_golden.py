"""Writes tests/golden/clip_tokens.json with OpenAI's own tokenizer. Run by hand; needs Debian's python3-regex and python3-wcwidth:

    /usr/bin/python3 build/oracle/make_clip_golden.py CLIP FTFY

CLIP and FTFY are clones of the public repositories openai/CLIP and rspeer/python-ftfy. Each case has a text and its token numbers, start and end
included, cut to 77 with the end token kept, without padding. Cases of the kind 'mojibake' are texts that ftfy takes for wrongly decoded and repairs:
'original' has the numbers with that repair, 'ids' those without.
"""
import json
import pathlib
import platform
import random
import sys
import unicodedata

if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.path[:0] = [sys.argv[2], str(pathlib.Path(sys.argv[1]) / "clip")]
import ftfy  # noqa: E402
import regex  # noqa: E402
import simple_tokenizer  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "golden" / "clip_tokens.json"
LENGTH = 77
TOKENIZER = simple_tokenizer.SimpleTokenizer(str(ROOT / "data" / "clip" / "bpe_simple_vocab_16e6.txt.gz"))
FIX = ftfy.fix_text
START, END = "<|startoftext|>", "<|endoftext|>"

CAPTIONS = [
    "a photo of a cat", "A photograph of an astronaut riding a horse", "lying face, face neutral skeptical",
    "red heart, emotion", "masterpiece, best quality, (highly detailed:1.2), 8k, [sketch|drawing], <lora:style:0.8>",
    "portrait of a man in a space suit, art by greg rutkowski", "Van Gogh's Starry Night", "x", "the", "a" * 40,
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "snake_case camelCase kebab-case",
    "https://example.org/a?b=c&d=e#f", "e-mail: someone@example.org", "#hashtag @user $100 50% 3*4=12 a+b",
    "C:\\path\\file.txt", "\"quoted\" 'single' `back`", "hello!!!", "hello ! world !!", "...", "-", "--", "(((",
    "a.b.c", "U.S.A.", "O'Brien", "rock'n'roll",
]
CONTRACTIONS = [
    "it's", "IT'S", "don't", "they're we've I'm you'll he'd", "'s", "'t're've'm'll'd", "''s", "!'s",
    "'sun 'tis 'really 'very 'mine 'llama 'day", "dogs' bones", "it\u2019s",
    "don\u2019t \u201cquote\u201d \u2018single\u2019", "it \u2019 s", "'\u017f", "it'\u017f x",
    "'S 'T 'RE 'VE 'M 'LL 'D", "'l 'v 'r",
]
DIGITS = [
    "1", "12", "2024", "3.14159", "1,000,000", "v1.5", "512x512", "4k 8K", "\u0663\u0664\u0665",
    "\u00bd \u00b2 \u2168 \u2460", "\u0967\u0968\u0969", "a1b2c3", "1st 2nd 3rd", "\U0001d7d8\U0001d7d9",
    "\uff11\uff12", "10\u00b3",
]
SCRIPTS = [
    "\u4e00\u5f20\u732b\u7684\u7167\u7247", "\u732b\u306e\u5199\u771f",
    "\u30ab\u30bf\u30ab\u30ca \u3072\u3089\u304c\u306a", "\uace0\uc591\uc774 \uc0ac\uc9c4",
    "\u1100\u1161\u11a8 \u1112\u1161\u11ab",
    "\u0444\u043e\u0442\u043e\u0433\u0440\u0430\u0444\u0438\u044f \u041a\u041e\u0422\u0410",
    "\u03b3\u03ac\u03c4\u03b1 \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3",
    "\u03a3 \u03a3\u03a3 A\u03a3 A\u03a3B A.\u03a3 A\u03a3. \u03a3A A\u03a3'B A\u03a3' \u02b0\u03a3",
    "\u0635\u0648\u0631\u0629 \u0642\u0637\u0629",
    "\u05ea\u05de\u05d5\u05e0\u05d4 \u05e9\u05dc \u05d7\u05ea\u05d5\u05dc",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092c\u093f\u0932\u094d\u0932\u0940",
    "\u0e20\u0e32\u0e1e\u0e41\u0e21\u0e27", "\u10d9\u10d0\u10e2\u10d0 \u1c99\u1c90\u10e2\u10d0",
    "\u0531\u0532\u0533 \u0561\u0562\u0563", "na\u00efve caf\u00e9 \u00dcBER stra\u00dfe \u1e9e",
    "nai\u0308ve cafe\u0301 U\u0308BER", "e\u0323\u0302 e\u0302\u0323 \u1ec7", "\u0130stanbul I\u0307 \u0131",
    "\u212a \u212b \u2126", "\u0344 \u0958 \ufb1d", "a\u0345b \u0345 \u1fb3 \u03b1\u0345",
    "\U00010400\U00010428 \U0001d49c\U0001d4b7", "\U00020000\U0002a6d6", "\u01c5 \u01c6 \u0149", "\u1f88 \u1fbc",
    "\u0e01\u0e33", "\u2c2f\u2c5f",
]
EMOJI = [
    "\U0001f600", "\U0001f431 cat \U0001f431", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "#\ufe0f\u20e3",
    "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "hello\U0001f600world",
    "\U0001f600\U0001f601!!", "\u2022 \u2192 \u2713 \u00a9 \u2122",
]
HTML = [
    "a &amp; b", "a &amp;amp; b", "a &amp;amp;amp;amp;amp; b", "&lt;b&gt;bold&lt;/b&gt;", "<b>&amp;lt;</b>",
    "&quot;x&quot; &apos;y&apos;", "caf&eacute; CAF&EACUTE;", "&copy 2020 &notit; &ampx",
    "&#65;&#x42;&#X43; &#67 &#x44z", "&#0;&#1;&#11;&#12;&#13;&#31;&#127;&#128;&#129;&#133;&#159;&#160;",
    "&#xD800;&#x10FFFF;&#x110000;&#99999999999999999999;", "&#xFFFE;&#xFDD0;&#x1FFFF;", "&nbsp;x&nbsp;&nbsp;y&nbsp;",
    "&hellip;&mdash;&lsquo;q&rsquo;", "&unknown; &; & &# &#; &#x; &#xg;",
    "&CounterClockwiseContourIntegral; &NotEqualTilde;", "&#59;&#38;", "&#12ab;", "&szlig; BUNDESSTRA&SZLIG;E",
    "&NTILDE; &nTILDE; &AMP; &Amp;", "&lt", "&lt;br&gt", "<3 &amp; 5",
    "line &amp; one\n< &amp;copy two\n&copy three &amp;amp;", "&Tab;&NewLine;x", "&fjlig; &ThickSpace; &NotSubset;",
    "&amp#38; &#38amp;", "&frac34 &frac34; &frac345", "\uff06amp; \uff06\uff4c\uff54\uff1b", "&am\u0000p;",
    "&amp;amp;amp;amp; 1\n< &amp;amp;amp;amp; 2\n&amp;amp;amp;amp; 3", "&" * 40,
    "&amp" * 20, "&a" * 30, "&#x200d; &#8205;", "&#x345;", "&#233; &#x65;&#x301;", "&#xe000; &#x7fff;",
]
SPACE = [
    "", " ", "\n", "\t\r\n ", " a  b ", "a\tb\nc\r\nd\re", "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g", "a\u200bb",
    "a\u1680b\u202fc\u205fd", "\ufeffx", "a\u180eb", "a\u000bb\u000cc", "\u2000\u2001x\u200a", "\u3000", " \u0000 ",
    "\u001c\u001d\u001e\u001f", "a\u001cb",
]
CONTROLS = [
    "a\u0000b", "\u0007bell", "a\u007fb", "\u001b[31mred\u001b[0m text", "\u001b[1;31;44mx\u001b[m \u001b[",
    "\u001b[12 x", "\u206a\u206fz", "\ufff9a\ufffab\ufffb \ufffc \ufffd", "a\u200db\u200ec", "\u00adsoft",
    "\u0093curly\u0094 \u0091x\u0092", "\u0081\u008d\u0090", "x\u0085y", "\u202eright", "\U0001d173x",
]
FIXED = [
    "\ufb01sh \ufb02ow o\ufb00 \ufb03 \ufb04 \ufb05 \ufb06", "\u0132 \u0133 \u01c4 \u01c7 \u01ca \u01f1 \u01f3",
    "\uff26\uff55\uff4c\uff4c \uff37\uff49\uff44\uff54\uff48", "\uff76\uff9e\uff76\uff97\uff8a\uff9f",
    "\uffa1\uffc2\uffe0\uffe6", "\u201clow\u201e \u201fx \u02bcy \u201a \u201b", "\u2026 \u2014 \u2013",
    "\u2032 \u2033",
]
SPECIAL = [
    START, END, f"{START} a {END}", f"a{END}b", f"!{END}", f"{END}!", "<|endoftext|>" * 3, "<|STARTOFTEXT|>",
    "<|endoftext|", "<|\u017ftartoftext|>", "<|endoftext|>s", "'<|endoftext|>", "&lt;|endoftext|&gt;",
    "a <|endoftext|> b", "<|pad|>", "</w>", "a</w>", "\u0120", "\u0100\u0101",
]
MOJIBAKE = [
    "sch\u00c3\u00b6n", "\u00e2\u0153\u201d No problems", "l\u00e2\u20ac\u2122humanit\u00c3\u00a9",
    "\u00c3\u00a0 la mode", "\u00f0\u0178\u02dc\u20ac", "it\u00e2\u20ac\u2122s",
    "\u0432\u0402\u045a\u0432\u0402\u045c quote",
]


def long_texts(rng):
    words = [w for w in " ".join(CAPTIONS).split() if w.isalpha()]
    yield " ".join(rng.choice(words) for _ in range(400))
    yield "a " * 74 + "cat"
    yield "a " * 75 + "cat"
    yield "a " * 76
    yield "\U0001f600" * 200
    yield "ab" * 3000
    yield "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(5000))
    yield "1" * 200
    yield "!" * 300
    yield "a," * 200
    yield "\u732b" * 100


def random_text(rng, pool):
    return "".join(rng.choice(rng.choice(pool)) for _ in range(rng.randint(1, 24)))


def pools():
    """Characters by general category; the ASCII ones and spaces several times, so that words come about."""
    by_category = {}
    for cp in range(0x110000):
        category = unicodedata.category(chr(cp))
        if category not in ("Cn", "Co", "Cs"):
            by_category.setdefault(category, []).append(chr(cp))
    ascii_letters = [chr(cp) for cp in range(0x21, 0x7F)]
    latin = [chr(cp) for cp in range(0xC0, 0x250)]
    marks = [chr(cp) for cp in range(0x300, 0x370)]
    pieces = ["'s", "'t", "'ll", "'", "&amp;", "&#233;", "&eacute;"]
    return [*by_category.values(), ascii_letters, ascii_letters, ascii_letters, latin, marks, [" "], [" "], pieces]


def random_texts(rng, count, accept):
    characters, found = pools(), []
    while len(found) < count:
        text = random_text(rng, characters)
        if accept(text):
            found.append(text)
    return found


def without_repair(text):
    return FIX(text, fix_encoding=False)


def ids(text, fix):
    ftfy.fix_text = fix
    tokens = [TOKENIZER.encoder[START], *TOKENIZER.encode(text), TOKENIZER.encoder[END]]
    return tokens if len(tokens) <= LENGTH else [*tokens[:LENGTH - 1], tokens[-1]]


def main():
    rng = random.Random(20240229)
    kinds = {
        "caption": CAPTIONS, "contraction": CONTRACTIONS, "digit": DIGITS, "script": SCRIPTS, "emoji": EMOJI, "html": HTML, "space": SPACE,
        "control": CONTROLS, "fixed": FIXED, "special": SPECIAL, "long": list(long_texts(rng)),
        "random": random_texts(rng, 400, lambda text: FIX(text) == text),
        "random_fixed": random_texts(rng, 400, lambda text: FIX(text) != text and FIX(text) == without_repair(text)),
    }
    cases = []
    for kind, texts in kinds.items():
        for text in texts:
            if FIX(text) != without_repair(text):
                raise SystemExit(f"{kind}: ftfy repairs the encoding of {text!r}; it belongs to the kind mojibake")
            cases.append({"kind": kind, "text": text, "ids": ids(text, FIX)})
    for text in MOJIBAKE:
        case = {"kind": "mojibake", "text": text, "ids": ids(text, without_repair), "original": ids(text, FIX)}
        if case["ids"] == case["original"]:
            raise SystemExit(f"ftfy does not repair {text!r}")
        cases.append(case)
    made_with = {
        "python": platform.python_version(), "unicode": unicodedata.unidata_version, "regex": regex.__version__, "ftfy": ftfy.__version__,
    }
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.write_text(f'{{"made_with": {json.dumps(made_with)}, "length": {LENGTH}, "cases": [\n{lines}\n]}}\n', encoding="ascii")
    print(f"{OUT.name}: {len(cases)} cases, {OUT.stat().st_size} bytes, {made_with}")


main()
