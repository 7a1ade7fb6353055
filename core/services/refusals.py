"""What OUTSCALE refused, as the problem of a form."""

from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble


def refusal(where: str, error: OutscaleError) -> FieldProblem:
    """The error of a call as the problem of the field `where` (`form` for none in particular), with OUTSCALE's code and
    the request ID to quote to its support."""
    quote = f" (code {error.code})" if error.code else ""
    request = f" Request ID: {error.request_id}." if error.request_id else ""
    return FieldProblem(field=where, what=error.what + quote, mend=error.mend + request)


def maybe_done(error: OutscaleError) -> bool:
    """Whether a call that changes something may have been carried out although it failed: its answer did not come. A
    throttled call was turned away."""
    return error.on_the_way and error.trouble is not Trouble.THROTTLED
