"""What customers read stands in their language: each sentence of the pages and the mail of a survey."""

import ast
import gettext
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from surveys import links, mailing
from surveys.spoken import frame_in
from tests.surveys.asking import send, survey
from tests.test_architecture import ROOT

CATALOGS = sorted(ROOT.glob("surveys/locale/*/LC_MESSAGES/django.po"))
LANGUAGES = [path.parts[-3] for path in CATALOGS]
PAGES = [*ROOT.glob("templates/surveys/public/*.html"), *ROOT.glob("templates/surveys/mail/*")]
# module → the names by which it marks what customers read; what is noted for us stays English
MODULES = {
    "advocates/letters": {"_"},
    "answering": {"gettext_lazy"},
    "checking": {"_"},
    "forms/answering": {"_"},
    "mailing": {"_"},
    "outreach/letters": {"_"},
    "outreach/texts": {"_"},
    "outreach/told_in_writing": {"_"},
    "screens": {"_"},
    "stopping": {"gettext_lazy"},
    "thanks": {"_"},
}


def in_templates():
    for page in PAGES:
        text = page.read_text()
        yield from re.findall(r"""{% translate ["']([^"']+)["'] %}""", text)
        for said in re.findall(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", text, re.DOTALL):
            yield re.sub(r"{{ (\w+) }}", r"%(\1)s", said)


def in_modules():
    for module, marks in MODULES.items():
        for node in ast.walk(ast.parse((ROOT / "surveys" / f"{module}.py").read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in marks:
                yield ast.literal_eval(node.args[0])


SENTENCES = {*in_templates(), *in_modules()}


def compiled(path):
    with path.with_suffix(".mo").open("rb") as file:
        return gettext.GNUTranslations(file)._catalog


def written(path):
    pairs = re.findall(r'^msgid (".+")\nmsgstr (".+")$', path.read_text(), re.MULTILINE)
    return {ast.literal_eval(said): ast.literal_eval(there) for said, there in pairs}


def test_there_are_sentences_and_languages_to_look_at():
    assert len(SENTENCES) > 50
    assert LANGUAGES == ["ar", "de", "es", "fr"]


@pytest.mark.parametrize("path", CATALOGS, ids=LANGUAGES)
def test_every_sentence_a_customer_reads_is_there_and_none_besides(path):
    assert set(written(path)) == SENTENCES


@pytest.mark.parametrize("path", CATALOGS, ids=LANGUAGES)
def test_what_was_written_is_what_was_compiled(path):
    found = {said: there for said, there in compiled(path).items() if said}
    assert found == written(path)


@pytest.mark.parametrize("path", CATALOGS, ids=LANGUAGES)
def test_a_sentence_names_in_every_language_what_it_names_in_english(path):
    for said, there in written(path).items():
        assert sorted(re.findall(r"%\(\w+\)s|{\w+}", there)) == sorted(re.findall(r"%\(\w+\)s|{\w+}", said)), said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "button"), [("de", "Frage überspringen"), ("fr", "Passer cette question"), ("ar", "تخطّي هذا السؤال")]
)
def test_the_page_speaks_the_language_of_the_survey(language, button):
    invitation = send(survey(languages=[language]))
    page = Client().get(reverse("surveys:asked", args=[links.token(invitation)])).content.decode()
    assert button in page
    assert "Skip this question" not in page
    assert translation.get_language() == "en"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "begins"), [("de", "Zur Erinnerung"), ("fr", "Rappel"), ("mi", "A reminder"), ("en", "A reminder")]
)
def test_the_mail_speaks_the_language_of_the_survey(language, begins):
    letter = mailing.letter(send(survey(languages=[language])), "ann@example.com", nth=2)
    assert letter.subject.startswith(begins)
    assert letter.subject.endswith(f"Title {language}")


@pytest.mark.parametrize(
    ("language", "spoken"), [("de", "de"), ("de-CH", "de"), ("FR", "fr"), ("mi", "en"), ("", "en"), ("../x", "en")]
)
def test_we_speak_a_language_that_has_a_catalog_or_else_english(language, spoken):
    with frame_in(language):
        assert translation.get_language() == spoken


@pytest.mark.django_db
def test_a_language_without_a_catalog_is_asked_all_the_same():
    invitation = send(survey(languages=["mi"]))
    page = Client().get(reverse("surveys:asked", args=[links.token(invitation)])).content.decode()
    assert '<html lang="mi" dir="ltr">' in page
    assert "nps mi" in page
    assert "Skip this question" in page
