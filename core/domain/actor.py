"""The acting person."""

from pydantic import BaseModel, ConfigDict, Field


class Actor(BaseModel):
    """Who asks for a change: the name that the event carries, and where it came from (`screen`, `terminal`)."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=64)
    via: str = "screen"
