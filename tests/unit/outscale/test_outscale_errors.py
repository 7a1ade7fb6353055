"""What the codes of the API and of the storage mean, and that every refusal has words for a person."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oapi_errors import Asked, api_error
from core.outscale.oos_errors import storage_error

ASKED = Asked("ReadVms", "eu-west-2")
PASSWORD = Asked("ReadAccessKeys", "eu-west-2", by_password=True)
JSON = "application/json"


def api(code: str, status: int, details: str = "", asked: Asked = ASKED) -> OutscaleError:
    body = {
        "Errors": [{"Code": code, "Type": "AccessDenied", "Details": details}],
        "ResponseContext": {"RequestId": "4711"},
    }
    return api_error(status, JSON, json.dumps(body).encode(), asked)


def storage(code: str, status: int, message: str = "", bucket: str = "bills", key: str = "") -> OutscaleError:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "4711"},
    }
    return storage_error(answer, "eu-west-2", bucket, key)


@pytest.mark.parametrize(
    ("code", "status", "trouble"),
    [
        ("0", 400, Trouble.UNKNOWN),
        ("1", 401, Trouble.AUTHENTICATION),
        ("2", 405, Trouble.INVALID),
        ("4", 401, Trouble.FORBIDDEN),
        ("5", 401, Trouble.FORBIDDEN),
        ("7", 401, Trouble.FORBIDDEN),
        ("6", 503, Trouble.THROTTLED),
        ("8", 403, Trouble.WRONG_METHOD),
        ("9", 401, Trouble.WRONG_METHOD),
        ("10", 403, Trouble.WRONG_METHOD),
        ("12", 401, Trouble.WRONG_METHOD),
        ("11", 401, Trouble.LOCKED),
        ("13", 401, Trouble.LOCKED),
        ("14", 401, Trouble.ACCESS_RULE),
        ("15", 401, Trouble.CLOCK),
        ("20", 401, Trouble.PASSWORD_EXPIRED),
        ("24", 429, Trouble.THROTTLED),
        ("25", 429, Trouble.THROTTLED),
        ("1000", 424, Trouble.SERVER),
        ("3001", 400, Trouble.INVALID),
        ("4047", 400, Trouble.INVALID),
        ("4120", 400, Trouble.INVALID),
        ("4122", 400, Trouble.NOT_FOUND),
        ("5043", 400, Trouble.INVALID),
        ("5075", 400, Trouble.NOT_FOUND),
        ("5076", 400, Trouble.NOT_FOUND),
        ("6001", 409, Trouble.CONFLICT),
        ("7000", 400, Trouble.INVALID),
        ("9011", 409, Trouble.CONFLICT),
        ("10005", 400, Trouble.QUOTA),
        ("10006", 400, Trouble.QUOTA),
        ("11001", 401, Trouble.INVALID),
        ("12000", 400, Trouble.INVALID),
        ("99999", 500, Trouble.SERVER),
        ("99999", 418, Trouble.UNKNOWN),
    ],
)
def test_codes_of_the_api(code: str, status: int, trouble: Trouble) -> None:
    error = api(code, status)
    assert error.trouble is trouble
    assert (error.code, error.request_id) == (code, "4711")
    assert error.passing is (trouble in {Trouble.THROTTLED, Trouble.SERVER})


@pytest.mark.parametrize(
    ("details", "trouble"),
    [
        ("", Trouble.AUTHENTICATION),
        ("The access key is INACTIVE.", Trouble.INACTIVE_KEY),
        ("The access key has expired.", Trouble.EXPIRED_KEY),
    ],
)
def test_a_refused_key_whose_answer_says_why(details: str, trouble: Trouble) -> None:
    assert api("1", 401, details).trouble is trouble


@pytest.mark.parametrize("code", ["1", "4120"])
def test_a_wrong_password(code: str) -> None:
    error = api(code, 401, asked=PASSWORD)
    assert error.trouble is Trouble.AUTHENTICATION
    assert "The email or the password is not right" in error.what
    assert "eu-west-2" in error.what


def test_how_long_a_lock_lasts() -> None:
    assert "for 120 seconds" in api("13", 401, "Locked for 120 seconds").what
    assert "for a minute" in api("13", 401).what


def test_an_access_rule_is_not_a_wrong_key() -> None:
    error = api("14", 401)
    assert "access rule" in error.what
    assert "API access rules in Cockpit" in error.mend


def test_the_apis_own_words_help_where_the_code_says_little() -> None:
    assert "The value {x} is wrong." in api("4047", 400, "The value {x} is wrong.").what


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ({"__type": "com.example#AccessDenied", "message": "No"}, "com.example#AccessDenied", "No"),
        ({"type": "about:blank", "status": 401, "title": "Unauthorized", "detail": "No key"}, "401", "No key"),
        ({"Errors": [{"Code": 1, "Type": "AccessDenied"}]}, "1", "AccessDenied"),
    ],
)
def test_the_other_shapes_of_a_refusal(body: dict, code: str, details: str) -> None:
    error = api_error(401, "application/problem+json", json.dumps(body).encode(), ASKED)
    assert (error.trouble, error.code, error.details) == (Trouble.AUTHENTICATION, code, details)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"{}", b'{"Errors": []}', b'{"Errors": [1]}', b"\xff"])
@pytest.mark.parametrize(("status", "trouble"), [(404, Trouble.NOT_JSON), (502, Trouble.SERVER)])
def test_what_is_no_refusal_of_the_api(body: bytes, status: int, trouble: Trouble) -> None:
    error = api_error(status, "text/html", body, ASKED)
    assert error.trouble is trouble
    assert error.on_the_way


@pytest.mark.parametrize(
    ("code", "status", "trouble"),
    [
        ("SignatureDoesNotMatch", 403, Trouble.SIGNATURE),
        ("InvalidAccessKeyId", 403, Trouble.UNKNOWN_KEY),
        ("AccessDenied", 403, Trouble.FORBIDDEN),
        ("403", 403, Trouble.FORBIDDEN),
        ("NoSuchBucket", 404, Trouble.NOT_FOUND),
        ("NoSuchKey", 404, Trouble.NOT_FOUND),
        ("404", 404, Trouble.NOT_FOUND),
        ("RequestTimeTooSkewed", 403, Trouble.CLOCK),
        ("ExpiredToken", 400, Trouble.EXPIRED_KEY),
        ("SlowDown", 503, Trouble.THROTTLED),
        ("429", 429, Trouble.THROTTLED),
        ("503", 503, Trouble.THROTTLED),
        ("InternalError", 500, Trouble.SERVER),
        ("OperationAborted", 409, Trouble.CONFLICT),
        ("InvalidBucketName", 400, Trouble.INVALID),
        ("BadRequest", 400, Trouble.INVALID),
    ],
)
def test_codes_of_the_storage(code: str, status: int, trouble: Trouble) -> None:
    error = storage(code, status)
    assert error.trouble is trouble
    assert (error.code, error.request_id) == (code, "4711")
    assert error.passing is (trouble in {Trouble.THROTTLED, Trouble.SERVER})


def test_what_was_asked_of_the_storage_is_named() -> None:
    assert storage("AccessDenied", 403).what == "The key is right, but may not read the bucket bills."
    assert "the object a.csv of the bucket bills" in storage("AccessDenied", 403, key="a.csv").what
    assert storage("AccessDenied", 403, bucket="").what == "The key is right, but may not read its buckets."
    assert storage("NoSuchBucket", 404).what == "There is no bucket bills in eu-west-2."
    assert storage("NoSuchKey", 404, key="a.csv").what == "There is no object a.csv of the bucket bills in eu-west-2."


TEXT = st.text(max_size=40)


@given(status=st.integers(400, 599), code=TEXT | st.integers(0, 13_000).map(str), details=TEXT)
def test_every_refusal_of_the_api_has_words(status: int, code: str, details: str) -> None:
    assert_has_words(api(code, status, details))
    assert_has_words(api(code, status, details, PASSWORD))


@given(status=st.integers(300, 599), code=TEXT, bucket=TEXT, key=TEXT)
def test_every_refusal_of_the_storage_has_words(status: int, code: str, bucket: str, key: str) -> None:
    assert_has_words(storage(code, status, "", bucket, key))


@given(status=st.integers(100, 599), kind=TEXT, body=st.binary(max_size=60))
def test_any_bytes_have_words(status: int, kind: str, body: bytes) -> None:
    assert_has_words(api_error(status, kind, body, ASKED))


def assert_has_words(error: OutscaleError) -> None:
    assert len(error.what) > 15
    assert error.what.endswith(".")
    assert len(error.mend) > 10
    assert error.mend.endswith(".")


@given(secret=st.text("abcdefghij0123456789", min_size=8, max_size=20), before=TEXT, after=TEXT)
def test_a_secret_that_an_answer_repeats_is_masked(secret: str, before: str, after: str) -> None:
    error = api("4047", 400, before + secret + after).without(secret)
    assert secret not in " ".join([str(error), repr(error), *map(str, vars(error).values())])
    assert error.trouble is Trouble.INVALID
