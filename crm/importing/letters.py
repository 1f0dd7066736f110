"""What encoding with one byte a letter a text may be in.

No guess is sure (what is "ø" in one is "ř" in another), and libraries that try are wrong on short names more often than
right. So it is Windows-1252, what spreadsheets in the west write, unless the text would read oddly in it.
"""

from __future__ import annotations

import re

SIGN_IN_A_WORD = re.compile(r"[^\W\d_][¹³£¿¯¶][^\W\d_]|\b[£¯]\w*[a-z]|[a-z][¹³¿](?!\w)")
IN_A_ROW = re.compile(rb"[\x80-\xff]{3,}")  # whole words in another alphabet; in Latin ones accents stand apart


def one_byte_a_letter(text: bytes) -> str:
    high = sum(byte > 127 for byte in text)
    if sum(map(len, IN_A_ROW.findall(text))) > high / 2:
        return "cp1251"
    try:
        read = text.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1250" if len(SIGN_IN_A_WORD.findall(read)) > high / 20 else "cp1252"
