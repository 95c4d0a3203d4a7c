"""Every setting, from ``CATALENS_*`` variables of the environment or a ``.env`` file."""

from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Frozen; read once a process through ``get_settings``."""

    model_config = SettingsConfigDict(
        env_parse_none_str="None",
        env_prefix="CATALENS_",
        env_file=".env",
        extra="ignore",
        frozen=True,
    )

    data_dir: Path = Field(Path("data"), description="Where photos, models and SQLite live.")
    database_url: str = Field(
        "", description="SQLAlchemy address; empty is SQLite in the data directory."
    )
    host: str = Field("127.0.0.1", description="Address the web app listens on.")
    port: int = Field(8501, ge=1, le=65535, description="Port of the web app.")
    allowed_hosts: str = Field(
        "", description="More host names the web app answers for, separated by commas."
    )
    accounts: Literal["auto", "off", "local", "oidc"] = Field(
        "auto",
        description="auto is off on this machine alone, local elsewhere; oidc adds a provider.",
    )
    accounts_off_anywhere: bool = Field(
        False, description="Without accounts, let others than this machine in all the same."
    )
    trust_proxy: bool = Field(
        False,
        description="Believe X-Forwarded-For and X-Forwarded-Proto: a proxy of yours sets them.",
    )
    session_idle_s: int = Field(
        12 * 3600, gt=0, description="Who did nothing for so long signs in again."
    )
    session_max_s: int = Field(
        7 * 24 * 3600, gt=0, description="After so long everybody signs in again."
    )
    oidc_issuer: str = Field("", description="Address of the OpenID provider.")
    oidc_client_id: str = Field("", description="What the provider knows this app by.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="The app's secret at the provider."
    )
    oidc_name: str = Field(
        "your company account", description="What the button calls the provider."
    )
    oidc_scope: str = Field("openid profile email", description="What the provider is asked for.")
    oidc_role_claim: str = Field("", description="Claim that a person's role follows from.")
    oidc_roles: str = Field(
        "", description="Its values and their roles, as buyers=staff, heads=manager; else staff."
    )
    open_browser: bool = Field(True, description="Open the web app in a browser at start.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the processes log."
    )

    max_file_bytes: int = Field(50 * MIB, gt=0, description="Largest photo taken.")
    max_image_pixels: int = Field(
        100_000_000, gt=0, description="Most pixels of a photo, checked before decoding."
    )
    max_batch_files: int = Field(20_000, gt=0, description="Most files in one batch.")
    max_zip_bytes: int = Field(4096 * MIB, gt=0, description="Most bytes a zip may expand to.")
    min_free_bytes: int = Field(
        512 * MIB, ge=0, description="Bytes of disk that uploads leave free."
    )
    max_zip_ratio: int = Field(
        100, gt=0, description="Most times a zip member may be larger than its packed form."
    )

    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto is bfloat16 where the hardware has it."
    )
    inference_batch_size: int = Field(32, gt=0, description="Photos in one forward pass.")
    decode_threads: int = Field(2, gt=0, description="Threads that decode photos.")
    chunk_size: int = Field(64, gt=0, description="Photos in one durable piece of a job.")
    top_k: int = Field(5, gt=0, description="Categories kept with a prediction.")
    embedder: str = Field(
        "efficientnet_lite0",
        description="What photos are compared by: an architecture with packaged weights, "
        "or the number of a model version; empty compares none.",
    )
    compare_maps: bool | None = Field(
        None,
        description="Compare, in idle time, what models that agree look at; "
        "None does where there is a GPU.",
    )
    worker_poll_s: float = Field(0.2, gt=0, description="How often the worker looks for work.")
    worker_silent_s: float = Field(
        15.0, gt=0, description="After so long without a sign of life a worker counts as dead."
    )

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'catalens.sqlite3'}"

    @property
    def host_names(self) -> frozenset[str]:
        """Hosts the web app answers for, beside the local machine's own names."""
        listed = {name.strip() for name in self.allowed_hosts.split(",")}
        return frozenset(filter(None, listed | {self.host}))

    @property
    def is_shared(self) -> bool:
        """Whether others than this machine may reach the web app."""
        return not all(map(is_this_machine, self.host_names | {self.host}))

    @property
    def has_accounts(self) -> bool:
        """Whether people sign in; without, whoever comes is the one local user."""
        return self.accounts in {"local", "oidc"} or (self.accounts == "auto" and self.is_shared)

    @property
    def images_dir(self) -> Path:
        return self.data_dir / "images"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def training_dir(self) -> Path:
        """Trainings that are not yet at their end, so that a killed one can go on."""
        return self.data_dir / "training"

    @property
    def evaluations_dir(self) -> Path:
        """What models said of labelled pictures, one file an evaluation."""
        return self.models_dir / "evaluations"

    @property
    def audits_dir(self) -> Path:
        """The photos of label audits, one file an audit."""
        return self.data_dir / "audits"

    @property
    def cache_dir(self) -> Path:
        """Renditions, Grad-CAM pictures and features: may be deleted, is made again."""
        return self.data_dir / "cache"

    @property
    def work_dir(self) -> Path:
        """Folders of work under way."""
        return self.data_dir / "work"

    @property
    def uploads_dir(self) -> Path:
        """Files of uploads that are not yet a batch."""
        return self.data_dir / "uploads"


def is_this_machine(host: str) -> bool:
    """Whether a host name or address leads to this machine and from nowhere else."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@cache
def get_settings() -> Settings:
    return Settings()
