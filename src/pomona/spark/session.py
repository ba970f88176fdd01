"""Start Spark: on this machine by default, on any cluster by its master."""

import os
import re
import sys
from pathlib import Path
from typing import Final

from pyspark import SparkConf, SparkContext
from pyspark.sql import DataFrame, SparkSession

from pomona.errors import SettingsError, SetupError
from pomona.settings import SparkSettings
from pomona.spark.java import check_java, use_java
from pomona.spark.jvm import is_verbose, launch_jvm

__all__ = [
    "GPU_AMOUNT",
    "SparkSession",
    "cancel_jobs",
    "check_java",
    "check_master",
    "count_cores",
    "count_finished_tasks",
    "count_partitions",
    "find_master",
    "has_task_gpus",
    "name_jobs",
    "ship_file",
    "start_spark",
]

DEFAULT_MASTER: Final = "local[*]"
MASTER: Final = re.compile(
    r"local(\[(\*|\d+)(,\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|yarn|k8s://.+|spark://.+"
)

# What Pomona sets where the user has not; each for the reason given.
SETTINGS: Final[dict[str, str]] = {
    "spark.app.name": "pomona",
    # Rows are 5 kB; Spark's 10,000 a batch would hold 50 MB in each worker.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "512",
    # Compiling the network takes longer than many tasks: keep the Python workers.
    "spark.python.worker.reuse": "true",
    # The tables are small; hundreds of shuffle tasks would only cost start-up.
    "spark.sql.shuffle.partitions": "16",
    # Pomona chooses its partitions by pictures and bytes.
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    # Pomona has a bar of its own.
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # Random floats do not compress; snappy finds the repeated paths and costs little.
    "spark.sql.parquet.compression.codec": "snappy",
}
LOCAL_SETTINGS: Final[dict[str, str]] = {
    # Nobody looks at the web page of a run on a laptop, and it takes a port and half a second.
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
    # Do not guess the network interface; nothing leaves this machine.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # The JVM moves rows only. Its optimising compiler and parallel collectors would take the
    # cores from the network.
    "spark.driver.extraJavaOptions": (
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 "
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}"
    ),
}
COMPUTING_SETTINGS: Final[dict[str, str]] = {
    # Spark ML computes inside the JVM, and inventories are shuffled there: both need the
    # optimising compiler.
    "spark.driver.extraJavaOptions": LOCAL_SETTINGS["spark.driver.extraJavaOptions"]
    .replace("-XX:TieredStopAtLevel=1 ", "")
    .replace("-XX:+UseSerialGC", "-XX:+UseParallelGC"),
    # The vectors are held uncompressed, in float64.
    "spark.driver.memory": "4g",
}
PARTITIONS: Final = "spark.sql.shuffle.partitions"
GPU_AMOUNT: Final = "spark.task.resource.gpu.amount"
# Of a table of Spark Connect, which does not tell.
MAX_PARTITIONS: Final = 4096
# In local mode a failed task ends the job unless the master says how often it may be tried.
LOCAL_TRIES: Final = 4


def start_spark(
    settings: SparkSettings | None = None, *, for_computing: bool = False
) -> SparkSession:
    """Return a Spark session, started if there is none.

    Parameters
    ----------
    settings : SparkSettings, optional
        Where a session is running already, it has to fit them.
    for_computing : bool
        The JVM computes: give it its optimising compiler.

    Raises
    ------
    SettingsError
        If the master is not one Spark knows, or the running session has another master, or
        another value of a setting that only a start can give.
    SetupError
        If Java is missing or too old, or Spark does not start.
    """
    settings = settings or SparkSettings()
    active = SparkSession.getActiveSession()
    if active is not None:
        _adopt(active, settings)
        return active
    master = settings.master or os.environ.get("MASTER") or DEFAULT_MASTER
    check_master(master)
    values = dict(SETTINGS)
    if master.startswith("local"):
        use_java()
        # Workers must be this very Python, wherever it was installed.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        values |= LOCAL_SETTINGS | (COMPUTING_SETTINGS if for_computing else {})
        if is_verbose():
            values["spark.driver.extraJavaOptions"] += " -Dpomona.log=warn"
    values |= dict(settings.conf)
    conf = SparkConf().setMaster(_with_tries(master)).setAll(list(values.items()))
    jvm = None
    try:
        # A cluster's log goes where the cluster wants it; a JVM that is there already is used.
        if master.startswith("local") and SparkContext._gateway is None:
            jvm = launch_jvm(conf)
            SparkContext(conf=conf, gateway=jvm.gateway)
        spark = SparkSession.builder.config(conf=conf).getOrCreate()
    except Exception as error:
        words = (
            str(error).splitlines() if jvm is None else [str(error).split("\n", 1)[0], *jvm.words]
        )
        raise SetupError(_did_not_start(master, words)) from error
    spark.sparkContext.setLogLevel("WARN" if is_verbose() else "ERROR")
    return spark


def _did_not_start(master: str, words: list[str]) -> str:
    said = "\n".join(f"  {line}" for line in words)
    return (
        f"Spark did not start on '{master}'. Check --master and --conf; 'pomona doctor' shows "
        f"which Java is used. Its last words:\n{said}"
    )


def _adopt(spark: SparkSession, settings: SparkSettings) -> None:
    """Give a running session the settings that it can still take; refuse what it cannot."""
    running = spark.sparkContext.master
    if settings.master and running not in (settings.master, _with_tries(settings.master)):
        raise SettingsError(
            f"Spark is running on '{running}' already, not on '{settings.master}'. A session keeps "
            "its master to its end. Stop it with spark.stop(), or leave the master out."
        )
    for name, value in settings.conf:
        if spark.conf.get(name, None) == value:
            continue
        if not spark.conf.isModifiable(name):
            raise SettingsError(
                f"Spark is running already, and '{name}' cannot become '{value}' any more. It "
                "counts when a session starts. Stop it with spark.stop(), or leave --conf out."
            )
        spark.conf.set(name, value)


def find_master(spark: SparkSession) -> str:
    """Return the master a session runs on."""
    context = _find_context(spark)
    return str(context.master) if context else spark.conf.get("spark.master", "connect") or ""


def count_cores(spark: SparkSession) -> int:
    """Return how many tasks run at the same time."""
    context = _find_context(spark)
    if context:
        return context.defaultParallelism
    return int(spark.conf.get("spark.default.parallelism", None) or SETTINGS[PARTITIONS])


def count_partitions(table: DataFrame) -> int:
    """Return in how many parts a table is computed, or at most this many where nobody says."""
    return table.rdd.getNumPartitions() if _find_context(table.sparkSession) else MAX_PARTITIONS


def has_task_gpus(spark: SparkSession) -> bool:
    """Return whether Spark gives each task a GPU, or a share of one."""
    context = _find_context(spark)
    amount = context.getConf().get(GPU_AMOUNT, "0") if context else spark.conf.get(GPU_AMOUNT, "0")
    return float(amount or 0) > 0


def ship_file(spark: SparkSession, path: Path) -> None:
    """Take a file to each executor, where ``SparkFiles`` finds it by its name."""
    context = _find_context(spark)
    if context:
        context.addFile(path.resolve().as_uri())
    else:
        spark.addArtifact(str(path.resolve()), file=True)


def name_jobs(spark: SparkSession, group: str) -> None:
    """Tag the jobs this thread starts from now on."""
    context = _find_context(spark)
    if context:
        context.setJobGroup(group, f"pomona: {group}", interruptOnCancel=True)
    else:
        spark.addTag(group)


def cancel_jobs(spark: SparkSession, group: str) -> None:
    """Stop the jobs of this tag, and no others."""
    context = _find_context(spark)
    if context:
        context.cancelJobGroup(group)
    else:
        spark.interruptTag(group)


def count_finished_tasks(spark: SparkSession, group: str, *, n_tasks: int) -> int:
    """Return how many tasks of the group's last stage of ``n_tasks`` have ended."""
    context = _find_context(spark)
    if context is None:
        return 0
    tracker = context.statusTracker()
    infos = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group))
    stages = (tracker.getStageInfo(i) for info in infos if info for i in info.stageIds)
    # The stage that shuffles the listing has another number of tasks.
    return max(
        (stage.numCompletedTasks for stage in stages if stage and stage.numTasks == n_tasks),
        default=0,
    )


def _find_context(spark: SparkSession) -> SparkContext | None:
    """Return the session's context; one of Spark Connect has none."""
    try:
        return spark.sparkContext
    except AttributeError:
        return None


def check_master(master: str) -> None:
    """Refuse a master that Spark would not understand.

    Raises
    ------
    SettingsError
    """
    if not MASTER.fullmatch(master):
        raise SettingsError(
            f"Unknown master '{master}'. Spark knows local[N], local[*], local-cluster[N,C,MB], "
            "yarn, k8s://URL and spark://HOST:PORT. Choose one of these with --master."
        )


def _with_tries(master: str) -> str:
    match = re.fullmatch(r"local(?:\[(\*|\d+)\])?", master)
    return f"local[{match[1] or 1},{LOCAL_TRIES}]" if match else master
