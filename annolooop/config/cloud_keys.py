"""The keys of the stack file that are about one cloud. The text below a key describes it."""

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from annolooop.config.addresses import Address


class Section(BaseModel):
    """A section of the stack file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # a value may be a secret
    )


class S3Config(Section):
    endpoint: Address | None = None
    """Address of the S3 server, if it is not Amazon's."""

    region: str | None = None
    """Region of the bucket."""

    access_key: str | None = None
    """Access key; without one, the machine's own AWS configuration is used."""

    secret_key: SecretStr | None = None
    """Secret of the access key."""

    session_token: SecretStr | None = None
    """Token of a session, with keys that expire."""

    profile: str | None = None
    """A profile of the machine's AWS configuration."""

    reader_access_key: str | None = None
    """Another key, which Label Studio gets to show the images: one that may only read them. Without
    it, Label Studio gets the same as annoloop; see docs/security.md."""

    reader_secret_key: SecretStr | None = None
    """Secret of `reader_access_key`."""

    @model_validator(mode="after")
    def _pair(self) -> "S3Config":
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key belong together")
        if bool(self.reader_access_key) != bool(self.reader_secret_key):
            raise ValueError("reader_access_key and reader_secret_key belong together")
        if self.access_key and self.profile:
            raise ValueError("has access_key and profile; remove one of them")
        return self


class GCSConfig(Section):
    credentials: SecretStr | None = None
    """Key of a service account: the path of its JSON file, or its content. Without one, this
    machine's application default credentials are used."""

    project: str | None = None
    """Google Cloud project that the bucket belongs to."""

    location: str | None = None
    """Where `annoloop storage setup` makes the bucket, for example europe-west3."""

    endpoint: Address | None = None
    """Address of the Google Cloud Storage server, if it is not Google's."""


class AzureConfig(Section):
    account: str | None = None
    """Name of the storage account."""

    account_key: SecretStr | None = None
    """Key of the storage account. Label Studio can read a container with nothing else; beside
    another kind of credentials, only Label Studio uses it."""

    connection_string: SecretStr | None = None
    """Account, key or shared access signature, and address in one."""

    sas_token: SecretStr | None = None
    """A shared access signature. Without any of these, the default credential chain of this
    machine is used (environment, managed identity, `az login`)."""

    endpoint: Address | None = None
    """Address of the Blob service, if it is not https://ACCOUNT.blob.core.windows.net."""

    @model_validator(mode="after")
    def _one_kind(self) -> "AzureConfig":
        if self.connection_string and (self.account or self.sas_token or self.endpoint):
            raise ValueError(
                "has connection_string and other keys; only account_key may stand beside it"
            )
        return self
