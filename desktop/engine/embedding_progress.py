"""One request for vectors as the app follows it, across workers: where one dies, the next one is asked again."""

from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_errors import embedding_cancelled, failure_event, unusable_vectors
from desktop.engine.worker_messages import EmbedEvent, RequestFailed


class EmbeddingProgress:
    """What `AnswerProgress` is for an answer, for `request`. Nothing is rendered, so that all of it is computing."""

    prompted = True
    too_long = False

    def __init__(self, request: EmbedRequest) -> None:
        self._request = request

    def request(self) -> EmbedRequest:
        """What to ask the worker for: all of it, as nothing comes in parts."""
        return self._request

    def restart(self) -> None:
        """The worker died and another one is asked."""

    def flush(self) -> None:
        """Nothing waits."""

    def cancelled(self) -> RequestFailed:
        """The end of it, where it was cancelled."""
        return failure_event(self._request.id, embedding_cancelled())

    def finish(self, result: EmbedResult, notice: str) -> EmbedEvent:
        """`result`, where it is one vector for each text, all of one length, or one score where a query was given."""
        del notice
        lengths = {len(vector) for vector in result.vectors}
        count = len(self._request.texts)
        scored = self._request.query is not None
        given = (len(result.vectors), len(result.scores))
        if (
            given != ((0, count) if scored else (count, 0))
            or len(lengths) > 1
            or any(at >= count for at in result.truncated)
        ):
            return failure_event(self._request.id, unusable_vectors())
        return result
