"""The acting person."""

from pydantic import BaseModel, ConfigDict, Field

from core.domain.roles import Role


class Actor(BaseModel):
    """Who asks: the name that the event carries, the way (`screen`, `terminal`), the role that says what is allowed,
    and the network address that a screen is looked at from, empty where there is none."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=64)
    via: str = "screen"
    role: Role
    address: str = ""
