"""Protocol 10.9: nobody is granted a tick before everyone of the phase before has reported it done."""

import asyncio

import pytest

from oracle.adapters import LockstepPacer, SupervisorGone
from simulation.supervisor import ParticipantGone, Supervisor


async def _work(port: int, name: str, seen: list[tuple[str, int]], *, rounds: int, slow_s: float = 0.0) -> None:
    pacer = LockstepPacer("127.0.0.1", port, name)
    for _ in range(rounds):
        tick = await pacer.next_tick()
        await asyncio.sleep(slow_s)
        seen.append((name, tick))
        assert pacer.now_ms() == tick
    await pacer.next_tick()


def test_phases_run_one_after_another_when_a_tick_is_granted() -> None:
    async def play() -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        supervisor = Supervisor(patience_s=10)
        port = await supervisor.start()
        workers = [
            asyncio.create_task(_work(port, name, seen, rounds=3, slow_s=slow))
            for name, slow in (("plants", 0.02), ("edge:1", 0.01), ("edge:2", 0.0), ("service", 0.0))
        ]
        await supervisor.expect(["plants", "edge:1", "edge:2", "service"])

        async def mine(tick_ms: int) -> None:
            seen.append(("chain", tick_ms))

        for tick in (60_000, 120_000, 180_000):
            await supervisor.round(tick, [["plants"], ["edge:1", "edge:2"], ["service"], mine])
        await supervisor.stop()
        ended = await asyncio.gather(*workers, return_exceptions=True)
        assert all(isinstance(end, SupervisorGone) for end in ended)
        return seen

    seen = asyncio.run(play())
    for at in range(0, len(seen), 5):
        names = [name for name, _ in seen[at : at + 5]]
        assert names[0] == "plants"
        assert set(names[1:3]) == {"edge:1", "edge:2"}
        assert names[3:] == ["service", "chain"]
        assert len({tick for _, tick in seen[at : at + 5]}) == 1


def test_the_missing_participant_is_named_when_it_leaves_or_never_came() -> None:
    async def play() -> None:
        supervisor = Supervisor(patience_s=5)
        port = await supervisor.start()
        with pytest.raises(ParticipantGone, match="edge:9"):
            await supervisor.round(1, [["edge:9"]])
        pacer = LockstepPacer("127.0.0.1", port, "edge:1")
        waiting = asyncio.create_task(pacer.next_tick())
        await supervisor.expect(["edge:1"])
        granted = asyncio.create_task(supervisor.round(60_000, [["edge:1"]]))
        await waiting
        await pacer.close()
        with pytest.raises(ParticipantGone, match="edge:1"):
            await granted
        await supervisor.stop()

    asyncio.run(play())
