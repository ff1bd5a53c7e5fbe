"""Sets up a bucket of Amazon's, or of a server that speaks its language."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from annolooop.errors import ConfigError
from annolooop.storage.clouds.provisioning import (
    Administration,
    Found,
    Note,
    SetupPart,
    UnsupportedError,
)
from annolooop.storage.clouds.requirements import Requirements, missing_origins
from annolooop.storage.clouds.s3.files import SILENT, S3Access, explain_failure, session_of
from annolooop.storage.clouds.s3.rules import cors_rule, policy_of

PUBLIC_ACCESS_BLOCKS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)
NO_BUCKET = ("404", "NoSuchBucket", "NotFound")
DENIED = ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedAccess")
WRONG = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken")
OBJECTS_TO_COUNT = 5000


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


class S3Administration(Administration):
    """Of one bucket.

    Args:
        access: how to reach it.
        required: what is needed.

    Raises:
        ConfigError: there is no such profile.
    """

    failures = (BotoCoreError, ClientError, ResponseParserError, RuntimeError)
    cli = "aws"

    def __init__(self, access: S3Access, required: Requirements) -> None:
        super().__init__(required)
        self.access = access
        self.session = Session(profile=access.profile)
        if access.key:
            self.session.set_credentials(access.key, access.secret, access.token)
        try:
            configured = self.session.get_config_variable("region")
            self.region = access.region or configured or "us-east-1"
            self.s3 = self.client("s3")
        except BotoCoreError as error:
            raise ConfigError(f"s3: {error}", "Check s3.profile and s3.region.") from error

    def client(self, service: str) -> Any:
        """A client that gives up soon."""
        config = Config(
            signature_version="s3v4" if service == "s3" else None,
            retries={"max_attempts": 2},
            connect_timeout=5,
            read_timeout=30,
        )
        return self.session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.access.endpoint,
            config=config,
        )

    def parts(self) -> Sequence[SetupPart]:
        return [_Bucket(self), _Private(self), _Cors(self), _Policy(self)]

    def explain(self, error: Exception) -> tuple[str, str]:
        explained = explain_failure(self.access, error)
        if explained:
            return explained
        if isinstance(error, ClientError):
            code = _code(error)
            if code in NO_BUCKET:
                return "the bucket is not there", ""
            if code in DENIED:
                return f"the credentials do not allow it ({error.operation_name}: {code})", ""
            if code in WRONG:
                return f"the credentials are refused ({code})", "Check the key and its secret."
            if code in ("301", "PermanentRedirect", "AuthorizationHeaderMalformed"):
                return "the bucket is in another region", "Set s3.region to the bucket's."
            if code in ("BucketAlreadyExists", "OperationAborted"):
                return f"someone else has a bucket of this name ({code})", "Choose another name."
            return f"{error.operation_name}: {code}", ""
        return str(error), ""

    def is_missing(self) -> bool:
        try:
            self.s3.head_bucket(Bucket=self.required.bucket)
        except ClientError as error:
            if _code(error) in NO_BUCKET:
                return True
            if _code(error) != "403":
                raise
            # That answer never has a reason: this one's has, as for a wrong secret.
            self.s3.list_objects_v2(Bucket=self.required.bucket, MaxKeys=1)
        return False

    def signed(self, key: str, seconds: int) -> str:
        target = {"Bucket": self.required.bucket, "Key": key}
        return str(self.s3.generate_presigned_url("get_object", target, ExpiresIn=seconds))

    def address(self, key: str) -> str:
        # The signed one without its signature: it has the right host and region.
        return self.signed(key, 60).partition("?")[0]

    def expires(self) -> datetime | None:
        return session_of(self.access)[1]

    def count(self) -> int:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.required.bucket)
        total = 0
        for page in pages:
            total += int(page.get("KeyCount") or len(page.get("Contents", ())))
            if total >= OBJECTS_TO_COUNT:
                break
        return total

    def remove_bucket(self) -> None:
        with suppress(self.s3.exceptions.NoSuchBucket):
            self.s3.delete_bucket(Bucket=self.required.bucket)

    @property
    def removing(self) -> str:
        at = f" --endpoint-url {self.access.endpoint}" if self.access.endpoint else ""
        return f"aws s3 rb s3://{self.required.bucket} --force{at}"


class _S3Part(SetupPart):
    def __init__(self, of: S3Administration) -> None:
        self.of = of
        self.s3 = of.s3
        self.bucket = of.required.bucket

    def unsupported(self, error: ClientError) -> bool:
        """A server that is not Amazon's may not know everything of Amazon's."""
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return bool(self.of.access.endpoint) and (
            status in (405, 501) or _code(error) in ("NotImplemented", "MethodNotAllowed")
        )


class _Bucket(_S3Part):
    name = "bucket"
    right = "s3:CreateBucket"

    def look(self) -> Found:
        if self.of.is_missing():
            where = f" in {self.of.region}"
            return Found(False, f"make the bucket {self.bucket}{where}, owner enforced")
        return Found(True, f"{self.bucket} is there")

    def make(self) -> Note | None:
        where: dict[str, Any] = {}
        # Amazon takes its first region only when it is not named.
        if self.of.region != "us-east-1":
            where["CreateBucketConfiguration"] = {"LocationConstraint": self.of.region}
        try:
            self.s3.create_bucket(
                Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced", **where
            )
        except ClientError as error:
            if _code(error) == "BucketAlreadyOwnedByYou":
                return None  # someone was faster
            raise
        return {"name": self.bucket}


class _Private(_S3Part):
    name = "private"
    right = "s3:GetBucketPublicAccessBlock, s3:PutBucketPublicAccessBlock"

    def look(self) -> Found:
        if all(self._now().get(key) for key in PUBLIC_ACCESS_BLOCKS):
            return Found(True, "public access is blocked")
        return Found(False, "block public access to the bucket")

    def make(self) -> Note | None:
        try:
            self.s3.put_public_access_block(
                Bucket=self.bucket,
                PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS_BLOCKS, True),
            )
        except ClientError as error:
            if self.unsupported(error):
                raise self._unknown() from error
            raise
        return None  # stays: taking it back would open the bucket

    def _now(self) -> dict[str, Any]:
        try:
            answer = self.s3.get_public_access_block(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) in ("NoSuchPublicAccessBlockConfiguration", *NO_BUCKET):
                return {}
            if self.unsupported(error):
                raise self._unknown() from error
            raise
        return dict(answer.get("PublicAccessBlockConfiguration", {}))

    def _unknown(self) -> UnsupportedError:
        return UnsupportedError("this server has no switch for public access")


class _Cors(_S3Part):
    name = "cors"
    right = "s3:GetBucketCORS, s3:PutBucketCORS"

    def look(self) -> Found:
        missing = self._missing(self._rules())
        if missing:
            return Found(False, f"let {', '.join(missing)} read by signed addresses (CORS)")
        return Found(True, f"{', '.join(self.of.required.origins)} may read")

    def make(self) -> Note | None:
        rules = self._rules()
        missing = self._missing(rules)
        ours = cors_rule(self.of.required, missing)
        known = next((rule for rule in rules if rule.get("ID") == ours["ID"]), None)
        if known:
            rules.remove(known)
            here = [o for o in known["AllowedOrigins"] if o not in missing]
            ours["AllowedOrigins"] = [*here, *missing]
        self._put([*rules, ours])
        return {"id": ours["ID"], "origins": list(missing)}

    def removes(self, note: Note) -> str:
        return f"the CORS rule for {', '.join(note['origins'])}"

    def remove(self, note: Note) -> None:
        kept = []
        for rule in self._rules():
            if rule.get("ID") == note["id"]:
                left = [o for o in rule["AllowedOrigins"] if o not in note["origins"]]
                if not left:
                    continue
                rule = {**rule, "AllowedOrigins": left}
            kept.append(rule)
        self._put(kept)

    def _rules(self) -> list[dict[str, Any]]:
        try:
            return list(self.s3.get_bucket_cors(Bucket=self.bucket).get("CORSRules", ()))
        except ClientError as error:
            if _code(error) in ("NoSuchCORSConfiguration", *NO_BUCKET):
                return []
            if self.unsupported(error):
                raise UnsupportedError("this server keeps no CORS rules of a bucket") from error
            raise

    def _missing(self, rules: Sequence[dict[str, Any]]) -> tuple[str, ...]:
        known = [(r["AllowedOrigins"], r["AllowedMethods"]) for r in rules]
        return missing_origins(self.of.required.origins, known)

    def _put(self, rules: list[dict[str, Any]]) -> None:
        if rules:
            self.s3.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": rules})
        else:
            self.s3.delete_bucket_cors(Bucket=self.bucket)


class _Policy(_S3Part):
    name = "policy"
    right = "iam:GetPolicy, iam:GetPolicyVersion, iam:CreatePolicy, sts:GetCallerIdentity"

    def look(self) -> Found:
        arn, document = self._required()
        now = self._document(arn)
        if now == document:
            return Found(True, f"{arn}; {self._attach(arn)}")
        verb = "make" if now is None else "renew"
        return Found(
            False, f"{verb} the IAM policy {self.of.required.policy_name}; {self._attach(arn)}"
        )

    def make(self) -> Note | None:
        arn, document = self._required()
        text = json.dumps(document)
        if self._document(arn) is None:
            try:
                self._iam.create_policy(
                    PolicyName=self.of.required.policy_name,
                    PolicyDocument=text,
                    Description="A store of annoloop, and nothing else",
                )
            except self.of.failures as error:
                raise self._none(error) from error
            return {"arn": arn}
        self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
        return None

    def removes(self, note: Note) -> str:
        return f"the IAM policy {note['arn']}"

    def remove(self, note: Note) -> None:
        arn, iam = note["arn"], self._iam
        with suppress(iam.exceptions.NoSuchEntityException):
            for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
                if not version["IsDefaultVersion"]:
                    iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
            iam.delete_policy(PolicyArn=arn)

    @property
    def _iam(self) -> Any:
        return self.of.client("iam")

    def _required(self) -> tuple[str, dict[str, Any]]:
        try:
            caller = self.of.client("sts").get_caller_identity()
            partition = caller["Arn"].split(":")[1]
            account = caller["Account"]
        except (*self.of.failures, KeyError, IndexError) as error:
            raise self._none(error) from error
        arn = f"arn:{partition}:iam::{account}:policy/{self.of.required.policy_name}"
        return arn, policy_of(self.of.required, partition)

    def _document(self, arn: str) -> Any:
        """That of the policy, or ``None`` where there is no such policy."""
        iam = self._iam
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            return answer["PolicyVersion"]["Document"]
        except iam.exceptions.NoSuchEntityException:
            return None
        except (*self.of.failures, KeyError) as error:
            raise self._none(error) from error

    def _none(self, error: Exception) -> Exception:
        """A server of someone else's has rights of its own, or half an IAM; Amazon's has one."""
        if not self.of.access.endpoint or isinstance(error, SILENT):
            return error
        return UnsupportedError(
            "this server has no IAM as Amazon has: in the settings of the server, give the key the "
            f"rights to read, write, list and delete on {self.bucket}"
        )

    def _attach(self, arn: str) -> str:
        return f"attach it: aws iam attach-user-policy --user-name USER --policy-arn {arn}"
