"""Which deployment an auditor starts from (protocol 5.6): a given file, or the one shipped for the node's chain."""

from pathlib import Path

from chain.rpc import Rpc
from oracle.deployment import Deployment, load

SHIPPED = Path(__file__).resolve().parents[1] / "contracts" / "deployments"
"""Deployments on lasting networks, `<chainId>.json`."""


def pinned_deployment(rpc: Rpc, path: Path | None) -> Deployment:
    """The deployment to verify against, never one from the archive or the service.

    Raises DeploymentMissing, PlainMalformed, and the node's errors when its chain id is needed.
    """
    return load(path or SHIPPED / f"{rpc.chain_id()}.json")
