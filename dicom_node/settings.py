"""Every setting: its default, its help, its bounds. Read once at the edge and passed in.

Order of precedence: environment (`DICOM_NODE_<SECTION>__<KEY>`), then the TOML file, then the default.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from dicom_node.errors import BadSettings

DEFAULT_FILE = "dicom-node.toml"

AETitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[^\\\x00-\x1f]+$")
]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Minutes = Annotated[float, Field(gt=0)]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


ResultObject = Literal["findings", "narrative", "gsps", "kos", "pdf", "capture"]
"""What a peer may get of a report: structured reports, presentation states, key objects, the page, its key images."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Listener(Section):
    """Receiving over DICOM."""

    ae_title: AETitle = Field("MEDVLM", description="AE title under which the PACS knows this node.")
    host: str = Field("127.0.0.1", description="Address to listen on. 0.0.0.0 opens the node to the network.")
    port: Port = Field(11112, description="DICOM port; 0 takes a free one.")
    check_called_ae: bool = Field(True, description="Reject associations that call another AE title than ours.")
    calling_ae_titles: tuple[AETitle, ...] = Field((), description="AE titles that may connect; empty: any.")
    max_associations: Annotated[int, Field(ge=1)] = Field(100, description="Associations at once; more are rejected.")
    max_pdu: Annotated[int, Field(ge=4096, le=1 << 20)] = Field(131072, description="Largest PDU accepted, in bytes.")
    association_request_timeout: Seconds = Field(10, description="Seconds for a whole A-ASSOCIATE-RQ to arrive.")
    pdu_timeout: Seconds = Field(30, description="Seconds for one PDU to arrive once it has begun.")
    idle_timeout: Seconds = Field(60, description="Seconds an association may be silent before it is aborted.")
    max_instance_bytes: Annotated[int, Field(ge=1)] = Field(4 << 30, description="Largest instance accepted, in bytes.")
    data_path: Literal["direct", "pynetdicom"] = Field(
        "direct", description="How P-DATA reaches the disk: straight from the socket, or through pynetdicom's events."
    )


class Archive(Section):
    """Files as received, and results."""

    url: str = Field("data/archive", description="Folder of the archive.")
    flush: bool = Field(True, description="Flush to disk before Success. Off only to measure: a power cut loses data.")
    reserve_bytes: Annotated[int, Field(ge=0)] = Field(
        256 << 20, description="Free bytes below which the node refuses to store (0xA700)."
    )

    @property
    def root(self) -> Path:
        return Path(self.url.removeprefix("file://")).absolute()


class Database(Section):
    """The index and the workflow's state."""

    url: str = Field("", description="SQLAlchemy URL; empty: SQLite files inside the archive folder.")


class Workflow(Section):
    """From received to delivered."""

    quiet_seconds: Seconds = Field(5, description="A study is complete when no instance came for so long.")
    poll_seconds: Seconds = Field(0.2, description="How often to look for complete studies and due deliveries.")
    worker_id: str = Field("worker-1", description="Stable name of this worker: it resumes its own work after a crash.")
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Studies worked on at once.")
    read_timeout: Seconds = Field(300, description="Seconds a model may take for one study.")
    read_attempts: Annotated[int, Field(ge=1)] = Field(3, description="Tries at a reading when the model server dies.")


class Model(Section):
    """The model server."""

    url: str = Field("http://127.0.0.1:8100", description="Where the model server listens.")
    path: str = Field("", description="Folder of a model; empty: the embedded default.")
    threads: Annotated[int, Field(ge=0)] = Field(0, description="CPU threads for the model; 0: all cores.")
    session_bytes: Annotated[int, Field(ge=0)] = Field(
        256 << 20, description="Memory for encoded studies kept warm, in bytes."
    )


PeerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]


class Peer(Section):
    """A PACS that gets the results."""

    name: PeerName = Field(description="Short name.")
    ae_title: AETitle = Field(description="The peer's AE title.")
    host: str = Field(description="The peer's address.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="The peer's DICOM port.")
    objects: Annotated[tuple[ResultObject, ...], Field(min_length=1)] = Field(
        ("findings", "narrative"),
        description="What it gets: findings (Comprehensive 3D SR, or Comprehensive SR where it takes only that), "
        "narrative (Enhanced or Basic Text SR), gsps (boxes for viewers without SR), kos (key images), "
        "pdf (the page), capture (key images with boxes in their pixels).",
    )


class FhirServer(Section):
    """A FHIR R4 server that gets every report as a transaction."""

    name: PeerName = Field(description="Short name.")
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] = Field(description="The server's base address.")
    token: str = Field("", repr=False, description="Bearer token; empty: none is sent.")
    patient_id_system: str = Field("", description="URI of the system that the patient IDs are of.")
    pdf: bool = Field(True, description="Send the printed report along.")

    @model_validator(mode="after")
    def _token_is_not_sent_in_the_clear(self) -> Self:
        url = urlsplit(self.url)
        if self.token and url.scheme != "https" and url.hostname not in LOOPBACK:
            raise ValueError("a token needs an https address")
        return self


class Hl7Receiver(Section):
    """A system that gets every report as an HL7 v2 message over MLLP."""

    name: PeerName = Field(description="Short name.")
    host: str = Field(description="The receiver's address.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="The receiver's MLLP port.")
    application: str = Field("", description="Receiving application (MSH-5).")
    facility: str = Field("", description="Receiving facility (MSH-6).")
    sending_facility: str = Field("", description="Sending facility (MSH-4).")
    pdf: bool = Field(False, description="Send the printed report along.")


class Deliver(Section):
    """Sending results."""

    peers: tuple[Peer, ...] = Field((), description="Each peer gets one set of results of every drafted study.")
    fhir: tuple[FhirServer, ...] = Field((), description="Each server gets every report as a FHIR transaction.")
    hl7: tuple[Hl7Receiver, ...] = Field((), description="Each receiver gets every report as an HL7 v2 message.")
    connect_timeout: Seconds = Field(10, description="Seconds to reach a peer.")
    response_timeout: Seconds = Field(30, description="Seconds for a peer to answer one object or message.")
    first_retry_seconds: Seconds = Field(5, description="Wait before the second try; doubles each time.")
    longest_retry_seconds: Seconds = Field(900, description="Longest wait between two tries.")

    @property
    def messengers(self) -> tuple[FhirServer | Hl7Receiver, ...]:
        """What gets a whole report as one message."""
        return (*self.fhir, *self.hl7)

    @property
    def receivers(self) -> tuple[Peer | FhirServer | Hl7Receiver, ...]:
        """Everything that gets results."""
        return (*self.peers, *self.messengers)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({receiver.name for receiver in self.receivers}) != len(self.receivers):
            raise ValueError("two peers have the same name")
        return self


class Api(Section):
    """HTTP: the API and the page."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8000, description="HTTP port.")
    token: str = Field(
        "", repr=False, description="Access token; empty: made at first start and kept in the archive folder."
    )
    public_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/]+)?$")] = Field(
        "", description="Address that browsers use, where a proxy stands before the node; empty: as asked."
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Host names to answer to, beside `host`, this machine's own name and any IP address."
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses of proxies whose X-Forwarded-For and -Proto are believed."
    )
    tls_certificate: str = Field(
        "", description="PEM file with the certificate and its chain; with tls_key, the node speaks HTTPS alone."
    )
    tls_key: str = Field("", description="PEM file with the certificate's private key, without a password.")
    organisation: str = Field(
        "", max_length=64, description="The hospital or department of the persons who log in, as reports name it."
    )
    reveal: Literal["at_once", "after_own_read"] = Field(
        "at_once", description="When a radiologist sees the draft: at once, or after writing down an own reading."
    )
    session_minutes: Minutes = Field(720, description="Minutes after which a login ends in any case.")
    session_idle_minutes: Minutes = Field(30, description="Minutes without a request after which a login ends.")
    fresh_login_minutes: Minutes = Field(
        60, description="Signing and rejecting ask for a login no older than so many minutes."
    )
    rate_per_minute: Annotated[int, Field(ge=1)] = Field(
        600, description="Requests a minute and caller; images are counted apart."
    )
    image_rate_per_minute: Annotated[int, Field(ge=1)] = Field(
        60_000, description="Requests for images and the page's files a minute and caller."
    )
    login_failures_per_minute: Annotated[int, Field(ge=1)] = Field(
        10, description="Wrong tokens a minute from one address before it has to wait."
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(1 << 20, description="Largest request body, in bytes.")
    max_store_bytes: Annotated[int, Field(ge=1)] = Field(
        2 << 30, description="Largest body of a DICOMweb store request, in bytes."
    )
    events_poll_seconds: Seconds = Field(
        0.3, description="How often to look for changes while somebody listens to events."
    )


class Oidc(Section):
    """Logging in at an OpenID provider; without an issuer, persons log in with the node's token."""

    issuer: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = Field(
        "", description="The provider's issuer address, exactly as it calls itself; empty: none."
    )
    client_id: str = Field("", description="This node's client ID at the provider.")
    client_secret: str = Field(
        "", repr=False, description="This node's client secret; empty: a public client (PKCE alone)."
    )
    audience: str = Field(
        "", description="Audience of access tokens that the API takes as bearer tokens; empty: none are taken."
    )
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="Scopes asked for at login; openid is a must.")
    roles_claim: str = Field(
        "roles", description="Claim that holds the person's roles: its name, or a path such as realm_access.roles."
    )
    viewer_roles: tuple[str, ...] = Field(("viewer",), description="Values of that claim that make a viewer.")
    radiologist_roles: tuple[str, ...] = Field(("radiologist",), description="Values that make a radiologist.")
    admin_roles: tuple[str, ...] = Field(("admin",), description="Values that make an administrator.")
    organisation_claim: str = Field(
        "", description="Claim that holds the person's organisation; empty: api.organisation."
    )
    ca_certificates: str = Field(
        "", description="PEM file with the authorities that vouch for the provider; empty: the system's."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.issuer:
            return self
        url = urlsplit(self.issuer)
        if url.scheme != "https" and url.hostname not in LOOPBACK:
            raise ValueError("an issuer needs an https address")
        if not self.client_id or "openid" not in self.scopes:
            raise ValueError("an issuer needs client_id, and openid among the scopes")
        return self


class Audit(Section):
    """The audit trail (PS3.15 A.5) and the syslog collector that gets a copy."""

    source_id: str = Field("", description="Audit Source ID; empty: AE title of the listener.")
    site: str = Field("", description="Audit Enterprise Site ID: the hospital or site.")
    syslog_host: str = Field(
        "", description="Audit record repository (syslog over TLS, RFC 5425); empty: the trail stays here."
    )
    syslog_port: Port = Field(6514, description="Its port.")
    syslog_ca: str = Field(
        "", description="PEM file of the authorities that may have signed its certificate; empty: the system's."
    )
    certificate: str = Field("", description="PEM file of this node's certificate, if the collector asks for one.")
    key: str = Field("", description="PEM file of its private key; empty: in the certificate's file.")


class Equipment(Section):
    """How this node names itself in the objects it makes (PS3.3 C.7.5.1)."""

    station_name: str = Field("MEDVLM", max_length=16, description="Station Name.")
    serial_number: str = Field("1", max_length=64, description="Device Serial Number.")
    uid_namespace: uuid.UUID = Field(
        uuid.UUID("6f1d5c0e-54a7-5a0b-9d1c-3d8a1a6f2b10"),
        description="Namespace of every UID the node makes. Give each node its own.",
    )


class Log(Section):
    """Events on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level written.")
    format: Literal["text", "json"] = Field("text", description="One line of text, or one JSON object, an event.")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="DICOM_NODE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    listener: Listener = Listener()
    archive: Archive = Archive()
    database: Database = Database()
    workflow: Workflow = Workflow()
    model: Model = Model()
    deliver: Deliver = Deliver()
    api: Api = Api()
    oidc: Oidc = Oidc()
    audit: Audit = Audit()
    equipment: Equipment = Equipment()
    log: Log = Log()

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.archive.root / 'db' / 'index.sqlite'}"

    @property
    def workflow_database_url(self) -> str:
        """DBOS keeps its own tables: in a file of its own on SQLite, in its own schema on PostgreSQL."""
        return self.database.url or f"sqlite:///{self.archive.root / 'db' / 'workflow.sqlite'}"


def load(file: Path | None = None, **overrides: Any) -> Settings:
    """The settings from the environment and the TOML file; `overrides` (sections as dicts) win over both.

    Raises `BadSettings` naming the key and the way out.
    """
    source = file or Path(DEFAULT_FILE)
    if file is not None and not file.is_file():
        raise BadSettings(
            "the settings file does not exist", where=str(file), way_out="Write one with `dicom-node settings`."
        )

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, source)

    try:
        _refuse_unknown_environment()
        return FromFile(**overrides)
    except ValidationError as error:
        raise BadSettings(
            _in_words(error), where=str(source), way_out="`dicom-node settings` lists every key."
        ) from None
    except ValueError as error:  # TOML syntax, or a section given in the environment that is not JSON
        raise BadSettings(
            str(error), where=str(source), way_out="`dicom-node settings` prints a valid example."
        ) from None


def _refuse_unknown_environment() -> None:
    known = {f"DICOM_NODE_{section}__{key}".upper() for section, model in _sections() for key in model.model_fields}
    known |= {f"DICOM_NODE_{section}".upper() for section, _ in _sections()}
    for name in os.environ:
        if name.startswith("DICOM_NODE_") and name not in known and not name.startswith("DICOM_NODE_STOP_"):
            raise BadSettings(
                "this environment variable names no setting",
                where=name,
                way_out="`dicom-node settings` lists every key.",
            )


def _in_words(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())


def _sections() -> list[tuple[str, type[Section]]]:
    return [(name, type(field.default)) for name, field in Settings.model_fields.items()]


def example() -> str:
    """The commented example file, generated from the fields above."""
    lines = ["# Every setting with its default. Uncomment what you change.", ""]
    for name, section in _sections():
        lines += [f"[{name}]  # {section.__doc__}"]
        for key, field in section.model_fields.items():
            if name == "deliver" and key in RECEIVERS:
                lines += _receiver_example(key)
                continue
            lines += [f"# {field.description}", f"# {key} = {_toml(field.default)}"]
        lines += [""]
    return "\n".join(lines)


RECEIVERS: dict[str, tuple[type[Section], str]] = {
    "peers": (Peer, '{ name = "pacs", ae_title = "PACS", host = "127.0.0.1", port = 104 }'),
    "fhir": (FhirServer, '{ name = "fhir", url = "https://fhir.example/r4", token = "…" }'),
    "hl7": (Hl7Receiver, '{ name = "ris", host = "127.0.0.1", port = 2575, application = "RIS" }'),
}


def _receiver_example(key: str) -> list[str]:
    model, row = RECEIVERS[key]
    described = [f"# {name}: {field.description}" for name, field in model.model_fields.items()]
    return [f"# {model.__doc__} Each with", *described, f"# {key} = [ {row} ]"]


def _toml(value: object) -> str:
    return json.dumps(
        list(value) if isinstance(value, tuple) else str(value) if isinstance(value, uuid.UUID) else value
    )
