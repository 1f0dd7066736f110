"""What somebody wrote in a mail: its text without markup, without what it quotes, and without the signature."""

from __future__ import annotations

import re

from channels_app.platforms.html_text import text_of

TAG = re.compile(r"<(/?)(blockquote|div)\b([^<>]*)>?", re.I)
QUOTE = re.compile(r"class=[\"']?gmail_quote\b", re.I)
# The line above what is quoted, as mail programs write it in the languages we are written to in.
ABOVE = re.compile(
    r"(?im)^[ \t>]*(?:"
    r"on\s.{5,200}?\swrote:|am\s.{5,200}?\sschrieb.{0,100}?:|le\s.{5,200}?\sa\sécrit\s?:|"
    r"el\s.{5,200}?\sescribió:|il\s.{5,200}?\sha\sscritto:|op\s.{5,200}?\sschreef.{0,100}?:|"
    r"-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale)"
    r"\s*-{2,}|_{10,}\s*$|"
    r"(?:from|von|de|da):\s.+\n[ \t>]*(?:sent|gesendet|envoyé|enviado|inviato|date|datum):\s|"
    r"(?:from|von|de|da):\s[^\n@]*@.*\n[ \t>]*(?:to|an|à|para|a):\s"
    r")[ \t]*"
)
# In two lines it is known by its colon and by a date or an address: "On", "Le" and "Il" begin many a sentence.
ABOVE_IN_TWO = re.compile(
    r"(?im)^(?=[^\n]*(?:\n[^\n]*)?[\d@])(?:on|am|le|el|il|op)\s[^\n]{5,200}\n"
    r"[^\n]{0,200}(?:wrote|schrieb|écrit|escribió|scritto)[^\n]{0,40}:[ \t]*$"
)
SIGNATURE = re.compile(r"(?m)^-- ?$")


def plain(html: str) -> str:
    """The words of an HTML mail, without what it quotes."""
    return text_of(_unquoted(html)) or text_of(html)


def _unquoted(html: str) -> str:
    """A quotation goes to the end tag of its own element, others of that name within it; without one, to the end."""
    kept, at, name, depth = [], 0, "", 0
    for tag in TAG.finditer(html):
        closing, found = bool(tag[1]), tag[2].lower()
        if not depth and not closing and (found == "blockquote" or QUOTE.search(tag[3])):
            kept.append(html[at : tag.start()])
            name, depth = found, 1
        elif depth and found == name:
            depth += -1 if closing else 1
            at = tag.end()
    return "".join(kept if depth else [*kept, html[at:]])


def said(text: str) -> str:
    """What is new in a mail: all above the first quotation or signature, without lines that begin with ">".

    Who answers between the lines of what they quote is kept too: only the quoted lines go.
    """
    text = text.replace("\r\n", "\n")
    for mark in (ABOVE, ABOVE_IN_TWO, SIGNATURE):
        if (found := mark.search(text)) and text[: found.start()].strip():
            text = text[: found.start()]
    kept = (line for line in text.splitlines() if not line.lstrip().startswith(">"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
