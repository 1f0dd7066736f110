"""What somebody wrote in a mail: its text without markup, without what it quotes, and without the signature."""

from __future__ import annotations

import re

from channels_app.platforms.html_text import text_of

QUOTED_HTML = re.compile(r"(?is)<(blockquote|div[^<>]+class=\"?gmail_quote)\b.*")
# The line above what is quoted, as mail programs write it in the languages we are written to in.
ABOVE = re.compile(
    r"(?im)^[ \t>]*(?:"
    r"on\s.{5,200}?\swrote:|am\s.{5,200}?\sschrieb.{0,100}?:|le\s.{5,200}?\sa\sécrit\s?:|"
    r"el\s.{5,200}?\sescribió:|il\s.{5,200}?\sha\sscritto:|op\s.{5,200}?\sschreef.{0,100}?:|"
    r"-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale)"
    r"\s*-{2,}|_{10,}\s*$|"
    r"(?:from|von|de|da):\s.+\n[ \t>]*(?:sent|gesendet|envoyé|enviado|inviato|date|datum|to|an|à|para|a):\s"
    r")[ \t]*"
)
ABOVE_IN_TWO = re.compile(
    r"(?im)^(on|am|le|el|il|op)\s[^\n]{5,200}\n[^\n]{0,200}(wrote|schrieb|écrit|escribió|scritto)"
)
SIGNATURE = re.compile(r"(?m)^-- ?$")


def plain(html: str) -> str:
    """The words of an HTML mail, without what it quotes below them."""
    return text_of(QUOTED_HTML.sub("", html)) or text_of(html)


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
