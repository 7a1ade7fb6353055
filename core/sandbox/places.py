"""The sandbox's Regions and billing buckets by name."""

WEST = "sandbox-west-1"
EAST = "sandbox-east-1"
LABELS = {WEST: "Sandbox West", EAST: "Sandbox East"}

CSV_BUCKET = "ledger-bills-csv"
COLUMNAR_BUCKET = "ledger-bills-columnar"
EMPTY_BUCKET = "ledger-bills-new"
BILLING_BUCKETS = ((CSV_BUCKET, WEST), (COLUMNAR_BUCKET, EAST), (EMPTY_BUCKET, WEST))
