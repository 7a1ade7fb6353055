"""What people are to this program."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody signed in as. `core.services.rights` says who may do what."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    FINANCE = "finance"
    PRESENTER = "presenter"
    AUDITOR = "auditor"
