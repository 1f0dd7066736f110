"""Records that also stand in another system."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FromOutside(models.Model):
    """Its id there: `source` names the system, `external_id` the record. Both empty: it stands only here."""

    source = models.SlugField(_("other system"), max_length=40, blank=True)
    external_id = models.CharField(_("id there"), max_length=120, blank=True)

    class Meta:
        abstract = True


def outside_id_stands_once(name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["source", "external_id"], condition=~models.Q(external_id=""), name=name)
