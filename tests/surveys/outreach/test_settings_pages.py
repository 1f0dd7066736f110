"""Team settings of calls: rules, how calls run, hashtags, callers, calling hours."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from crm.models import Activity
from surveys.models import Call, Caller, CallingHours, CallRule, Hashtag, OutreachSettings
from tests import factories

pytestmark = pytest.mark.django_db
RULE = {"name": "Germans", "countries": "de", "languages": "German", "to": "executive", "days": "3"}


@pytest.fixture
def signed_in(lead, as_user):
    return as_user(lead)


def url(name, *args):
    return reverse(f"surveys:{name}", args=args)


def shown(client, *to):
    response = client.get(url(*to))
    assert response.status_code == 200
    return response.content.decode()


def lines(html):
    """What stands on a page, without its tags and in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def queries(client, address):
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


# --- rules


class TestRules:
    def test_without_any_it_says_what_happens_and_gives_three_to_begin_with(self, signed_in, lead):
        html = shown(signed_in, "outreach_settings")
        assert "No rules yet." in html
        assert "Everybody: customer care calls within 7 days." in html
        signed_in.post(url("call_rules_begin"))
        assert CallRule.objects.count() == 3
        assert set(Activity.objects.filter(verb="made").values_list("by", flat=True)) == {lead.pk}
        assert "Promoters: an executive calls within 7 days." in shown(signed_in, "outreach_settings")

    def test_asked_twice_one_begins_once(self, signed_in):
        signed_in.post(url("call_rules_begin"))
        signed_in.post(url("call_rules_begin"))
        assert CallRule.objects.count() == 3

    def test_each_stands_in_its_order_as_a_sentence(self, signed_in):
        factories.CallRuleFactory(position=2, groups=["detractor"], to="sales")
        factories.CallRuleFactory(position=1, countries=["FR"], days=1)
        said = lines(shown(signed_in, "outreach_settings"))
        first = said.index("Everybody in FR: customer care calls within 1 day.")
        assert first < said.index("Detractors: the sales person of their account calls within 7 days.")
        assert said.index("Where none of them holds:") > first

    def test_one_that_is_never_asked_says_so(self, signed_in):
        factories.CallRuleFactory(position=1, name="All")
        factories.CallRuleFactory(position=2, groups=["detractor"], to="sales")
        assert "Never asked: “All” above holds for all of them." in shown(signed_in, "outreach_settings")

    def test_one_is_made_in_a_form(self, signed_in, lead):
        response = signed_in.post(url("call_rule_new"), RULE | {"groups": ["promoter"], "with_account": "on"})
        assert response.status_code == 302
        made = CallRule.objects.get()
        assert (made.countries, made.languages, made.groups) == (["DE"], ["de"], ["promoter"])
        assert (made.with_account, made.to, made.days, made.changed_by) == (True, "executive", 3, lead)

    def test_one_is_changed_and_keeps_its_place(self, signed_in):
        rule = factories.CallRuleFactory(position=4, tiers=["key"])
        signed_in.post(url("call_rule", rule.pk), RULE)
        rule.refresh_from_db()
        assert (rule.name, rule.position, rule.tiers, rule.to) == ("Germans", 4, [], "executive")

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"name": "Taken"}, "There is a rule called “Taken” already."),
            ({"name": ""}, "This field is required."),
            ({"countries": "UK"}, "“UK” is no country. Write two letters: GB, DE, US."),
            ({"languages": "Klingon"}, "“klingon” is no language we know."),
            ({"days": "0"}, "greater than or equal to 1"),
            ({"to": "robot"}, "robot is not one of the available choices"),
            ({"groups": ["fans"]}, "fans is not one of the available choices"),
        ],
    )
    def test_what_could_not_work_is_said_beside_the_field_and_nothing_is_lost(self, signed_in, wrong, said):
        factories.CallRuleFactory(name="Taken")
        response = signed_in.post(url("call_rule_new"), RULE | wrong)
        html = response.content.decode()
        assert response.status_code == 422
        assert said in html
        typed = response.context["form"]
        assert {name: typed[name].value() for name in RULE} == {name: (RULE | wrong)[name] for name in RULE}
        assert CallRule.objects.count() == 1

    def test_it_is_tried_without_being_saved(self, signed_in):
        factories.ResponseFactory(score=10)
        factories.ResponseFactory(score=2)
        html = signed_in.post(
            url("call_rule_new"), {"name": "New", "groups": ["promoter"], "to": "executive", "days": "7", "try": "1"}
        ).content.decode()
        assert "Of the last 2 answers it would have given 1 to: An executive" in lines(html)
        assert "Promoters: an executive calls within 7 days." in html
        assert "The others would wait in the pool." in html
        assert 'value="New"' in html
        assert not CallRule.objects.exists()

    def test_it_is_tried_before_it_has_a_name(self, signed_in):
        html = signed_in.post(url("call_rule_new"), RULE | {"name": "", "try": "1"})
        assert (html.status_code, "report" in html.context) == (200, True)

    def test_trying_a_changed_one_changes_nothing(self, signed_in):
        rule = factories.CallRuleFactory()
        signed_in.post(url("call_rule", rule.pk), RULE | {"try": "1"})
        assert CallRule.objects.get().name == rule.name

    def test_before_anybody_answered_there_is_nothing_to_try_it_on(self, signed_in):
        html = signed_in.post(url("call_rule_new"), RULE | {"try": "1"}).content.decode()
        assert "There are no answers to try it on yet." in html

    def test_they_are_moved_and_stopped_and_that_is_undone(self, signed_in):
        first, second = factories.CallRuleFactory(position=1), factories.CallRuleFactory(position=2)
        signed_in.post(url("call_rule_move", second.pk), {"to": "up"})
        assert list(CallRule.objects.all()) == [second, first]
        page = signed_in.post(url("call_rule_stop", first.pk), {"on": "0"}, follow=True).content.decode()
        undo = f"{url('call_rule_stop', first.pk)}?on=1"
        first.refresh_from_db()
        assert first.stopped_at
        assert f'action="{undo}"' in page
        signed_in.post(undo)
        first.refresh_from_db()
        assert first.stopped_at is None

    def test_a_direction_somebody_typed_is_none(self, signed_in):
        rule = factories.CallRuleFactory()
        assert signed_in.post(url("call_rule_move", rule.pk), {"to": "sideways"}).status_code == 404

    def test_by_htmx_the_list_alone_comes_back_with_what_is_undone(self, signed_in):
        rule = factories.CallRuleFactory(name="Germans")
        html = signed_in.post(url("call_rule_stop", rule.pk), {"on": "0"}, headers={"HX-Request": "true"})
        said = html.content.decode()
        assert said.lstrip().startswith('<div class="card" id="call-rules"')
        assert "“Germans” decides nothing any more." in said

    def test_a_list_of_twenty_asks_no_more_than_a_list_of_one(self, signed_in, lead):
        factories.CallRuleFactory(changed_by=lead)
        one = queries(signed_in, url("outreach_settings"))
        for person in factories.UserFactory.create_batch(19):
            factories.CallRuleFactory(changed_by=person)
        assert queries(signed_in, url("outreach_settings")) == one <= 12


class TestHowCallsRun:
    def test_days_tries_and_the_head_are_set(self, signed_in, lead):
        given = {"join_days": "60", "answer_days": "10", "second_days": "7", "most_tries": "3", "escalate_to": lead.pk}
        assert signed_in.post(url("outreach_settings"), given).status_code == 302
        kept = OutreachSettings.current()
        assert (kept.join_days, kept.answer_days, kept.second_days, kept.most_tries) == (60, 10, 7, 3)
        assert kept.escalate_to == lead
        assert Activity.objects.about(kept).get().by == lead

    @pytest.mark.parametrize("wrong", [{"most_tries": "0"}, {"answer_days": "0"}, {"second_days": ""}])
    def test_what_could_not_work_is_refused_beside_its_field(self, signed_in, wrong):
        given = {"join_days": "60", "answer_days": "10", "second_days": "7", "most_tries": "3"}
        response = signed_in.post(url("outreach_settings"), given | wrong)
        assert (response.status_code, OutreachSettings.objects.count()) == (422, 0)
        assert list(response.context["form"].errors) == list(wrong)

    def test_the_head_is_somebody_who_works_here_and_calls(self, signed_in):
        gone, other = factories.UserFactory(is_active=False), factories.UserFactory(role="support")
        given = {"join_days": "60", "answer_days": "10", "second_days": "7", "most_tries": "3"}
        for person in (gone, other):
            response = signed_in.post(url("outreach_settings"), given | {"escalate_to": person.pk})
            assert "escalate_to" in response.context["form"].errors


# --- hashtags


class TestHashtags:
    def test_one_is_given_to_a_group_and_taken_back(self, signed_in):
        group = factories.SupportGroupFactory(name="Billing")
        page = signed_in.post(
            url("hashtag_new"), {"tag": "#Refunds", "group": group.pk, "about": "Money back"}, follow=True
        ).content.decode()
        tag = Hashtag.objects.get()
        assert (tag.tag, tag.group, tag.about) == ("refunds", group, "Money back")
        undo = f"{url('hashtag_retire', tag.pk)}?on=0"
        assert f'action="{undo}"' in page
        signed_in.post(undo)
        tag.refresh_from_db()
        assert tag.retired_at
        signed_in.post(url("hashtag_retire", tag.pk), {"on": "1"})
        tag.refresh_from_db()
        assert tag.retired_at is None

    @pytest.mark.parametrize(
        ("tag", "said"),
        [
            ("#1", "A hashtag has 2 to 40 letters"),
            ("two words", "A hashtag has 2 to 40 letters"),
            ("billing", "#billing belongs to Money. It has to be retired there before another group can have it."),
            ("", "This field is required."),
        ],
    )
    def test_what_is_no_hashtag_or_another_groups_is_refused_beside_it(self, signed_in, tag, said):
        factories.HashtagFactory(tag="billing", group__name="Money")
        group = factories.SupportGroupFactory()
        response = signed_in.post(url("hashtag_new"), {"tag": tag, "group": group.pk})
        assert response.status_code == 422
        assert said in lines(response.content.decode())
        assert Hashtag.objects.count() == 1

    def test_a_retired_one_is_given_to_another_group(self, signed_in):
        tag, group = factories.HashtagFactory(retired_at=timezone.now()), factories.SupportGroupFactory()
        signed_in.post(url("hashtag_new"), {"tag": tag.tag, "group": group.pk})
        tag.refresh_from_db()
        assert (tag.group, tag.retired_at) == (group, None)

    def test_one_that_another_group_took_meanwhile_does_not_come_back(self, signed_in):
        tag = factories.HashtagFactory(retired_at=timezone.now())
        Hashtag.objects.filter(pk=tag.pk).update(retired_at=None, group=factories.SupportGroupFactory(name="New"))
        page = signed_in.post(url("hashtag_retire", tag.pk), {"on": "1"}, follow=True).content.decode()
        tag.refresh_from_db()
        assert tag.group.name == "New"
        assert "asks New again" in page

    def test_they_show_what_they_have_asked_and_what_waits(self, signed_in):
        tag = factories.HashtagFactory(tag="billing")
        answer = factories.GroupAnswerFactory(group=tag.group)
        factories.GroupRequestFactory(hashtag=tag)
        factories.GroupRequestFactory(hashtag=tag, answer=answer)
        factories.GroupRequestFactory(hashtag=tag, withdrawn_at=timezone.now())
        (row,) = signed_in.get(url("hashtags")).context["page"].rows
        assert (row.asked, row.waiting) == (3, 1)

    def test_they_are_shown_of_one_group_and_retired_ones_where_asked_for(self, signed_in):
        one, _other = factories.HashtagFactory(tag="one"), factories.HashtagFactory(tag="other")
        factories.HashtagFactory(tag="old", group=one.group, retired_at=timezone.now())

        def found(**asked):
            return [str(tag) for tag in signed_in.get(url("hashtags"), asked).context["page"].rows]

        assert found() == ["#one", "#other"]
        assert found(group=one.group_id) == ["#one"]
        assert found(group=one.group_id, show="all") == ["#old", "#one"]
        assert found(show="retired") == ["#old"]

    def test_on_the_page_of_a_group_they_stand_as_a_part(self, signed_in):
        tag = factories.HashtagFactory()
        html = signed_in.get(reverse("crm:support_group", args=[tag.group_id])).content.decode()
        address = f"{url('hashtags')}?group={tag.group_id}"
        assert f'hx-get="{address}"' in html
        part = signed_in.get(address, headers={"HX-Request": "true"}).content.decode()
        assert part.strip().startswith('<div class="hashtags card">')
        assert str(tag) in part

    def test_who_retires_one_stays_where_they_were(self, signed_in):
        tag = factories.HashtagFactory()
        there = f"{url('hashtags')}?group={tag.group_id}"
        response = signed_in.post(url("hashtag_retire", tag.pk), headers={"Referer": f"http://testserver{there}"})
        assert response["Location"].endswith(there)

    def test_a_list_of_twenty_asks_no_more_than_a_list_of_one(self, signed_in):
        factories.HashtagFactory()
        one = queries(signed_in, url("hashtags"))
        for tag in factories.HashtagFactory.create_batch(19):
            factories.GroupRequestFactory(hashtag=tag)
        assert queries(signed_in, url("hashtags")) == one <= 12

    def test_it_goes_on_where_a_page_ends(self, signed_in, monkeypatch):
        monkeypatch.setattr("surveys.views.outreach.hashtags.PAGE", 2)
        for name in ("one", "three", "two"):
            factories.HashtagFactory(tag=name)
        page = signed_in.get(url("hashtags")).context["page"]
        after = signed_in.get(f"{url('hashtags')}?{page.next_query}").context["page"]
        assert [tag.tag for tag in [*page.rows, *after.rows]] == ["one", "three", "two"]

    @pytest.mark.parametrize("role", ["support", "agent", "sales", "executive"])
    def test_who_answers_for_a_group_changes_its_own_and_sees_no_others(self, as_user, role):
        owner = factories.UserFactory(role=role)
        mine = factories.HashtagFactory(tag="mine", group__owner=owner)
        other = factories.HashtagFactory(tag="others")
        client = as_user(owner)
        html = shown(client, "hashtags")
        assert "#mine" in html
        assert "#others" not in html
        assert escape(other.group.name) not in html
        assert client.post(url("hashtag_retire", mine.pk)).status_code == 302
        assert client.post(url("hashtag_retire", other.pk)).status_code == 404
        wrong = client.post(url("hashtag_new"), {"tag": "new", "group": other.group_id})
        assert (wrong.status_code, Hashtag.objects.filter(tag="new").exists()) == (422, False)
        assert client.post(url("hashtag_new"), {"tag": "new", "group": mine.group_id}).status_code == 302

    def test_a_member_who_does_not_answer_for_the_group_finds_nothing_here(self, as_user):
        member = factories.UserFactory(role="support")
        tag = factories.HashtagFactory(group__members=[member])
        client = as_user(member)
        assert client.get(url("hashtags")).status_code == 404
        assert client.post(url("hashtag_new"), {"tag": "new", "group": tag.group_id}).status_code == 404
        assert client.post(url("hashtag_retire", tag.pk)).status_code == 404
        tag.refresh_from_db()
        assert tag.retired_at is None


# --- callers


def test_who_answers_for_a_group_finds_its_hashtags_beside_what_it_is_asked(as_user):
    owner = factories.UserFactory(role="support")
    factories.SupportGroupFactory(owner=owner)
    assert url("hashtags") in shown(as_user(owner), "requests")
    assert url("hashtags") not in shown(as_user(factories.UserFactory(role="support")), "requests")


class TestCallers:
    def test_they_show_what_they_take_and_have(self, signed_in):
        ann = factories.UserFactory(first_name="Ann", role="executive", languages=["de"])
        factories.CallerFactory(user=ann, per_week=8, countries=["DE", "FR"])
        factories.CallFactory(owner=ann, to="executive")
        factories.AbsenceFactory(user=ann, starts_at=timezone.now(), began_at=timezone.now())
        said = lines(signed_in.get(url("callers"), {"to": "executive"}).content.decode())
        assert "Ann" in said
        assert "1 of 8" in said
        assert "DE, FR" in said
        assert "German" in said
        assert "away" in said

    def test_the_pool_of_each_kind_is_counted(self, signed_in):
        factories.CallFactory(owner=None, to="sales")
        said = lines(shown(signed_in, "callers"))
        assert "The sales person of their account 0 people · 0 names a week 1 call waits in the pool" in said

    def test_only_who_calls_is_shown(self, signed_in):
        factories.UserFactory(first_name="Gone", role="executive", is_active=False)
        factories.UserFactory(first_name="Support", role="support")
        rows = signed_in.get(url("callers")).context["page"].rows
        assert {person.role for person in rows} <= {"agent", "executive", "sales"}
        assert "Gone" not in {person.first_name for person in rows}

    def test_what_somebody_takes_on_is_set(self, signed_in, lead):
        ann = factories.UserFactory(role="executive")
        assert 'value="10"' in shown(signed_in, "caller", ann.pk)
        signed_in.post(url("caller", ann.pk), {"per_week": "4", "countries": "de, at"})
        kept = Caller.objects.get(user=ann)
        assert (kept.per_week, kept.countries) == (4, ["AT", "DE"])
        assert Activity.objects.about(kept).get().by == lead
        signed_in.post(url("caller", ann.pk), {"per_week": "0", "countries": ""})
        kept.refresh_from_db()
        assert (kept.per_week, kept.countries) == (0, [])

    def test_what_they_asked_for_beyond_it_stays(self, signed_in):
        until = timezone.now() + timezone.timedelta(days=2)
        kept = factories.CallerFactory(user__role="executive", more=5, more_until=until)
        assert "5 more than usual" in lines(shown(signed_in, "callers"))
        signed_in.post(url("caller", kept.user_id), {"per_week": "3"})
        kept.refresh_from_db()
        assert (kept.per_week, kept.more, kept.more_until) == (3, 5, until)

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"per_week": "-1"}, "per_week"), ({"per_week": "201"}, "per_week"), ({"countries": "XX"}, "countries")],
    )
    def test_what_could_not_work_is_refused_beside_its_field(self, signed_in, wrong, field):
        ann = factories.UserFactory(role="executive")
        response = signed_in.post(url("caller", ann.pk), {"per_week": "3"} | wrong)
        assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
        assert not Caller.objects.exists()

    @pytest.mark.parametrize("facts", [{"role": "support"}, {"role": "executive", "is_active": False}])
    def test_who_does_not_call_takes_on_nothing(self, signed_in, facts):
        assert signed_in.get(url("caller", factories.UserFactory(**facts).pk)).status_code == 404

    def test_a_list_of_twenty_asks_no_more_than_a_list_of_one(self, signed_in):
        factories.CallFactory(owner=factories.CallerFactory(user__role="executive").user, to="executive")
        one = queries(signed_in, url("callers"))
        for kept in factories.CallerFactory.create_batch(19, user__role="executive"):
            factories.CallFactory(owner=kept.user, to="executive")
        assert queries(signed_in, url("callers")) == one <= 16


# --- calling hours


class TestCallingHours:
    def test_without_any_it_says_what_holds(self, signed_in):
        assert "Customers are called from nine to six on weekdays" in shown(signed_in, "calling_hours")
        factories.CallingHoursFactory(country="DE")
        assert "Everywhere else nine to six on weekdays" in lines(shown(signed_in, "calling_hours"))
        factories.CallingHoursFactory(country="")
        assert "nine to six" not in shown(signed_in, "calling_hours")

    def test_they_are_set_for_a_country_and_for_everywhere_else(self, signed_in, lead):
        early, late = factories.CalendarFactory(name="Early"), factories.CalendarFactory(name="Late")
        signed_in.post(url("calling_hours"), {"country": "de", "calendar": early.pk})
        signed_in.post(url("calling_hours"), {"country": "", "calendar": late.pk})
        assert {kept.country: kept.calendar for kept in CallingHours.objects.all()} == {"DE": early, "": late}
        said = lines(shown(signed_in, "calling_hours"))
        assert said.index("DE Early") < said.index("Everywhere else Late")
        assert Activity.objects.about(CallingHours.objects.get(country="DE")).get().by == lead

    def test_set_again_they_replace_what_was_set(self, signed_in):
        kept, other = factories.CallingHoursFactory(country="DE"), factories.CalendarFactory()
        signed_in.post(url("calling_hours"), {"country": "DE", "calendar": other.pk})
        kept.refresh_from_db()
        assert kept.calendar == other

    @pytest.mark.parametrize(("country", "field"), [("XX", "country"), ("D", "country")])
    def test_a_country_there_is_not_is_refused_beside_it(self, signed_in, country, field):
        response = signed_in.post(
            url("calling_hours"), {"country": country, "calendar": factories.CalendarFactory().pk}
        )
        assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
        assert not CallingHours.objects.exists()

    def test_hours_that_never_come_are_refused(self, signed_in):
        empty = factories.CalendarFactory(name="Empty", week=())
        response = signed_in.post(url("calling_hours"), {"country": "DE", "calendar": empty.pk})
        assert "“Empty” has no hours to come, so nobody could be called." in response.content.decode()
        assert not CallingHours.objects.exists()

    @pytest.mark.parametrize("country", ["DE", ""])
    def test_they_are_taken_back_and_that_is_undone(self, signed_in, country):
        kept = factories.CallingHoursFactory(country=country)
        page = signed_in.post(url("calling_hours_drop", kept.pk), follow=True).content.decode()
        assert not CallingHours.objects.exists()
        undo = f"{url('calling_hours')}?country={country}&calendar={kept.calendar_id}"
        assert f'action="{escape(undo)}"' in page
        signed_in.post(undo)
        back = CallingHours.objects.get()
        assert (back.country, back.calendar) == (country, kept.calendar)

    def test_a_list_of_twenty_asks_no_more_than_a_list_of_one(self, signed_in):
        codes = ["", "DE", "FR", "ES", "IT", "PT", "NL", "BE", "AT", "CH", "DK", "SE", "NO", "FI", "PL", "CZ", "SK"]
        factories.CallingHoursFactory(country="GB")
        one = queries(signed_in, url("calling_hours"))
        for code in codes:
            factories.CallingHoursFactory(country=code)
        assert queries(signed_in, url("calling_hours")) == one <= 12


# --- who answers for a group


def test_who_answers_for_a_group_is_set_on_its_page(signed_in):
    group, owner = factories.SupportGroupFactory(), factories.UserFactory(first_name="Ola", role="sales")
    address = reverse("crm:support_group", args=[group.pk])
    given = {"name": group.name, "answer_minutes": "480", "owner": owner.pk}
    assert signed_in.post(address, given).status_code == 302
    group.refresh_from_db()
    assert group.owner == owner
    assert "Ola" in signed_in.get(reverse("crm:support_groups")).content.decode()


def test_calls_of_who_had_them_stay_when_a_rule_is_changed(signed_in):
    rule = factories.CallRuleFactory()
    call = factories.CallFactory(rule=rule)
    signed_in.post(url("call_rule", rule.pk), RULE)
    assert Call.objects.get().owner == call.owner
