"""What OUTSCALE refused, as the problem of a form."""

from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError


def refusal(where: str, error: OutscaleError) -> FieldProblem:
    """The error of a call as the problem of the field `where` (`form` for none in particular), with OUTSCALE's code and
    the request ID to quote to its support."""
    quote = f" (code {error.code})" if error.code else ""
    request = f" Request ID: {error.request_id}." if error.request_id else ""
    return FieldProblem(field=where, what=error.what + quote, mend=error.mend + request)
