/*
What became of every row of every input file.

grain: one row per input file
key: file_id
must:
  - rows_in = rows_out + quarantined + duplicates + filtered + superseded
  - duplicates >= 0
should:
  - quarantined = 0
*/
with kept as (
    select file_day.file_id, cast(sum(file_day.rows_kept) as bigint) as rows_kept from core.file_day as file_day group by file_day.file_id
)
select
    file.file_id, file.file, file.format, file.source, file.sha256, file.bytes, file.rows_in, coalesce(kept.rows_kept, 0) as rows_out,
    file.quarantined, file.rows_typed - file.superseded - coalesce(kept.rows_kept, 0) as duplicates, file.filtered,
    file.superseded, file.first_day, file.last_day
from raw.input_file as file
left join kept on kept.file_id = file.file_id
