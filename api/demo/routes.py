"""The demo's wallets (演示钱包): handed out on loopback, on the development chain, when the demo says so."""

import ipaddress
import json
from dataclasses import dataclass

from fastapi import APIRouter, Request

from alliance.errors import Missing
from api.platform import PlatformDep
from api.wire import Hex20, Hex32, Wire

router = APIRouter(prefix="/v1/demo", tags=["demo"])
_DEVELOPMENT_CHAIN = 31337


@dataclass(kw_only=True, eq=False)
class NoDemo(Missing):
    """This service is no demo, or is asked from another machine."""

    chain_id: int


class DemoWallet(Wire):
    """A member's wallet of the demo; the key is public and worthless outside it."""

    member: int
    name_zh: str
    name_en: str
    address: Hex20
    private_key: Hex32


class DemoWallets(Wire):
    """The members' wallets of the demo."""

    wallets: tuple[DemoWallet, ...]


@router.get("/wallets")
def wallets(request: Request, platform: PlatformDep) -> DemoWallets:
    """The members' wallets of the demo. Raises NoDemo everywhere else."""
    file, chain_id = platform.settings.demo_wallets, platform.deployment.chain_id
    if file is None or chain_id != _DEVELOPMENT_CHAIN or not _is_loopback(request):
        raise NoDemo(chain_id=chain_id)
    return DemoWallets.model_validate({"wallets": json.loads(file.read_text())}, strict=False)


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
