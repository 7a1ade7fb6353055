"""The checks of billing-only credentials: one key, and buckets in their Regions."""

from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from core.domain.bills import looks_like_bill
from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import BucketDraft, bucket_name_problem, unusual_key_formats
from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import StoredObject
from core.outscale.oos import Oos
from core.services.checks.refusal import explain, neighbours
from core.services.checks.run import STOPPED, Finding, Run, Stopwatch, failed, passed, refused, skipped, warning

FORMAT = "Key format"
REACHED = "Storage reached"
SIGNATURE = "Signature"
REGION_CHECKS = (REACHED, SIGNATURE)
NAME = "Bucket name"
EXISTS = "Bucket exists"
LISTING = "Listing"
READING = "Reading"
BILLS = "Bill files"
BUCKET_CHECKS = (NAME, EXISTS, LISTING, READING, BILLS)

LATE = timedelta(days=40)
"""Bills come by the month; older than this, one is missing."""
LOOKED_AT = 5_000
"""Objects looked at in a bucket; a check need not walk a million."""


def storage(run: Run, region: Region, access_key: str, secret_key: SecretStr) -> Oos:
    """The object storage of a Region for this key, with this process's timeouts."""
    return Oos(
        region,
        access_key,
        secret_key,
        allowed=run.allowed,
        connect_timeout=run.settings.connect_timeout,
        read_timeout=run.settings.read_timeout,
    )


def check_billing(
    run: Run, access_key: str, secret_key: SecretStr, buckets: list[BucketDraft], pool: Executor
) -> list[CheckResult]:
    """Ask every question: the key's format, then per Region whether the storage is reached and accepts the key (one
    Region after the other, so that a refused key is not tried again), then all buckets at once."""
    unusual = unusual_key_formats(access_key, secret_key)
    form = (
        warning(FORMAT, f"Unusual: {'; '.join(unusual)}.", "Look whether the whole key was pasted.")
        if unusual
        else passed(FORMAT, "As usual.")
    )
    results = [run.report(form.about("Billing key"))]
    open_regions: set[str] = set()
    for name in dict.fromkeys(bucket.region for bucket in buckets):
        findings = _sign_in(run, run.regions[name], access_key, secret_key)
        results += [run.report(finding.about(f"Billing key ({name})")) for finding in findings]
        if findings[-1].outcome is Outcome.PASSED:
            open_regions.add(name)

    def ask(bucket: BucketDraft) -> list[CheckResult]:
        findings = _bucket(run, bucket, access_key, secret_key, signed_in=bucket.region in open_regions)
        return [run.report(finding.about(f"{bucket.name} ({bucket.region})")) for finding in findings]

    for lines in pool.map(ask, buckets):
        results += lines
    return results


def _sign_in(run: Run, region: Region, access_key: str, secret_key: SecretStr) -> list[Finding]:
    watch = Stopwatch()
    try:
        with run.attempt(access_key, (region.name, access_key)) as reason:
            if reason:
                return [skipped(check, reason) for check in REGION_CHECKS]
            try:
                storage(run, region, access_key, secret_key).list_buckets()
            except OutscaleError as error:
                if error.trouble is not Trouble.FORBIDDEN:  # signed in, but may not list its own buckets
                    raise
    except OutscaleError as error:
        if error.on_the_way:
            return [refused(REACHED, error, watch.lap()), skipped(SIGNATURE, "Not tried: the storage was not reached.")]
        told = explain(error, region, access_key, secret_key, None, run)
        return [passed(REACHED, f"{region.name} answers."), refused(SIGNATURE, told, watch.lap())]
    seconds = watch.lap()
    return [passed(REACHED, f"{region.name} answers.", seconds), passed(SIGNATURE, "Accepted.", seconds)]


def _bucket(run: Run, bucket: BucketDraft, access_key: str, secret_key: SecretStr, *, signed_in: bool) -> list[Finding]:
    findings: list[Finding] = []

    def rest_skipped(why: str) -> list[Finding]:
        return findings + [skipped(check, why) for check in BUCKET_CHECKS[len(findings) :]]

    problem = bucket_name_problem(bucket.name)
    if problem:
        findings.append(failed(NAME, problem.what, problem.mend))
        return rest_skipped("Not tried: no bucket can have this name.")
    findings.append(passed(NAME, "As OUTSCALE's rule asks."))
    if not signed_in:
        return rest_skipped("Not tried: the storage was not reached or refused the key.")
    if run.stop.is_set():
        return rest_skipped(STOPPED)

    region = run.regions[bucket.region]
    client = storage(run, region, access_key, secret_key)
    findings.append(_exists(run, client, bucket, access_key, secret_key))
    if findings[-1].outcome is Outcome.FAILED:
        return rest_skipped("Not tried: the bucket is not there or not open to this key.")
    watch = Stopwatch()
    try:
        objects, more = _some_objects(run, client, bucket.name)
    except OutscaleError as error:
        findings.append(refused(LISTING, error, watch.lap()))
        return rest_skipped("Not tried: the bucket cannot be listed.")
    if not objects:
        findings.append(
            warning(
                LISTING, "The bucket is empty.", "Ask whoever delivers the bills when the first arrives.", watch.lap()
            )
        )
        return rest_skipped("Nothing to read.")
    count = f"The first {len(objects)} objects" if more else f"{len(objects)} objects"
    findings.append(passed(LISTING, f"{count} listed.", watch.lap()))
    newest = max(objects, key=lambda stored: stored.modified)
    findings.append(_reading(client, bucket.name, newest))
    findings.append(_bills(objects, newest, more))
    return findings


def _exists(run: Run, client: Oos, bucket: BucketDraft, access_key: str, secret_key: SecretStr) -> Finding:
    watch = Stopwatch()
    try:
        client.head_bucket(bucket.name)
    except OutscaleError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            return refused(EXISTS, error, watch.lap())
        for other in neighbours(run.regions[bucket.region], run.regions):
            try:
                storage(run, other, access_key, secret_key).head_bucket(bucket.name)
            except OutscaleError:
                continue
            return failed(
                EXISTS,
                f"There is no bucket {bucket.name} in {bucket.region}; it was found in {other.name}.",
                f"Choose {other} in this row.",
                watch.lap(),
            )
        return failed(
            EXISTS,
            f"There is no bucket {bucket.name} in {bucket.region}, nor in another Region that this key opens.",
            "Compare the name with the one you were given; it is unique within a Region.",
            watch.lap(),
        )
    return passed(EXISTS, f"Found in {bucket.region}.", watch.lap())


def _some_objects(run: Run, client: Oos, name: str) -> tuple[list[StoredObject], bool]:
    objects: list[StoredObject] = []
    token: str | None = None
    while True:
        page = client.list_objects(name, delimiter="", token=token)
        objects += page.objects
        token = page.next
        if not token or len(objects) >= LOOKED_AT or run.stop.is_set():
            return objects, bool(token)


def _reading(client: Oos, bucket: str, newest: StoredObject) -> Finding:
    watch = Stopwatch()
    try:
        client.read(bucket, newest.key, length=1)
    except OutscaleError as error:
        return refused(READING, error, watch.lap())
    return passed(READING, f"{newest.key} can be read.", watch.lap())


def _bills(objects: list[StoredObject], newest: StoredObject, more: bool) -> Finding:
    bills = sum(looks_like_bill(stored.key) for stored in objects)
    age = datetime.now(UTC) - newest.modified
    days = "today" if age < timedelta(days=1) else f"{age.days} days ago"
    among = f" among the first {len(objects)}" if more else f" of {len(objects)}"
    said = f"{bills}{among} look like bills; the last file came {days}."
    if not bills:
        return warning(BILLS, said, "Is this the bucket that bills are delivered to?")
    if age > LATE and not more:
        return warning(BILLS, said, "A bill seems to be missing: ask whoever delivers them.")
    return passed(BILLS, said)
