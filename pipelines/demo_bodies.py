"""What the sample company's gateway keeps of requests and answers, for the features whose teams let it: stand-ins of a few words each.

A message here is as long beside the others of its prompt as a real one would be, and says nothing.
"""

from functools import cache

from meterbook.pipelines.demo_company import FEATURES
from meterbook.pipelines.demo_plants import CAPS, INSTRUCTED, REPEATING
from meterbook.pipelines.demo_requests import Requests

_INSTRUCTIONS = {
    INSTRUCTED: "You write sales e-mails. Tone, products, prices and forty examples of the best ones follow.",
    REPEATING: "You route tickets. Queues and rules follow.",
}
"""The system prompts; tokens of the prompt are spread over its characters."""


def bodies_of(made: Requests, n: int) -> str:
    """The fields of a line that hold the request and the answer, with a comma before them; nothing where a feature keeps none."""
    name = FEATURES[made.feature[n]].name
    if name not in CAPS and name not in _INSTRUCTIONS:
        return ""
    messages = f',"messages":[{_system(name)}{{"role":"user","content":"{int(made.asked[n]):016x}"}}]'
    answer = f',"response":{{"choices":[{{"finish_reason":"{"length" if made.is_cut[n] else "stop"}"}}]}}'
    return f"{messages}{_parameters(name, int(made.cap[n]))}{answer if made.status[n] == 'success' else ''}"


@cache
def _system(name: str) -> str:
    if name not in _INSTRUCTIONS:
        return ""
    return f'{{"role":"system","content":"{_INSTRUCTIONS[name]}"}},'


@cache
def _parameters(name: str, cap: int) -> str:
    most = f'"max_tokens":{cap},' if cap else ""
    return f',"proxy_server_request":{{{most}"temperature":{0 if name == REPEATING else 1}}}'
