"""Driving the senders (protocol 5.5): each tick, every transaction as far as the chain allows."""

from api.platform import Platform


class Send:
    """The job that polls the writer's and the settler's senders."""

    name = "send"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Move every intent on."""
        self._platform.writer.poll(t_ms)
        self._platform.settler.poll(t_ms)
