"""What the sample company's book says of its GPUs: slices, a queue, machines of its own and the model it serves."""

SOURCES = (
    "  - {name: notebooks, path: 'gpu/notebooks/*', format: dcgm_exporter, options: {pool: notebooks}}\n"
    "  - {name: slurm, path: 'slurm/*', format: slurm_sacct, options: {time_zone: UTC}}\n"
)
SETTINGS = (
    "  notebooks: {rate: gpu/a100-80gb, owner: research}\n"
    "queues:\n"
    "  - queue: training\n"
    "    pool: training\n"
    "    target_seconds: 1800\n"
    "    target_percentile: 90\n"
    "    waiting_usd_per_hour: {research: 40, documents: 25}\n"
    "self_hosted:\n"
    "  - model: 'llama-3.3-70b*'\n"
    "    provider: hosted_vllm\n"
    "    pool: inference\n"
    "    api: aws.bedrock/meta.llama3-3-70b-instruct-v1:0\n"
    "    ops_ratio: 0.15\n"
)
"""Continues `gpu_pools`."""
COMMITMENTS = (
    "# The training machines were bought; their hours cost what they lose in value, their hosting and the power they take.\n"
    "owned_gpu:\n"
    "  - name: training machines\n"
    "    pool: training\n"
    "    gpus: 8\n"
    "    bought_on: 2026-02-01\n"
    "    purchase_usd: 296000\n"
    "    life_months: 48\n"
    "    residual_usd: 32000\n"
    "    hosting_monthly_usd: 2400\n"
    "gpu_power:\n"
    "  - {pool: training, starts_on: 2026-02-01, usd_per_kwh: 0.14, pue: 1.3}\n"
)
