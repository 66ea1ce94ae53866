"""The columns of a FOCUS 1.2 Cost and Usage file, in the order of their names, and how each is made from `marts.focus`.

Names, levels and nullability are those of the FOCUS specification 1.2 (57 columns); `x_` columns are ours. Of these, `x_TokenDirection`,
`x_CacheAction` and `x_ModelId` are named as the draft of 1.5 names the properties of SkuPriceDetails.
"""

from collections.abc import Mapping

TEXT, MONEY, QUANTITY, INSTANT, FLAG = "varchar", "decimal(38,12)", "decimal(38,6)", "timestamp with time zone", "boolean"
"""Types of the Parquet file. Instants are UTC; decimals are exact."""
Column = tuple[str, str]
"""An expression over `marts.focus`, and a type."""

_PERIOD = "cast(billing_period || '-01' as timestamp)"
_CACHE = """case when token_direction is null then null when meter like '%cache!_read' escape '!' then 'Read'
    when meter like 'cache!_write%' escape '!' then 'Write' else 'None' end"""
_DETAILS = f"""case when sku_price_id is not null then nullif(cast(json_merge_patch('{{}}', json_object('x_ModelId', model, 'x_ServiceTier',
    served_tier, 'x_TokenDirection', token_direction, 'x_CacheAction', {_CACHE}, 'GpuCount', case when kind = 'gpu' then 1 end,
    'x_GpuModel', gpu_model)) as varchar), '{{}}') end"""
_TAGS = """nullif(cast(json_merge_patch(case when json_valid(tags) and json_type(tags) = 'OBJECT' then cast(tags as json)
    else cast('{}' as json) end, json_object('team', team, 'cost_centre', cost_centre, 'tenant', tenant, 'feature', feature,
    'environment', environment)) as varchar), '{}')"""

FOCUS: Mapping[str, Column] = {
    "AvailabilityZone": ("null", TEXT),
    "BilledCost": ("billed_cost", MONEY),
    "BillingAccountId": ("billing_account_id", TEXT),
    "BillingAccountName": ("getvariable('company')", TEXT),
    "BillingAccountType": ("'Billing Account'", TEXT),
    "BillingCurrency": ("billing_currency", TEXT),
    "BillingPeriodEnd": (f"timezone('UTC', {_PERIOD} + interval 1 month)", INSTANT),
    "BillingPeriodStart": (f"timezone('UTC', {_PERIOD})", INSTANT),
    "CapacityReservationId": ("null", TEXT),
    "CapacityReservationStatus": ("null", TEXT),
    "ChargeCategory": ("charge_category", TEXT),
    "ChargeClass": ("charge_class", TEXT),
    "ChargeDescription": ("charge_description", TEXT),
    "ChargeFrequency": ("case when charge_category = 'Usage' then 'Usage-Based' else 'One-Time' end", TEXT),
    "ChargePeriodEnd": ("timezone('UTC', charge_period_end)", INSTANT),
    "ChargePeriodStart": ("timezone('UTC', charge_period_start)", INSTANT),
    "CommitmentDiscountCategory": ("case when commitment_discount_id is not null then 'Usage' end", TEXT),
    "CommitmentDiscountId": ("commitment_discount_id", TEXT),
    "CommitmentDiscountName": ("commitment_discount_id", TEXT),
    "CommitmentDiscountQuantity": ("commitment_discount_quantity", QUANTITY),
    "CommitmentDiscountStatus": ("commitment_discount_status", TEXT),
    "CommitmentDiscountType": (
        """case when commitment_discount_id is null then null when commitment_discount_unit = 'GPU-Hours' then 'Reserved GPU'
        else 'Provisioned Throughput' end""",
        TEXT,
    ),
    "CommitmentDiscountUnit": ("commitment_discount_unit", TEXT),
    "ConsumedQuantity": ("consumed_quantity", QUANTITY),
    "ConsumedUnit": ("consumed_unit", TEXT),
    "ContractedCost": ("contracted_cost", MONEY),
    "ContractedUnitPrice": ("contracted_unit_price", MONEY),
    "EffectiveCost": ("effective_cost", MONEY),
    "InvoiceId": ("invoice_id", TEXT),
    # One text for all three: what is bought from somebody else than who bills it is not told apart.
    "InvoiceIssuerName": ("provider_name", TEXT),
    "ListCost": ("list_cost", MONEY),
    "ListUnitPrice": ("list_unit_price", MONEY),
    "PricingCategory": ("pricing_category", TEXT),
    "PricingCurrency": ("billing_currency", TEXT),
    "PricingCurrencyContractedUnitPrice": ("contracted_unit_price", MONEY),
    "PricingCurrencyEffectiveCost": ("effective_cost", MONEY),
    "PricingCurrencyListUnitPrice": ("list_unit_price", MONEY),
    "PricingQuantity": ("pricing_quantity", QUANTITY),
    "PricingUnit": ("pricing_unit", TEXT),
    "ProviderName": ("provider_name", TEXT),
    "PublisherName": ("provider_name", TEXT),
    "RegionId": ("region_id", TEXT),
    "RegionName": ("region_id", TEXT),
    "ResourceId": ("resource_id", TEXT),
    "ResourceName": ("null", TEXT),
    "ResourceType": ("resource_type", TEXT),
    "ServiceCategory": ("service_category", TEXT),
    "ServiceName": ("service_name", TEXT),
    "ServiceSubcategory": ("case when service_category = 'Compute' then 'Virtual Machines' else 'Generative AI' end", TEXT),
    "SkuId": ("sku_id", TEXT),
    "SkuMeter": ("sku_meter", TEXT),
    "SkuPriceDetails": (_DETAILS, TEXT),
    "SkuPriceId": ("sku_price_id", TEXT),
    "SubAccountId": ("sub_account_id", TEXT),
    "SubAccountName": ("sub_account_id", TEXT),
    "SubAccountType": ("case when sub_account_id is not null then 'Project' end", TEXT),
    "Tags": (_TAGS, TEXT),
}
OURS: Mapping[str, Column] = {
    "x_LineId": ("line_id", TEXT),
    "x_CostBasis": ("cost_basis", TEXT),
    "x_IsEstimated": ("is_estimated", FLAG),
    "x_IsExplained": ("is_explained", FLAG),
    "x_EffectiveCostUsd": ("effective_cost_usd", MONEY),
    "x_BilledCostUsd": ("billed_cost_usd", MONEY),
    "x_UnconvertedReason": ("unconverted_reason", TEXT),
    "x_BilledQuantity": ("billed_quantity", QUANTITY),
    "x_BilledUnit": ("billed_unit", TEXT),
    "x_ModelId": ("model", TEXT),
    "x_RateCardModel": ("card_model", TEXT),
    "x_RateCardVersion": ("card_version", TEXT),
    "x_ServiceTier": ("served_tier", TEXT),
    "x_TokenDirection": ("token_direction", TEXT),
    "x_CacheAction": (_CACHE, TEXT),
    "x_ServedByCommitment": ("served_by", TEXT),
    "x_CorrectsPeriod": ("corrects_period", TEXT),
    "x_GpuState": ("gpu_state", TEXT),
    "x_GpuPool": ("pool", TEXT),
    "x_GpuModel": ("gpu_model", TEXT),
    "x_Team": ("team", TEXT),
    "x_CostCentre": ("cost_centre", TEXT),
    "x_Tenant": ("tenant", TEXT),
    "x_Feature": ("feature", TEXT),
    "x_Environment": ("environment", TEXT),
}
COLUMNS: Mapping[str, Column] = {**FOCUS, **OURS}
