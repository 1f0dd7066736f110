"""Meta: Facebook Pages with Messenger, Instagram and WhatsApp, all of which call one webhook of one app.

Contract-tested, never run live: what goes out is held against what Meta publishes, which is the schema of WhatsApp, and
the nodes, edges and parameters of Pages and Instagram. `webhook` opens what comes in, `reading` and `messaging` take it
apart, `graph` speaks to the Graph API and knows what its errors mean, `login` connects an account.

Access of all three: settings `page_id`, `instagram_id` (and `username`) or `phone_id`, `client_id` for `login`, perhaps
`host`; secrets `access_token`, `app_secret`, `app_secret_before` while the app's secret is being changed, and
`verify_token`.

Events that name no post of their own: a RECEIPT is about the message `parent_id` or, where that is empty, about all of
ours in `thread_id` up to `extra["until"]`; a REACTION is about `parent_id`. Their `external_id` is made from what they
say, so that the same one twice is one.
"""
