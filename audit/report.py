"""An audit's report as JSON to hand on (protocol 11.8): what was checked, against what, and what was found."""

from collections.abc import Mapping, Sequence

from alliance.calendar import Day, iso_utc
from alliance.identity import to_hex
from alliance.statement import LineKind
from audit.finding import Divergence
from audit.verdict import Report

VERSION = 1

STEPS = (
    ("5.6", "链与合约是固定的部署", "chain, contracts and their code are the pinned deployment"),
    ("11.4", "日志根与设备登记由区块头的状态证明得出", "log root and device registry proved to the header"),
    ("5", "检查点逐个相连，只增不减，终于合约当前状态", "checkpoints are consecutive and end in the contract's state"),
    (
        "4.2, 4.3",
        "由清单重建整棵日志树；每个登记通道都有一行",
        "manifests rebuild the whole log, a row for each channel",
    ),
    (
        "2, 3, 4.4, 6",
        "每个读数：字节、盐、顺序、寄存器、签名、密钥",
        "each reading: bytes, salt, order, registers, key",
    ),
    ("8.3, 9", "规则包、计划及其证书", "rule packs, schedules and their certificates"),
    ("8", "每天按规则重新结算，逐行逐分比较", "each day settled again, compared line by line, to the cent"),
    ("8.9", "公布的根、余额、名册与结算书一致", "the posted root, balances and roster are the statement's"),
)
"""What every audit checks: clause, Chinese, English."""

KINDS: Mapping[LineKind, tuple[str, str]] = {
    LineKind.ENERGY_PLAN: ("计划电量 × 计划价", "own scheduled energy × planned price"),
    LineKind.ENERGY_DEVIATION: ("表计与计划之差 × 实际价", "meter less plan × actual price"),
    LineKind.NETWORK_PLAN: ("计划电量 × 网络附加价", "own scheduled energy × planned network adder"),
    LineKind.NETWORK_DEVIATION: ("表计与计划之差 × 实际网络附加价", "meter less plan × actual network adder"),
    LineKind.LEASE_ENERGY: ("租用容量的计划电量 × 计划价", "scheduled use of leased capacity × planned price"),
    LineKind.LEASE_NETWORK: ("租用容量的网络附加", "network adder of leased use"),
    LineKind.LEASE_RENT: ("租金，按时段分摊", "rent, slot by slot"),
    LineKind.LEASE_WEAR: ("放电电量 × 磨损价", "discharged energy × wear price"),
    LineKind.GRID_ENERGY: ("电网电量 × 电价", "energy from or to the grid × tariff"),
    LineKind.GRID_NETWORK: ("内部交换电量 × 过网费", "energy passed inside the group × network price"),
    LineKind.POOL_SHARE: ("资金池余额按用量返还", "what the pool holds, back by energy moved"),
    LineKind.PLATFORM_FEE: ("认证收益 × 费率", "certified gain × fee"),
    LineKind.LEASE_SLA: ("可用率不足的返还", "returned for missing availability"),
    LineKind.LEASE_HANDOVER: ("交接电量之差 × 交接价", "energy handed over × its price"),
    LineKind.LEASE_END: ("剩余租金 × 提前终止费率", "rent left × the agreed part for ending early"),
}
"""Why a line of a kind exists: quantity and price, in Chinese and English."""


def to_plain(report: Report, *, version: str, rerun: Sequence[str], made_at_ms: int) -> dict[str, object]:
    """The report as JSON values; `rerun` is the command that makes it again."""
    c = report.counts
    return {
        "v": VERSION,
        "verdict": report.outcome.value,
        "days": [str(report.days[0]), str(report.days[-1])],
        "focus": report.focus or None,
        "chainId": report.deployment.chain_id,
        "contracts": {name: to_hex(one.address) for name, one in report.deployment.contracts.items()},
        "block": report.head_block,
        "blockHash": None if report.head_hash is None else to_hex(report.head_hash),
        "blockTime": None if report.head_s is None else iso_utc(report.head_s * 1000),
        "stateProved": report.proved,
        "secondNode": report.second or None,
        "version": version,
        "madeAt": iso_utc(made_at_ms),
        "counts": {
            "epochs": c.epochs, "segments": c.segments, "readings": c.readings, "lines": c.lines,
            "statements": c.statements, "blocks": c.blocks, "bytes": c.block_bytes, "gapRecords": c.gaps,
            "outsideBracket": c.outside, "unreadBlocks": c.unread_blocks,
        },
        "checked": [{"clause": clause, "zh": zh, "en": en} for clause, zh, en in STEPS],
        "divergences": [_divergence(day, one) for day, one in report.found],
        "unread": [{"what": one.what, "why": one.why} for one in report.unread],
        "notes": list(report.notes),
        "perDay": [one.to_plain() for one in report.results],
        "rerun": list(rerun),
    }  # fmt: skip


def _divergence(day: Day | None, found: Divergence) -> dict[str, object]:
    return {"day": None if day is None else str(day), **found.to_plain()}
