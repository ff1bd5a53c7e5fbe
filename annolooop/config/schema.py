"""The keys of the stack file. The text below a key describes it, also in the JSON Schema."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_cache_path
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from annolooop.config.addresses import Address
from annolooop.config.backbones import check_backbone, check_weights
from annolooop.config.cloud_keys import AzureConfig, GCSConfig, S3Config, Section
from annolooop.domain.labels import why_no_label
from annolooop.errors import did_you_mean

DEFAULT_LABEL_STUDIO = "1.23.2"
BUCKETS = ("s3", "gs", "az")  # schemes of store.url


def _check_text(value: object, what: str) -> None:
    """Name what YAML makes of a word that is not in quotes.

    Raises:
        ValueError: it is no text.
    """
    if isinstance(value, str):
        return
    if isinstance(value, list | tuple | dict):
        raise ValueError(f"has a list or keys where {what} belongs")
    made = f"the number {value}"
    if isinstance(value, bool):
        made = str(value).lower()
    elif value is None:
        made = "nothing (null)"
    elif hasattr(value, "isoformat"):
        made = f"the date {value}"
    raise ValueError(
        f"is not all text: YAML reads {what} as {made}; put it into quotes, as you wrote it"
    )


def _release(version: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+){1,3}((a|b|rc|\.post|\.dev)\d+)?", version, re.ASCII):
        raise ValueError("is no version, for example 1.23.2")
    return version


class StoreConfig(Section):
    url: str = "annoloop-data/store"
    """Where images, dataset snapshots, model versions and embeddings are kept: a folder, or a
    part of a bucket (s3://bucket/prefix, gs://bucket/prefix, az://container/prefix)."""

    images: Literal["proxy", "presign"] = "proxy"
    """How a browser gets the images of a bucket: through Label Studio, or from the bucket by a
    signed address, for which the bucket must allow Label Studio's address (CORS)."""

    presign_minutes: int = Field(15, ge=1, le=10_080)
    """How long a signed address is good for."""

    export_annotations: bool = False
    """Have Label Studio write a copy of each annotation into the store as well, as it is saved
    (an export storage). While the store is out of reach, people see an error when they submit,
    although Label Studio keeps the annotation."""

    lock_timeout: float = Field(600, ge=0)
    """Seconds to wait while another command writes to the same dataset in Label Studio; 0: do
    not wait."""

    @field_validator("url")
    @classmethod
    def _supported(cls, url: str) -> str:
        scheme, separator, rest = url.partition("://")
        if not separator:
            return url
        if scheme == "file":
            return rest
        if scheme not in BUCKETS:
            raise ValueError(
                f"{scheme}:// is not supported; name a local folder, for example "
                "annoloop-data/store, or s3://bucket/prefix, gs://bucket/prefix, "
                "az://container/prefix"
            )
        bucket, _, prefix = rest.rstrip("/").partition("/")
        if not bucket:
            raise ValueError(f"names no bucket, for example {scheme}://bucket/prefix")
        if "?" in rest:
            raise ValueError("must hold no ?: Label Studio shows no object below it")
        if prefix and {"", ".", ".."} & set(prefix.split("/")):
            raise ValueError("must hold no empty part, and no . or .. as one")
        return url.rstrip("/")

    @property
    def is_bucket(self) -> bool:
        """It is not a folder of this machine."""
        return "://" in self.url


class LabelStudioConfig(Section):
    port: int = Field(8093, ge=1, le=65535)
    """Port of the local Label Studio, on 127.0.0.1 only."""

    data_dir: str = "annoloop-data/label-studio"
    """Folder of the local Label Studio: its database (people's annotations), its login."""

    version: Annotated[str, AfterValidator(_release)] = DEFAULT_LABEL_STUDIO
    """Version of Label Studio that `annoloop up` installs into an environment of its own."""

    command: str | None = None
    """A `label-studio` executable, by name or path, to start instead of installing one."""

    url: Address | None = None
    """Address of a Label Studio that someone else runs. `up` then starts nothing."""

    api_key: SecretStr | None = None
    """Access token for `url`: a legacy token or a personal access token."""

    document_root: str | None = None
    """With `url` and a local store: the folder that the server was given as
    LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, if it is not the store's folder. Annotators may read
    all that is below it: best is a folder with nothing but a link `images` to that of the store."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts of private networks, by name or address, with or without a port, from which images
    may be fetched whose addresses people wrote into tasks. All others there are refused; the
    server itself and `endpoint` of a bucket are not."""

    daily_backup: bool = True
    """Back up the local Label Studio once a day while it runs, into a store in a bucket or on
    another disk; see `annoloop backup`."""

    start_timeout: float = Field(300, gt=0)
    """Seconds that `up` waits for Label Studio to answer; a first start migrates its database."""

    timeout: float = Field(60, gt=0)
    """Seconds that one request to Label Studio may take."""

    import_size: int = Field(1000, ge=1, le=10_000)
    """Tasks or predictions sent to Label Studio in one request."""

    @field_validator("url")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url and "@" in urlsplit(url).netloc:
            raise ValueError("must not hold a login: addresses are shown; use api_key")
        if url and re.search(r"[?#\s]", url):
            raise ValueError("must be a host and a path, without a ? or a #")
        return url

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if any(re.search(r"[/@\s]", host) or not host for host in hosts):
            raise ValueError("must hold hosts, such as files.example.org or 10.1.2.3:8080")
        return hosts

    @model_validator(mode="after")
    def _url_needs_key(self) -> "LabelStudioConfig":
        if self.url and not (self.api_key and self.api_key.get_secret_value()):
            raise ValueError("url needs api_key, for example api_key: ${LABEL_STUDIO_API_KEY}")
        if self.api_key and not self.url:
            raise ValueError("api_key is only used with url; the local server makes its own key")
        if self.document_root and not self.url:
            raise ValueError("document_root is only used with url; the local server has its own")
        return self


class DatasetConfig(Section):
    name: str = Field("aria_detector", min_length=3, max_length=50, pattern=r"^\w[\w .-]*\w$")
    """Name of the dataset, and title of its Label Studio project."""

    labels: tuple[str, ...] = Field(("aria", "not_aria"), min_length=2)
    """The labels that people choose from, at least two, in the order of the buttons."""

    other_answers: tuple[str, ...] = ()
    """Answers that people may give and that are no labels, such as `unsure`: they are offered after
    the labels and counted apart; no model learns them, and no export holds them."""

    choice: Literal["single", "multiple"] = "single"
    """Whether an image has exactly one of the labels, or any number of them."""

    agreement: Literal["majority", "unanimous", "latest"] = "majority"
    """Whose answer counts when several people annotate one image: that of most of them (the
    latest, at a tie), only one that all give, or the latest. Ground truth beats them all."""

    target: float | None = None
    """The accuracy that is wanted, as a share: 0.95. `annoloop report` says whether it is reached,
    how sure that is, and how many hours of labelling it may still take."""

    instructions: str = ""
    """What people read when they open the labelling page, as plain text: when is it which label?
    They can read it again there at any time."""

    hints: Mapping[str, str] = {}
    """Label -> a sentence that people read below it: `glass: Bottles and jars, broken or not`."""

    examples: Mapping[str, str] = {}
    """Label -> an image that people see beside it: a file, or a key in the store
    (store:images/batch/1.jpg). A small copy of it is in the project's label config."""

    one_key: bool = False
    """Whether the key of a label also submits it, with `choice: single`. It works on the local
    Label Studio alone; elsewhere, people submit by themselves."""

    @field_validator("labels", "other_answers", mode="before")
    @classmethod
    def _texts(cls, labels: Any, field: ValidationInfo) -> Any:
        if isinstance(labels, str):
            raise ValueError(f"is the text {labels!r}, and not a list: write [{labels}]")
        if not isinstance(labels, list | tuple):
            raise ValueError("is not a list; write the labels in brackets: [cat, dog]")
        for label in labels:
            _check_text(label, "a label")
        if field.field_name == "labels" and len(labels) < 2:
            raise ValueError(f"needs two labels at least, and has {len(labels)}")
        return labels

    @field_validator("name", mode="before")
    @classmethod
    def _name_is_text(cls, name: Any) -> Any:
        _check_text(name, "the name")
        return name

    @field_validator("labels", "other_answers")
    @classmethod
    def _fit(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        for at, label in enumerate(labels):
            if why := why_no_label(label):
                raise ValueError(f"has the label {label!r}, which {why}")
            if label in labels[:at]:
                raise ValueError(f"names the label {label!r} twice")
        return labels

    @model_validator(mode="after")
    def _apart(self) -> "DatasetConfig":
        for label in self.other_answers:
            if label in self.labels:
                raise ValueError(f"has {label!r} both in labels and in other_answers")
        return self

    @field_validator("hints", "examples", mode="before")
    @classmethod
    def _of_labels(cls, texts: Any, info: ValidationInfo) -> Any:
        if not isinstance(texts, Mapping):
            raise ValueError("is not a list of labels with a text each; write it as label: text")
        known = [*info.data.get("labels", ()), *info.data.get("other_answers", ())]
        for label, text in texts.items():
            if known and label not in known:
                close = did_you_mean(str(label), known)
                raise ValueError(f"has {label!r}, which is not one of the labels{close}")
            _check_text(text, f"the text of {label}")
        return texts

    @field_validator("target")
    @classmethod
    def _share(cls, target: float | None) -> float | None:
        if target is not None and not 0 < target < 1:
            raise ValueError("is a share of 1, above 0 and below 1: 95 % is 0.95")
        return target

    @field_validator("one_key")
    @classmethod
    def _one_of_them(cls, one_key: bool, info: ValidationInfo) -> bool:
        if one_key and info.data.get("choice") == "multiple":
            raise ValueError("needs choice: single; with several labels, no key is the last one")
        return one_key


class ModelConfig(Section):
    backbone: Annotated[str, AfterValidator(check_backbone)] = "resnet18"
    """A torchvision classifier by name: resnet18 to resnet152, mobilenet_v2,
    mobilenet_v3_small, efficientnet_b0, convnext_tiny and others that end in a linear layer."""

    weights: Annotated[str, AfterValidator(check_weights)] = "DEFAULT"
    """Pretrained weights: DEFAULT or another torchvision weights name, a file, a key in the
    store (store:weights/mine.pt), `starter` (MobileNetV2 from the package index, for
    machines that reach no model hub), or `none` (random, for tests)."""


class TrainConfig(Section):
    holdout: float = Field(0.2, ge=0, lt=1)
    """Share of the images that no model learns from, chosen by a hash of their content."""

    seed: int = 0
    """Seed of everything that is drawn at random."""

    finetune: Literal["head", "layer4", "all"] = "head"
    """What learns: the head alone, also the last stage of the backbone (`layer4` in a ResNet),
    or all of it. `annoloop train --compare` measures whether it helps."""

    epochs: int = Field(10, ge=1, le=1000)
    """Passes over the examples while the backbone is fine-tuned, at most."""

    gate: Literal["strict", "lenient", "off"] = "strict"
    """When a new version does not become the current one: if a test says that it is worse, with p
    below 0.05 (strict) or below 0.01 (lenient); or never (off)."""


class InferConfig(Section):
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Images in one forward pass; auto takes what suits the device and its free memory."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the backbone runs."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """What the backbone computes in; auto takes bf16 or fp16 where the device has it, which
    changes probabilities by less than 0.02."""

    blind_share: float = Field(0.0, ge=0, lt=1)
    """Share of the images that people see without a prediction, the holdout first, so that it
    shows whether predictions influence them. `infer --blind-share` sets it too."""

    show_untrained: bool = True
    """Whether people see the predictions of a version that has not learnt from any label: guesses
    at random, which people have to correct. Without them they choose each label themselves, until
    the first trained version. It is about what is sent from now on: what was sent stays."""


class TrackingConfig(Section):
    tensorboard: str | None = None
    """A folder. Each `train --rerun` that makes a model version adds its figures for TensorBoard,
    in a folder of the dataset's name; the step is the version's number."""

    mlflow: SecretStr | None = None
    """A tracking URI of MLflow (https://host, or a folder). Each `train --rerun` that makes a model
    version makes a run there."""

    experiment: str | None = None
    """Name of MLflow's experiment; default: the dataset's name."""


class StackConfig(Section):
    """One annotation loop: where its images are, who labels them, what learns from them."""

    store: StoreConfig = StoreConfig()
    s3: S3Config = S3Config()
    gcs: GCSConfig = GCSConfig()
    azure: AzureConfig = AzureConfig()
    label_studio: LabelStudioConfig = LabelStudioConfig()
    dataset: DatasetConfig = DatasetConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    infer: InferConfig = InferConfig()
    tracking: TrackingConfig = TrackingConfig()

    allow_files_outside: bool = False
    """Whether `${file:PATH}` may read files outside of the project folder, such as
    `~/.secrets/label-studio`. Set it in a stack file that you know; see docs/security.md."""

    cache_dir: str = Field(default_factory=lambda: str(user_cache_path("annoloop")))
    """Folder that may be deleted while Label Studio is stopped, which costs only time: Label
    Studio's own environment and log, the starter weights, copies of embeddings."""

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, values: Any) -> Any:
        """A section whose keys are all commented out is as if it were missing."""
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if value is not None}
        return values
