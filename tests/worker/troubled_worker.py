"""A real worker whose decoder is slow, or dies on one photo, as the environment says."""

import hashlib
import os
import time
from typing import Any

import typer

from cli.worker import worker_command
from core.inference import classifier

decode = classifier.decode


def troubled_decode(data: bytes, *arguments: Any) -> Any:
    time.sleep(float(os.environ.get("TROUBLE_DELAY_S", "0")))
    if hashlib.sha256(data).hexdigest() == os.environ.get("TROUBLE_POISON"):
        os._exit(139)
    return decode(data, *arguments)


if __name__ == "__main__":
    classifier.decode = troubled_decode
    typer.run(worker_command)
