"""Providers by the names of the price sources, of logs and of the cards (gen_ai.provider.name, shortened as at the door)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """How a provider is called elsewhere."""

    genai: str
    litellm: tuple[str, ...]
    """Values of `litellm_provider`; the same models at another host are another provider's."""
    other_names: tuple[str, ...] = ()


KNOWN: Mapping[str, Known] = {
    "openai": Known("openai", ("openai", "text-completion-openai")),
    "anthropic": Known("anthropic", ("anthropic",)),
    "google": Known("google", ("gemini",), ("gcp.gemini", "gcp.vertex_ai")),
    "mistral": Known("mistral", ("mistral",), ("mistral_ai",)),
    "deepseek": Known("deepseek", ("deepseek",)),
    "x_ai": Known("x-ai", ("xai",), ("xai",)),
    "cohere": Known("cohere", ("cohere", "cohere_chat")),
    "aws.bedrock": Known("aws", ("bedrock", "bedrock_converse"), ("bedrock", "aws")),
    "azure.ai.openai": Known("azure", ("azure", "azure_text"), ("azure",)),
}


def canonical(name: str) -> str:
    """The card's name of a provider, by whatever name it goes; a stranger keeps his."""
    lowered = name.lower()
    return next((ours for ours, known in KNOWN.items() if lowered in {ours, known.genai, *known.litellm, *known.other_names}), lowered)
