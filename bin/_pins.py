"""Compile requirements.in, and carry over what each direct requirement is for to the file people read."""

import os
import re
import subprocess
import sys
from pathlib import Path

COMPILE = [
    *("-m", "piptools", "compile", "--quiet", "--strip-extras", "--generate-hashes", "--allow-unsafe"),
    *("--no-emit-index-url", "--no-emit-find-links", "--output-file=requirements.txt"),
]
PURPOSE = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==\S+\s+#\s*(.+)$", re.MULTILINE)
PIN = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def annotated(pins: str, source: str) -> str:
    """The compiled text with a comment line above each pin whose purpose the source states."""
    purposes = {normal(name): purpose for name, purpose in PURPOSE.findall(source)}

    def explain(match: re.Match[str]) -> str:
        purpose = purposes.get(normal(match[1]))
        return f"# {purpose}\n{match[0]}" if purpose else match[0]

    return PIN.sub(explain, pins)


def main() -> int:
    run = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, *COMPILE, *sys.argv[1:], "requirements.in"],
        env={**os.environ, "CUSTOM_COMPILE_COMMAND": "bin/pins"},
    )
    if run.returncode == 0:
        target = Path("requirements.txt")
        target.write_text(annotated(target.read_text(), Path("requirements.in").read_text()))
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
