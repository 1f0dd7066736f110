"""Somebody wants to buy: care hands it to sales with the post that says so, and reads what became of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import deeds, leads, retention
from cases.joining import merging
from cases.models import Lead
from channels_app import live
from channels_app.models import LiveEvent
from crm import consent, hours
from crm import merging as customers
from crm.models import Activity, Notice
from crm.privacy import asking, working
from tests import factories

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@pytest.fixture
def sam(db):
    return factories.UserFactory(role="sales", username="sam", first_name="Sam", last_name="Adeyemi")


@pytest.fixture
def sue(db):
    return factories.UserFactory(role="sales", username="sue", first_name="Sue", last_name="Lind")


@pytest.fixture
def post(case):
    return case.entries.get().message


def hand(case, by, what="Forty seats a month", message=None):
    return leads.hand(case=case, message=message, what=what, by=by)


def told(user):
    return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", "text", "url"))


def verbs(thing):
    return list(Activity.objects.about(thing).order_by("id").values_list("verb", flat=True))


def stake(case, owner, influence="unknown", **facts):
    account = factories.AccountFactory(owner=owner, **facts)
    factories.StakeholderFactory(customer=case.customer, account=account, influence=influence)
    return account


# --- whose it is


def test_it_goes_to_the_sales_person_of_their_account_with_the_post_that_says_so(case, post, agent, sam, sue):
    account = stake(case, sam)
    lead = hand(case, agent, message=post)
    assert (lead.owner, lead.account, lead.message, lead.state) == (sam, account, post, "new")
    assert (lead.customer, lead.handed_by) == (case.customer, agent)
    assert told(sam) == [("lead", f"Ana Ruiz hands you a sales lead from case #{case.pk}.", f"/leads/{lead.pk}/")]
    assert told(sue) == told(agent) == []
    assert verbs(case) == verbs(lead) == ["handed to sales"]
    assert fresh(case).state == case.state


def test_of_several_accounts_the_one_they_decide_for_counts_most(case, agent, sam, sue):
    stake(case, sam, "some")
    stake(case, sue, "decides")
    assert hand(case, agent).owner == sue


def test_without_an_account_all_of_sales_sees_it_and_is_told(case, agent, sam, sue):
    lead = hand(case, agent)
    said = f"Ana Ruiz hands a lead from case #{case.pk} to sales. Nobody has it yet."
    assert (lead.owner, lead.account) == (None, None)
    assert told(sam) == told(sue) == [("lead", said, f"/leads/{lead.pk}/")]


@pytest.mark.parametrize("why", ["away", "left", "moved", "nobody"])
def test_where_their_sales_person_is_not_there_it_waits_for_all_of_sales_with_its_account(case, agent, sam, sue, why):
    account = stake(case, None if why == "nobody" else sam)
    if why == "away":
        factories.AbsenceFactory(user=sam, starts_at=timezone.now() - HOUR, ends_at=timezone.now() + DAY)
    sam.is_active, sam.role = why != "left", "lead" if why == "moved" else "sales"
    sam.save()
    lead = hand(case, agent)
    assert (lead.owner, lead.account) == (None, account)
    assert len(told(sue)) == 1


def test_an_account_whose_sales_person_is_there_comes_before_a_weightier_one_without(case, agent, sam):
    stake(case, None, "decides")
    account = stake(case, sam, "some")
    lead = hand(case, agent)
    assert (lead.owner, lead.account) == (sam, account)


def test_somebody_speaks_to_them_within_a_working_day_of_whoever_has_it(case, agent, sam):
    stake(case, sam)
    sam.shift = factories.CalendarFactory()
    sam.save()
    before = timezone.now()
    due = hand(case, agent).due_at
    assert hours.after(sam.shift, before, 28_800) <= due <= hours.after(sam.shift, timezone.now(), 28_800)


def test_without_a_shift_or_with_one_that_is_never_open_it_is_due_a_day_later(case, agent, sam, channel):
    before = timezone.now()
    assert before + DAY <= hand(case, agent).due_at <= timezone.now() + DAY
    other = factories.CaseFactory(channel=channel)
    stake(other, sam)
    sam.shift = factories.CalendarFactory()
    sam.shift.periods.all().delete()
    sam.save()
    assert before + DAY <= hand(other, agent).due_at <= timezone.now() + DAY


# --- what is refused


def test_without_a_word_on_what_they_want_nothing_is_handed_over(case, agent):
    with pytest.raises(leads.NothingWanted, match="Write what they want to buy"):
        hand(case, agent, what=" \x00 ")
    assert not Lead.objects.exists()


def test_the_post_is_one_of_theirs_in_this_case(case, post, agent):
    ours = factories.DeliveryFactory(case=case, by=agent).message
    for message in (ours, factories.CaseFactory().entries.get().message):
        with pytest.raises(leads.NotTheirPost):
            hand(case, agent, message=message)
    post.fall_silent()
    post.save()
    with pytest.raises(leads.NotTheirPost):
        hand(case, agent, message=post)


def test_a_case_has_one_open_lead_and_may_have_another_once_it_has_ended(case, agent, sam):
    first = leads.take(lead=hand(case, agent), by=sam)
    with pytest.raises(leads.HandedAlready, match=r"This case is with sales already: Sam Adeyemi\."):
        hand(case, agent)
    leads.lose(lead=first, outcome="Too dear", by=sam)
    assert hand(case, agent).pk != first.pk


def test_a_lead_nobody_has_is_told_of_as_such(case, agent):
    hand(case, agent)
    with pytest.raises(leads.HandedAlready, match="nobody has taken it yet"):
        hand(case, agent)


def test_whoever_asked_never_to_be_contacted_is_handed_to_nobody(case, agent):
    consent.forbid(customer=case.customer, how="Said so", by=agent)
    with pytest.raises(consent.MayNotContact, match="asked not to be contacted"):
        hand(fresh(case), agent)


def test_whoever_does_not_want_calls_may_be_handed_over_and_the_page_says_so(case, agent, sam, as_user):
    consent.record(customer=case.customer, purpose="call", state="refused", how="Said so", by=agent)
    lead = hand(case, agent)
    assert "does not want this" in as_user(sam).get(lead.get_absolute_url()).content.decode()


def test_a_case_that_was_joined_to_another_is_not_handed_over(case, agent, channel):
    into = factories.CaseFactory(channel=channel, customer=case.customer)
    merging.merge(case=case, into=into, by=agent)
    with pytest.raises(leads.JoinedAlready):
        hand(fresh(case), agent)


# --- who has it


def test_who_takes_it_first_has_it_and_the_next_is_told_who(case, agent, sam, sue):
    lead = hand(case, agent)
    taken = leads.take(lead=fresh(lead), by=sam)
    assert (taken.owner, taken.state) == (sam, "talking")
    assert told(agent) == [("lead", f"Sam Adeyemi takes the sales lead from case #{case.pk}.", f"/cases/{case.pk}/")]
    with pytest.raises(leads.TakenAlready, match=r"Sam Adeyemi has this lead already\."):
        leads.take(lead=lead, by=sue)
    assert leads.take(lead=fresh(lead), by=sam).owner == sam
    assert verbs(lead) == ["handed to sales", "lead taken"]


def test_whose_account_it_is_says_that_they_speak_to_them_now(case, agent, sam, sue):
    stake(case, sam)
    lead = hand(case, agent)
    with pytest.raises(leads.TakenAlready):
        leads.take(lead=lead, by=sue)
    assert leads.take(lead=lead, by=sam).state == "talking"


def test_only_sales_takes_one(case, agent, lead):
    for person in (agent, lead):
        with pytest.raises(leads.NotSales):
            leads.take(lead=hand_once(case, agent), by=person)


def hand_once(case, by):
    return case.leads.open().first() or hand(case, by)


def test_who_has_it_or_a_team_lead_gives_it_to_a_colleague_who_is_told(case, agent, lead, sam, sue):
    sale = leads.take(lead=hand(case, agent), by=sam)
    Notice.objects.all().delete()
    assert leads.give(lead=sale, to=sue, by=sam).owner == sue
    said = f"Sam Adeyemi gives you the sales lead from case #{case.pk}."
    assert told(sue) == [("lead", said, f"/leads/{sale.pk}/")]
    Notice.objects.all().delete()
    leads.give(lead=sale, to=sam, by=lead)
    assert [text for _kind, text, _url in told(sam)] == [f"Lea Brandt gives you the sales lead from case #{case.pk}."]
    assert "which was yours" in told(sue)[0][1]


def test_it_is_given_by_nobody_else_to_nobody_else_and_not_twice(case, agent, lead, sam, sue):
    sale = hand(case, agent)
    with pytest.raises(leads.TakeItFirst, match="Take it first"):
        leads.give(lead=sale, to=sue, by=sam)
    leads.give(lead=sale, to=sam, by=lead)
    with pytest.raises(leads.NotYourLead, match="Only Sam Adeyemi, who has this lead, or a team lead"):
        leads.give(lead=sale, to=sue, by=sue)
    with pytest.raises(leads.NotSales, match="Ana Ruiz does not sell"):
        leads.give(lead=sale, to=agent, by=sam)
    with pytest.raises(leads.TakenAlready):
        leads.give(lead=sale, to=sam, by=lead)


def test_what_was_given_away_meanwhile_is_not_given_by_who_saw_it_before(case, agent, lead, sam, sue):
    sale = leads.take(lead=hand(case, agent), by=sam)
    seen_before = fresh(sale)
    leads.give(lead=sale, to=sue, by=lead)
    with pytest.raises(leads.TakenAlready, match="Sue Lind"):
        leads.give(lead=seen_before, to=factories.UserFactory(role="sales"), by=sam)


def test_leads_of_who_no_longer_sells_are_nobodys_and_all_of_sales_is_told(channel, agent, sam, sue):
    cases = [factories.CaseFactory(channel=channel) for _ in range(3)]
    mine, over, hers = [hand(each, agent) for each in cases]
    for lead, person in ((mine, sam), (over, sam), (hers, sue)):
        leads.take(lead=lead, by=person)
    leads.win(lead=over, outcome="Bought", by=sam)
    Notice.objects.all().delete()
    sam.is_active = False
    sam.save()
    assert leads.free_of_who_left() == [mine.pk]
    assert leads.free_of_who_left() == []
    assert (fresh(mine).owner, fresh(mine).state) == (None, "new")
    assert (fresh(over).owner, fresh(hers).owner) == (sam, sue)
    assert [url for _kind, _text, url in told(sue)] == [f"/leads/{mine.pk}/"]
    assert verbs(mine)[-1] == "lead freed"


@pytest.mark.parametrize("n", [1, 20])
def test_freeing_asks_as_much_for_one_as_for_twenty(channel, sam, sue, asked, n):
    for _ in range(n):
        factories.LeadFactory(case__channel=channel, case__owner=factories.UserFactory(), case__state="open", owner=sam)
    sam.is_active = False
    sam.save()
    assert asked(leads.free_of_who_left) == 12
    assert Lead.objects.of_nobody().count() == n


# --- what became of it


@pytest.mark.parametrize(("how", "state", "verb"), [(leads.win, "won", "lead won"), (leads.lose, "lost", "lead lost")])
def test_care_hears_how_it_ended(case, agent, colleague, sam, how, state, verb):
    case.owner, case.state = colleague, "open"
    case.save()
    sale = leads.take(lead=hand(case, agent), by=sam)
    Notice.objects.all().delete()
    ended = how(lead=sale, outcome="  Forty seats from May\x00 ", by=sam)
    assert (ended.state, ended.outcome) == (state, "Forty seats from May")
    assert ended.ended_at
    for person in (agent, colleague):
        (kind, _text, url) = told(person)[0]
        assert (kind, url) == ("lead", f"/cases/{case.pk}/")
    assert verbs(case)[-1] == verb


def test_it_ends_with_words_and_once(case, agent, sam):
    sale = leads.take(lead=hand(case, agent), by=sam)
    with pytest.raises(leads.NoOutcome):
        leads.win(lead=sale, outcome=" ", by=sam)
    leads.win(lead=sale, outcome="Bought", by=sam)
    with pytest.raises(leads.LeadIsOver, match=r"This lead has ended: won\."):
        leads.lose(lead=sale, outcome="No", by=sam)
    with pytest.raises(leads.LeadIsOver):
        leads.take(lead=sale, by=sam)
    with pytest.raises(leads.LeadIsOver):
        leads.give(lead=sale, to=factories.UserFactory(role="sales"), by=sam)
    assert fresh(sale).outcome == "Bought"


def test_only_who_has_it_or_a_team_lead_ends_it(case, agent, lead, sam, sue):
    sale = hand(case, agent)
    with pytest.raises(leads.TakeItFirst):
        leads.win(lead=sale, outcome="Bought", by=sue)
    leads.take(lead=sale, by=sam)
    for end in (
        lambda by: leads.lose(lead=sale, outcome="No", by=by),
        lambda by: leads.give_back(lead=sale, why="No", by=by),
    ):
        for person in (sue, agent):
            with pytest.raises(leads.NotYourLead):
                end(person)
    assert leads.win(lead=sale, outcome="Bought", by=lead).state == "won"


@pytest.mark.parametrize("who", ["sales", "handed", "lead"])
def test_what_is_nothing_for_sales_goes_back_to_care_with_the_reason(case, agent, lead, sam, who):
    sale = hand(case, agent)
    Notice.objects.all().delete()
    by = {"sales": sam, "handed": agent, "lead": lead}[who]
    returned = leads.give_back(lead=sale, why="They ask for a refund", by=by)
    assert (returned.state, returned.outcome, returned.owner) == ("returned", "They ask for a refund", None)
    assert [kind for kind, _text, _url in told(agent)] == ([] if by == agent else ["lead"])
    assert fresh(case).leads.open().count() == 0


def test_nobody_else_of_care_gives_it_back(case, agent, colleague):
    with pytest.raises(leads.TakeItFirst):
        leads.give_back(lead=hand(case, agent), why="No", by=colleague)


def test_its_end_can_be_undone_for_a_week(case, agent, sam, sue):
    sale = leads.take(lead=hand(case, agent), by=sam)
    with pytest.raises(leads.NotEnded):
        leads.reopen(lead=sale, by=sam)
    leads.win(lead=sale, outcome="Bought", by=sam)
    with pytest.raises(leads.NotYourLead):
        leads.reopen(lead=sale, by=agent)
    again = leads.reopen(lead=sale, by=sam)
    assert (again.state, again.owner, again.outcome, again.ended_at) == ("talking", sam, "", None)
    leads.lose(lead=sale, outcome="No", by=sam)
    Lead.objects.update(ended_at=timezone.now() - 8 * DAY)
    with pytest.raises(leads.TooLongAgo):
        leads.reopen(lead=sale, by=sam)


def test_who_handed_it_over_takes_back_that_it_was_returned(case, agent):
    sale = leads.give_back(lead=hand(case, agent), why="By mistake", by=agent)
    assert leads.reopen(lead=sale, by=agent).state == "new"


def test_it_is_not_taken_up_again_beside_another_of_the_same_case(case, agent, sam):
    first = leads.take(lead=hand(case, agent), by=sam)
    leads.lose(lead=first, outcome="No", by=sam)
    hand(case, agent)
    with pytest.raises(leads.HandedAlready):
        leads.reopen(lead=first, by=sam)


def test_nor_of_somebody_who_was_erased_or_wants_no_contact(case, agent, sam):
    sale = leads.take(lead=hand(case, agent), by=sam)
    leads.lose(lead=sale, outcome="No", by=sam)
    consent.forbid(customer=case.customer, how="Said so", by=agent)
    with pytest.raises(consent.MayNotContact):
        leads.reopen(lead=fresh(sale), by=sam)


# --- who sees it, and where it shows at once


def test_sales_sees_its_own_and_nobodys_and_care_what_it_handed_over(channel, agent, colleague, lead, sam, sue):
    free, his = (factories.LeadFactory(case__channel=channel, handed_by=agent, owner=owner) for owner in (None, sam))
    seen = {person: set(Lead.objects.visible_to(person)) for person in (agent, colleague, lead, sam, sue)}
    assert seen == {agent: {free, his}, colleague: set(), lead: {free, his}, sam: {free, his}, sue: {free}}


def test_whoever_has_the_case_open_sees_it_at_once(case, agent, sam, django_capture_on_commit_callbacks):
    live.follow(f"case:{case.pk}", 0)
    with django_capture_on_commit_callbacks(execute=True):
        sale = hand(case, agent)
    with django_capture_on_commit_callbacks(execute=True):
        leads.take(lead=sale, by=sam)
    news = LiveEvent.objects.filter(stream=f"case:{case.pk}", kind="pane").order_by("number")
    assert [event.data["by_name"] for event in news] == ["Ana Ruiz", "Sam Adeyemi"]


# --- it follows its case, and keeps no word longer than that


def test_when_cases_are_joined_the_lead_goes_along_and_comes_back(case, agent, channel):
    sale, into = hand(case, agent), factories.CaseFactory(channel=channel, customer=case.customer)
    merging.merge(case=case, into=into, by=agent)
    assert fresh(sale).case == into
    deeds.undo(deed=deeds.last_of(agent, into.pk), by=agent)
    assert fresh(sale).case == case


def test_when_customers_are_merged_it_is_the_survivors_and_theirs_again_after_an_undo(case, agent):
    sale, survivor = hand(case, agent), factories.CustomerFactory()
    merge = customers.merge(survivor=survivor, absorbed=case.customer, by=agent)
    assert fresh(sale).customer == survivor
    customers.undo(merge=merge, by=agent)
    assert fresh(sale).customer == case.customer


def test_of_two_cases_with_open_leads_each_keeps_its_own(case, agent, channel):
    into = factories.CaseFactory(channel=channel, customer=case.customer)
    one, other = hand(case, agent), hand(into, agent)
    merging.merge(case=case, into=into, by=agent)
    assert (fresh(one).case, fresh(other).case) == (case, into)


def test_of_who_is_erased_no_word_is_left_and_an_open_lead_is_returned(case, agent, lead, sam):
    ended, standing = leads.take(lead=hand(case, agent), by=sam), None
    leads.win(lead=ended, outcome="Bought", by=sam)
    standing = hand(case, agent, "Ten more")
    request = asking.ask_for_erasure(customer=case.customer, confirmed=str(case.customer_id), reason="person", by=lead)
    working.work(request.pk)
    kept = [(row.what, row.state, row.outcome) for row in (fresh(ended), fresh(standing))]
    assert kept == [("", "won", "–"), ("", "returned", "–")]


def test_words_go_with_those_of_a_case_that_is_long_closed(case, agent, sam):
    sale = leads.take(lead=hand(case, agent), by=sam)
    leads.win(lead=sale, outcome="Bought", by=sam)
    factories.resolved(case, agent)
    type(case).objects.filter(pk=case.pk).update(subject="", resolved_at=timezone.now() - 30 * DAY)
    case.entries.get().message.fall_silent()
    old = retention.closed(timezone.now() - 20 * DAY)
    retention.take_words(type(case).objects.filter(pk__in=list(old.values_list("pk", flat=True))))
    assert (fresh(sale).what, fresh(sale).outcome) == ("", "–")
    assert not retention.closed(timezone.now() - 20 * DAY).exists()


# --- in the pane


def test_the_pane_offers_to_hand_over_what_reads_as_if_they_want_to_buy(case, post, agent, as_user):
    type(post).objects.filter(pk=post.pk).update(text="Hello! Where can I buy a group ticket?")
    html = as_user(agent).get(reverse("cases:pane", args=[case.pk])).content.decode()
    assert "Reads as if they want to buy: “Where can I buy”." in html
    assert f'<option value="{post.pk}" selected>' in html


def test_it_is_handed_over_from_there_and_stands_there_with_its_outcome(case, post, agent, sam, as_user):
    client = as_user(agent)
    client.post(reverse("cases:to_sales", args=[case.pk]), {"what": "Ten seats", "message": post.pk})
    sale = case.leads.get()
    assert (sale.message, sale.what) == (post, "Ten seats")
    leads.win(lead=leads.take(lead=sale, by=sam), outcome="Ten seats from May", by=sam)
    html = client.get(reverse("cases:pane", args=[case.pk])).content.decode()
    assert "Ten seats from May" in html


def test_a_refusal_in_the_pane_keeps_what_was_typed(case, post, agent, as_user):
    url, foreign = reverse("cases:to_sales", args=[case.pk]), factories.MessageFactory()
    response = as_user(agent).post(url, {"what": "Ten seats", "message": foreign.pk}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "Choose a post of the customer in this case." in html
    assert 'value="Ten seats"' in html
    assert as_user(agent).post(url, {"what": ""}, headers={"HX-Request": "true"}).status_code == 422
    assert not case.leads.exists()


def test_what_is_too_long_for_sales_is_not_called_nothing(case, agent, as_user):
    response = as_user(agent).post(reverse("cases:to_sales", args=[case.pk]), {"what": "W" * 301})
    html = response.content.decode()
    assert response.status_code == 422
    assert "in 300 characters at most" in html
    assert "Write what they want to buy." not in html
    assert f'value="{"W" * 301}"' in html
    assert not case.leads.exists()


# --- the pages


def test_the_list_shows_what_is_open_due_first_and_the_filter_the_rest(channel, sam, as_user):
    now = timezone.now()
    for what, due, state in (("Late", 2, "new"), ("Soon", 1, "talking"), ("Over", 3, "won")):
        ended = {"ended_at": now, "outcome": "Bought"} if state == "won" else {}
        factories.LeadFactory(case__channel=channel, what=what, owner=sam, state=state, due_at=now + due * DAY, **ended)
    client = as_user(sam)

    def listed(**query):
        return [lead.what for lead in client.get(reverse("cases:leads"), query).context["page"].rows]

    assert listed() == listed(whose="mine") == ["Soon", "Late"]
    assert listed(state="won") == ["Over"]
    assert set(listed(state="any")) == {"Late", "Soon", "Over"}
    assert listed(whose="nobody") == []
    assert listed(state="nonsense", whose="nonsense") == ["Soon", "Late"]


@pytest.mark.parametrize(("role", "there"), [("agent", 1), ("lead", 2), ("sales", 1), ("executive", 0), ("support", 0)])
def test_there_is_a_way_to_the_list_for_who_may_see_it(role, there, as_user):
    """In the rail, or in the menu of who has it not there; of a lead in both, since a phone has no room in the rail."""
    html = as_user(factories.UserFactory(role=role)).get(reverse("crm:profile")).content.decode()
    assert html.count(f'href="{reverse("cases:leads")}"') == there


def test_its_pages_follow_each_other(channel, lead, as_user, monkeypatch):
    monkeypatch.setattr("cases.views.leads.PAGE", 2)
    for number in range(5):
        factories.LeadFactory(case__channel=channel, what=f"No. {number}")
    client, seen, query = as_user(lead), [], ""
    while True:
        page = client.get(f"{reverse('cases:leads')}?{query}").context["page"]
        seen += [each.what for each in page.rows]
        if not (query := page.next_query):
            break
    assert seen == [f"No. {number}" for number in range(5)]


def test_the_export_holds_what_the_list_holds(case, post, agent, sam, sue, as_user):
    sale = leads.take(lead=hand(case, agent, "=Forty seats", post), by=sam)
    factories.LeadFactory(owner=sue)
    body = b"".join(as_user(sam).get(reverse("cases:leads_export"))).decode("utf-8-sig")
    head, row = body.splitlines()
    assert head.startswith("id,state,what they want,what became of it,customer,")
    assert row.startswith(f"{sale.pk},talking,'=Forty seats,,{case.customer.name},")
    assert post.text in row


@pytest.mark.parametrize("n", [1, 20])
def test_the_list_and_the_page_of_one_ask_as_much_for_one_as_for_twenty(channel, sam, as_user, asked, n):
    client = as_user(sam)
    for _ in range(n):
        account = factories.AccountFactory()
        sale = factories.LeadFactory(case__channel=channel, account=account, owner=sam)
    assert asked(lambda: client.get(reverse("cases:leads"))) == 3
    assert asked(lambda: client.get(sale.get_absolute_url())) == 6


def test_everything_is_done_on_the_page_of_one(case, agent, sam, sue, as_user):
    sale, client = hand(case, agent), as_user(sam)
    client.post(reverse("cases:lead_take", args=[sale.pk]))
    assert fresh(sale).owner == sam
    page = client.post(reverse("cases:lead_end", args=[sale.pk]), {"how": "won", "outcome": ""})
    assert page.status_code == 422
    assert "Write what became of it" in page.content.decode()
    client.post(reverse("cases:lead_end", args=[sale.pk]), {"how": "won", "outcome": "Bought"})
    assert fresh(sale).state == "won"
    client.post(reverse("cases:lead_reopen", args=[sale.pk]))
    assert fresh(sale).state == "talking"
    away = client.post(reverse("cases:lead_give", args=[sale.pk]), {"to": sue.pk})
    assert (fresh(sale).owner, away["Location"]) == (sue, "/leads/")  # it is no longer his to see


def test_a_refusal_stands_on_the_page_and_keeps_what_was_typed(case, agent, sam, lead, as_user):
    sale = hand(case, agent)
    page = as_user(sam).post(reverse("cases:lead_end", args=[sale.pk]), {"how": "won", "outcome": "Bought"})
    html = page.content.decode()
    assert page.status_code == 422
    assert "Nobody has this lead. Take it first." in html
    assert "Bought" in html
