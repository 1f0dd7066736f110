"""Templates: fields Hark fills in, gaps only a person can; made by leads, used in the composer."""

import pytest

from cases import replies
from cases.models import Case, Template
from cases.wording import templates
from channels_app.models import Delivery
from crm.models import Activity, Customer
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
GAP = "We are sorry about [[what went wrong]]."


def wrong(text):
    return list(templates.mistakes(text))


# --- what a template may be


def test_a_text_with_fields_and_a_gap_is_right():
    assert wrong("Hello {customer|there}, order {order}: " + GAP + " {agent}, {brand} on {channel}, case {case}") == []


def test_an_unknown_field_is_refused_with_the_nearest_there_is():
    assert wrong("Hello {custmer}. " + GAP) == ["{custmer} is not a field; did you mean {customer}?"]
    assert wrong("Hello {Order}. " + GAP) == ["{Order} is not a field; did you mean {order}?"]


def test_a_field_like_none_is_refused_with_all_there_are():
    assert wrong("{weather} " + GAP) == [
        "{weather} is not a field. There are {customer}, {agent}, {case}, {brand}, {channel}, {order}."
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Hello {customer " + GAP, "never closed"),
        ("Hello customer} " + GAP, "stands alone"),
        ("Hello {{customer}} " + GAP, "never closed"),
        ("{} " + GAP, "not a field"),
        ("Sorry about [[what", "begins with [[ and ends with ]]"),
        ("Sorry about what]]", "begins with [[ and ends with ]]"),
        ("[[one [[two]] " + GAP, "begins with [[ and ends with ]]"),
        ("[[  ]]", "Say in the gap what belongs there"),
        ("Hello {customer}, sorry.", "everybody would get the same words"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(text, what):
    assert any(what in sentence for sentence in wrong(text))


# --- filling in


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Jane Doe", "Jane"), ("Mr Abernathy", "Mr Abernathy"), ("José", "José"), ("王小明", "王小明"),
        ("jane_doe", ""), ("rider77", ""), ("@kim", ""), ("jane", ""), ("", ""), ("🐦 Sky", ""),
    ],
)  # fmt: skip
def test_somebody_is_called_by_their_first_name_and_nobody_by_a_handle(name, called):
    assert templates.first_name(name) == called


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("Hello {customer}, sorry.", "Hello, sorry."),
        ("Hello {customer|there}, sorry.", "Hello there, sorry."),
        ("Hello {customer|}!", "Hello!"),
        ("Order {order}: {order|your order}", "Order [[the number of their newest order]]: your order"),
    ],
)
def test_what_is_not_known_still_reads_well(text, reads):
    assert templates.fill(text, {"customer": "", "order": ""}) == reads


def test_a_name_can_open_neither_a_field_nor_a_gap():
    assert templates.fill("{customer} {agent}", {"customer": "{agent} [[x]]", "agent": "Ana"}) == "{agent} [ [x] ] Ana"


def test_every_field_says_what_it_promises(case, agent):
    Customer.objects.filter(pk=case.customer_id).update(name="Jane Doe")
    case.customer.refresh_from_db()
    factories.OrderFactory(customer=case.customer, number="A-1")
    factories.OrderFactory(customer=case.customer, number="A-2")
    text = " / ".join(f"{{{field}}}" for field in templates.FIELDS)
    filled = templates.fill(text, templates.facts(case, agent))
    assert filled == f"Jane / Ana / {case.pk} / brand / @skylark on Chirp / A-2"


@pytest.mark.parametrize(
    ("of_case", "of_customer", "chosen"), [("es", "de", "es"), ("fr", "de", "de"), ("fr", "it", "en"), ("", "", "en")]
)
def test_a_template_speaks_the_language_of_the_case_else_the_customers_else_english(
    case, agent, of_case, of_customer, chosen
):
    template = factories.TemplateFactory(text=False)
    for language in ("de", "en", "es"):
        template.texts.create(language=language, text=GAP)
    case.language, case.customer.language = of_case, of_customer
    assert templates.begin(template, case, templates.facts(case, agent)).language == chosen


def test_only_templates_of_the_cases_channel_and_team_are_offered(case, agent):
    here, there = case.channel, factories.ChannelFactory()
    for name, channels, team in (
        ("Everywhere", [], None), ("Here", [here, there], case.team), ("There", [there], None),
        ("Others", [], factories.TeamFactory()), ("Retired", [], None),
    ):  # fmt: skip
        factories.TemplateFactory(name=name, team=team).channels.set(channels)
    Template.objects.filter(name="Retired").update(retired_at="2026-01-01T00:00Z")
    assert [begun.template.name for begun in templates.offered(case, agent)] == ["Everywhere", "Here"]
    assert [begun.template.name for begun in templates.offered(case, agent, "HER")] == ["Everywhere", "Here"]
    assert [begun.template.name for begun in templates.offered(case, agent, "here")][-1] == "Here"
    assert templates.offered(case, agent, "sorry about")
    assert not templates.offered(case, agent, "zeppelin")


# --- sending


def test_nothing_leaves_while_a_gap_stands_in_it(case, agent):
    with pytest.raises(templates.GapLeft, match=r"^“what went wrong” is still to be filled in"):
        replies.reply(case=case, text="Hello, we are sorry about [[what\n went wrong]].", by=agent)
    assert not Delivery.objects.exists()


def test_the_refusal_names_the_gap_and_loses_nothing(case, agent, as_user):
    answer = as_user(agent).post(f"/cases/{case.pk}/reply/", {"text": f"Hello. {GAP}"}, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“what went wrong” is still to be filled in" in page
    assert "Hello. We are sorry about [[what went wrong]].</textarea>" in page


# --- in the composer


def test_the_list_shows_each_filled_in_and_leads_to_the_case(case, agent, as_user):
    template = factories.TemplateFactory(name="Sorry", text=f"Dear {{customer|traveller}}, {GAP}")
    Customer.objects.update(name="Jane <Doe>")
    client = as_user(agent)
    html = client.get(f"/cases/{case.pk}/templates/", headers=HTMX).content.decode()
    assert "Dear Jane, We are sorry about [[what went wrong]]." in html
    assert f'href="/cases/{case.pk}/?template={template.pk}"' in html
    assert "<html" not in html
    page = client.get(f"/cases/{case.pk}/templates/?words=sorry").content.decode()
    assert "<html" in page
    assert f'href="/cases/{case.pk}/?template={template.pk}"' in page


def test_a_chosen_template_stands_in_the_composer_without_scripts(case, agent, as_user):
    template = factories.TemplateFactory(text=GAP)
    page = as_user(agent).get(f"/cases/{case.pk}/?template={template.pk}").content.decode()
    assert "We are sorry about [[what went wrong]].</textarea>" in page


@pytest.mark.parametrize("pk", ["0", "x", "9" * 30, "-1"])
def test_a_template_there_is_not_is_no_trouble(case, agent, as_user, pk):
    assert as_user(agent).get(f"/cases/{case.pk}/?template={pk}").status_code == 200


def test_a_template_of_another_team_cannot_be_chosen(case, agent, as_user):
    template = factories.TemplateFactory(text=GAP, team=factories.TeamFactory())
    page = as_user(agent).get(f"/cases/{case.pk}/?template={template.pk}").content.decode()
    assert "[[what went wrong]]" not in page


# --- made by leads


def sent(*texts, **more):
    """What the form sends; each text is (language, text) or (pk, language, text)."""
    data = {"name": "Sorry", "texts-TOTAL_FORMS": len(texts), "texts-INITIAL_FORMS": 0, **more}
    for n, (*pk, language, text) in enumerate(texts):
        data |= {f"texts-{n}-language": language, f"texts-{n}-text": text}
        if pk:
            data |= {f"texts-{n}-id": pk[0], "texts-INITIAL_FORMS": n + 1}
    return data


def test_a_lead_makes_one_in_two_languages(lead, as_user, team, channel):
    data = sent(("en", GAP), ("ES", "Lo sentimos: [[qué pasó]]"), team=team.pk, channels=[channel.pk])
    answer = as_user(lead).post("/settings/templates/new/", data)
    template = Template.objects.get()
    assert answer["Location"] == f"/settings/templates/{template.pk}/"
    assert list(template.texts.values_list("language", flat=True)) == ["en", "es"]
    assert (template.team, list(template.channels.all())) == (team, [channel])
    assert Activity.objects.about(template).get().verb == "made"


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(lead, as_user):
    answer = as_user(lead).post("/settings/templates/new/", sent(("en", GAP), ("de", "Hallo {custmer} [[was]]")))
    assert answer.status_code == 422
    assert answer.context["texts"].forms[1].errors["text"] == ["{custmer} is not a field; did you mean {customer}?"]
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([("en", "")], "needs a text in at least one language"),
        ([("en", GAP), ("en", GAP)], "one text per language"),
        ([("english", GAP)], "at most 2 characters"),
        ([("3x", GAP)], "is not a two-letter language code"),
        ([("en", "Sorry.")], "everybody would get the same words"),
    ],
)
def test_a_template_that_could_not_be_used_is_refused(lead, as_user, texts, sentence):
    answer = as_user(lead).post("/settings/templates/new/", sent(*texts))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Template.objects.exists()


def test_two_templates_do_not_share_a_name(lead, as_user):
    factories.TemplateFactory(name="Sorry")
    answer = as_user(lead).post("/settings/templates/new/", sent(("en", GAP)))
    assert answer.status_code == 422
    assert answer.context["form"].errors["name"]


def test_a_language_is_added_and_another_removed(lead, as_user):
    template = factories.TemplateFactory(text=False)
    english, german = (template.texts.create(language=code, text=GAP) for code in ("en", "de"))
    data = sent((german.pk, "de", GAP), (english.pk, "en", GAP), ("fr", "Désolés: [[quoi]]"))
    answer = as_user(lead).post(f"/settings/templates/{template.pk}/", data | {"texts-0-DELETE": "on"})
    assert answer.status_code == 302
    assert list(template.texts.values_list("language", flat=True)) == ["en", "fr"]


def test_the_last_language_cannot_be_removed(lead, as_user):
    template = factories.TemplateFactory()
    only = template.texts.get()
    data = sent((only.pk, "en", GAP)) | {"texts-0-DELETE": "on"}
    assert as_user(lead).post(f"/settings/templates/{template.pk}/", data).status_code == 422
    assert template.texts.get() == only


def test_it_is_shown_as_it_begins_in_a_real_case(lead, as_user, case):
    template = factories.TemplateFactory(text=f"Case {{case}}: {GAP}")
    client = as_user(lead)
    assert f"Case {case.pk}: We are sorry" in client.get(f"/settings/templates/{template.pk}/").content.decode()
    other = factories.CaseFactory()
    page = client.get(f"/settings/templates/{template.pk}/?case=%23{other.pk}").content.decode()
    assert f"Case {other.pk}: We are sorry" in page
    assert "There is no such case." in client.get(f"/settings/templates/{template.pk}/?case=0").content.decode()


def test_a_retired_one_is_not_offered_and_comes_back(lead, as_user, case, agent):
    template = factories.TemplateFactory()
    client = as_user(lead)
    client.post(f"/settings/templates/{template.pk}/retire/")
    assert templates.offered(case, agent) == []
    assert template.name not in client.get("/settings/templates/").content.decode()
    assert template.name in client.get("/settings/templates/?state=retired").content.decode()
    client.post(f"/settings/templates/{template.pk}/retire/")
    assert [begun.template for begun in templates.offered(case, agent)] == [template]
    assert [line.verb for line in Activity.objects.about(template).order_by("id")] == ["retired", "brought back"]


def test_the_list_is_searched_by_what_the_texts_say(lead, as_user):
    factories.TemplateFactory(name="Dawdling", text="The train is late: [[why]]")
    factories.TemplateFactory(name="Refund", text="Your money is [[where]]")
    page = as_user(lead).get("/settings/templates/?q=MONEY").content.decode()
    assert "Refund" in page
    assert "Dawdling" not in page


def test_templates_are_offered_in_a_fixed_number_of_queries(case, agent, django_assert_num_queries):
    for n in range(2):
        factories.TemplateFactory(name=f"Template {'AB'[n]}")
    fresh = Case.objects.select_related("customer", "channel").get(pk=case.pk)
    with django_assert_num_queries(3):
        templates.offered(fresh, agent)
    for _ in range(20):
        factories.TemplateFactory()
    with django_assert_num_queries(3):
        assert len(templates.offered(fresh, agent)) == 22
