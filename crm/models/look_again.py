"""What makes Hark look anew for whom an identity belongs to: kept by the database, so that none forgets it.

A new identity has never been looked for. Here is the rest: a customer's name changed, or an identity changed hands.
"""

import pgtrigger

SAYS_WHO = ("name", "given_name", "family_name", "nickname", "born_on", "city", "language", "known_at")

WHEN_RENAMED = pgtrigger.Trigger(
    name="look_again_when_renamed",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf(*SAYS_WHO),
    condition=pgtrigger.AnyChange(*SAYS_WHO),
    func="""
        UPDATE crm_identity SET matched_at = NULL WHERE matched_at IS NOT NULL AND id IN (
            SELECT identity_id FROM crm_identitylink WHERE customer_id = NEW.id AND state = 'confirmed'
        );
        RETURN NULL;
    """,
)
# not on insert: who comes in with their identities, one or a million, is looked for by these being new
WHEN_MOVED = pgtrigger.Trigger(
    name="look_again_when_moved",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("customer_id", "state"),
    condition=pgtrigger.Condition(
        "NEW.state = 'confirmed' AND (OLD.state, OLD.customer_id) IS DISTINCT FROM (NEW.state, NEW.customer_id)"
    ),
    func="""
        UPDATE crm_identity SET matched_at = NULL WHERE matched_at IS NOT NULL AND id = NEW.identity_id;
        RETURN NULL;
    """,
)
