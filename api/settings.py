"""What the service is told from outside (protocol 10.1): one frozen object, built in `main`, passed down."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from alliance.errors import AllianceError
from alliance.identity import Address, address

_REPOSITORY = Path(__file__).parents[1]


class Settings(BaseSettings):
    """Settings of `alliance-service`: from a TOML file, overridden by environment variables `ALLIANCE_SERVICE_…`."""

    model_config = SettingsConfigDict(env_prefix="ALLIANCE_SERVICE_", frozen=True, extra="forbid")

    state: Path = Path(".alliance/service")
    """Folder of the database and, by default, of the archive, the deployment and the keys."""
    archive: Path | None = None
    """Folder of content-addressed blocks; `<state>/archive` by default."""
    deployment: Path | None = None
    """The pinned deployment (protocol 5.6); `<state>/deployment.json` by default."""
    rpc_url: str = "http://127.0.0.1:8545"
    public_rpc_url: str | None = None
    """A node that browsers may ask when they verify a receipt; a hint, shown and replaceable. None by default."""
    writer_key: Path | None = None
    """Key that advances the log; `<state>/keys/writer` by default."""
    settler_key: Path | None = None
    """Key that posts statements; `<state>/keys/settler` by default."""
    acknowledger_key: Path | None = None
    """Key that signs acknowledgements (protocol 4.1); the writer's by default."""
    note_key: Path | None = None
    """Ed25519 key that signs the log's checkpoints (protocol 4.11); `<state>/keys/note` by default, made if absent."""
    witnesses: tuple[str, ...] = ()
    """Witnesses that are asked to cosign each checkpoint, each `<verifier key> <address>`."""
    replica: str | None = None
    """A second archive that every block is copied to: a folder, or the address of an IPFS node's RPC."""
    master_key: Path | None = None
    """Key that wraps subjects' keys (protocol 4.8.3); `<state>/keys/master` by default, made when absent."""
    encrypt: bool = True
    """Whether evidence and documents are encrypted in the archive. Off only for development: then all is in clear."""
    public_readings: bool = False
    """Whether strangers see what is measured (receipts, live values, stations' curves). For demonstrations alone."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """Names under which the service may be asked (Host header): another name is a rebound one and is refused."""
    public_url: str | None = None
    """Where browsers find the page; wallet messages must name it. `http://<host>:<port>` by default."""
    pacer: Literal["system", "lockstep"] = "system"
    pacer_address: str = "127.0.0.1:0"
    """The supervisor of the lock-step clock, host:port."""
    pacer_period_ms: int = Field(default=60_000, ge=100)
    """Time between two rounds of the jobs under the system clock."""
    finality_blocks: int = Field(default=12, ge=1)
    """F: how many blocks deep an event must be to count as final."""
    settlement_grace_minutes: int = Field(default=30, ge=0)
    """How long after midnight a day waits for late evidence before its first statement."""
    correction_window_minutes: int = Field(default=7 * 1440, ge=1)
    """How long after its first statement a day may be corrected; as `SettlementLedger` was deployed with."""
    correction_days: int = Field(default=8, ge=1, le=60)
    """How many settled days are looked at again for late evidence."""
    demo_wallets: Path | None = None
    """File of the demo's wallets; only ever set by the demo (protocol 10.10)."""
    plan_lead_minutes: int = Field(default=240, ge=15, le=1440)
    """How long before midnight the next day is planned."""
    plan_time_limit_s: int = Field(default=120, ge=1, le=86_400)
    """Longest solving time that a planning job may ask for, and what it gets if it asks for none."""
    plan_hard_limit_s: int = Field(default=900, ge=1, le=172_800)
    """A planning job's process is ended after so long, certificate included; also its processor time at most."""
    plan_memory_mb: int = Field(default=4096, ge=256)
    """Address space of a planning job's process, and of its solver's, each."""
    plan_station_periods: int = Field(default=200_000, ge=1)
    """Most stations times periods in one planning job."""
    plans_waiting: int = Field(default=16, ge=1)
    """Most planning jobs that are queued or running."""
    dispatchers: tuple[str, ...] = ()
    """Addresses of the keys whose directives are taken for boxes (protocol 9.15); boxes pin their own."""
    configurers: tuple[str, ...] = ()
    """Addresses of the keys whose configurations are taken for boxes (protocol 9.20); boxes pin their own."""
    directive_answer_seconds: int = Field(default=60, ge=1, le=86_400)
    """A directive that its box has not decided on, or ended, so long after it should is marked and logged."""
    stale_after_seconds: int = Field(default=300, ge=1, le=86_400)
    """A measured state older than this is not used for an instruction: its station is named and given nothing."""
    session_hours: int = Field(default=12, ge=1, le=168)
    max_body_bytes: int = Field(default=8 << 20, ge=1 << 16)
    """Longest request body that is read at all."""
    max_segments: int = Field(default=1024, ge=1)
    """Most segments in one upload."""
    randomness_seed: SecretStr | None = None
    """Hex; makes salts repeatable in the demo. Never set it in production."""
    admin_token: SecretStr | None = None
    """Bearer token of the operator; without it nobody is one."""
    page: Path = _REPOSITORY / "frontend" / "dist"
    """The built page, served when it is there."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("dispatchers", "configurers")
    @classmethod
    def _addresses(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            try:
                address(text, field="keys")
            except AllianceError as wrong:
                raise ValueError(str(wrong)) from wrong
        return given

    @property
    def dispatcher_keys(self) -> frozenset[Address]:
        """The dispatchers' keys."""
        return frozenset(address(text) for text in self.dispatchers)

    @property
    def configurer_keys(self) -> frozenset[Address]:
        """The configurers' keys."""
        return frozenset(address(text) for text in self.configurers)

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.state / "service.sqlite"

    @property
    def archive_path(self) -> Path:
        """The folder of the archive."""
        return self.archive or self.state / "archive"

    @property
    def deployment_path(self) -> Path:
        """The file of the pinned deployment."""
        return self.deployment or self.state / "deployment.json"

    def key_path(self, role: Literal["writer", "settler", "acknowledger"]) -> Path:
        """The file of a key of the service."""
        if role == "acknowledger":
            return self.acknowledger_key or self.key_path("writer")
        chosen = self.writer_key if role == "writer" else self.settler_key
        return chosen or self.state / "keys" / role

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Names under which the service may be asked, its public one included."""
        public = urlsplit(self.origin).hostname
        return (*self.hosts, public) if public else self.hosts

    @property
    def origin(self) -> str:
        """Scheme, host and port under which browsers reach the page."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Constructor, then environment, then the TOML file; no .env file, no secrets folder."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(path: Path | None) -> Settings:
    """The settings from a TOML file (none: environment alone). Raises pydantic's ValidationError or OSError."""
    if path is None:
        return Settings()
    path.stat()

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    return FromFile()
