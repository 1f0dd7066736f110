"""E-mail as a network: read over IMAP, sent over SMTP; a channel is one mailbox of ours.

A payload is one mail as it came. What a mail server reports of a mail of ours (RFC 3464) is an event RETURNED for each
address it could not reach; who sent that mail makes sense of it (channels_app/came_back.py). What a machine answers
(RFC 3834) is no message.
"""

from channels_app.platforms.email.mailbox import Mailbox, Security, Server
from channels_app.platforms.email.platform import EmailPlatform
from channels_app.platforms.email.smtp import NoSuchAddress, is_for_good, why_not_sent

__all__ = ["EmailPlatform", "Mailbox", "NoSuchAddress", "Security", "Server", "is_for_good", "why_not_sent"]
