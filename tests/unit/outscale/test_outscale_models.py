"""Answers of OUTSCALE, read into models."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from core.outscale.models import AccessKey, Account, CreatedAccessKey

KEY = {"AccessKeyId": "A" * 20, "State": "ACTIVE"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2010-10-01T12:34:56.789+0000", datetime(2010, 10, 1, 12, 34, 56, 789000, UTC)),
        ("2010-10-01T12:34:56.789Z", datetime(2010, 10, 1, 12, 34, 56, 789000, UTC)),
        ("2010-10-01T14:34:56+0200", datetime(2010, 10, 1, 12, 34, 56, tzinfo=UTC)),
        ("2010-10-01", datetime(2010, 10, 1, tzinfo=UTC)),
        ("2010-10-01T12:34:56", datetime(2010, 10, 1, 12, 34, 56, tzinfo=UTC)),
    ],
)
def test_every_way_of_writing_a_moment(text: str, moment: datetime) -> None:
    read = AccessKey.model_validate(KEY | {"ExpirationDate": text}).expiration_date
    assert read == moment
    assert read
    assert read.utcoffset() == UTC.utcoffset(None)


def test_a_key_that_never_expires() -> None:
    assert AccessKey.model_validate(KEY).expiration_date is None


def test_fields_that_are_left_out_or_new() -> None:
    assert Account.model_validate({}).account_id is None
    assert Account.model_validate({"AccountId": "1", "New": {}}).account_id == "1"


def test_a_new_keys_secret_is_covered() -> None:
    key = CreatedAccessKey.model_validate(KEY | {"SecretKey": "B" * 40})
    assert key.secret_key.get_secret_value() == "B" * 40
    assert "B" * 40 not in f"{key} {key!r} {key.model_dump_json()}"


def test_what_is_wrong_is_said_without_the_answer() -> None:
    with pytest.raises(ValidationError) as caught:
        CreatedAccessKey.model_validate({"SecretKey": "B" * 40, "State": 7})
    assert "B" * 40 not in str(caught.value)


def test_models_stay_as_they_are() -> None:
    key = AccessKey.model_validate(KEY)
    with pytest.raises(ValidationError):
        key.state = "INACTIVE"
