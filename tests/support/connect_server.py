"""A Spark Connect server in a process of its own: `python connect_server.py PORT PASSWORD`, until it is killed."""

from __future__ import annotations

import secrets
import sys
import time

from jobs.store.spark_server import start_spark

QUICK = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
}


def main(port: str, password: str) -> None:
    secrets.token_urlsafe = lambda length: password  # type: ignore[assignment, misc]
    start_spark("local[2]", QUICK | {"spark.connect.grpc.binding.port": port})
    print("ready", flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
