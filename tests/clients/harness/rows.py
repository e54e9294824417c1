"""The rows of the matrix: which client, how it is installed and started, what it speaks, and whether it is fast."""

from dataclasses import dataclass, field
from typing import Callable

from .places import CLIENTS

@dataclass(frozen=True)
class Row:
    """One client in one way of speaking."""

    name: str
    # Language and package, as versions.toml has them, what the table shows; and the group of pins, if several have it.
    package: tuple[str, ...]
    protocol: str
    # From the cache to the command.
    command: Callable
    # What the machine must have, of harness/tools.py.
    tools: tuple[str, ...] = ()
    # The endpoint's scheme.
    tls: bool = False
    # Where leases are kept: "moto" or "dynalite", if anywhere.
    leases: str = ""
    # Part of every run; the others need --all or their names.
    fast: bool = False
    # boto3 puts and splits for it.
    is_driven: bool = False
    limit_s: int = 60
    environment: dict = field(default_factory=dict)
    # What it cannot show, whose fault that is, the exact error, and where the bytes are, for RESULTS.md.
    explained: str = ""


def python(venv, program, *arguments):
    """A program of tests/clients/python with the packages of a virtual environment."""

    def command(cache):
        return [cache.python(venv) / "bin" / "python", CLIENTS / "python" / program, *arguments]

    return command


def node(program):
    """A program of tests/clients/javascript."""
    return lambda cache: ["node", cache.javascript() / program]


def go(program):
    """A program of tests/clients/go."""
    return lambda cache: [cache.go(program)]


def rust(program):
    """A program of tests/clients/rust."""
    return lambda cache: [cache.rust(program)]


JAVA = ("java",)
# Small heaps, as several may run at a time.
JVM = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


def java(project, program):
    """A program of tests/clients/java with the jars of a project."""
    return lambda cache: [*JVM, "-cp", cache.java(project), program]


def consumers(worker, *options):
    """A consumer library: the program that drives its workers, and what starts one."""
    return lambda cache: [*python("boto3", "consumers.py", *options)(cache), *worker(cache)]


def paired(program, one, other, *options):
    """A program that drives two others: one that puts, and one that reads what it put."""
    return lambda cache: [*python("boto3", program, *options)(cache), *one(cache), "--", *other(cache)]


def flink(cache):
    """A job of Flink's, which looks into Java's own classes, and the program that drives it."""
    java_command, *rest = java("flink", "Job")(cache)
    opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util")]
    return [*python("boto3", "flink.py")(cache), java_command, *opened, *rest]


def consumer(
    name, package, command, protocol, tools=JAVA, leases="moto", tls=False, fast=False, explained="", **environment
):
    """A row of the consumer libraries, which are slow to notice things."""
    how = {"leases": leases, "tls": tls, "fast": fast, "explained": explained, "environment": environment}
    return Row(name, package, protocol, command, tools, is_driven=True, limit_s=600, **how)


BOTO3 = python("boto3", "boto3_steps.py")

NODE = ("node",)
HTTP1 = {"HANDLER": "http1"}
JS_SDK = ("javascript", "@aws-sdk/client-kinesis")
GO_SDK = ("go", "github.com/aws/aws-sdk-go-v2/service/kinesis")
RUST_SDK = ("rust", "aws-sdk-kinesis")
SDK_V1 = ("java", "com.amazonaws:aws-java-sdk-kinesis")
SDK_V2 = ("java", "software.amazon.awssdk:kinesis")

KCL_1 = ("java", "com.amazonaws:amazon-kinesis-client")
KCL_1_WORKER = java("kcl1", "Worker1")
KCL_2 = ("java", "software.amazon.kinesis:amazon-kinesis-client", "kcl-2")
KCL_2_WORKER = java("kcl-2", "Worker")
KCL_3 = ("java", "software.amazon.kinesis:amazon-kinesis-client", "kcl-3")
KCL_3_WORKER = java("kcl-3", "Worker")
KCL_RS = ("python", "kcl-rs")
KCL_RS_WORKER = python("kcl-rs", "kcl_rs_worker.py")
GO_KCL = ("go", "github.com/vmware/vmware-go-kcl-v2")
KPL = ("java", "software.amazon.kinesis:amazon-kinesis-producer")
KPL_PRODUCER = java("kpl", "Producer")
AIOKPL = ("python", "aiokpl")
AIOKPL_PRODUCER = python("aiokpl", "aiokpl_producer.py")
FLINK = ("java", "org.apache.flink:flink-connector-kinesis")

BOTO3_LIST_SHARDS = (
    "its paginator of ListShards repeats StreamName beside NextToken (botocore issue 2009), which AWS refuses as shardmill"
    " does: `An error occurred (InvalidArgumentException) when calling the ListShards operation: NextToken and StreamName"
    " cannot be provided together.` The row turns these pages itself."
)
CLI_SUBSCRIBE = (
    "no SubscribeToShard: the CLI takes the command out of its own list (awscli/customizations/removals.py) and ends with"
    " `aws: error: argument operation: Invalid choice` before anything is sent."
)
KCL_1_ON_MOTO = (
    "its leases are in dynalite, as moto passes over the `Value` of a condition that has a `ComparisonOperator`, and"
    " refuses each checkpoint: `ConditionalCheckFailedException: The conditional request failed`, in the KCL"
    " `ShutdownException: Can't update checkpoint - instance doesn't hold the lease for this shard`."
    " [The bytes](java/kcl1/on_moto.txt)."
)
GO_KCL_MERGE = (
    "the child of a merge is asked to come after the first of its parents only: of ListShards the library reads"
    " `ParentShardId` (clientlibrary/worker/worker.go), and nowhere `AdjacentParentShardId`. Now and then so"
    " `shardId-000000000004 was started before the end of shardId-000000000003`. [The bytes](go/kcl/merge.txt)."
)
AIOKPL_SPLIT = (
    "not through a split: aiokpl asks for the shards anew only if a record went to another one that it knows, takes the"
    " children for wrong shards, and gives records up that were taken: `Wrong Shard: Record landed on a shard whose hash"
    " range does not contain the record's hash key`, then `Expired: Record TTL exceeded`."
    " [The bytes](python/aiokpl_split.txt)."
)

ROWS = [
    Row("boto3", ("python", "boto3"), "HTTP/1.1, JSON, event stream", BOTO3, fast=True, explained=BOTO3_LIST_SHARDS),
    Row("boto3-tls", ("python", "boto3"), "TLS, HTTP/1.1, JSON, event stream", BOTO3, tls=True),
    Row(
        "aws-cli",
        ("python", "awscli"),
        "HTTP/1.1, JSON",
        python("awscli", "aws_cli.py", "aws"),
        limit_s=300,
        explained=CLI_SUBSCRIBE,
    ),
    Row(
        "awslocal",
        ("python", "awscli-local"),
        "HTTP/1.1, JSON",
        python("awscli", "aws_cli.py", "awslocal"),
        limit_s=300,
    ),
    Row(
        "awslocal-first-record",
        ("python", "awscli-local"),
        "HTTP/1.1, JSON",
        python("awscli", "first_record.py", CLIENTS / "shell" / "first_record.sh"),
        fast=True,
    ),
    Row("js-sdk", JS_SDK, "h2c, JSON, event stream", node("sdk_v3.mjs"), NODE, fast=True),
    Row("js-sdk-tls", JS_SDK, "TLS, HTTP/2, JSON, event stream", node("sdk_v3.mjs"), NODE, tls=True, fast=True),
    Row("js-sdk-http1", JS_SDK, "HTTP/1.1, JSON, event stream", node("sdk_v3.mjs"), NODE, fast=True, environment=HTTP1),
    Row(
        "js-sdk-http1-tls",
        JS_SDK,
        "TLS, HTTP/1.1, JSON, event stream",
        node("sdk_v3.mjs"),
        NODE,
        tls=True,
        environment=HTTP1,
    ),
    Row("go-sdk", GO_SDK, "HTTP/1.1, JSON, event stream", go("sdk"), ("go",), fast=True),
    Row("go-sdk-tls", GO_SDK, "TLS, HTTP/2, JSON, event stream", go("sdk"), ("go",), tls=True, fast=True),
    Row("java-sdk", SDK_V2, "HTTP/1.1 and h2c, CBOR, event stream", java("sdk-v2", "SdkV2"), JAVA, fast=True),
    Row(
        "java-sdk-tls",
        SDK_V2,
        "TLS, HTTP/1.1 and HTTP/2 without ALPN, CBOR, event stream",
        java("sdk-v2", "SdkV2"),
        JAVA,
        tls=True,
        fast=True,
    ),
    Row("java-sdk-1", SDK_V1, "HTTP/1.1, CBOR", java("sdk1", "SdkV1"), JAVA),
    Row("java-sdk-1-tls", SDK_V1, "TLS, HTTP/1.1, CBOR", java("sdk1", "SdkV1"), JAVA, tls=True),
    Row("rust-sdk", RUST_SDK, "HTTP/1.1, JSON, event stream", rust("sdk"), ("rust",)),
    Row("rust-sdk-tls", RUST_SDK, "TLS, HTTP/2, JSON, event stream", rust("sdk"), ("rust",), tls=True),
    consumer(
        "kcl-3-split",
        KCL_3,
        consumers(KCL_3_WORKER, "--short"),
        "h2c, CBOR, event stream",
        fast=True,
        RETRIEVAL="FANOUT",
    ),
    consumer("kcl-3-polling", KCL_3, consumers(KCL_3_WORKER), "h2c, CBOR", RETRIEVAL="POLLING"),
    consumer("kcl-3-fan-out", KCL_3, consumers(KCL_3_WORKER), "h2c, CBOR, event stream", RETRIEVAL="FANOUT"),
    consumer("kcl-2-polling", KCL_2, consumers(KCL_2_WORKER, "--alone"), "h2c, CBOR", RETRIEVAL="POLLING"),
    consumer(
        "kcl-2-fan-out", KCL_2, consumers(KCL_2_WORKER, "--alone"), "h2c, CBOR, event stream", RETRIEVAL="FANOUT"
    ),
    consumer(
        "kcl-1",
        KCL_1,
        consumers(KCL_1_WORKER, "--alone"),
        "HTTP/1.1, CBOR",
        ("java", "node"),
        leases="dynalite",
        explained=KCL_1_ON_MOTO,
    ),
    consumer(
        "kpl-kcl-3",
        KPL,
        paired("kpl.py", KPL_PRODUCER, KCL_3_WORKER),
        "TLS, HTTP/1.1, JSON; TLS, HTTP/2, CBOR",
        tls=True,
        RETRIEVAL="POLLING",
    ),
    consumer("kcl-rs-polling", KCL_RS, consumers(KCL_RS_WORKER), "HTTP/1.1, JSON", tools=(), RETRIEVAL="POLLING"),
    consumer(
        "kcl-rs-fan-out",
        KCL_RS,
        consumers(KCL_RS_WORKER),
        "HTTP/1.1, JSON, event stream",
        tools=(),
        RETRIEVAL="FANOUT",
    ),
    consumer(
        "aiokpl-kcl-3",
        AIOKPL,
        paired("kpl.py", AIOKPL_PRODUCER, KCL_3_WORKER, "--steady"),
        "HTTP/1.1, JSON; h2c, CBOR",
        explained=AIOKPL_SPLIT,
        RETRIEVAL="POLLING",
    ),
    Row(
        "async-kinesis",
        ("python", "async-kinesis"),
        "HTTP/1.1, JSON",
        python("async-kinesis", "async_kinesis.py"),
        limit_s=200,
    ),
    consumer(
        "go-kcl-polling",
        GO_KCL,
        consumers(go("kcl"), "--alone"),
        "HTTP/1.1, JSON",
        ("go",),
        explained=GO_KCL_MERGE,
        RETRIEVAL="POLLING",
        PARENTS="ParentShardId",
    ),
    consumer(
        "go-kcl-fan-out",
        GO_KCL,
        consumers(go("kcl"), "--alone"),
        "HTTP/1.1, JSON, event stream",
        ("go",),
        explained=GO_KCL_MERGE,
        RETRIEVAL="FANOUT",
        PARENTS="ParentShardId",
    ),
    consumer("lifion-kinesis", ("javascript", "lifion-kinesis"), node("lifion.mjs"), "HTTP/1.1, JSON", NODE),
    consumer(
        "stock-trades",
        KCL_3,
        paired("stock_trades.py", java("stock-trades", "TradeWriter"), java("stock-trades", "TradeReader")),
        "h2c, CBOR, event stream",
    ),
    Row(
        "flink-polling",
        FLINK,
        "HTTP/1.1 and h2c, CBOR",
        flink,
        JAVA,
        is_driven=True,
        limit_s=300,
        environment={"RETRIEVAL": "POLLING"},
    ),
    Row(
        "flink-fan-out",
        FLINK,
        "h2c, CBOR, event stream",
        flink,
        JAVA,
        is_driven=True,
        limit_s=300,
        environment={"RETRIEVAL": "FANOUT", "APPLICATION": "application"},
    ),
]
