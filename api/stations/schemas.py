"""Bodies about stations."""

from api.projection import ChainStatus
from api.wire import Hex20, Hex32, Wire


class StationAnswer(Wire):
    """A station's registered rating; all powers are magnitudes in W, energies in Wh."""

    station: int
    owner: int
    owner_address: Hex20
    station_type: str
    region: int
    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    pcc_import_w: int
    pcc_export_w: int
    safety_agreement: Hex32 | None
    """SHA-256 of the agreement that its owner signed; without one it neither offers nor measures."""
    change_asked: bool
    """Whether another rating waits for its confirmation."""
    chain_status: ChainStatus
