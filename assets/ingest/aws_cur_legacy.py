"""AWS Cost and Usage Report, legacy: `lineItem/UsageType` in CSV, line_item_usage_type in Athena's Parquet, where maps are columns.

Figures mean what they mean in CUR 2.0 (format `aws_cur`). Tags are columns: `resourceTags/user:team`, or resource_tags_user_team.
"""

from meterbook.assets.content import Content
from meterbook.assets.ingest._aws_cur import TABLES, read
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.aws_cur import FORMAT as CUR
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

_SLASHES = frozenset({"lineitem/usagestartdate", "lineitem/unblendedcost"})
_ATHENA = frozenset({"line_item_usage_start_date", "line_item_unblended_cost"})


def _recognises(sample: Sample) -> bool:
    keys = frozenset(name.lower() for name in sample.keys)
    return keys >= _SLASHES or (keys >= _ATHENA and not CUR.recognises(sample))


def _read(content: Content, reading: Reading) -> Rows:
    return read(content, reading, rank=1)


FORMAT = Format(
    name="aws_cur_legacy",
    description="AWS Cost and Usage Report, legacy and as read through Athena",
    columns=TABLES.types,
    day="starts_at",
    recognises=_recognises,
    read=_read,
    names=frozenset({"lineItem/UsageStartDate", "lineItem/UnblendedCost", "lineItem/LineItemType", "bill/PayerAccountId"}),
    delivery="delivery",
    about=About(
        obtain="The legacy Cost and Usage Report from S3, CSV (zip or gzip) or Parquet, or a query of its Athena table saved as CSV.",
        taken=CUR.about.taken,
        key=CUR.about.key,
        tokens=CUR.about.tokens,
        money=CUR.about.money,
        options=CUR.about.options,
        limits="As of `aws_cur`. Athena's names without any column of tags or products cannot be told from CUR 2.0, and are read alike.",
    ),
)
