"""A new access key in the forms in which people take it: CSV, a profile for OUTSCALE's tools, a QR code."""

import csv
import io
import json

import segno

from core.outscale.models import CreatedAccessKey
from core.services.workspace import Workspace


def key_csv(key: CreatedAccessKey, account_id: str, region: str) -> str:
    """The key as a CSV of one line with a header. Holds the secret."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["access_key", "secret_key", "account_id", "region"])
    writer.writerow([key.access_key_id, key.secret_key.get_secret_value(), account_id, region])
    return out.getvalue()


def key_profile(workspace: Workspace, key: CreatedAccessKey, region: str) -> str:
    """The key as the `default` profile of `~/.osc/config.json`, which OUTSCALE's SDK and tools read. A Region that is
    not one of OUTSCALE's own gets its addresses written down. Holds the secret."""
    profile: dict[str, object] = {
        "access_key": key.access_key_id,
        "secret_key": key.secret_key.get_secret_value(),
        "region": region,
    }
    place = workspace.regions[region]
    if not place.api.endswith(".outscale.com/api/v1"):
        profile["endpoints"] = {"api": place.api, "oos": place.oos}
        profile["protocol"] = place.api.partition("://")[0]
    return json.dumps({"default": profile}, indent=2) + "\n"


def key_qr(key: CreatedAccessKey) -> str:
    """The access key and its secret, a line each, as a QR code in SVG. Holds the secret."""
    text = f"{key.access_key_id}\n{key.secret_key.get_secret_value()}"
    return segno.make(text, error="m").svg_inline(scale=4, border=3, light="#ffffff")
