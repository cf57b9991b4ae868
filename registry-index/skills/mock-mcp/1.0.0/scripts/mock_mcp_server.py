#!/usr/bin/env python3
"""A mock MCP server over standard input and output. Deterministic, offline, standard library only.

Input:  JSON-RPC 2.0 messages, one per line (Model Context Protocol, stdio transport).
Output: the answers, one per line; talk goes to standard error.
Exit:   0 when the input ends or the self-test passes, 1 when it fails, 2 on bad options.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time

VERSION = "1.0.0"
HANDSHAKE = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
STATELESS = ["2026-07-28"]
CAPABILITIES = {"tools": {}}
INSTRUCTIONS = "Tools for trying out a connection. Every answer is the same every time."
SECRET = re.compile(r"(?i)token|secret|password|passwd|key|credential|auth|dsn|database_url")
NUMBER = {"type": "number"}
TEXT = {"type": "string"}


def tool(name: str, description: str, properties: dict, required: list[str]) -> dict:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema}


TOOLS = [
    tool("add", "Adds two numbers.", {"a": NUMBER, "b": NUMBER}, ["a", "b"]),
    tool("echo", "Returns the text it was given.", {"text": TEXT}, ["text"]),
    tool("environment", "Says which environment variables reach the server; values of secrets are never shown.",
         {"names": {"type": "array", "items": TEXT}}, ["names"]),
    tool("fail", "Fails, with the message it was given.", {"message": TEXT}, []),
    tool("wait", "Answers after some seconds, at most 30.", {"seconds": NUMBER}, ["seconds"]),
]


class Refused(Exception):
    """A JSON-RPC error: its code, message and further details."""

    def __init__(self, code: int, message: str, details: object = None) -> None:
        super().__init__(message)
        self.code, self.details = code, details


def of_type(value: object, schema: dict) -> bool:
    kind = schema["type"]
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list) and all(of_type(v, schema["items"]) for v in value)
    return isinstance(value, str)


def checked(name: object, arguments: object) -> dict:
    """The arguments of a tool call, when the tool exists and they fit its schema."""
    found = next((t for t in TOOLS if t["name"] == name), None)
    if found is None:
        raise Refused(-32602, f"Unknown tool: {name}")
    arguments = {} if arguments is None else arguments
    schema = found["inputSchema"]
    if not isinstance(arguments, dict):
        raise Refused(-32602, "arguments must be an object")
    for key in schema["required"]:
        if key not in arguments:
            raise Refused(-32602, f"{name} needs {key}")
    for key, value in arguments.items():
        if key not in schema["properties"] or not of_type(value, schema["properties"][key]):
            raise Refused(-32602, f"{key} is not an argument of {name}, or has the wrong type")
    return arguments


def shown(name: str) -> str:
    """What may be told about an environment variable."""
    if name not in os.environ:
        return "unset"
    return "set" if SECRET.search(name) else os.environ[name]


def call(name: object, arguments: object) -> dict:
    """The result of tools/call."""
    given = checked(name, arguments)
    if name == "fail" or name in os.environ.get("MOCK_FAIL", "").split(","):
        return {"content": [{"type": "text", "text": str(given.get("message", "this tool always fails"))}], "isError": True}
    if name == "add":
        text = json.dumps(given["a"] + given["b"])
    elif name == "environment":
        text = json.dumps({n: shown(n) for n in given["names"]})
    elif name == "wait":
        seconds = min(30.0, max(0.0, float(given["seconds"])))
        time.sleep(seconds)
        text = f"waited {seconds:g} s"
    else:
        text = given["text"]
    return {"content": [{"type": "text", "text": text}], "isError": False}


def identity() -> dict:
    return {"name": os.environ.get("MOCK_NAME") or "mock", "version": VERSION}


def initialize(params: dict) -> dict:
    wanted = params.get("protocolVersion")
    version = wanted if wanted in HANDSHAKE else HANDSHAKE[0]
    return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": identity(), "instructions": INSTRUCTIONS}


def discover() -> dict:
    return {"supportedVersions": STATELESS, "capabilities": CAPABILITIES, "instructions": INSTRUCTIONS,
            "ttlMs": 3_600_000, "cacheScope": "public"}


def stateless_version(params: dict) -> str | None:
    """The protocol version that a stateless request carries in _meta."""
    meta = params.get("_meta")
    version = meta.get("io.modelcontextprotocol/protocolVersion") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None


def answer(method: str, params: dict) -> dict:
    """The result of one request; Refused when there is none."""
    version = stateless_version(params)
    if version is not None and version not in STATELESS + HANDSHAKE:
        raise Refused(-32022, "Unsupported protocol version", {"supported": STATELESS, "requested": version})
    if method == "initialize":
        return initialize(params)
    if method == "server/discover":
        result = discover()
    elif method == "ping":
        result = {}
    elif method == "tools/list":
        result = {"tools": TOOLS}
        if version:
            result.update({"ttlMs": 3_600_000, "cacheScope": "public"})
    elif method == "tools/call":
        result = call(params.get("name"), params.get("arguments"))
    else:
        raise Refused(-32601, f"Method not found: {method}")
    if version in STATELESS or method == "server/discover":
        return {"resultType": "complete", **result, "_meta": {"io.modelcontextprotocol/serverInfo": identity()}}
    return result


def reply(message: object) -> dict | None:
    """The answer to one message; None to a notification or a response."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid Request"}}
    if "id" not in message or not isinstance(message.get("method"), str):
        return None
    params = message.get("params")
    try:
        return {"jsonrpc": "2.0", "id": message["id"], "result": answer(message["method"], params if isinstance(params, dict) else {})}
    except Refused as refused:
        error = {"code": refused.code, "message": str(refused)}
        if refused.details is not None:
            error["data"] = refused.details
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}


def serve() -> int:
    """Answer until the input ends."""
    for raw in sys.stdin.buffer:
        if not raw.strip():
            continue
        try:
            message = json.loads(raw.decode("utf-8"))
        except ValueError:
            result: dict | None = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}}
        else:
            result = reply(message)
        if result is not None:
            sys.stdout.buffer.write(json.dumps(result, ensure_ascii=False).encode("utf-8") + b"\n")
            sys.stdout.buffer.flush()
    return 0


def self_test() -> int:
    """Ask the server in process what a client would ask."""
    def ask(method: str, **params: object) -> dict:
        return reply({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) or {}

    checks = {
        "initialize": ask("initialize", protocolVersion="2025-06-18").get("result", {}).get("protocolVersion") == "2025-06-18",
        "discover": ask("server/discover").get("result", {}).get("supportedVersions") == STATELESS,
        "list": len(ask("tools/list").get("result", {}).get("tools", [])) == len(TOOLS),
        "echo": ask("tools/call", name="echo", arguments={"text": "ping"}).get("result", {}).get("content", [{}])[0].get("text") == "ping",
        "refuses": ask("tools/call", name="nothing").get("error", {}).get("code") == -32602,
    }
    ok = all(checks.values())
    print(json.dumps({"ok": ok, "checks": checks, "tools": [t["name"] for t in TOOLS], "protocols": STATELESS + HANDSHAKE}))
    return 0 if ok else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="check the server in process and stop")
    options = parser.parse_args()
    try:
        return self_test() if options.self_test else serve()
    except (BrokenPipeError, KeyboardInterrupt):
        return 0


if __name__ == "__main__":
    sys.exit(main())
