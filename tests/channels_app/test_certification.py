"""Who has passed what, for how long; and what leads set of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import replies
from channels_app import certification, certified, jobs, outbox
from channels_app.models import Attempt, Message, Module, ModuleQuestion
from crm.models import Activity, Notice
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def base(db):
    return factories.ModuleFactory(name="What we promise", questions=4, pass_mark=75)


@pytest.fixture
def chirp(db):
    return factories.ModuleFactory(name="Chirp", place="chirp")


def answers(module, seed, wrong=0):
    """Right everywhere but in the first `wrong` questions."""
    asked = certification.asked(module.questions.all(), seed)
    return {
        each.question.pk: each.right if n >= wrong else (each.right + 1) % len(each.choices)
        for n, each in enumerate(asked)
    }


def tries(module, by, wrong=0):
    seed = certification.new_seed(module.questions.all())
    return certification.take(module=module, answers=answers(module, seed, wrong), seed=seed, by=by)


def certify(user, module, left=365 * DAY):
    return factories.AttemptFactory(user=user, module=module, expires_at=timezone.now() + left)


# --- who may send


def test_nothing_in_force_and_everybody_may(channel, agent):
    factories.ModuleFactory(in_force_at=None)
    factories.ModuleFactory(retired_at=timezone.now())
    factories.ModuleFactory(place="elsewhere")
    assert certification.missing(agent, channel) == []


def test_base_modules_and_that_of_the_network_are_missing_until_passed(channel, agent, base, chirp):
    assert certification.missing(agent, channel) == [base, chirp]
    certify(agent, base)
    assert certification.missing(agent, channel) == [chirp]
    certify(agent, chirp)
    assert certification.missing(agent, channel) == []


@pytest.mark.parametrize(("left", "may"), [(timedelta(seconds=60), True), (-timedelta(seconds=1), False)])
def test_a_certificate_counts_until_the_moment_it_runs_out(channel, agent, chirp, left, may):
    certify(agent, chirp, left)
    assert (certification.missing(agent, channel) == []) is may


def test_a_failed_attempt_is_none_and_a_colleagues_neither(channel, agent, colleague, chirp):
    factories.AttemptFactory(user=agent, module=chirp, right=0, expires_at=None)
    certify(colleague, chirp)
    assert certification.missing(agent, channel) == [chirp]


def test_the_outbox_refuses_and_names_what_is_missing(case, agent, base, chirp):
    question = case.entries.get().message
    with pytest.raises(certification.NotCertified) as refused:
        outbox.write(answer_to=question, text="Noon.", by=agent)
    said = "Ana Ruiz is not certified for @skylark on Chirp yet. Missing: “What we promise”, “Chirp”."
    assert str(refused.value) == said
    with pytest.raises(certification.NotCertified):
        replies.reply(case=case, text="Noon.", by=agent)
    assert not Message.objects.filter(direction="out").exists()


def test_unless_somebody_certified_approves_it(case, agent, colleague, chirp):
    question = case.entries.get().message
    with pytest.raises(certification.NotCertified, match="Ben Okafor"):
        outbox.write(answer_to=question, text="Noon.", by=agent, approved_by=colleague)
    certify(colleague, chirp)
    message = outbox.write(answer_to=question, text="Noon.", by=agent, approved_by=colleague).message
    assert (message.sent_by, message.approved_by) == (agent, colleague)


def test_what_is_written_down_by_hand_needs_none(team, agent, base):
    phone = factories.ChannelFactory(platform="by_hand", place="phone", team=team)
    assert certification.missing(agent, phone) == []
    assert replies.reply(case=factories.CaseFactory(channel=phone), text="Told her.", by=agent)


# --- passing


def test_enough_right_is_a_certificate_for_as_long_as_the_module_says(agent, base):
    result = tries(base, agent, wrong=1)  # 3 of 4 are 75 %
    assert result.passed
    assert (result.attempt.right, result.attempt.asked) == (3, 4)
    assert result.attempt.expires_at - result.attempt.at == 365 * DAY


def test_one_too_few_is_none_and_says_which_were_wrong(agent, base):
    result = tries(base, agent, wrong=2)
    assert not result.passed
    assert result.wrong == list(base.questions.all())[:2]
    assert tries(base, agent).passed


def test_a_percentage_is_never_rounded_up(agent):
    module = factories.ModuleFactory(questions=3, pass_mark=67)
    assert not tries(module, agent, wrong=1).passed  # 66.7 %


def test_the_order_of_choices_changes_between_attempts_but_not_within_one(base):
    questions = list(base.questions.all())
    orders = {tuple(certification.asked(questions, f"{n}.x")[0].choices) for n in range(50)}
    assert len(orders) == 6  # all there are of three choices
    assert certification.asked(questions, "7.x") == certification.asked(questions, "7.x")
    for each in certification.asked(questions, "7.x"):
        assert each.choices[each.right] == "Right"


def test_every_question_is_answered_or_nothing_counts(agent, base):
    seed = certification.new_seed(base.questions.all())
    some = dict(list(answers(base, seed).items())[:3])
    with pytest.raises(certification.NotAllAnswered, match="1 have no answer"):
        certification.take(module=base, answers=some, seed=seed, by=agent)
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("change", [{"right": 1}, {"text": "Else?"}, {"choices": ["Right", "Wrong"]}])
def test_who_answers_while_the_questions_change_is_asked_anew(agent, base, change):
    seed = certification.new_seed(base.questions.all())
    given = answers(base, seed)
    ModuleQuestion.objects.filter(pk=base.questions.first().pk).update(**change)
    with pytest.raises(certification.QuestionsChanged):
        certification.take(module=base, answers=given, seed=seed, by=agent)
    assert not Attempt.objects.exists()


def test_what_is_not_in_force_cannot_be_passed(agent):
    for state in ({"in_force_at": None}, {"retired_at": timezone.now()}):
        with pytest.raises(certification.NotInForce):
            tries(factories.ModuleFactory(**state), agent)


@pytest.mark.parametrize(("days", "may"), [(31, False), (30, True), (1, True), (-1, True)])
def test_it_is_renewed_from_thirty_days_before_its_end(agent, base, days, may):
    certify(agent, base, days * DAY)
    if may:
        assert tries(base, agent).attempt.expires_at > timezone.now() + 364 * DAY
    else:
        with pytest.raises(certification.StillValid, match="It can be renewed from"):
            tries(base, agent)


# --- what leads decide


def test_a_module_without_questions_is_not_put_in_force(lead, channel, agent):
    module = factories.ModuleFactory(in_force_at=None, questions=0, name="Empty")
    with pytest.raises(certification.NoQuestions, match="“Empty” has no questions yet"):
        certification.put_in_force(module=module, by=lead)
    factories.ModuleQuestionFactory(module=module)
    certification.put_in_force(module=module, by=lead)
    assert certification.missing(agent, channel) == [module]


def test_retired_nobody_needs_it_and_brought_back_old_certificates_count(lead, channel, agent, colleague, base):
    certify(colleague, base)
    certification.retire(module=base, by=lead)
    assert certification.missing(agent, channel) == []
    certification.put_in_force(module=base, by=lead)
    assert certification.missing(agent, channel) == [base]
    assert certification.missing(colleague, channel) == []
    assert list(Activity.objects.about(base).values_list("verb", flat=True)) == ["retired", "put in force"]


def test_the_last_question_of_a_module_in_force_stays(lead, chirp):
    first, last = chirp.questions.all()
    certification.remove_question(question=first, by=lead)
    with pytest.raises(certification.LastQuestion):
        certification.remove_question(question=last, by=lead)
    certification.retire(module=chirp, by=lead)
    certification.remove_question(question=last, by=lead)
    assert not chirp.questions.exists()


def test_attempts_keep_their_counts_when_questions_change(lead, agent, base):
    attempt = tries(base, agent).attempt
    certification.remove_question(question=base.questions.first(), by=lead)
    attempt.refresh_from_db()
    assert (attempt.right, attempt.asked) == (4, 4)


# --- before it runs out


def reminded():
    jobs.remind_of_certificates()
    return Notice.objects.filter(text__contains="is valid until")


def test_two_weeks_before_its_holder_is_told_once(agent, base):
    certify(agent, base, 14 * DAY)
    notice = reminded().get()
    assert (notice.user, notice.url) == (agent, f"/certification/{base.pk}/")
    assert reminded().count() == 1


@pytest.mark.parametrize("case", ["early", "over", "renewed", "retired", "left"])
def test_but_nobody_who_has_no_need_to_hear_it(agent, base, case):
    certify(agent, base, {"early": 15 * DAY, "over": -DAY}.get(case, 5 * DAY))
    if case == "renewed":
        certify(agent, base)
    if case == "retired":
        Module.objects.update(retired_at=timezone.now())
    if case == "left":
        agent.is_active = False
        agent.save()
    assert not reminded().exists()


# --- one's own page


def test_ones_own_page_shows_each_module_and_how_one_stands(agent, base, chirp, as_user):
    certify(agent, base, 20 * DAY)
    context = as_user(agent).get(reverse("channels_app:certification")).context
    assert [(each.module, each.standing) for each in context["held"]] == [(base, "at_risk"), (chirp, "missing")]
    assert context["done"] == 1


def test_a_module_is_read_answered_failed_and_passed(agent, base, as_user):
    client, url = as_user(agent), reverse("channels_app:module_read", args=[base.pk])
    html = client.get(url)
    assert "Keep what you promise." in html.content.decode()

    def hand_in(wrong):
        seed = client.get(url).context["form"]["seed"].value()
        given = {f"q{pk}": place for pk, place in answers(base, seed, wrong).items()}
        return client.post(url, {"seed": seed, **given})

    failed = hand_in(wrong=2)
    assert failed.status_code == 200
    assert "Not passed: 2 of 4 right, 75 % are needed." in failed.content.decode()
    assert "Question 0?" in failed.content.decode()
    assert hand_in(wrong=0)["Location"] == reverse("channels_app:certification")
    assert certification.certificate(agent, base)
    assert "Hand in" not in client.get(url).content.decode()
    Attempt.objects.update(expires_at=timezone.now() - DAY)
    assert "Ran out" in client.get(url).content.decode()


def test_a_question_without_an_answer_says_so_beside_it_and_keeps_the_others(agent, base, as_user):
    client, url = as_user(agent), reverse("channels_app:module_read", args=[base.pk])
    seed = client.get(url).context["form"]["seed"].value()
    first, *_rest = answers(base, seed)
    answer = client.post(url, {"seed": seed, f"q{first}": 0})
    assert answer.status_code == 422
    assert len(answer.context["form"].errors) == 3
    assert answer.context["form"][f"q{first}"].value() == "0"
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("seed", ["", "x", "1.", "\x00", "9" * 400])
def test_a_form_somebody_tampered_with_is_asked_anew(agent, base, as_user, seed):
    given = {f"q{pk}": 0 for pk in base.questions.values_list("pk", flat=True)}
    answer = as_user(agent).post(reverse("channels_app:module_read", args=[base.pk]), {"seed": seed, **given})
    assert answer.status_code == 422
    assert not Attempt.objects.exists()


# --- pages of leads


def test_a_lead_makes_a_module_with_questions_looks_at_it_and_puts_it_in_force(lead, channel, agent, as_user):
    client = as_user(lead)
    said = {"name": "Chirp", "place": "chirp", "content": "Be kind.", "pass_mark": 80, "valid_days": 90, "position": 1}
    client.post(reverse("channels_app:module_new"), said)
    module = Module.objects.get()
    switch = reverse("channels_app:module_switch", args=[module.pk])
    assert "has no questions yet" in client.post(switch, {"retire": "0"}, follow=True).content.decode()
    question = {"text": "Kind?", "choice_1": "No", "choice_2": "", "choice_3": "Yes", "right": 3, "position": 1}
    new = reverse("channels_app:question_new", args=[module.pk])
    assert client.post(new, question).status_code == 422  # the second is missing
    assert client.post(new, question | {"choice_2": "Never", "right": 4}).status_code == 422  # the fourth is empty
    client.post(new, question | {"choice_2": "Never"})
    made = module.questions.get()
    assert (made.choices, made.right) == (["No", "Never", "Yes"], 2)
    assert "Kind?" in client.get(reverse("channels_app:module_preview", args=[module.pk])).content.decode()
    client.post(switch, {"retire": "0"})
    assert certification.missing(agent, channel) == [module]
    client.post(switch, {"retire": "1"})
    assert certification.missing(agent, channel) == []


def test_a_question_is_changed_and_removed(lead, base, as_user):
    client, asked = as_user(lead), base.questions.first()
    url = reverse("channels_app:question", args=[base.pk, asked.pk])
    form = client.get(url).context["form"]
    assert form["right"].value() == 1
    sent = {name: form[name].value() or "" for name in form.fields}
    client.post(url, sent | {"choice_4": "None of it", "right": 4})
    asked.refresh_from_db()
    assert (asked.choices[3], asked.right) == ("None of it", 3)
    client.post(reverse("channels_app:question_remove", args=[base.pk, asked.pk]))
    assert base.questions.count() == 3


@pytest.mark.parametrize(
    "wrong", [{"pass_mark": 0}, {"pass_mark": 101}, {"valid_days": 0}, {"place": "nowhere"}, {"name": "Taken"}]
)
def test_a_wrong_module_is_refused_beside_the_field(lead, channel, as_user, wrong):
    factories.ModuleFactory(name="Taken")
    said = {"name": "New", "place": "", "content": "x", "pass_mark": 80, "valid_days": 90, "position": 1, **wrong}
    answer = as_user(lead).post(reverse("channels_app:module_new"), said)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)


# --- who is certified for what


def test_the_board_says_of_each_person_and_module_how_they_stand(lead, agent, colleague, base, chirp, as_user):
    certify(agent, base)
    certify(agent, chirp, 20 * DAY)
    certify(colleague, base, -DAY)
    factories.AttemptFactory(user=colleague, module=chirp, right=0, expires_at=None)
    factories.UserFactory(role="sales")
    board = as_user(lead).get(reverse("channels_app:certified")).context["board"]
    assert {person: [held.standing for held in row] for person, row in board.rows} == {
        agent: ["certified", "at_risk"], colleague: ["run_out", "failed"], lead: ["missing", "missing"],
    }  # fmt: skip


def test_the_certificate_that_lasts_longest_stands_there(agent, base):
    certify(agent, base)
    longest = certify(agent, base, 400 * DAY)
    factories.AttemptFactory(user=agent, module=base, right=0, expires_at=None)
    assert certified.of(agent)[0].best == longest


def test_it_is_filtered_by_team_and_exported_as_it_stands(lead, agent, stranger, base, as_user):
    certify(agent, base)
    client, team = as_user(lead), agent.teams.get()
    shown = client.get(reverse("channels_app:certified"), {"team": team.pk}).context["board"]
    assert {person for person, _row in shown.rows} == {agent, lead}
    file = client.get(reverse("channels_app:certified_export"), {"as": "csv", "query": f"team={team.pk}"})
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert lines[0] == "\ufeffperson,user name,module,network,state,valid until"
    assert [line.split(",")[1:5] for line in lines[1:]] == [
        ["ana", "What we promise", "", "Certified"], ["lea", "What we promise", "", "Not begun"],
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["x", "0", "9" * 40, "-1", ""])
def test_a_team_that_is_none_is_no_error(lead, base, as_user, number):
    assert as_user(lead).get(reverse("channels_app:certified"), {"team": number}).status_code == 200


def test_the_board_costs_the_same_with_one_row_and_with_twenty(lead, base, chirp, as_user):
    client, costs = as_user(lead), []
    for number in (0, 19):
        for _ in range(number):
            certify(factories.UserFactory(), base)
        with CaptureQueriesContext(connection) as queries:
            rows = client.get(reverse("channels_app:certified")).context["board"].rows
        assert len(rows) == number + 1
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 9


def test_the_list_of_modules_costs_the_same_with_one_and_with_twenty(lead, as_user):
    client, costs = as_user(lead), []
    for number in (1, 19):
        for _ in range(number):
            certify(factories.UserFactory(), factories.ModuleFactory())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("channels_app:modules")).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 7
