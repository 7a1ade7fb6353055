"""The tables, by what they are about. Every `*_sealed` column holds what `core.vault` gave, bound to table, row id and
field.

All are imported here, so that whoever imports one knows every table there is."""

from core.store.tables import (  # noqa: F401 - declares them
    access_keys,
    accounts,
    audit,
    bills,
    credentials,
    people,
    policy,
    vault,
    walkthrough,
)
