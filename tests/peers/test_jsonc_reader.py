"""The reader of JSON with comments that most agent programs use, unmodified, agrees with ours on any text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from molthub.platforms.config_file import same
from molthub.platforms.json_text import read_jsonc
from tests.peers.npm_programs import npm_file
from tests.platforms.json5_documents import jsonc_texts

INSTALLERS = Path(__file__).parent / "mcp-installers"
SCRIPT = """
const { parse } = require("jsonc-parser");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const read = (text) => { const errors = []; const value = parse(text, errors, { allowTrailingComma: true });
                         return errors.length ? "refused" : [value]; };
process.stdout.write(JSON.stringify(texts.map(read)));
"""


def test_jsonc_parser_reads_what_we_read() -> None:
    texts: list[str] = []

    @settings(max_examples=200, database=None, suppress_health_check=list(HealthCheck))
    @given(jsonc_texts())
    def gather(case: tuple[str, Any]) -> None:
        texts.append(case[0])

    gather()
    folder = npm_file("jsonc-parser/package.json", INSTALLERS).parent
    done = subprocess.run(["node", "-e", SCRIPT], input=json.dumps(texts), cwd=folder, capture_output=True, text=True,
                          check=True, timeout=60)  # fmt: skip
    for text, theirs in zip(texts, json.loads(done.stdout, parse_int=float), strict=True):
        assert same([read_jsonc(text)], theirs), text
