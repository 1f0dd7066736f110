"""Who may do what: every view, by every role, on an object that is not theirs; every live stream the same.

A view without a line in TABLE fails, and so does a method a view answers to without a line of its own.
"""

from __future__ import annotations

import copy
import re
import shutil
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from cases import causes
from cases.models import (
    Approval,
    Case,
    CaseLink,
    CaseMessage,
    Cause,
    Commitment,
    Deed,
    GroupQuestion,
    HandOver,
    Lead,
    Note,
    Offer,
    Rule,
)
from channels_app import live
from channels_app.models import (
    App,
    Attachment,
    Channel,
    Correction,
    Credential,
    Delivery,
    LexiconWord,
    Measure,
    Message,
    Rereading,
    Training,
)
from crm import consent, merging, private_links
from crm.models import (
    Absence,
    Account,
    Activity,
    ApiToken,
    Customer,
    IdentityLink,
    Merge,
    Notice,
    NoticeChoice,
    Persona,
    SavedView,
    Skill,
    Stakeholder,
    SupportGroup,
    Team,
    User,
    Webhook,
    WebhookEvent,
)
from crm.models.staff import Role
from surveys import links
from surveys.models import (
    ActionPlan,
    Advocate,
    AdvocateLetter,
    Call,
    Caller,
    CallingHours,
    CallRule,
    GroupRequest,
    Hashtag,
    Invitation,
    OutreachSettings,
    Recognition,
    Theme,
    Wave,
)
from tests import factories
from tests.rows import rows_of

OURS = ("crm", "channels_app", "cases", "surveys", "config")
ROLES = [*Role.values]
HTMX = {"HX-Request": "true"}
# Django's own pages for who is not signed in, and ours, which are marked @public
PUBLIC_OF_DJANGO = {
    "login", "password_reset", "password_reset_done", "password_reset_confirm", "password_reset_complete",
    "admin:login",
}  # fmt: skip
PUBLIC_OF_OURS = {
    "healthz", "readyz", "crm:identify", "crm:identify_code", "channels_app:promise_stated", "surveys:asked",
    "surveys:asked_back", "surveys:asked_thanks", "surveys:asked_stop", "surveys:one_click", "surveys:preferences",
}  # fmt: skip
OF_A_CHANNEL = (
    "channel", "reconnect", "channel_check", "channel_change", "channel_switch", "channel_secret", "disconnect",
)  # fmt: skip
OF_WHO_IS_ASKED = ("asked", "asked_stop", "one_click", "preferences")
# of Django, for everybody who is signed in
FOR_EVERYBODY = {"logout", "password_change", "password_change_done"}

EVERYBODY = "200 200 200 200 200 200 login 200"
MOVED = "302 302 302 302 302 302 login 302"
CARE = "200 200 403 403 403 200 login 200"
CUSTOMERS = "200 200 200 200 403 200 login 200"
LEADS = "403 200 403 403 403 200 login 403"
RESULTS = "403 200 200 403 403 200 login 403"
A_MOVE_OF_LEADS = "403 302 403 403 403 302 login 403"
A_MOVE_OF_A_PLAN = "404 302 404 404 404 302 login 302"
ADMINS = "403 403 403 403 403 200 login 403"
A_MOVE_OF_ADMINS = "403 403 403 403 403 302 login 403"
A_WRONG_FORM_OF_ADMINS = "403 403 403 403 403 422 login 403"
ACCOUNTS = "200 200 403 200 403 200 login 200"
A_WRONG_ACCOUNT = "422 422 403 422 403 422 login 422"
A_CASE = "404 200 403 403 403 200 login 200"
A_MOVE = "404 302 403 403 403 302 login 302"
REFUSED_MOVE = "404 422 403 403 403 422 login 422"
A_REQUEST = "404 200 404 404 404 200 login 200"

PAGES_OF_READING = (
    "", "_next", "_corrections", "_corrections_export", "_csv", "_words", "_models", "_model", "_examples",
)  # fmt: skip
DEEDS_OF_READING = ("correct", "word_remove", "word_put_back", "train", "put_live", "roll_back")

# method, view: what comes of it for (an object that is not theirs:) agent, lead, executive, sales, support, admin,
# nobody signed in; and last for an agent whose own it is. "login" is a redirect to the login page.
TABLE = {
    "GET home": MOVED,
    "GET crm:customers": CUSTOMERS,
    "GET crm:customer": CUSTOMERS,
    "GET crm:customer_panel": CUSTOMERS,
    "GET crm:customer_edit": CARE,
    "POST crm:customer_edit": "422 422 403 403 403 422 login 422",
    "GET crm:consent": CUSTOMERS,
    "POST crm:consent": "422 422 403 403 403 422 login 422",
    "GET crm:stakes": CUSTOMERS,
    "GET crm:orders": CUSTOMERS,
    "GET crm:accounts": CUSTOMERS,
    "GET crm:account": CUSTOMERS,
    "GET crm:account_orders": CUSTOMERS,
    "GET crm:account_new": ACCOUNTS,
    "POST crm:account_new": A_WRONG_ACCOUNT,
    "GET crm:account_edit": ACCOUNTS,
    "POST crm:account_edit": A_WRONG_ACCOUNT,
    "GET crm:stakeholder_new": ACCOUNTS,
    "POST crm:stakeholder_new": A_WRONG_ACCOUNT,
    "GET crm:stakeholder": ACCOUNTS,
    "POST crm:stakeholder": A_WRONG_ACCOUNT,
    "POST crm:stakeholder_leave": "302 302 403 302 403 302 login 302",
    "POST crm:stakeholder_back": "302 302 403 302 403 302 login 302",
    "GET crm:personas": LEADS,
    "POST crm:personas": "403 422 403 403 403 422 login 403",
    "GET crm:persona": LEADS,
    "POST crm:persona": "403 422 403 403 403 422 login 403",
    "GET crm:privacy": LEADS,
    "POST crm:privacy_export": "403 302 403 403 403 302 login 403",
    "GET crm:privacy_erase": LEADS,
    "POST crm:privacy_erase": "403 422 403 403 403 422 login 403",  # nothing typed to confirm it
    "GET crm:privacy_file": LEADS,
    "GET crm:retention": LEADS,
    "POST crm:retention": "403 422 403 403 403 422 login 403",
    "GET api_docs": LEADS,
    "GET api_openapi": LEADS,
    "GET crm:match_rules": ADMINS,
    "POST crm:match_rules": A_WRONG_FORM_OF_ADMINS,
    "GET crm:api_tokens": ADMINS,
    "GET crm:api_token_new": ADMINS,
    "POST crm:api_token_new": A_WRONG_FORM_OF_ADMINS,
    "POST crm:api_token_revoke": A_MOVE_OF_ADMINS,
    "GET crm:webhooks": ADMINS,
    "GET crm:webhook_new": ADMINS,
    "POST crm:webhook_new": A_WRONG_FORM_OF_ADMINS,
    "GET crm:webhook": ADMINS,
    "GET crm:webhook_edit": ADMINS,
    "POST crm:webhook_edit": A_WRONG_FORM_OF_ADMINS,
    "POST crm:webhook_switch": A_MOVE_OF_ADMINS,
    "POST crm:webhook_ping": A_MOVE_OF_ADMINS,
    "POST crm:webhook_rotate": ADMINS,
    "POST crm:webhook_event_replay": A_MOVE_OF_ADMINS,
    "GET crm:imports": LEADS,
    "GET crm:import_new": LEADS,
    "POST crm:import_new": "403 422 403 403 403 422 login 403",
    "GET crm:import": LEADS,
    "GET crm:import_columns": LEADS,
    "POST crm:import_columns": "403 422 403 403 403 422 login 403",  # no column is named
    "POST crm:import_start": "403 422 403 403 403 422 login 403",  # its file is gone
    "POST crm:import_go_on": "403 422 403 403 403 422 login 403",  # it has not broken off
    "POST crm:import_undo": "403 422 403 403 403 422 login 403",  # it has not run
    "GET crm:import_errors": LEADS,
    "GET crm:customers_export": LEADS,
    "GET crm:accounts_export": "403 200 403 200 403 200 login 403",
    "GET crm:matches_export": LEADS,
    "GET crm:orders_export": LEADS,
    "GET crm:account_orders_export": "403 200 403 200 403 200 login 403",
    "GET cases:queue_export": LEADS,
    "POST crm:consent_undo": "302 302 403 403 403 302 login 302",
    "GET crm:matches": CARE,
    "GET crm:may_be": CARE,
    "POST crm:match_accept": "302 302 403 403 403 302 login 302",
    "POST crm:match_reject": "302 302 403 403 403 302 login 302",
    "POST crm:match_undo": "302 302 403 403 403 302 login 302",
    "GET crm:merge": CARE,
    "POST crm:merge": "422 422 403 403 403 422 login 422",  # no other record is chosen
    "POST crm:merge_undo": "302 302 403 403 403 302 login 302",
    "GET crm:merges": CUSTOMERS,
    "GET crm:link_new": CARE,
    "POST crm:link_new": "422 422 403 403 403 422 login 422",
    "POST crm:address_open": "302 302 403 403 403 302 login 302",
    "GET crm:link_withdraw": CARE,
    "POST crm:link_withdraw": "422 422 403 403 403 422 login 422",  # no reason is given
    "GET channels_app:last_words": CUSTOMERS,
    "GET crm:find": EVERYBODY,
    "GET crm:profile": EVERYBODY,
    "POST crm:profile": "422 422 422 422 422 422 login 422",
    "GET crm:people": LEADS,
    "GET crm:person": LEADS,
    "POST crm:person": "403 422 403 403 403 422 login 403",
    "GET crm:person_absences": LEADS,
    "POST crm:person_absences": "403 422 403 403 403 422 login 403",
    "GET crm:skill_new": LEADS,
    "POST crm:skill_new": "403 422 403 403 403 422 login 403",
    "GET crm:skill": LEADS,
    "POST crm:skill": "403 422 403 403 403 422 login 403",
    "GET crm:absences": CARE,
    "POST crm:absences": "422 422 403 403 403 422 login 422",
    "POST crm:absence_cancel": A_MOVE,
    "GET crm:hours": LEADS,
    "GET crm:hours_new": LEADS,
    "POST crm:hours_new": "403 422 403 403 403 422 login 403",
    "GET crm:hours_edit": LEADS,
    "POST crm:hours_edit": "403 422 403 403 403 422 login 403",
    "GET channels_app:promise": LEADS,
    "POST channels_app:promise": "403 422 403 403 403 422 login 403",
    "GET crm:teams": LEADS,
    "GET crm:team_new": LEADS,
    "POST crm:team_new": "403 422 403 403 403 422 login 403",
    "GET crm:team": LEADS,
    "POST crm:team": "403 422 403 403 403 422 login 403",
    "GET channels_app:channels": CARE,
    "GET channels_app:channel": CARE,
    "GET channels_app:troubled": "302 302 403 403 403 302 login 302",  # to the list of channels, but for HTMX
    "GET channels_app:connect": ADMINS,
    "GET channels_app:connect_needs": ADMINS,
    "POST channels_app:connect_needs": A_WRONG_FORM_OF_ADMINS,
    "GET channels_app:connect_found": "403 403 403 403 403 404 login 403",  # nothing is half connected
    "POST channels_app:connect_found": "403 403 403 403 403 404 login 403",
    "GET channels_app:connected": A_MOVE_OF_ADMINS,
    "GET channels_app:reconnect": ADMINS,
    "POST channels_app:reconnect": A_MOVE_OF_ADMINS,
    "GET channels_app:app_new": ADMINS,
    "POST channels_app:app_new": A_WRONG_FORM_OF_ADMINS,
    "GET channels_app:app": ADMINS,
    "POST channels_app:app": A_WRONG_FORM_OF_ADMINS,
    "POST channels_app:channel_check": A_MOVE_OF_ADMINS,
    "GET channels_app:channel_change": ADMINS,
    "POST channels_app:channel_change": A_WRONG_FORM_OF_ADMINS,
    "POST channels_app:channel_switch": A_MOVE_OF_ADMINS,
    "POST channels_app:channel_secret": "403 403 403 403 403 200 login 403",
    "POST channels_app:disconnect": A_MOVE_OF_ADMINS,
    "GET channels_app:policy": CARE,
    "POST channels_app:policy_publish": "403 422 403 403 403 422 login 403",
    "POST channels_app:policy_accept": "302 302 403 403 403 302 login 302",
    "GET channels_app:certification": CARE,
    "GET channels_app:module_read": CARE,
    "POST channels_app:module_read": "422 422 403 403 403 422 login 422",  # nothing is answered
    "GET channels_app:certified": LEADS,
    "GET channels_app:certified_export": LEADS,
    "GET channels_app:modules": LEADS,
    "GET channels_app:module_new": LEADS,
    "POST channels_app:module_new": "403 422 403 403 403 422 login 403",
    "GET channels_app:module": LEADS,
    "POST channels_app:module": "403 422 403 403 403 422 login 403",
    "GET channels_app:module_preview": LEADS,
    "POST channels_app:module_switch": "403 302 403 403 403 302 login 403",
    "GET channels_app:question_new": LEADS,
    "POST channels_app:question_new": "403 422 403 403 403 422 login 403",
    "GET channels_app:question": LEADS,
    "POST channels_app:question": "403 422 403 403 403 422 login 403",
    "POST channels_app:question_remove": "403 302 403 403 403 302 login 403",
    "GET cases:approvals": CARE,
    "GET cases:approvals_count": CARE,
    "GET cases:approval": A_CASE,
    "POST cases:approval_approve": REFUSED_MOVE,  # it was decided already
    "POST cases:approval_reject": REFUSED_MOVE,  # so it was
    "POST cases:approval_withdraw": REFUSED_MOVE,  # so it was
    "POST cases:accept_policy": A_MOVE,
    **{f"GET channels_app:reading{page}": LEADS for page in PAGES_OF_READING},
    **{f"POST channels_app:reading_{deed}": A_MOVE_OF_LEADS for deed in DEEDS_OF_READING},
    "GET channels_app:rereading": LEADS,
    "POST channels_app:rereading_start": A_MOVE_OF_LEADS,
    "POST channels_app:rereading_stop": A_MOVE_OF_LEADS,
    "POST channels_app:reading_word_add": "403 422 403 403 403 422 login 403",  # no word is typed
    "POST channels_app:reading_try": "403 422 403 403 403 422 login 403",
    "GET channels_app:log_contact": CARE,
    "POST channels_app:log_contact": "422 422 403 403 403 422 login 422",
    "GET channels_app:timeline": CUSTOMERS,
    "GET cases:queue": CARE,
    "GET cases:search": CARE,
    "GET cases:listening": CARE,
    "GET cases:listening_export": LEADS,
    "POST cases:hit_take": "302 302 403 403 403 302 login 302",  # what is found is everybody's who answers
    "POST cases:hit_put_back": "302 302 403 403 403 302 login 302",
    "POST cases:hit_dismiss": "302 302 403 403 403 302 login 302",
    "POST cases:hit_bring_back": "302 302 403 403 403 302 login 302",
    "GET channels_app:searches": LEADS,
    "GET channels_app:search": LEADS,
    "POST channels_app:search": "403 422 403 403 403 422 login 403",  # nothing is typed
    "GET channels_app:search_new": LEADS,
    "POST channels_app:search_new": "403 422 403 403 403 422 login 403",
    "POST channels_app:search_switch": A_MOVE_OF_LEADS,
    "GET cases:care": LEADS,
    "GET cases:care_hours": LEADS,
    "POST cases:next_case": "302 302 403 403 403 302 login 302",
    "GET cases:offers": CARE,
    "POST cases:offer_accept": "404 404 403 403 403 404 login 422",  # a colleague has the case
    "POST cases:offer_decline": "404 404 403 403 403 404 login 302",
    "GET cases:who_fits": LEADS,
    "POST cases:offer": "403 422 403 403 403 422 login 403",  # nobody is named
    "POST cases:bulk": "302 302 403 403 403 302 login 302",
    "POST cases:undo_deed": "404 404 403 403 403 404 login 302",
    "POST cases:undo": "404 422 403 403 403 422 login 302",  # nothing of theirs is to be undone
    "POST cases:snooze": "404 302 403 403 403 302 login 422",  # a colleague has it
    "POST cases:wake": REFUSED_MOVE,  # it is awake
    "GET cases:merge": A_CASE,
    "POST cases:merge": REFUSED_MOVE,  # no other case is chosen
    "GET cases:split": A_CASE,
    "POST cases:split": REFUSED_MOVE,  # nothing is chosen
    "GET cases:link": A_CASE,
    "GET cases:alike": A_CASE,
    "POST cases:alike_answer": REFUSED_MOVE,  # nobody is like it
    "POST cases:alike_undo": REFUSED_MOVE,
    "POST cases:alike_stop": REFUSED_MOVE,
    "POST cases:alike_part": REFUSED_MOVE,
    "POST cases:alike_put_back": REFUSED_MOVE,
    "POST cases:link": REFUSED_MOVE,
    "POST cases:unlink": A_MOVE,
    "GET cases:mentionable": A_CASE,
    "GET channels_app:bell": EVERYBODY,
    "GET crm:notices": EVERYBODY,
    "GET crm:notice": "404 404 404 404 404 404 login 302",
    "POST crm:notices_read": MOVED,
    "POST crm:notices_unread": MOVED,
    "GET crm:notice_choices": EVERYBODY,
    "POST crm:notice_choices": "422 422 422 422 422 422 login 422",
    "POST crm:save_view": "302 302 302 302 403 302 login 302",
    "POST crm:delete_view": "404 404 404 404 403 404 login 302",
    "GET cases:case": A_CASE,
    "GET cases:pane": A_CASE,
    "GET cases:conversation": A_CASE,
    "POST cases:take": REFUSED_MOVE,  # a colleague has it
    "POST cases:release": "404 302 403 403 403 302 login 422",
    "POST cases:assign": REFUSED_MOVE,  # somebody has it: it is handed over
    "POST cases:reply": REFUSED_MOVE,  # a colleague is answering
    "POST cases:note": A_MOVE,
    "POST cases:resolve": A_MOVE,
    "POST cases:reopen": REFUSED_MOVE,  # it is not resolved
    "POST cases:retry": REFUSED_MOVE,  # it has not failed
    "POST cases:arrived": REFUSED_MOVE,  # it is not in doubt
    "POST cases:send_again": REFUSED_MOVE,
    "GET cases:attachment": A_CASE,
    "GET cases:note_file": A_CASE,
    "GET cases:measure": A_CASE,
    "POST cases:measure": REFUSED_MOVE,  # nothing is chosen
    "POST cases:like": A_MOVE,
    "POST cases:unlike": A_MOVE,
    "POST cases:delete_message": REFUSED_MOVE,  # it is not ours
    "GET cases:malicious": CARE,
    "GET cases:malicious_export": LEADS,
    "POST cases:measure_second": A_MOVE,
    "POST cases:measure_refuse": A_MOVE,
    "POST cases:measure_lift": A_MOVE,
    "POST cases:move_to_private": REFUSED_MOVE,  # nothing is typed
    "POST cases:close_in_public": REFUSED_MOVE,  # nobody agreed to it
    "POST cases:withdraw": "404 302 403 403 403 302 login 422",  # a colleague's: for its author and leads
    "GET cases:pick_template": A_CASE,
    "POST cases:draft": "404 204 403 403 403 204 login 204",
    "GET cases:drafts": CARE,
    "GET cases:templates": LEADS,
    "GET cases:template_new": LEADS,
    "POST cases:template_new": "403 422 403 403 403 422 login 403",
    "GET cases:template": LEADS,
    "POST cases:template": "403 422 403 403 403 422 login 403",
    "POST cases:template_retire": "403 302 403 403 403 302 login 403",
    "GET cases:desk": LEADS,
    "POST cases:desk": "403 422 403 403 403 422 login 403",
    "GET cases:overrides": LEADS,
    "GET cases:overrides_export": LEADS,
    "GET cases:asked": A_CASE,
    "POST cases:ask_who": REFUSED_MOVE,  # a colleague is answering
    "POST cases:ask_withdraw": A_MOVE,
    "GET cases:hand_over": A_CASE,
    "POST cases:hand_over": "404 422 403 403 403 422 login 422",  # nothing is written
    "POST cases:hand_over_accept": "404 422 403 403 403 422 login 422",  # it was handed to somebody else
    "POST cases:hand_over_return": "404 422 403 403 403 422 login 422",
    "POST cases:hand_over_withdraw": "404 302 403 403 403 302 login 422",
    "POST cases:repeated": A_MOVE,
    "POST cases:commit": A_MOVE,
    "POST cases:commitment_keep": A_MOVE,
    "POST cases:commitment_drop": A_MOVE,
    "POST cases:commitment_undo": REFUSED_MOVE,  # it is not marked as kept
    "POST cases:ask": A_MOVE,
    "POST cases:question_withdraw": "404 302 403 403 403 302 login 422",
    "GET cases:group_questions": EVERYBODY,
    "GET cases:group_question": "404 404 404 404 404 404 login 404",  # a support member of another group as well
    "POST cases:group_question": "404 404 404 404 404 404 login 404",
    "POST cases:to_sales": REFUSED_MOVE,  # it is with sales already
    "GET cases:leads": ACCOUNTS,
    "GET cases:leads_export": "403 200 403 200 403 200 login 403",
    "GET cases:lead": "404 200 403 404 403 200 login 200",  # a colleague in sales has it
    "POST cases:lead_take": "403 422 403 404 403 422 login 403",
    "POST cases:lead_give": "403 302 403 404 403 302 login 403",
    "POST cases:lead_end": "404 422 403 404 403 422 login 422",  # what became of it is not said
    "POST cases:lead_reopen": "404 422 403 404 403 422 login 422",  # it has not ended
    "GET cases:told_once": LEADS,
    "GET cases:told_once_export": LEADS,
    "GET surveys:comments": RESULTS,
    "GET surveys:comments_export": LEADS,
    "POST surveys:comments_chosen": A_MOVE_OF_LEADS,
    "GET surveys:theme_add": LEADS,
    "POST surveys:theme_add": "403 422 403 403 403 422 login 403",
    "POST surveys:theme_confirm": A_MOVE_OF_LEADS,
    "POST surveys:theme_drop": A_MOVE_OF_LEADS,
    "POST surveys:theme_undo": "403 400 403 403 403 400 login 403",  # it does not say what to undo
    "GET surveys:plans": EVERYBODY,
    "GET surveys:plans_export": LEADS,
    "GET surveys:plan_new": LEADS,
    "POST surveys:plan_new": "403 422 403 403 403 422 login 403",
    "GET surveys:plan": "404 200 404 404 404 200 login 200",
    "GET surveys:plan_edit": LEADS,
    "POST surveys:plan_edit": "403 422 403 403 403 422 login 403",
    "POST surveys:plan_begin": A_MOVE_OF_A_PLAN,
    "POST surveys:plan_pause": A_MOVE_OF_A_PLAN,
    "POST surveys:plan_done": "404 422 404 404 404 422 login 422",  # without words
    "POST surveys:plan_drop": "404 422 404 404 404 422 login 422",
    "POST surveys:plan_reopen": A_MOVE_OF_A_PLAN,
    "GET surveys:improvements": EVERYBODY,
    "GET surveys:improvements_export": LEADS,
    "GET surveys:improvement_asked": "404 200 200 404 404 200 login 200",
    "GET surveys:improvement_asked_export": LEADS,
    "GET surveys:improvement_mentions": "404 200 200 404 404 200 login 200",
    "GET surveys:improvement_telling": "404 302 302 404 404 302 login 302",  # a part of the plan's page
    "POST surveys:improvement_ship": "404 422 404 404 404 422 login 422",  # without words
    "POST surveys:improvement_tell": A_MOVE_OF_A_PLAN,  # which has not come: a message says so
    "POST surveys:plan_link": A_MOVE_OF_LEADS,
    "POST surveys:plan_unlink": A_MOVE_OF_LEADS,
    "GET surveys:of_customer": CUSTOMERS,
    "GET surveys:surveys": LEADS,
    "GET surveys:survey_new": LEADS,
    "POST surveys:survey_new": "403 422 403 403 403 422 login 403",
    "GET surveys:survey": A_MOVE_OF_LEADS,
    "GET surveys:survey_edit": LEADS,
    "POST surveys:survey_edit": "403 422 403 403 403 422 login 403",
    "POST surveys:survey_copy": "403 422 403 403 403 422 login 403",
    "POST surveys:survey_retire": A_MOVE_OF_LEADS,
    "POST surveys:version_new": A_MOVE_OF_LEADS,
    "GET surveys:version": LEADS,
    "POST surveys:version_use": "403 422 403 403 403 422 login 403",  # it is asked in waves
    "GET surveys:version_words": LEADS,
    "POST surveys:version_words": A_MOVE_OF_LEADS,
    "GET surveys:preview": LEADS,
    "GET surveys:preview_screen": LEADS,
    "GET surveys:question_new": LEADS,
    "POST surveys:question_new": "403 422 403 403 403 422 login 403",
    "GET surveys:question": LEADS,
    "POST surveys:question": "403 422 403 403 403 422 login 403",
    "POST surveys:question_move": A_MOVE_OF_LEADS,
    "POST surveys:question_remove": A_MOVE_OF_LEADS,
    "POST surveys:question_put_back": "403 404 403 403 403 404 login 403",  # somebody else took it out
    "GET surveys:conditions": LEADS,
    "POST surveys:conditions": "403 422 403 403 403 422 login 403",
    "POST surveys:condition_remove": A_MOVE_OF_LEADS,
    "GET surveys:survey_settings": LEADS,
    "POST surveys:survey_settings": "403 422 403 403 403 422 login 403",
    "GET surveys:results": RESULTS,
    "GET surveys:results_csv": RESULTS,
    "GET surveys:responses": RESULTS,
    "GET surveys:responses_export": LEADS,
    "GET surveys:response": RESULTS,
    "POST surveys:response_decide": "403 302 403 403 403 302 login 403",
    "GET surveys:waves": RESULTS,
    "GET surveys:wave": RESULTS,
    "GET surveys:wave_new": LEADS,
    "POST surveys:wave_new": "403 422 403 403 403 422 login 403",
    "GET surveys:wave_edit": LEADS,
    "POST surveys:wave_edit": "403 422 403 403 403 422 login 403",
    "GET surveys:wave_dry_run": LEADS,
    "POST surveys:wave_start": "403 422 403 403 403 422 login 403",  # nobody rests for long enough
    "POST surveys:wave_discard": A_MOVE_OF_LEADS,
    "POST surveys:wave_pause": A_MOVE_OF_LEADS,
    "POST surveys:wave_resume": "403 422 403 403 403 422 login 403",  # it is not paused
    "POST surveys:wave_extend": "403 422 403 403 403 422 login 403",  # no day is said
    "POST surveys:wave_close": A_MOVE_OF_LEADS,
    "POST surveys:wave_reopen": "403 422 403 403 403 422 login 403",  # it is not closed
    "GET surveys:wave_left_out": LEADS,
    "GET surveys:left_out_export": LEADS,
    "GET surveys:wave_people": LEADS,
    "GET surveys:wave_people_export": LEADS,
    "POST surveys:invitation_decide": A_MOVE_OF_LEADS,
    "GET surveys:drivers": RESULTS,
    "GET surveys:drivers_export": RESULTS,
    "GET surveys:movement": RESULTS,
    "GET surveys:movement_export": RESULTS,
    "GET surveys:movement_people": RESULTS,
    "GET surveys:movement_people_export": LEADS,
    "GET surveys:calls": CUSTOMERS,
    "GET surveys:calls_export": LEADS,
    "POST surveys:calls_more": "302 403 302 302 403 403 login 302",
    "POST surveys:call_take": "422 422 404 404 403 422 login 302",  # somebody of theirs has taken it just now
    "POST surveys:call_hand_back": "404 422 404 404 403 422 login 422",  # no reason is given
    "GET surveys:call_give": "404 200 404 404 403 200 login 200",
    "POST surveys:call_give": "404 422 404 404 403 422 login 422",  # nobody is chosen
    "POST surveys:call_plan": "404 422 404 404 403 422 login 422",  # no time is
    "GET surveys:call": "404 200 404 404 403 200 login 200",
    "POST surveys:call_number": "404 422 404 404 403 422 login 422",  # none is known
    "POST surveys:call_record": "404 422 404 404 403 422 login 422",  # no outcome is chosen
    "GET surveys:call_tags": CUSTOMERS,
    "GET surveys:loops": CUSTOMERS,
    "GET surveys:loops_export": LEADS,
    "GET surveys:loops_figures": RESULTS,
    "GET surveys:loop": "404 200 200 404 404 200 login 200",
    "GET surveys:loops_of_customer": CUSTOMERS,
    "GET surveys:of_account": CUSTOMERS,
    "GET surveys:scorecards": LEADS,
    "GET surveys:scorecards_export": LEADS,
    "GET surveys:scorecard": "404 200 404 404 404 200 login 200",
    "GET surveys:recognise": EVERYBODY,
    "POST surveys:recognise": "422 422 422 422 422 422 login 422",  # nobody is named
    "POST surveys:recognition_take_back": "404 302 404 404 404 302 login 302",
    "GET surveys:advocates": RESULTS,
    "GET surveys:advocates_export": LEADS,
    "GET surveys:advocate_invite": LEADS,
    "POST surveys:advocate_invite": "403 422 403 403 403 422 login 403",  # it says nothing
    "GET surveys:advocate_thank": LEADS,
    "POST surveys:advocate_thank": "403 422 403 403 403 422 login 403",  # nor does this
    "POST surveys:advocate_answer": "403 422 403 403 403 422 login 403",  # neither yes nor no
    "POST surveys:advocate_end": "403 422 403 403 403 422 login 403",  # no reason is given
    "POST surveys:advocate_again": "403 422 403 403 403 422 login 403",  # nothing is over
    "GET surveys:requests": EVERYBODY,
    "GET surveys:requests_export": LEADS,
    "GET surveys:requests_together": MOVED,  # nothing is chosen
    "GET surveys:request": A_REQUEST,
    "POST surveys:request_answer": "404 422 404 404 404 422 login 422",  # they are not of the group
    "POST surveys:request_ask_back": "404 422 404 404 404 422 login 422",  # nor here
    "POST surveys:request_tell_back": "404 422 404 404 404 422 login 422",  # nothing was asked back
    "POST surveys:request_withdraw": "404 302 404 404 404 302 login 302",
    "POST surveys:request_typing": A_REQUEST,
    "GET surveys:outreach_settings": LEADS,
    "POST surveys:outreach_settings": "403 422 403 403 403 422 login 403",
    "POST surveys:call_rules_begin": A_MOVE_OF_LEADS,
    "GET surveys:call_rule_new": LEADS,
    "POST surveys:call_rule_new": "403 422 403 403 403 422 login 403",
    "GET surveys:call_rule": LEADS,
    "POST surveys:call_rule": "403 422 403 403 403 422 login 403",
    "POST surveys:call_rule_move": A_MOVE_OF_LEADS,
    "POST surveys:call_rule_stop": A_MOVE_OF_LEADS,
    "GET surveys:hashtags": "404 200 404 404 404 200 login 200",  # the agent whose own it is answers for its group
    "GET surveys:hashtag_new": "404 200 404 404 404 200 login 200",
    "POST surveys:hashtag_new": "404 422 404 404 404 422 login 422",
    "POST surveys:hashtag_retire": "404 302 404 404 404 302 login 302",
    "GET surveys:callers": LEADS,
    "GET surveys:caller": LEADS,
    "POST surveys:caller": "403 422 403 403 403 422 login 403",
    "GET surveys:calling_hours": LEADS,
    "POST surveys:calling_hours": "403 422 403 403 403 422 login 403",
    "POST surveys:calling_hours_drop": A_MOVE_OF_LEADS,
    "GET crm:support_groups": LEADS,
    "GET crm:support_group_new": LEADS,
    "POST crm:support_group_new": "403 422 403 403 403 422 login 403",
    "GET crm:support_group": LEADS,
    "POST crm:support_group": "403 422 403 403 403 422 login 403",
    "GET cases:of_message": "302 302 403 403 403 302 login 302",
    "GET cases:for_customer": CUSTOMERS,
    "GET cases:for_account": CUSTOMERS,
    "GET cases:rules": LEADS,
    "GET cases:rule_new": LEADS,
    "POST cases:rule_new": "403 422 403 403 403 422 login 403",
    "GET cases:rule": LEADS,
    "POST cases:rule": "403 422 403 403 403 422 login 403",
    "POST cases:rule_switch": "403 302 403 403 403 302 login 403",
    "GET cases:rule_runs": LEADS,
    "POST cases:check": A_MOVE,
    "POST cases:likely_cause": A_MOVE,
    "GET cases:reading": A_CASE,
    "POST cases:reading": A_MOVE,
    "POST cases:priority": "404 302 403 403 403 302 login 422",  # a colleague has it
    "POST cases:checklist": "403 422 403 403 403 422 login 403",  # what is to be done is missing
    "POST cases:cause_join": "403 422 403 403 403 422 login 403",  # no other cause is chosen
    "POST cases:cause_join_undo": "403 302 403 403 403 404 login 403",  # the lead's own
    "GET cases:causes": LEADS,
    "POST cases:causes": "403 422 403 403 403 422 login 403",
    "GET cases:cause": LEADS,
    "POST cases:cause": "403 422 403 403 403 422 login 403",
}
COLUMNS = [*ROLES, "nobody", "whose it is"]
OF_A_WAVE = (
    "wave", "wave_pause", "wave_resume", "wave_extend", "wave_close", "wave_reopen", "wave_left_out",
    "left_out_export", "wave_people", "wave_people_export",
)  # fmt: skip
OF_A_SURVEY = (
    "survey", "survey_edit", "survey_copy", "survey_retire", "version_new", "version", "version_words", "preview",
    "preview_screen", "question_new", "question", "question_move", "question_remove", "conditions", "version_use",
)  # fmt: skip
OF_A_CALL = (
    "surveys:call", "surveys:call_take", "surveys:call_hand_back", "surveys:call_give", "surveys:call_plan",
    "surveys:call_number", "surveys:call_record",
)  # fmt: skip
OF_A_MODULE = (
    "module_read", "module", "module_preview", "module_switch", "question_new", "question", "question_remove",
)  # fmt: skip


# --- the URLconf


def walk(resolver, spaces=()):
    """(name with its namespaces, pattern) of every view."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield ":".join([*spaces, pattern.name or "(unnamed)"]), pattern
        else:
            yield from walk(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces)


VIEWS = dict(walk(get_resolver()))
BEHIND_THE_ADMIN = {name for name in VIEWS if name.startswith(("admin:", "django_rq:"))}
BEHIND_A_TOKEN = {name for name in VIEWS if name.startswith("api:")}  # tests/test_api_access.py has their table
NAMED_BY_US = set(VIEWS) - BEHIND_THE_ADMIN - BEHIND_A_TOKEN - PUBLIC_OF_DJANGO - PUBLIC_OF_OURS - FOR_EVERYBODY


def test_every_view_has_a_name_of_its_own_and_a_line_in_the_table():
    names = [name for name, _ in walk(get_resolver()) if name not in BEHIND_THE_ADMIN]
    assert len(names) == len(set(names))
    assert {line.split()[1] for line in TABLE} == NAMED_BY_US


def test_every_view_of_ours_names_its_roles_or_is_marked_public():
    views = {name: VIEWS[name].callback for name in NAMED_BY_US | PUBLIC_OF_OURS}
    assert {view.__module__.split(".")[0] for view in views.values()} <= set(OURS)
    unguarded = {name for name, view in views.items() if not hasattr(view, "roles") and not hasattr(view, "is_public")}
    assert unguarded == set()


def test_only_what_is_listed_can_be_seen_without_signing_in():
    open_to_all = {name for name, p in VIEWS.items() if getattr(p.callback, "login_required", True) is False}
    assert open_to_all - BEHIND_A_TOKEN == PUBLIC_OF_DJANGO | PUBLIC_OF_OURS
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE


def test_our_public_views_are_marked_as_such():
    assert {name for name, p in VIEWS.items() if hasattr(p.callback, "is_public")} == PUBLIC_OF_OURS


# --- the walk


@pytest.fixture(scope="module")
def laid_down(kept):
    """The world, made once for all these tests, with its files; its people are signed in."""
    with kept() as files:
        world = a_world()
        world.sessions = {person.pk: signed_in(person) for person in world.people.values() if person}
        yield world, files


@pytest.fixture
def world(laid_down, db, settings):
    """For each test copies of the objects and of the files: none meets what another has done to them."""
    whole, files = laid_down
    shutil.copytree(files, settings.MEDIA_ROOT)
    return copy.deepcopy(whole)


def signed_in(person):
    """The session of somebody who has just signed in, as the cookie names it."""
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def a_world():
    """One of everything, of a team of its own, owned by somebody of that team; and a person for each column."""
    team, cause = factories.TeamFactory(), factories.CauseFactory()
    mine, owner = factories.UserFactory(teams=[team]), factories.UserFactory(teams=[team])
    case = factories.CaseFactory(channel=factories.ChannelFactory(team=team), owner=owner, state="open")
    people = {role: factories.UserFactory(role=role, teams=[factories.TeamFactory()]) for role in ROLES}
    people["admin"].is_staff = people["admin"].is_superuser = True
    people["admin"].save()
    neighbour = factories.CaseLinkFactory(one=case, other=factories.CaseFactory(channel=case.channel), by=owner)
    return SimpleNamespace(
        neighbour=neighbour.other, advocate=factories.AdvocateFactory(), thanks=factories.RecognitionFactory(by=mine),
        notice=factories.NoticeFactory(user=mine),
        deed=factories.DeedFactory(by=mine, action="link", before=[], after=[{"id": case.pk, "link": neighbour.pk}]),
        people=people | {"nobody": None, "whose it is": mine}, cause=cause, team=team, case=case, owner=owner,
        customer=case.customer, message=case.entries.get().message, rule=factories.RuleFactory(),
        template=factories.TemplateFactory(),
        view=factories.SavedViewFactory(owner=mine), delivery=factories.DeliveryFactory(case=case, by=owner),
        token=factories.ApiTokenFactory(), told=factories.WebhookEventFactory(webhook__url="https://127.0.0.1/"),
        asked=factories.IdentityRequestFactory(identity=case.identity),
        said=consent.record(customer=case.customer, purpose="survey", state="given", how="Said so", by=owner),
        copy=factories.PrivacyRequestFactory(customer=case.customer),
        seat=factories.StakeholderFactory(customer=case.customer, persona=factories.PersonaFactory()),
        link=case.identity.links.get(), offer=factories.OfferFactory(case=case, user=mine),
        absence=factories.AbsenceFactory(user=mine), skill=factories.SkillFactory(),
        match=factories.IdentityLinkFactory(identity=case.identity, state="proposed"),
        merge=merging.merge(survivor=case.customer, absorbed=factories.CustomerFactory(), by=owner),
        attachment=factories.AttachmentFactory(message=case.entries.earliest("pk").message),
        note_file=factories.NoteFileFactory(note=factories.NoteFactory(case=case, by=owner)),
        measure=factories.MeasureFactory(case=case, by=owner, kind="block", state="proposed"),
        wave=factories.WaveFactory(), wave_draft=factories.WaveFactory(state="draft", planned_at=None, rest_days=1),
        in_doubt=factories.InvitationFactory(state="doubt", sent_at=None, claimed_at=timezone.now()),
        waits=factories.ConditionFactory(fact="country", test="one_of", values=["ES"]),
        own=factories.own_channel(), app=factories.AppFactory(), **something_found(case.channel),
        policy=factories.PolicyFactory(), asked_in=factories.ModuleQuestionFactory(module__place="elsewhere"),
        approval=factories.ApprovalFactory(
            case=case, by=owner, state="withdrawn", decided_by=owner, decided_at=timezone.now()
        ),
        item=factories.ChecklistItemFactory(cause=cause), word=factories.LexiconWordFactory(),
        fitted=factories.FittedModelFactory(), rereading=factories.RereadingFactory(),
        joined=causes.merge(cause=factories.CauseFactory(), into=factories.CauseFactory(), by=people["lead"]),
        theme=factories.ThemeFactory(), plan=factories.ActionPlanFactory(owner=mine),
        improvement=factories.ActionPlanFactory(owner=mine, group=factories.SupportGroupFactory(), cause=cause),
        run=factories.ImportFactory(), calendar=factories.CalendarFactory(), call_rule=factories.CallRuleFactory(),
        hashtag=factories.HashtagFactory(group__owner=mine), called_when=factories.CallingHoursFactory(),
        sale=factories.LeadFactory(case=case, handed_by=mine, owner=factories.UserFactory(role="sales")),
        question=a_question(case, owner, people["support"]), **a_request(mine), call=factories.CallFactory(owner=mine),
        given=factories.HandOverFactory(case=case, by=owner, to=factories.UserFactory(teams=[team])),
        promise=factories.CommitmentFactory(
            case=factories.CaseFactory(channel=case.channel, owner=owner, state="open")
        ),
    )  # fmt: skip


def something_found(channel):
    search = factories.SearchFactory(channel=channel)
    return {"search": search, "hit": factories.MessageFactory(overheard=True, found_by=search), "hits": channel}


def a_question(case, by, other):
    """Of a group in which somebody is, and `other` is not, who is in another."""
    factories.SupportGroupFactory(members=[other])
    return factories.GroupQuestionFactory(
        case=case, by=by, group=factories.SupportGroupFactory(members=[factories.UserFactory(role="support")])
    )


def a_request(caller):
    """To a group in which somebody else is, after a call that is over."""
    call = factories.CallFactory(owner=caller, state="done", ended_at=timezone.now())
    group = factories.SupportGroupFactory(members=[factories.UserFactory(role="support")])
    request = factories.GroupRequestFactory(attempt__call=call, hashtag__group=group)
    return {"request": request, "group": group, "loop": request.loop}


def address(name, world):
    """The view's URL for the objects of `world`."""
    things = {
        "crm:customer": world.customer, "crm:customer_panel": world.customer, "crm:customer_edit": world.customer,
        "crm:stakes": world.customer, "crm:orders": world.customer, "crm:account": world.seat.account,
        "crm:account_edit": world.seat.account, "crm:account_orders": world.seat.account,
        "crm:orders_export": world.customer, "crm:account_orders_export": world.seat.account,
        "cases:for_account": world.seat.account, "crm:stakeholder_new": world.seat.account,
        "crm:stakeholder": world.seat, "crm:stakeholder_leave": world.seat, "crm:stakeholder_back": world.seat,
        "crm:persona": world.seat.persona,
        "crm:person": world.owner, "crm:person_absences": world.owner, "crm:skill": world.skill,
        "crm:absence_cancel": world.absence, "cases:offer_accept": world.offer, "cases:offer_decline": world.offer,
        "crm:team": world.team, "channels_app:timeline": world.customer, "cases:for_customer": world.customer,
        "crm:consent": world.customer, "crm:consent_undo": world.said, "cases:of_message": world.message,
        "cases:rule": world.rule, "cases:rule_switch": world.rule, "cases:rule_runs": world.rule,
        "cases:checklist": world.cause, "cases:cause_join": world.cause, "cases:cause_join_undo": world.joined,
        "cases:template": world.template, "cases:template_retire": world.template,
        "cases:attachment": world.attachment, "cases:note_file": world.note_file, "cases:measure": world.message,
        "cases:measure_second": world.measure, "cases:measure_refuse": world.measure,
        "cases:measure_lift": world.measure,
        **{f"cases:{name}": world.message for name in ("like", "unlike", "delete_message")},
        **{f"cases:hit_{deed}": world.hit for deed in ("take", "put_back", "dismiss", "bring_back")},
        "cases:reading": world.message, "channels_app:reading_correct": world.message,
        "channels_app:reading_model": world.fitted, "channels_app:reading_put_live": world.fitted,
        **{f"channels_app:reading_word_{deed}": world.word for deed in ("remove", "put_back")},
        "channels_app:rereading_stop": world.rereading,
        "channels_app:search": world.search, "channels_app:search_switch": world.search,
        "cases:cause": world.cause, "crm:delete_view": world.view,
        "crm:privacy": world.customer, "crm:privacy_export": world.customer, "crm:privacy_erase": world.customer,
        "crm:privacy_file": world.copy, "crm:api_token_revoke": world.token, "crm:webhook_event_replay": world.told,
        "crm:webhook": world.told.webhook, "crm:webhook_edit": world.told.webhook,
        "crm:webhook_switch": world.told.webhook, "crm:webhook_ping": world.told.webhook,
        "crm:webhook_rotate": world.told.webhook, "crm:match_accept": world.match, "crm:match_reject": world.match,
        "crm:match_undo": world.match, "crm:may_be": world.customer, "crm:merge": world.customer,
        "crm:merges": world.customer, "crm:merge_undo": world.merge, "crm:link_new": world.customer,
        "crm:import": world.run, "crm:import_columns": world.run, "crm:import_start": world.run,
        "crm:import_go_on": world.run, "crm:import_undo": world.run, "crm:import_errors": world.run,
        "crm:support_group": world.question.group, "cases:group_question": world.question,
        "cases:commitment_keep": world.promise.case, "cases:commitment_drop": world.promise.case,
        "cases:commitment_undo": world.promise.case,
        "channels_app:policy": world.case.channel, "channels_app:policy_publish": world.case.channel,
        **{f"channels_app:{name}": world.own for name in OF_A_CHANNEL}, "channels_app:app": world.app,
        "channels_app:policy_accept": world.policy, "cases:approval": world.approval,
        "cases:approval_approve": world.approval, "cases:approval_reject": world.approval,
        **{f"channels_app:{name}": world.asked_in.module for name in OF_A_MODULE},
        "crm:link_withdraw": world.link, "crm:address_open": world.link, "channels_app:last_words": world.case.identity,
        **{f"surveys:{name}": world.waits.question.version.survey for name in OF_A_SURVEY},
        "surveys:condition_remove": world.waits, "surveys:question_put_back": world.deed,
        **{f"surveys:{name}": world.wave for name in OF_A_WAVE},
        **{f"surveys:wave_{name}": world.wave_draft for name in ("edit", "dry_run", "start", "discard")},
        "surveys:invitation_decide": world.in_doubt,
        **{name: world.advocate for name in VIEWS if name.startswith("surveys:advocate_")},
        "surveys:scorecard": world.people["whose it is"], "surveys:recognition_take_back": world.thanks,
        "surveys:loop": world.loop, "surveys:loops_of_customer": world.customer,
        "surveys:of_account": world.seat.account,
        "surveys:of_customer": world.customer, "surveys:theme_add": world.theme.answer,
        "surveys:response": world.theme.answer.response, "surveys:response_decide": world.theme.answer.response,
        **{f"surveys:theme_{deed}": world.theme for deed in ("confirm", "drop", "undo")},
        **{name: world.improvement for name in VIEWS if name.startswith("surveys:improvement_")},
        **{name: world.plan for name in VIEWS if name == "surveys:plan" or name.startswith("surveys:plan_")},
        **{f"cases:{name}": world.sale for name in ("lead", "lead_take", "lead_give", "lead_end", "lead_reopen")},
        **{name: world.request for name in VIEWS if re.match(r"surveys:request(_|$)", name)},
        **dict.fromkeys(OF_A_CALL, world.call),
        **{f"surveys:call_rule{deed}": world.call_rule for deed in ("", "_move", "_stop")},
        "surveys:hashtag_retire": world.hashtag, "surveys:caller": world.owner,
        "surveys:calling_hours_drop": world.called_when,
        "crm:notice": world.notice, "cases:undo_deed": world.deed,
        "crm:hours_edit": world.calendar, "channels_app:promise": world.case.channel,
    }  # fmt: skip
    wanted = VIEWS[name].pattern.converters
    known = {
        "item": world.item.pk, "pk": things.get(name, world.case).pk, "delivery": world.delivery.pk,
        "asked": world.asked.pk,
    }  # fmt: skip
    known |= {
        "approval": world.approval.pk, "module_question": world.asked_in.pk,
        "number": world.waits.question.version.number, "line": world.waits.question.pk,
        "given": world.given.pk, "message": world.message.pk, "commitment": world.promise.pk,
        "question": world.question.pk, "other": world.neighbour.pk, "figure": "trend",
        "table": "steps", "kind": "feed", "network": "meta", "name": "nothing",
    }  # fmt: skip
    return reverse(name, kwargs={part: known[part] for part in wanted})


def fields(name, world):
    """What a form would send that concerns the objects of `world`; a name left empty where no line needs more."""
    return {
        "cases:assign": {"owner": world.people["lead"].pk},
        "cases:reply": {"text": "Me too"},
        "cases:accept_policy": {"policy": world.policy.pk},
        "cases:note": {"text": "Seen"},
        "cases:commit": {"promise": "A call"},
        "cases:commitment_drop": {"why": "Not needed"},
        "cases:ask": {"group": world.question.group.pk, "question": "Why?"},
        "cases:to_sales": {"what": "Ten seats"},
        "cases:lead_give": {"to": world.people["sales"].pk},
        "cases:hand_over_return": {"why": "No time"},
        "cases:group_question": {"text": "Because."},
        "cases:draft": {"text": "Dear", "kind": "reply"},
        "cases:resolve": {"cause": world.cause.pk},
        "cases:likely_cause": {"cause": world.cause.pk},
        "cases:priority": {"priority": "1"},
        "cases:bulk": {"action": "take", "ids": [world.case.pk]},
        "cases:snooze": {"when": "hour"},
        "surveys:question_move": {"to": "1"},
        "surveys:call_rule_move": {"to": "up"},
        "surveys:comments_chosen": {"answers": [world.theme.answer_id], "action": "new"},
        "crm:save_view": {"name": "Mine", "page": "customers"},
        "surveys:response_decide": {"deed": "let_in"},
        "cases:reading": {"aspect": "sentiment", "value": "positive"},
        "channels_app:reading_correct": {"aspect": "sentiment", "value": "positive"},
        "surveys:request_answer": {"kind": "no", "text": "So."},
        "surveys:request_ask_back": {"text": "Which?"},
        "surveys:request_tell_back": {"text": "That."},
    }.get(name, {"name": ""})


def visit(world, line, person, client=None):
    """The response of one line of the table to one person."""
    method, name = line.split()
    client = client or Client()
    if person:
        client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[person.pk]
    ask = client.get if method == "GET" else client.post
    return ask(address(name, world), fields(name, world) if method == "POST" else {})


def outcome(response):
    to_login = response.status_code == 302 and response["Location"].startswith("/login/?next=")
    return "login" if to_login else str(response.status_code)


def everything():
    """All that a view might change; signing in for a test is not its doing."""
    return rows_of(
        Absence, Account, ActionPlan, Activity, Advocate, AdvocateLetter, Recognition, ApiToken, App, Approval, Channel,
        Correction, Credential, LexiconWord, Rereading, Training,
        Attachment, Case, CaseLink, CaseMessage, Cause,
        Commitment,
        GroupRequest, Call, Caller, CallingHours, CallRule, Hashtag, OutreachSettings,
        Customer, Deed, Delivery, GroupQuestion, HandOver, IdentityLink, Lead, Measure, Merge, Message, Note, Notice,
        NoticeChoice, Offer, Persona, Rule, SavedView, Skill, Stakeholder, SupportGroup, Team, Theme, User, Wave,
        Webhook, WebhookEvent, Invitation, but={"User": ["last_login"]},
    )  # fmt: skip


@pytest.mark.parametrize("line", TABLE)
def test_each_role_gets_what_the_table_says(world, line):
    found, before = {}, everything()
    for column in COLUMNS:
        with transaction.atomic():
            found[column] = outcome(visit(world, line, world.people[column]))
            if found[column] in ("login", "403", "404", "422"):
                assert everything() == before, column
            transaction.set_rollback(True)
    assert found == dict(zip(COLUMNS, TABLE[line].split(), strict=True))


def test_every_method_a_view_answers_to_has_its_line(world, client):
    client.force_login(world.people["admin"])
    for name in NAMED_BY_US:
        allowed = client.put(address(name, world)).headers["Allow"]
        lines = {line.split()[0] for line in TABLE if line.split()[1] == name}
        assert lines == set(allowed.split(", ")) - {"HEAD", "OPTIONS"}, name


def test_a_page_of_which_htmx_gets_a_part_says_so(world):
    """Else a browser that goes back shows the part alone."""
    silent, parts = [], 0
    for line in [line for line in TABLE if line.startswith("GET")]:
        page, part = (visit(world, line, world.people["admin"], Client(headers=each)) for each in ({}, HTMX))
        if page.status_code == 200 and is_whole(page) and not is_whole(part):
            parts += 1
            silent += [] if "HX-Request" in page.get("Vary", "") else [line]
    assert silent == []
    assert parts > 20


def is_whole(response):
    return not response.streaming and b"<!doctype html" in response.content.lower()[:200]


@pytest.mark.parametrize("line", [line for line in TABLE if line.startswith("POST")])
def test_a_form_from_another_site_is_refused(world, line):
    before = everything()
    response = visit(world, line, world.people["whose it is"], Client(enforce_csrf_checks=True))
    assert response.status_code == 403
    assert "403_csrf.html" in [template.name for template in response.templates]
    assert everything() == before


@pytest.mark.parametrize("name", sorted({"login", "logout", "password_change", "password_reset", "admin:login"}))
def test_so_is_one_for_djangos_own_pages(world, name):
    client = Client(enforce_csrf_checks=True)
    if name not in PUBLIC_OF_DJANGO:
        client.force_login(world.people["agent"])
    assert client.post(reverse(name), {}).status_code == 403


@pytest.mark.parametrize("pk", [0, 10**9, 10**40])
def test_what_does_not_exist_is_not_found_and_not_an_error(world, client, pk):
    client.force_login(world.people["admin"])
    for line in TABLE:
        method, name = line.split()
        if VIEWS[name].pattern.converters:
            url = reverse(name, kwargs=dict.fromkeys(VIEWS[name].pattern.converters, pk))
            assert (client.get if method == "GET" else client.post)(url).status_code == 404, line


def test_who_has_left_is_signed_out(world, client):
    leaver = world.people["lead"]
    client.force_login(leaver)
    leaver.is_active = False
    leaver.save()
    assert outcome(client.get("/queue/")) == "login"


# --- Django's own


@pytest.mark.parametrize("name", sorted(FOR_EVERYBODY))
def test_pages_about_ones_own_password_are_for_everybody_who_is_signed_in(world, name):
    for role in ROLES:
        client = Client()
        client.force_login(world.people[role])
        response = client.post(reverse(name)) if name == "logout" else client.get(reverse(name))
        assert response.status_code == (302 if name == "logout" else 200)
    assert outcome(Client().get(reverse(name))) == "login"


@pytest.mark.parametrize("name", sorted(PUBLIC_OF_DJANGO | PUBLIC_OF_OURS))
def test_public_pages_answer_who_is_not_signed_in(db, client, name):
    asked = factories.IdentityRequestFactory(codes=1)
    surveyed = factories.InvitationFactory()
    answered = factories.ResponseFactory().invitation
    kwargs = {
        "password_reset_confirm": {"uidb64": "x", "token": "y"},
        "crm:identify": {"token": private_links.token(asked)},
        "crm:identify_code": {"token": private_links.token(asked)},
        "channels_app:promise_stated": {"brand": factories.published_promise().channel.brand_slug},
        **{f"surveys:{page}": {"token": links.token(surveyed)} for page in OF_WHO_IS_ASKED},
        "surveys:asked_back": {"token": links.token(surveyed), "question": surveyed.version.questions.first().pk},
        "surveys:asked_thanks": {"token": links.token(answered)},
    }
    assert client.get(reverse(name, kwargs=kwargs.get(name, {}))).status_code in (200, 503)


def behind_the_admin():
    """An address for each view of the admin and of the job queues; "1" stands for whatever a path asks for."""
    special = {"app_label": "crm", "url": "nonsense", "token": "1"}
    for name in sorted(BEHIND_THE_ADMIN - {"admin:login", "admin:(unnamed)"}):
        pattern = VIEWS[name].pattern
        parts = list(getattr(pattern, "converters", {})) or list(pattern.regex.groupindex)
        yield reverse(name, kwargs={part: special.get(part, 1) for part in parts})
    yield from ("/admin/nonsense/", "/admin/crm/user/1/")


@pytest.mark.parametrize("role", ["nobody", *(role for role in ROLES if role != Role.ADMIN), "whose it is"])
def test_the_admin_and_the_job_queues_are_closed_to_everybody_but_admins(world, role):
    client = Client()
    if world.people[role]:
        client.force_login(world.people[role])
    for url in behind_the_admin():
        for ask in (client.get, client.post):
            response = ask(url)
            assert response.status_code == 401 or re.match(r"/(admin/)?login/|/admin/$", response["Location"]), url


def test_an_admin_enters_the_admin_and_the_job_queues(world, client):
    client.force_login(world.people["admin"])
    for name in ("admin:index", "django_rq:home"):
        assert client.get(reverse(name)).status_code == 200


# --- live

STREAMS = {  # the same columns
    "case": "no yes no no no yes no yes",
    "hits": "yes yes no no no yes no yes",
    "team": "no yes no no no yes no yes",
    "wave": "no yes yes no no yes no no",
    "call": "no yes no no no yes no yes",
    "request": "no yes no no no yes no yes",
    "group": "no yes no no no yes no no",
    "loop": "no yes yes no no yes no yes",
    "plan": "no yes no no no yes no yes",
}


def test_every_kind_of_stream_has_a_line():
    assert set(live._checkers) == {*STREAMS, "user"}


@pytest.mark.parametrize("column", ["agent", "lead", "executive", "sales", "support", "admin", "whose it is"])
def test_ones_own_stream_is_heard_by_oneself_and_by_nobody_else(world, column):
    person = world.people[column]
    assert live.may_follow(person, f"user:{person.pk}")
    others = [other for other in world.people.values() if other and other != person]
    assert not [other for other in others if live.may_follow(other, f"user:{person.pk}")]


@pytest.mark.parametrize("kind", STREAMS)
def test_each_role_hears_what_the_table_says(world, kind):
    stream = f"{kind}:{getattr(world, kind).pk}"
    found = {}
    for column in COLUMNS:
        person = world.people[column]
        # the socket closes on who is not signed in before it asks
        found[column] = "yes" if person and live.may_follow(person, stream) else "no"
    assert found == dict(zip(COLUMNS, STREAMS[kind].split(), strict=True))
    assert not AnonymousUser().is_active


@pytest.mark.parametrize(
    "stream",
    [
        "",
        "case",
        "case:",
        "case:x",
        "case:-1",
        "case:²",
        f"case:{'9' * 40}",
        "case:0",
        "team:0",
        "user:0",
        "hubs",
        "case:1:1",
    ],
)
def test_nobody_hears_a_stream_that_is_none(world, stream):
    assert not live.may_follow(world.people["admin"], stream)
