"""What happens here, told to other systems: a row per event and webhook, in the transaction in which it happens."""

from crm.webhooks.forgetting import forget
from crm.webhooks.telling import tell, tell_links, wanted

__all__ = ["forget", "tell", "tell_links", "wanted"]
