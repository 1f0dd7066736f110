"""Who speaks on a channel and how: versions that never change, accepted before anything leaves."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases import replies
from cases.models import Draft
from channels_app import outbox, policies
from channels_app.models import Message, Policy, PolicyAcceptance
from crm.models import Activity, Notice
from tests import factories

pytestmark = pytest.mark.django_db
WORDS = {"who": "Agents.", "how": "Plainly.", "never": "No data."}


@pytest.fixture
def policy(channel, lead):
    return policies.publish(channel=channel, by=lead, **WORDS)


# --- versions


def test_each_publishing_makes_the_next_version_and_the_newest_is_in_force(channel, lead):
    assert policies.in_force(channel) is None
    first = policies.publish(channel=channel, by=lead, **WORDS)
    second = policies.publish(channel=channel, by=lead, **(WORDS | {"how": "Kindly."}))
    assert (first.version, second.version) == (1, 2)
    assert policies.in_force(channel) == second


def test_channels_count_their_versions_each_for_itself(policy, lead):
    assert policies.publish(channel=factories.ChannelFactory(), by=lead, **WORDS).version == 1


def test_the_database_itself_keeps_a_published_version_as_it_is(policy):
    policy.how = "Otherwise."
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        policy.save()
    with pytest.raises(ProgrammingError), transaction.atomic():
        Policy.objects.update(version=7)
    policy.refresh_from_db()
    assert (policy.how, policy.version) == ("Plainly.", 1)


def test_the_same_words_again_are_no_new_version(policy, channel, lead):
    with pytest.raises(policies.NothingChanged, match="same as version 1"):
        policies.publish(channel=channel, by=lead, **WORDS)


def test_who_began_with_an_older_version_is_told_that_there_is_a_newer(policy, channel, lead):
    with pytest.raises(policies.PolicyChangedMeanwhile, match="Lea Brandt has published version 1 meanwhile"):
        policies.publish(channel=channel, by=factories.UserFactory(role="lead"), seen=0, **(WORDS | {"how": "X"}))


def test_the_channels_team_is_told_that_there_is_something_to_read(channel, lead, agent, colleague, stranger):
    policies.publish(channel=channel, by=lead, **WORDS)
    told = Notice.objects.filter(text__contains="new policy (version 1)")
    assert {notice.user for notice in told} == {agent, colleague}


# --- accepting


def test_accepting_twice_is_once_and_stands_in_the_log(policy, agent):
    assert not policies.accepted(agent, policy)
    assert policies.accept(policy=policy, by=agent) == policies.accept(policy=policy, by=agent)
    assert policies.accepted(agent, policy)
    assert list(Activity.objects.about(policy).filter(verb="accepted").values_list("by", flat=True)) == [agent.pk]


def test_a_version_that_was_replaced_cannot_be_accepted(policy, channel, lead, agent):
    policies.publish(channel=channel, by=lead, **(WORDS | {"how": "Kindly."}))
    with pytest.raises(policies.NotInForceAnyMore, match="version 2 is"):
        policies.accept(policy=policy, by=agent)


# --- nothing leaves before


def test_a_reply_is_refused_until_its_author_has_accepted_the_version_in_force(policy, channel, case, agent, lead):
    with pytest.raises(policies.PolicyNotAccepted, match=r"Ana Ruiz has not accepted the policy of @skylark on Chirp"):
        replies.reply(case=case, text="Noon.", by=agent)
    policies.accept(policy=policy, by=agent)
    assert replies.reply(case=case, text="Noon.", by=agent)
    policies.publish(channel=channel, by=lead, **(WORDS | {"how": "Kindly."}))
    with pytest.raises(policies.PolicyNotAccepted, match="version 2"):
        replies.reply(case=case, text="At noon.", by=agent)


def test_so_is_what_is_written_straight_into_the_outbox(policy, case, agent):
    question = case.entries.get().message
    with pytest.raises(policies.PolicyNotAccepted):
        outbox.write(answer_to=question, text="Noon.", by=agent)
    with pytest.raises(policies.PolicyNotAccepted):
        outbox.write(answer_to=question, text="For you alone", by=agent, private=True)
    assert not Message.objects.filter(direction="out").exists()


def test_who_approves_has_accepted_it_as_well_as_who_wrote_it(policy, case, agent, colleague):
    question = case.entries.get().message
    policies.accept(policy=policy, by=agent)
    with pytest.raises(policies.PolicyNotAccepted, match="Ben Okafor"):
        outbox.write(answer_to=question, text="Noon.", by=agent, approved_by=colleague)


def test_what_is_written_down_by_hand_needs_no_policy(team, agent, lead):
    phone = factories.ChannelFactory(platform="by_hand", place="phone", team=team)
    policies.publish(channel=phone, by=lead, **WORDS)
    assert replies.reply(case=factories.CaseFactory(channel=phone), text="Told her.", by=agent)


# --- at the composer


def test_the_composer_shows_what_is_to_be_accepted_and_after_one_press_only_a_fold(policy, case, agent, as_user):
    client, url = as_user(agent), reverse("cases:pane", args=[case.pk])
    accept = reverse("cases:accept_policy", args=[case.pk])
    before = client.get(url).content.decode()
    assert "I have read it and will keep to it" in before
    assert "No data." in before
    after = client.post(accept, {"policy": policy.pk}, headers={"HX-Request": "true"})
    assert after.status_code == 200
    html = after.content.decode()
    assert 'id="case-pane"' in html
    assert "I have read it" not in html
    assert "How we speak here (version 1)" in html
    assert policies.accepted(agent, policy)


def test_what_was_typed_comes_back_with_the_pane(policy, case, agent, as_user):
    typed = {"policy": policy.pk, "text": "It comes at noon.", "seen": "1"}
    for headers in ({"HX-Request": "true"}, {}):
        accept = reverse("cases:accept_policy", args=[case.pk])
        html = as_user(agent).post(accept, typed, headers=headers, follow=True).content.decode()
        assert "It comes at noon.</textarea>" in html
        PolicyAcceptance.objects.all().delete()
    assert Draft.objects.get(user=agent).text == "It comes at noon."


def test_sending_before_shows_the_sentence_and_keeps_the_words(policy, case, agent, as_user):
    answer = as_user(agent).post(reverse("cases:reply", args=[case.pk]), {"text": "Noon."})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "has not accepted the policy of @skylark on Chirp yet" in html
    assert "Noon.</textarea>" in html


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 40, "-1"])
def test_a_policy_that_is_none_is_not_found(policy, case, agent, as_user, number):
    assert as_user(agent).post(reverse("cases:accept_policy", args=[case.pk]), {"policy": number}).status_code == 404


# --- its page


def page(channel):
    return reverse("channels_app:policy", args=[channel.pk])


def test_a_lead_publishes_from_a_form_that_begins_with_the_current_version(policy, channel, lead, as_user):
    client = as_user(lead)
    assert client.get(page(channel)).context["form"]["how"].value() == "Plainly."
    sent = {**WORDS, "never": "No names.", "seen": 1}
    assert client.post(reverse("channels_app:policy_publish", args=[channel.pk]), sent).status_code == 302
    assert policies.in_force(channel).never == "No names."


def test_what_was_typed_stays_where_it_is_refused(policy, channel, lead, as_user):
    url = reverse("channels_app:policy_publish", args=[channel.pk])
    answer = as_user(lead).post(url, {**WORDS, "how": "My way.", "seen": 0})
    assert answer.status_code == 422
    assert "has published version 1 meanwhile" in answer.content.decode()
    assert answer.context["form"]["how"].value() == "My way."
    assert as_user(lead).post(url, {**WORDS, "how": " ", "seen": 1}).status_code == 422
    assert Policy.objects.count() == 1


def test_the_history_says_who_when_and_how_many_have_accepted(policy, channel, lead, agent, colleague, as_user):
    for person in (agent, colleague):
        policies.accept(policy=policy, by=person)
    policies.publish(channel=channel, by=lead, **(WORDS | {"how": "Kindly."}))
    versions = as_user(lead).get(page(channel)).context["versions"]
    assert [(v.version, v.made_by, v.accepted_by) for v in versions] == [(2, lead, 0), (1, lead, 2)]


def test_an_agent_reads_and_accepts_it_there_but_has_no_form(policy, channel, agent, as_user):
    client = as_user(agent)
    html = client.get(page(channel)).content.decode()
    assert "A new version" not in html
    client.post(reverse("channels_app:policy_accept", args=[policy.pk]))
    assert policies.accepted(agent, policy)
    assert "You have accepted it." in client.get(page(channel)).content.decode()


def test_the_page_costs_the_same_with_one_version_and_with_twenty(channel, agent, as_user):
    client, costs = as_user(agent), []
    for versions in (range(1, 2), range(2, 21)):
        for version in versions:
            factories.PolicyFactory(channel=channel, version=version)
        with CaptureQueriesContext(connection) as queries:
            assert len(client.get(page(channel)).context["versions"]) == versions[-1]
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 8


def test_text_is_laid_out_and_escaped(channel, lead, as_user):
    never = "Never:\n- <script>x</script>\n- share data\n\nSee https://example.com"
    policies.publish(channel=channel, by=lead, **(WORDS | {"never": never}))
    html = as_user(lead).get(page(channel)).content.decode()
    assert (
        '<ul class="bullets"><li dir="auto">&lt;script&gt;x&lt;/script&gt;</li><li dir="auto">share data</li>' in html
    )
    assert '<a href="https://example.com"' in html
