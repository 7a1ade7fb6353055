"""What the walkthrough says about each step: two sentences for the audience, a note for the presenter."""

from dataclasses import dataclass

from core.services.walkthrough_steps import Step
from dashboard.navigation import ACCESS_KEYS, BILLING_BUCKETS, COSTS, CREDENTIALS, REQUEST_ACCOUNT, Screen


@dataclass(frozen=True)
class Words:
    """The words of a step. `action`: what its button says; `call`: the request that it is about; `unit`: what is
    counted while it runs; `screen`: where the same is done in earnest."""

    title: str
    text: str
    note: str
    action: str
    icon: str
    call: str
    unit: str
    screen: Screen


MEND = "Mend it"
WORDS: dict[Step, Words] = {
    Step.REQUEST: Words(
        "Request the account",
        "The request says who you are and in which Region the account is to live; the sandbox takes it in the place of "
        "OUTSCALE's sales. The Region comes first because an account lives in one Region, and another one needs "
        "another account.",
        "In earnest this is a letter, and the answer takes days. The request is followed until it comes, and Home says "
        "when it is late. A good question for the audience: which Regions would you need?",
        "Send the request",
        "send",
        "requests",
        "requests",
        REQUEST_ACCOUNT,
    ),
    Step.GRANT: Words(
        "It is granted",
        "The answer names the account by 12 digits, and the account becomes known here at once. All that follows hangs "
        "on this Account ID: a key belongs to one account, and bills are split by it.",
        "The sandbox takes four seconds for what takes people days: time to say who asked for what, and that the audit "
        "trail on Activity has it all.",
        "Wait for the answer",
        "mark_email_read",
        "",
        "seconds",
        REQUEST_ACCOUNT,
    ),
    Step.CONFIRM: Words(
        "Confirm the password",
        "The password opens the list of the account's keys, and nothing else is ever done with it. It is sent once and "
        "not stored, because four wrong ones in a row lock the account.",
        "The sandbox wrote the password into its welcome letter, and the tour types it for you. On the screen Access "
        "keys a person does, and it is held in memory for five minutes.",
        "Confirm the password",
        "lock_open",
        "ReadAccessKeys",
        "requests",
        ACCESS_KEYS,
    ),
    Step.KEY: Words(
        "Generate a key",
        "An access key signs requests, so that no program needs the password. OUTSCALE tells its secret this one time, "
        "so it is sealed here before anything else happens.",
        "Open the request below: the secret is masked, and so it is in every log and every file. If the program were "
        "killed now, the key would be found again: what is meant to be created is written down before.",
        "Generate",
        "key",
        "CreateAccessKey",
        "requests",
        ACCESS_KEYS,
    ),
    Step.CREDENTIALS: Words(
        "Add project credentials",
        "Access key, Account ID and Region belong together, and eight questions are asked about them before they are "
        "stored. What would fail at night fails now, with what to do about it.",
        "Point at Rights: the calls that a platform needs are asked with DryRun, so nothing is changed. The secret was "
        "not typed: it was taken from where it is sealed.",
        "Check and add",
        "fact_check",
        "ReadAccessKeys",
        "checks",
        CREDENTIALS,
    ),
    Step.MISTAKE: Words(
        "Make a mistake",
        "The Region is changed to a wrong one, and to OUTSCALE that looks as if the key did not exist. The check finds "
        "out where the key is at home, says so, and nothing wrong is stored.",
        "The most frequent mistake in earnest. OUTSCALE answers a wrong secret and a wrong Region alike; the object "
        "storage is asked to tell them apart, because it does not lock.",
        "Make the mistake",
        "error",
        "ReadAccessKeys",
        "checks",
        CREDENTIALS,
    ),
    Step.BILLING: Words(
        "Add billing only",
        "Finance needs no project: a billing key, and the bucket that bills are delivered to, are enough. The check "
        "lists the bucket, reads a little of a file, and looks for bills and how old the newest is.",
        "This is UIC's checkbox Billing only. Who has the role finance sees these credentials and no others.",
        "Check and add",
        "receipt_long",
        "",
        "checks",
        CREDENTIALS,
    ),
    Step.BUCKET: Words(
        "Browse the bucket",
        "The bucket is listed once, and folders, search and totals come from that list from then on. Nothing is "
        "fetched to browse it, so a million files are as quick as these.",
        "On the screen Billing buckets any file opens as a preview of its beginning, also when it is packed or broken.",
        "List the bucket",
        "folder_open",
        "",
        "files",
        BILLING_BUCKETS,
    ),
    Step.COSTS: Words(
        "See the costs",
        "Each bill is read once, whatever its format, and summed by month, account and service. A sum leads back to "
        "the files and lines that it comes from, and currencies are never added to each other.",
        "On the screen Costs: select a line of the table to go down to the file. Reconcile holds the bills against "
        "what OUTSCALE itself tells.",
        "Read the bills",
        "bar_chart",
        "",
        "files",
        COSTS,
    ),
}
