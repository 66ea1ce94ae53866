"""What levers may assume (`levers.yaml` of the book): caches, caps, batches and routes; without the file, what the traffic itself says."""

from meterbook.assets.lever_cache import PromptCache, ResponseCaches, SemanticCaches
from meterbook.assets.lever_routes import Routes
from meterbook.assets.lever_tokens import BatchLanes, MicroBatch, OutputCap, Retries
from meterbook.assets.sources import Strict


class Levers(Strict):
    """levers.yaml; each lever's part is described where its module has it."""

    response_cache: ResponseCaches = ()
    semantic_cache: SemanticCaches = ()
    prompt_cache: PromptCache = PromptCache()

    output_caps: tuple[OutputCap, ...] = ()
    retries: Retries = Retries()
    batch: BatchLanes = ()
    micro_batch: MicroBatch = MicroBatch()
    routes: Routes = ()
