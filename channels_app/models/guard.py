"""The database's own say in what leaves: a path that forgot to ask `crm.consent` still reaches nobody."""

import pgtrigger

from crm.models.consent import GUARD

DECLARATIONS = [("asked", "bigint"), ("forbidden", "boolean")]
# The same question as crm.consent.may_write_to(identity) asks; tests/test_do_not_contact.py holds both together.
# Who has no confirmed owner wrote to us and is answered. What is written down by hand leaves nowhere.
SQL = f"""
    IF TG_OP = 'UPDATE' AND NEW.state <> 'sending' THEN
        RETURN NEW;
    END IF;
    SELECT link.customer_id INTO asked
      FROM channels_app_message AS message
      JOIN channels_app_channel AS channel ON channel.id = message.channel_id AND channel.platform <> 'by_hand'
      JOIN crm_identitylink AS link ON link.identity_id = message.identity_id AND link.state = 'confirmed'
     WHERE message.id = NEW.message_id;
    IF asked IS NULL THEN
        RETURN NEW;
    END IF;
    WITH RECURSIVE line AS (
        SELECT id, merged_into_id FROM crm_customer WHERE id = asked
         UNION
        SELECT next.id, next.merged_into_id FROM crm_customer AS next JOIN line ON next.id = line.merged_into_id
    )
    SELECT stands.do_not_contact_at IS NOT NULL OR stands.erased_at IS NOT NULL OR EXISTS (
               SELECT FROM crm_consent
                WHERE customer_id = stands.id AND purpose = 'care_reply' AND state = 'refused'
           )
      INTO forbidden
      FROM line JOIN crm_customer AS stands ON stands.id = line.id
     WHERE stands.merged_into_id IS NULL;
    IF forbidden IS NOT FALSE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation', CONSTRAINT = '{GUARD}',
            MESSAGE = 'Nothing may be sent to this customer.', DETAIL = asked::text;
    END IF;
    RETURN NEW;
"""  # noqa: S608 - a constant of ours


def nothing_leaves_against_their_will() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=GUARD, when=pgtrigger.Before, operation=pgtrigger.Insert | pgtrigger.UpdateOf("state"),
        declare=DECLARATIONS, func=SQL,
    )  # fmt: skip
