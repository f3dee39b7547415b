"""The vendors' own variables, in which keys and addresses are found that nobody wrote for the gateway.

It decides which variable belongs to which provider; settings decides what they count: less than anything of ours.
"""

from __future__ import annotations

from typing import Final

# Keys that are found where the vendors' own SDKs look for them; they count less than anything written for us.
VENDOR_VARIABLES: Final = {
    "OPENAI_API_KEY": "openai",
    "ANTHROPIC_API_KEY": "anthropic",
    "DEEPSEEK_API_KEY": "deepseek",
    "MISTRAL_API_KEY": "mistral",
    "GROQ_API_KEY": "groq",
    "XAI_API_KEY": "xai",
    "OPENROUTER_API_KEY": "openrouter",
    "AZURE_API_KEY": "azure",
    "AZURE_OPENAI_API_KEY": "azure",
    "MOONSHOT_API_KEY": "moonshot",
    "ZAI_API_KEY": "zai",
    "ALIBABA_API_KEY": "alibaba",
    "DASHSCOPE_API_KEY": "alibaba",
    "TOGETHER_API_KEY": "together",
    "FIREWORKS_API_KEY": "fireworks",
    "CEREBRAS_API_KEY": "cerebras",
    "BEDROCK_API_KEY": "bedrock",
    "AWS_BEARER_TOKEN_BEDROCK": "bedrock",
    "GOOGLE_API_KEY": "google",
    "GEMINI_API_KEY": "google",
    "VERTEX_API_KEY": "vertex",
}
# Where an account is, as the vendors' own SDKs name it; it configures no provider by itself.
PLACE_VARIABLES: Final = {
    "GOOGLE_CLOUD_PROJECT": ("vertex", "project"),
    "GOOGLE_CLOUD_LOCATION": ("vertex", "location"),
}
VENDOR_ADDRESSES: Final = {"AZURE_OPENAI_ENDPOINT": "azure"}  # where every customer has an address of his own
