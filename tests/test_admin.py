"""The admin: every page opens for administrators and for nobody else, loses nothing, and asks the database little."""

import itertools
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, Cause, DeskSettings, Rule
from channels_app import inbox, mending, outbox
from channels_app.models import (
    Channel,
    DeadLetter,
    Delivery,
    FileLoad,
    Message,
    MessageVersion,
    PolicyAcceptance,
    RawEvent,
)
from crm import administration
from crm.models import (
    Activity,
    ApiToken,
    Customer,
    Identity,
    RetentionRule,
    RetentionRun,
    SavedView,
    Team,
    User,
    Webhook,
    WebhookEvent,
)
from crm.models.activity import log
from crm.models.staff import Role
from surveys.models import Caller, CallingHours, CallRule, CallText, Hashtag, OutreachSettings, SurveySettings
from surveys.outreach.hours import countries
from tests import factories

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OTHER_ROLES = [role for role in Role.values if role != Role.ADMIN]
GOOD = b'{"id": "77", "author": "ann", "text": "My bag is gone", "at": "2026-11-20T10:00:00Z"}'
BAD = b'{"id": "77", "author": "ann", "text": "My <b>bag</b> is gone", "at": "soon"}'


def a_dead_letter(channel=None, body=BAD, reason="“soon” is not a time."):
    channel = channel or factories.ChannelFactory(platform="archive", place="twitter")
    row = factories.RawEventFactory(channel=channel, body=body, state="rejected", reason=reason, origin="a.csv, row 7")
    return DeadLetter.objects.get(pk=row.pk)


def a_resolved_case():
    cause = factories.CauseFactory(parent=factories.CauseFactory())
    return factories.resolved(factories.CaseFactory(), factories.UserFactory(), cause)


def a_message():
    message = factories.MessageFactory()
    MessageVersion.objects.create(message=message, text="My train is late")
    return message


def a_rule():
    rule = factories.RuleFactory(team=factories.TeamFactory(), sentiments=["negative"], words=["refund*"])
    rule.channels.add(factories.ChannelFactory())
    return rule


def a_question():
    """Of a detractor alone."""
    version = factories.VersionFactory()
    why = factories.QuestionFactory(version=version, kind="text", position=2)
    factories.ConditionFactory(question=why, about=factories.QuestionFactory(version=version, position=1))
    return why


COUNTRIES = itertools.cycle(sorted(countries()))
KEYS = itertools.cycle(CallText.Key)
MAKERS = {
    "cases.Case": a_resolved_case,
    "cases.Approval": lambda: factories.ApprovalFactory(decided_by=factories.UserFactory()),
    "cases.CaseLink": lambda: factories.CaseLinkFactory(),
    "cases.Deed": lambda: factories.DeedFactory(),
    "crm.Notice": lambda: factories.NoticeFactory(by=factories.UserFactory()),
    "crm.NoticeChoice": lambda: factories.NoticeChoiceFactory(),
    "cases.Cause": lambda: factories.CauseFactory(parent=factories.CauseFactory()),
    "cases.CauseSign": lambda: factories.CauseSignFactory(cause__parent=factories.CauseFactory()),
    "cases.CauseSuggestion": lambda: factories.CauseSuggestionFactory(),
    "cases.Rule": a_rule,
    "cases.RuleRun": lambda: factories.RuleRunFactory(),
    "cases.ChecklistItem": lambda: factories.ChecklistItemFactory(),
    "cases.CheckedItem": lambda: factories.CheckedItemFactory(),
    "cases.CaseThread": lambda: factories.CaseThreadFactory(),
    "cases.NoteFile": lambda: factories.NoteFileFactory(),
    "channels_app.Attachment": lambda: factories.AttachmentFactory(),
    "channels_app.Measure": lambda: factories.MeasureFactory(),
    "cases.HandOver": lambda: factories.HandOverFactory(),
    "cases.Commitment": lambda: factories.CommitmentFactory(),
    "cases.GroupQuestion": lambda: factories.GroupQuestionFactory(),
    "crm.SupportGroup": lambda: factories.SupportGroupFactory(members=[factories.UserFactory(role="support")]),
    "cases.DeskSettings": lambda: DeskSettings.objects.get_or_create(pk=1)[0],
    "cases.Opening": lambda: factories.OpeningFactory(),
    "cases.Flood": lambda: factories.FloodMemberFactory().flood,
    "cases.FloodMember": lambda: factories.FloodMemberFactory(),
    "cases.FloodAnswer": lambda: factories.FloodAnswerFactory(),
    "cases.FloodReply": lambda: factories.FloodReplyFactory(),
    "cases.Draft": lambda: factories.DraftFactory(),
    "cases.Override": lambda: factories.OverrideFactory(),
    "cases.Template": lambda: factories.TemplateFactory(team=factories.TeamFactory()),
    "cases.Wording": lambda: factories.WordingFactory(),
    "cases.Offer": lambda: factories.OfferFactory(),
    "cases.Lead": factories.LeadFactory,
    "cases.Lent": lambda: factories.LentFactory(),
    "crm.Skill": lambda: factories.SkillFactory(),
    "crm.Absence": lambda: factories.AbsenceFactory(cover=factories.UserFactory()),
    "crm.SavedView": lambda: factories.SavedViewFactory(query="state=needs_us&priority=1"),
    "channels_app.Search": factories.SearchFactory,
    "channels_app.Look": factories.LookFactory,
    "channels_app.Reaction": factories.ReactionFactory,
    "channels_app.Receipt": factories.ReceiptFactory,
    "channels_app.Correction": factories.CorrectionFactory,
    "channels_app.LexiconWord": factories.LexiconWordFactory,
    "channels_app.FittedModel": factories.FittedModelFactory,
    "channels_app.Training": lambda: factories.TrainingFactory(
        step="done", finished_at=timezone.now(), model=factories.FittedModelFactory()
    ),
    "channels_app.Rereading": lambda: factories.RereadingFactory(finished_at=timezone.now()),
    "channels_app.App": lambda: factories.AppFactory(secrets={"app_secret": "s-e-a-l-e-d"}),
    "channels_app.Credential": lambda: factories.CredentialFactory(secrets={"access_token": "s-e-a-l-e-d"}),
    "channels_app.Attempt": lambda: factories.AttemptFactory(),
    "channels_app.Module": lambda: factories.ModuleFactory(),
    "channels_app.Policy": lambda: (
        PolicyAcceptance.objects.create(policy=factories.PolicyFactory(), user=factories.UserFactory()).policy
    ),
    "channels_app.Channel": lambda: a_dead_letter().channel,
    "channels_app.DeadLetter": a_dead_letter,
    "channels_app.Delivery": lambda: factories.DeliveryFactory(),
    "channels_app.FileLoad": lambda: FileLoad.objects.create(
        channel=factories.ChannelFactory(), fingerprint="f", name="a.csv", finished_at=timezone.now()
    ),
    "channels_app.Message": a_message,
    "channels_app.RawEvent": lambda: factories.RawEventFactory(),
    "cases.Clock": lambda: factories.ClockFactory(),
    "channels_app.ChannelPromise": lambda: factories.published_promise(),
    "crm.Calendar": lambda: factories.HolidayFactory().calendar,
    "crm.Account": lambda: factories.StakeholderFactory(account__owner=factories.UserFactory()).account,
    "crm.Activity": lambda: log("made", factories.TeamFactory(), by=factories.UserFactory()),
    "crm.ApiToken": lambda: factories.ApiTokenFactory(),
    "crm.Webhook": lambda: factories.WebhookFactory(),
    "crm.WebhookEvent": lambda: factories.WebhookEventFactory(),
    "crm.Consent": lambda: factories.ConsentFactory(),
    "crm.ConsentChange": lambda: factories.ConsentChangeFactory(),
    "crm.IdentityRequest": lambda: factories.IdentityRequestFactory(),
    "crm.Import": lambda: factories.ImportFactory(),
    "crm.RefusedRow": lambda: factories.RefusedRowFactory(),
    "crm.Customer": lambda: factories.IdentityLinkFactory().customer,
    "crm.Identity": lambda: factories.IdentityLinkFactory().identity,
    "crm.Order": lambda: factories.OrderFactory(account=factories.AccountFactory(), promised_on="2026-01-01"),
    "crm.Persona": lambda: factories.StakeholderFactory(persona=factories.PersonaFactory()).persona,
    "crm.PrivacyRequest": lambda: factories.PrivacyRequestFactory(kind="erasure", receipt={"erased": {"messages": 3}}),
    "crm.RetentionRule": lambda: RetentionRule.objects.create(kind=f"kind-{RetentionRule.objects.count()}", days=9),
    "crm.RetentionRun": lambda: RetentionRun.objects.create(dry=True, removed={"payloads": {"days": 90, "count": 1}}),
    "crm.Product": lambda: factories.ProductFactory(account=factories.AccountFactory(), order=factories.OrderFactory()),
    "crm.Stakeholder": lambda: factories.StakeholderFactory(persona=factories.PersonaFactory()),
    "crm.Team": lambda: factories.UserFactory(teams=[factories.TeamFactory()]).teams.get(),
    "crm.User": lambda: factories.UserFactory(teams=[factories.TeamFactory(), factories.TeamFactory()]),
    "surveys.Survey": lambda: factories.sent_version(survey__made_by=factories.UserFactory()).survey,
    "surveys.Version": lambda: factories.sent_version(made_by=factories.UserFactory()),
    "surveys.Question": lambda: a_question(),
    "surveys.SurveySettings": lambda: SurveySettings.objects.get_or_create(pk=1)[0],
    "surveys.Wave": lambda: factories.WaveFactory(made_by=factories.UserFactory()),
    "surveys.Invitation": lambda: factories.InvitationFactory(),
    "surveys.Response": lambda: factories.FlagFactory(response=factories.AnswerFactory().response).response,
    "surveys.Answer": lambda: factories.ThemeFactory(decided_by=None).answer,
    "surveys.ActionPlan": lambda: factories.PlanAnswerFactory().plan,
    "surveys.Loop": lambda: factories.CallFactory().loop,
    "surveys.Call": lambda: factories.CallAttemptFactory(call=factories.FollowUpFactory().call).call,
    "surveys.FollowUp": lambda: factories.FollowUpFactory(),
    "surveys.Attempt": lambda: factories.HeardFactory(attempt=factories.GroupRequestFactory().attempt).attempt,
    "surveys.Heard": lambda: factories.HeardFactory(),
    "surveys.GroupRequest": lambda: factories.GroupRequestFactory(answer=factories.GroupAnswerFactory()),
    "surveys.GroupAnswer": lambda: factories.GroupRequestFactory(answer=factories.GroupAnswerFactory()).answer,
    "surveys.CallRule": lambda: factories.CallRuleFactory(groups=["promoter"], countries=["DE"], languages=["de"]),
    "surveys.Caller": lambda: factories.CallerFactory(countries=["DE"]),
    "surveys.CallingHours": lambda: factories.CallingHoursFactory(country=next(COUNTRIES)),
    "surveys.CallText": lambda: factories.CallTextFactory(key=next(KEYS)),
    "surveys.Hashtag": lambda: factories.GroupRequestFactory().hashtag,
    "surveys.OutreachSettings": lambda: OutreachSettings.objects.get_or_create(pk=1)[0],
    "surveys.Recognition": lambda: factories.RecognitionFactory(customer=factories.CustomerFactory()),
    "surveys.Advocate": lambda: factories.AdvocateReasonFactory().advocate,
    "surveys.AdvocateReason": lambda: factories.AdvocateReasonFactory(),
    "surveys.AdvocateLetter": lambda: factories.AdvocateLetterFactory(),
    "surveys.Told": lambda: factories.ToldFactory(how="not", reason="They do not want this."),
}
ONE_ROW = (DeskSettings, OutreachSettings, SurveySettings)
every_model = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def chief(db):
    return factories.UserFactory(username="ada", first_name="Ada", role="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(client, chief):
    """A client on which the administrator is signed in."""
    client.force_login(chief)
    return client


@pytest.fixture
def at_once(django_capture_on_commit_callbacks):
    """Whatever was to happen on commit happens when the block ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


class InlineCode(HTMLParser):
    """Collects what a browser would stop under `script-src 'self'; style-src 'self'`."""

    def __init__(self, html):
        super().__init__()
        self.stopped: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.stopped.append(self.get_starttag_text())
        if [name for name in names if name == "style" or name.startswith("on")]:
            self.stopped.append(self.get_starttag_text())


def opens(client, url):
    response = client.get(url)
    assert response.status_code == 200, url
    html = response.content.decode()
    assert InlineCode(html).stopped == [], url
    return html


def found(client, model, **query):
    """The rows of a list."""
    return list(client.get(page(model, "changelist"), query).context["cl"].result_list)


def act(client, model, action, *rows):
    """Run an action of a list on rows; the page that follows."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0}
    return client.post(page(model, "changelist"), data, follow=True).content.decode()


def save(client, url, **changes):
    """Change something in the page's form and save it."""
    response = client.post(url, form_of(client, url, **changes))
    assert response.status_code == 302, response.context["errors"]


def form_of(client, url, **changes):
    """What a browser would send back for the page's form, with some of it changed; None leaves a field out."""
    context = client.get(url).context
    forms = [context["adminform"].form, *(f for i in context["inline_admin_formsets"] for f in all_forms(i.formset))]
    sent = {f.add_prefix(n): v for f in forms for n, v in values(f).items()}
    return {name: value for name, value in (sent | changes).items() if value is not None and value is not False}


def all_forms(formset):
    return [formset.management_form, *formset.forms]


def values(form):
    shown = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


# --- the pages


def test_every_registered_model_is_tested_here():
    assert {model._meta.label for model in REGISTERED} == set(MAKERS)


@every_model
def test_list_add_and_change_page_open_for_an_administrator(desk, chief, rf, model):
    row = MAKERS[model._meta.label]()
    request = rf.get("/")
    request.user = chief
    opens(desk, page(model, "changelist"))
    opens(desk, page(model, "change", row.pk))
    opens(desk, page(model, "history", row.pk))
    if admin.site._registry[model].has_add_permission(request):
        opens(desk, page(model, "add"))


@every_model
def test_a_list_of_twenty_asks_no_more_than_a_list_of_one(desk, model):
    MAKERS[model._meta.label]()
    url = page(model, "changelist")
    desk.get(url)  # content types and the like are asked once
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert len(desk.get(url).context["cl"].result_list) >= 1
    for _ in range(19):
        MAKERS[model._meta.label]()
    with CaptureQueriesContext(connection) as twenty:
        assert len(desk.get(url).context["cl"].result_list) >= (1 if model in ONE_ROW else 20)
    assert len(twenty) == len(one) <= 14


@every_model
def test_only_a_saved_view_can_be_deleted(desk, model):
    row = MAKERS[model._meta.label]()
    may = model is SavedView
    assert desk.get(page(model, "delete", row.pk)).status_code == (200 if may else 403)
    assert ("delete_selected" in desk.get(page(model, "changelist")).content.decode()) == may


@pytest.mark.parametrize("role", OTHER_ROLES)
def test_nobody_else_gets_in(client, db, role):
    client.force_login(factories.UserFactory(role=role))
    row = a_dead_letter()
    urls = [reverse("admin:index"), *(page(model, "changelist") for model in REGISTERED)]
    for url in [*urls, page(DeadLetter, "change", row.pk), page(User, "add"), reverse("django_rq:home")]:
        assert client.get(url).status_code == 302
    client.post(page(DeadLetter, "change", row.pk), {"_replay": "1"})
    row.refresh_from_db()
    assert row.state == "rejected"


def test_the_index_leads_to_the_background_jobs(desk):
    url = reverse("django_rq:home")
    assert url == "/admin/rq/"
    assert f'href="{url}"' in opens(desk, reverse("admin:index"))


@pytest.mark.parametrize(
    "name", ["jobs", "queue_details", "finished_jobs", "failed_jobs", "scheduled_jobs", "started_jobs", "deferred_jobs",
             "workers", "clear", "delete_failed_jobs"],
)  # fmt: skip
def test_the_pages_about_background_jobs_have_no_code_in_line(desk, name):
    opens(desk, reverse("django_rq:home"))
    opens(desk, reverse(f"django_rq:{name}", args=[0]))


def test_figures_about_background_jobs_are_for_administrators(client, agent):
    client.force_login(agent)
    assert "queues" not in client.get(reverse("django_rq:home_json")).json()


def test_a_list_counts_only_so_far_and_says_so(desk, monkeypatch):
    monkeypatch.setattr(administration, "COUNTED", 5)
    channel = factories.ChannelFactory()
    factories.RawEventFactory.create_batch(5, channel=channel)
    assert "5 in all" in opens(desk, page(RawEvent, "changelist"))
    factories.RawEventFactory(channel=channel)
    assert "The first 5; there are more." in opens(desk, page(RawEvent, "changelist"))


# --- people and teams


def new_person(**changes):
    return {
        "username": "ida", "first_name": "Ida", "last_name": "Berg", "email": "ida@example.com", "role": "agent",
        "time_zone": "Europe/Oslo", "password1": factories.PASSWORD, "password2": factories.PASSWORD,
        "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0, **changes,
    }  # fmt: skip


def test_a_person_is_made_with_password_role_team_and_time_zone(desk, client, team):
    joined = {"memberships-TOTAL_FORMS": 1, "memberships-0-team": team.pk}
    desk.post(page(User, "add"), new_person(**joined))
    ida = User.objects.get(username="ida")
    assert (ida.role, ida.time_zone, list(ida.teams.all())) == ("agent", "Europe/Oslo", [team])
    assert not ida.is_staff
    assert not ida.is_superuser
    client.logout()
    assert client.login(username="ida", password=factories.PASSWORD)


def test_a_weak_password_is_refused_beside_its_field(desk):
    response = desk.post(page(User, "add"), new_person(password1="12345", password2="12345"))
    assert "at least 10 characters" in response.content.decode()
    assert not User.objects.filter(username="ida").exists()


def test_an_administrator_may_open_these_pages_as_long_as_that_is_the_role(desk):
    desk.post(page(User, "add"), new_person(role="admin"))
    ida = User.objects.get(username="ida")
    assert ida.is_staff
    assert ida.is_superuser
    url = page(User, "change", ida.pk)
    save(desk, url, role="lead")
    ida.refresh_from_db()
    assert ida.role == "lead"
    assert not ida.is_staff
    assert not ida.is_superuser


def test_administrators_cannot_shut_themselves_out(desk, chief):
    url = page(User, "change", chief.pk)
    assert "give up your own administration" in desk.post(url, form_of(desk, url, role="agent")).content.decode()
    assert "You cannot shut yourself out" in desk.post(url, form_of(desk, url, is_active=None)).content.decode()
    assert "You cannot shut yourself out" in act(desk, User, "deactivate", chief)
    chief.refresh_from_db()
    assert (chief.role, chief.is_active) == ("admin", True)


def test_who_leaves_is_kept_but_cannot_sign_in_until_they_are_back(desk, client, agent):
    assert "1 person can no longer sign in." in act(desk, User, "deactivate", agent)
    assert not client.login(username=agent.username, password=factories.PASSWORD)
    desk.force_login(User.objects.get(username="ada"))
    act(desk, User, "bring_back", agent)
    assert client.login(username=agent.username, password=factories.PASSWORD)
    assert list(Activity.objects.about(agent).values_list("verb", flat=True)) == ["deactivated", "brought back"]


def test_the_hash_of_a_password_is_not_shown(desk, agent):
    html = opens(desk, page(User, "change", agent.pk))
    assert agent.password.split("$")[1][:4] not in html
    assert "Reset password" in html


def test_members_join_and_leave_a_team(desk, team, agent, colleague):
    url = page(Team, "change", team.pk)
    newcomer = factories.UserFactory()
    gone = team.memberships.get(user=agent)
    sent = form_of(desk, url)
    place = next(n.removesuffix("-id") for n, v in sent.items() if n.endswith("-id") and str(v) == str(gone.pk))
    save(desk, url, **{f"{place}-DELETE": "on", "memberships-2-user": newcomer.pk})
    assert set(team.members.all()) == {colleague, newcomer}


def test_a_box_keeps_its_moment_until_somebody_unticks_it(desk, team):
    url = page(Team, "change", team.pk)
    save(desk, url, closed_at="on")
    team.refresh_from_db()
    closed = team.closed_at
    assert timezone.now() - closed < timedelta(minutes=1)
    save(desk, url, closed_at="on", purpose="Was here once")
    team.refresh_from_db()
    assert (team.closed_at, team.purpose) == (closed, "Was here once")
    save(desk, url, closed_at=None)
    team.refresh_from_db()
    assert team.closed_at is None


def test_what_is_changed_here_stands_in_the_activity_log(desk, chief, team):
    url = page(Team, "change", team.pk)
    save(desk, url, purpose="Trains")
    line = Activity.objects.about(team).get()
    assert (line.verb, line.by) == ("changed", chief)
    assert "What this team does" in line.detail
    save(desk, url)
    assert Activity.objects.about(team).count() == 1


# --- dead letters


def test_a_dead_letter_shows_its_reason_and_its_body_as_text(desk):
    row = a_dead_letter(body=BAD + b"\x00\xff")
    html = opens(desk, page(DeadLetter, "change", row.pk))
    assert "“soon” is not a time." in html
    assert "My &lt;b&gt;bag&lt;/b&gt; is gone" in html
    assert r"\x00\xff" in html


def test_a_dead_letter_is_read_again(desk, chief, nudges, at_once):
    row = a_dead_letter(body=GOOD)
    with at_once():
        html = act(desk, DeadLetter, "replay", row)
    assert "1 payload is being read again." in html
    assert nudges == [(inbox.DRAIN_JOB, row.channel_id)]
    inbox.work_off(row.channel)
    assert Message.objects.get().text == "My bag is gone"
    assert Activity.objects.get(verb="replayed").by == chief


def test_one_dead_letter_is_read_again_from_its_own_page(desk):
    row, other = a_dead_letter(body=GOOD), a_dead_letter()
    desk.post(page(DeadLetter, "change", row.pk), {"_replay": "1"})
    assert RawEvent.objects.get(pk=row.pk).state == "new"
    assert RawEvent.objects.get(pk=other.pk).state == "rejected"


def test_a_mended_dead_letter_becomes_a_case_and_the_original_stays(desk, chief, nudges, at_once):
    row = a_dead_letter()
    with at_once():
        response = desk.post(page(DeadLetter, "change", row.pk), {"text": GOOD.decode(), "_save": "1"}, follow=True)
    assert "The corrected text is being read." in response.content.decode()
    assert nudges == [(inbox.DRAIN_JOB, row.channel_id)]
    original, mended = RawEvent.objects.order_by("pk")
    assert bytes(original.body) == BAD
    assert original.reason == f"Mended as #{mended.pk}. “soon” is not a time."
    assert (bytes(mended.body), mended.origin) == (GOOD, f"mended from #{row.pk}")
    assert not DeadLetter.objects.all().dead_letters().exists()
    inbox.work_off(row.channel)
    assert Message.objects.get().case_entry.case.subject == "My bag is gone"
    line = Activity.objects.get(verb="mended")
    assert (line.by, line.subject_id, line.subject_kind) == (chief, row.pk, "channels_app.rawevent")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BAD.decode(), "It still cannot be read: “soon” is not a time."),
        ("not JSON", "It still cannot be read: The row is not valid JSON"),
        (" ", "This field is required."),
    ],
)
def test_what_still_cannot_be_read_is_said_beside_the_field_and_not_stored(desk, text, sentence):
    row = a_dead_letter()
    response = desk.post(page(DeadLetter, "change", row.pk), {"text": text, "_save": "1"})
    assert sentence in response.content.decode()
    assert RawEvent.objects.get().state == "rejected"


def test_of_two_who_mend_the_same_the_second_is_told(desk, chief):
    row = a_dead_letter()
    mending.mend(row=row, text=GOOD.decode(), by=chief)
    with pytest.raises(mending.NoLongerDead, match="Somebody was faster"):
        mending.mend(row=row, text=GOOD.decode(), by=chief)
    assert RawEvent.objects.count() == 2


def test_a_payload_that_cannot_be_read_by_any_field_is_mended_too(chief):
    channel = factories.ChannelFactory(platform="by_hand", place="phone")
    row = a_dead_letter(channel=channel, body=b"{}", reason="Hark could not read it: KeyError.")
    with pytest.raises(mending.StillUnreadable):
        mending.mend(row=row, text="{}", by=chief)


def test_a_file_tells_what_became_of_its_rows(desk):
    channel = factories.ChannelFactory(platform="archive", place="twitter")
    load = FileLoad.objects.create(channel=channel, fingerprint="f", name="a.csv", rows=2)
    for body in (GOOD, BAD):
        factories.RawEventFactory(channel=channel, body=body, load=load)
    inbox.work_off(channel)
    html = opens(desk, page(FileLoad, "change", load.pk))
    assert "2 received = 0 waiting + 1 stored + 0 known already + 1 cannot be read" in html
    assert f"?load__id__exact={load.pk}" in opens(desk, page(FileLoad, "changelist"))
    assert "1 in all" in opens(desk, f"{page(DeadLetter, 'changelist')}?load__id__exact={load.pk}")


# --- channels and the outbox


def test_channels_are_paused_and_resumed(desk, channel):
    act(desk, Channel, "pause", channel)
    assert not Channel.objects.listening().exists()
    assert "1 channel listens again." in act(desk, Channel, "resume", channel)
    assert Channel.objects.listening().get() == channel
    assert list(Activity.objects.about(channel).values_list("verb", flat=True)) == ["paused", "resumed"]


def test_a_network_needs_a_handle_of_ours_and_the_phone_does_not(desk, team):
    fields = {"name": "Chirp", "key": "chirp", "place": "chirp", "team": team.pk}
    refused = desk.post(page(Channel, "add"), {**fields, "platform": "simulator"})
    assert "Which one is ours?" in refused.content.decode()
    desk.post(page(Channel, "add"), {**fields, "platform": "by_hand"})
    assert Channel.objects.get().platform == "by_hand"


def test_an_account_on_a_network_is_connected_on_its_page(desk, team):
    fields = {"name": "Skylark", "key": "skylark", "place": "mastodon", "team": team.pk, "platform": "mastodon"}
    refused = desk.post(page(Channel, "add"), {**fields, "our_handle": "skylark"})
    assert reverse("channels_app:connect_needs", args=["mastodon"]) in refused.content.decode()
    assert not Channel.objects.exists()


def test_no_secret_stands_in_the_admin(desk):
    app = factories.AppFactory(secrets={"app_secret": "s-e-a-l-e-d"})
    held = factories.CredentialFactory(secrets={"access_token": "s-e-a-l-e-d"}, app=app)
    for row in (held, held.app):
        html = opens(desk, page(type(row), "change", row.pk)) + opens(desk, page(type(row), "changelist"))
        assert not [text for text in ("s-e-a-l-e-d", row.sealed) if text in html]
        assert desk.post(page(type(row), "change", row.pk), {}).status_code == 403
        assert desk.get(page(type(row), "add")).status_code == 403


def test_what_identities_hang_on_cannot_be_changed_afterwards(desk, channel):
    url = page(Channel, "change", channel.pk)
    save(desk, url, platform="archive", place="elsewhere", cursor="{}", brand="Skylark")
    channel.refresh_from_db()
    assert (channel.platform, channel.place, channel.brand) == ("simulator", "chirp", "Skylark")


def test_a_channel_leads_to_its_dead_letters(desk):
    row = a_dead_letter()
    a_dead_letter()
    url = f"{page(DeadLetter, 'changelist')}?channel__id__exact={row.channel_id}"
    assert url in opens(desk, page(Channel, "changelist"))
    assert "1 in all" in opens(desk, url)


def test_a_failed_reply_is_tried_again_and_a_sent_one_is_refused(desk, chief, nudges, at_once):
    failed = factories.DeliveryFactory(state="failed", reason="Blocked.", attempts=3)
    sent = factories.DeliveryFactory(state="sent", sent_at=timezone.now())
    with at_once():
        html = act(desk, Delivery, "try_again", failed, sent)
    assert "1 reply is tried again." in html
    assert "This reply is sent by now; there is nothing to try again." in html
    assert nudges == [(outbox.JOB, failed.pk)]
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("queued", 0)
    assert Activity.objects.get(verb="tried again").by == chief


def test_a_reply_nobody_can_ask_about_is_not_tried_again_for_show(desk, channel, nudges, at_once):
    Channel.objects.filter(pk=channel.pk).update(platform="email")
    doubtful = factories.DeliveryFactory(case=factories.CaseFactory(channel=channel), state="in_doubt", attempts=3)
    with at_once():
        html = act(desk, Delivery, "try_again", doubtful)
    assert "cannot be asked whether this reply arrived" in html
    assert nudges == []
    assert not Activity.objects.filter(verb="tried again").exists()
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.attempts) == ("in_doubt", 3)


# --- calls


def test_a_rule_of_who_calls_is_written_as_on_its_page(desk, chief):
    fields = {"name": "Germans", "countries": "de", "languages": "German", "groups": ["promoter"], "to": "sales"}
    response = desk.post(page(CallRule, "add"), fields | {"days": 3})
    assert response.status_code == 302
    rule = CallRule.objects.get()
    assert (rule.countries, rule.languages, rule.position, rule.changed_by) == (["DE"], ["de"], 1, chief)
    said = "Promoters in DE speaking German: the sales person of their account calls within 3 days."
    assert said in opens(desk, page(CallRule, "changelist"))
    save(desk, page(CallRule, "change", rule.pk), days=5)
    rule.refresh_from_db()
    assert rule.days == 5
    assert list(Activity.objects.about(rule).values_list("verb", "by")) == [("made", chief.pk), ("changed", chief.pk)]


def test_what_its_function_refuses_stands_on_the_form(desk):
    factories.CallRuleFactory(name="Germans")
    fields = {"name": "Germans", "to": "sales", "days": 3}
    refused = desk.post(page(CallRule, "add"), fields)
    assert "There is a rule called “Germans” already." in refused.content.decode()
    assert CallRule.objects.count() == 1


def test_rules_of_who_calls_are_stopped_and_resumed(desk):
    rule = factories.CallRuleFactory()
    act(desk, CallRule, "stop", rule)
    assert CallRule.objects.get().stopped_at
    act(desk, CallRule, "resume", rule)
    assert CallRule.objects.get().stopped_at is None


def test_hashtags_are_given_spelled_as_they_are_found_and_retired(desk):
    group, other = factories.SupportGroupFactory(), factories.SupportGroupFactory(name="Other")
    assert desk.post(page(Hashtag, "add"), {"tag": "#Billing", "group": group.pk}).status_code == 302
    tag = Hashtag.objects.get()
    assert (tag.tag, tag.group) == ("billing", group)
    refused = desk.post(page(Hashtag, "add"), {"tag": "billing", "group": other.pk}).content.decode()
    assert "#billing belongs to" in refused
    act(desk, Hashtag, "retire", tag)
    desk.post(page(Hashtag, "add"), {"tag": "billing", "group": other.pk})
    tag.refresh_from_db()
    assert (tag.group, tag.retired_at, Hashtag.objects.count()) == (other, None, 1)
    save(desk, page(Hashtag, "change", tag.pk), about="Money")
    tag.refresh_from_db()
    assert tag.about == "Money"


def test_what_callers_take_on_and_when_customers_are_called_is_set_here_too(desk, chief):
    ann, calendar = factories.UserFactory(role="executive"), factories.CalendarFactory(week=())
    assert desk.post(page(Caller, "add"), {"user": ann.pk, "per_week": 3, "countries": "de"}).status_code == 302
    assert (ann.caller.per_week, ann.caller.countries) == (3, ["DE"])
    assert Activity.objects.about(ann.caller).get().by == chief
    save(desk, page(Caller, "change", ann.caller.pk), countries="fr")
    assert Caller.objects.get().countries == ["FR"]
    refused = desk.post(page(CallingHours, "add"), {"country": "DE", "calendar": calendar.pk})
    assert "has no hours to come" in refused.content.decode()
    factories.CallingHoursFactory(country="DE")
    kept = CallingHours.objects.get()
    save(desk, page(CallingHours, "change", kept.pk), calendar=factories.CalendarFactory().pk)
    assert CallingHours.objects.get().calendar != kept.calendar


def test_what_is_said_in_calls_is_written_here_and_taken_back(desk, chief):
    hello = {"key": "say_hello", "language": "en"}
    refused = desk.post(page(CallText, "add"), hello | {"text": "Good day {nmae}!"}).content.decode()
    assert "“{nmae}” stands for nothing here. This sentence may name: {name}, {who}." in refused
    assert desk.post(page(CallText, "add"), hello | {"text": "Good day {name}!"}).status_code == 302
    text = CallText.objects.get()
    assert Activity.objects.about(text).get().by == chief
    save(desk, page(CallText, "change", text.pk), text="Good day!")
    text.refresh_from_db()
    assert (text.key, text.text) == ("say_hello", "Good day!")
    assert "Hello {name}, this is {who}." in opens(desk, page(CallText, "change", text.pk))
    act(desk, CallText, "take_back", text)
    assert not CallText.objects.exists()


# --- rules, causes, views


def test_a_rule_is_written_in_a_form(desk, channel, team):
    fields = {
        "name": "Refunds", "position": 10, "channels": [channel.pk], "sentiments": ["negative"], "tiers": ["key"],
        "languages": "en, ES", "words": "refund*, charged", "team": team.pk, "priority": 2,
    }  # fmt: skip
    desk.post(page(Rule, "add"), fields)
    rule = Rule.objects.get()
    assert (rule.words, rule.languages) == (["refund*", "charged"], ["en", "es"])
    assert (rule.sentiments, rule.tiers) == (["negative"], ["key"])
    assert list(rule.channels.all()) == [channel]
    shown = "channel: @skylark on Chirp · mood: Negative · tier: Key · language: en, es · words: refund*, charged"
    assert shown in opens(desk, page(Rule, "changelist"))


def test_rules_are_switched_off_and_on(desk):
    rule = factories.RuleFactory()
    act(desk, Rule, "switch_off", rule)
    assert not Rule.objects.in_force().exists()
    act(desk, Rule, "switch_on", rule)
    assert Rule.objects.in_force().get() == rule


def test_rules_are_put_in_order_in_their_list(desk):
    first, second = factories.RuleFactory(position=1), factories.RuleFactory(position=2)
    fields = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "1"}
    rows = {"form-0-id": first.pk, "form-0-position": 9, "form-1-id": second.pk, "form-1-position": 2}
    desk.post(page(Rule, "changelist"), fields | rows)
    assert list(Rule.objects.all()) == [second, first]


def test_causes_stand_under_their_tops(desk):
    money, way = factories.CauseFactory(name="Money"), factories.CauseFactory(name="On the way")
    delay = factories.CauseFactory(name="Delay", parent=way)
    refund = factories.CauseFactory(name="Refund", parent=money)
    assert found(desk, Cause) == [money, refund, way, delay]


def test_a_saved_view_is_shown_in_words(desk):
    view = factories.SavedViewFactory(query="state=needs_us&priority=1")
    assert "State: Needs an answer · Priority: Urgent" in opens(desk, page(SavedView, "change", view.pk))
    view = factories.SavedViewFactory(page="customers", query="tier=key&consent=never")
    shown = opens(desk, page(SavedView, "change", view.pk))
    assert "Tier: Key · Consent: Not under any circumstances" in shown
    assert "/customers/?tier=key" in shown


# --- searching


@pytest.mark.parametrize("words", ["case {pk}", "#{pk}", "Case #{pk}", "reopened by the customer"])
def test_the_log_is_searched_by_record_or_by_words(desk, case, team, words):
    log("reopened", case, by=None, detail="Reopened by the customer.")
    log("made", team, by=None)
    Activity.objects.filter(verb="made").update(subject_id=case.pk + 1)
    assert [line.verb for line in found(desk, Activity, q=words.format(pk=case.pk))] == ["reopened"]


def test_the_log_is_filtered_by_what_was_done(desk, team):
    log("made", team, by=None)
    log("closed", team, by=None)
    assert [line.verb for line in found(desk, Activity, verb="closed")] == ["closed"]


@pytest.mark.parametrize("words", ["{identity.handle}", "@{identity.handle}"])
def test_identities_and_customers_are_found_by_handle(desk, words):
    link = factories.IdentityLinkFactory()
    factories.IdentityLinkFactory(identity__value="somebody-else")
    handle = words.format(identity=link.identity)
    assert found(desk, Identity, q=handle) == [link.identity]
    assert found(desk, Customer, q=handle) == [link.customer]


@pytest.mark.parametrize("words", ["{message.external_id}", "wheelchair"])
def test_messages_are_found_by_their_id_or_by_their_words(desk, words):
    message = factories.MessageFactory(text="I use a wheelchair.")
    factories.MessageFactory()
    assert found(desk, Message, q=words.format(message=message)) == [message]


def test_payloads_are_found_by_number_and_cases_by_number(desk, case):
    row = factories.RawEventFactory()
    factories.RawEventFactory()
    factories.CaseFactory()
    assert found(desk, RawEvent, q=str(row.pk)) == [row]
    assert found(desk, Case, q=f"#{case.pk}") == [case]


# --- other systems


def test_tokens_are_revoked_and_one_that_is_already_is_refused(desk, chief):
    valid, revoked = factories.ApiTokenFactory(), factories.ApiTokenFactory(name="Old", revoked_at=timezone.now())
    html = act(desk, ApiToken, "revoke", valid, revoked)
    assert "1 token is revoked." in html
    assert "“Old” is revoked already." in html
    valid.refresh_from_db()
    assert valid.revoked_at
    assert Activity.objects.about(valid).get(verb="revoked").by == chief


def test_events_of_webhooks_are_sent_again_and_one_on_its_way_is_refused(desk, chief, nudges, at_once):
    failed = factories.WebhookEventFactory(state="given_up", attempts=10)
    under_way = factories.WebhookEventFactory(state="sending", lease_until=timezone.now())
    with at_once():
        html = act(desk, WebhookEvent, "replay", failed, under_way)
    assert "1 event is sent again." in html
    assert "This event is on its way just now." in html
    assert nudges == [("crm.webhooks.jobs.send", failed.webhook_id)]
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("waiting", 0)


def test_neither_a_token_nor_a_secret_can_be_read_here(desk):
    token, webhook = factories.ApiTokenFactory(), factories.WebhookFactory()
    assert token.token_hash not in opens(desk, page(ApiToken, "change", token.pk))
    assert webhook.secret not in opens(desk, page(Webhook, "change", webhook.pk))


def test_an_event_is_found_by_its_id(desk):
    event, _other = factories.WebhookEventFactory(), factories.WebhookEventFactory()
    assert found(desk, WebhookEvent, q=str(event.key)) == [event]
    assert found(desk, WebhookEvent, q="nonsense") == []
