"""What the GPUs of a team's pools did and cost."""

from dataclasses import replace

from meterbook.reports.sections import gpus

SECTION = replace(
    gpus.SECTION, name="team_gpus", empty="It answers for no GPU pool with samples in this week.", title="Its GPU pools", template="gpus"
)
