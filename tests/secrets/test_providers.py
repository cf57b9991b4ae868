"""What each provider answers, and what it refuses."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import stat
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.errors import MolthubError
from molthub.secrets.directory import DirectoryProvider
from molthub.secrets.dotenv import DotenvError, parse_dotenv
from molthub.secrets.environment import EnvironmentProvider
from molthub.secrets.plugin import PluginProvider
from molthub.secrets.private_file import why_refused
from molthub.secrets.provider import MAX_VALUE_BYTES, Answer, Provider
from molthub.secrets.resolver import Resolver
from molthub.secrets.rotation import version_of
from molthub.secrets.secret_file import FileProvider
from molthub.secrets.value import SecretValue
from tests.secrets.places import answering, private, program


def values(answer: Answer) -> dict[str, str]:
    return {name: value.reveal() for name, value in answer.values.items()}


def codes(answer: Answer) -> dict[str, str]:
    return {name: failure.code for name, failure in answer.errors.items()}


# --- a value -------------------------------------------------------------------------------------------------------


def test_a_value_shows_itself_to_nobody() -> None:
    value = SecretValue("hunter2")
    shown = [repr(value), str(value), f"{value}", f"{value!s:>20}", "%s" % value, repr([value]), repr({"a": value})]  # noqa: UP031 (one more way to print)
    assert not [text for text in shown if "hunter2" in text]
    with pytest.raises(TypeError) as caught:
        pickle.dumps(value)
    assert "hunter2" not in str(caught.value)
    assert value.reveal() == "hunter2"


UNFIT = {"a zero byte": "CANARY\0", "what only JSON can spell": "CANARY\ud800"}


@pytest.mark.parametrize("text", UNFIT.values(), ids=UNFIT)
def test_what_no_program_can_be_given_does_not_resolve(tmp_path: Path, text: str) -> None:
    provider = PluginProvider("op", [str(answering(tmp_path / "plugin", {"a": text, "b": "fine"}))])
    resolved = Resolver((provider, EnvironmentProvider("environment", {"A": "older"}))).resolve(["a", "b"])
    assert ([*resolved.values], [*resolved.missing]) == (["b"], ["a"])
    assert "op: what it has is no text" in resolved.missing["a"].reason
    assert "CANARY" not in repr(resolved)


def test_bytes_of_the_environment_that_are_no_text_may_be_given_and_not_kept() -> None:
    value = SecretValue("caf\udce9")
    assert (value.can_be_given, value.is_utf8) == (True, False)
    assert version_of(b"salt", "prod/ada", "a", value) != version_of(b"salt", "prod/ada", "a", SecretValue("caf"))


# --- environment ---------------------------------------------------------------------------------------------------


def test_a_variable_is_a_secret_by_its_name() -> None:
    provider = EnvironmentProvider("environment", {"GITHUB_TOKEN": "t", "EMPTY": ""})
    assert provider.own_id("github.token") == "GITHUB_TOKEN"
    answer = provider.resolve(["GITHUB_TOKEN", "EMPTY", "OTHER"])
    assert values(answer) == {"GITHUB_TOKEN": "t"}
    assert codes(answer) == {"EMPTY": "NOT_FOUND", "OTHER": "NOT_FOUND"}
    assert answer.errors["OTHER"].remedy == "export OTHER=..."


@pytest.mark.parametrize("variable", ["PATH", "LD_PRELOAD", "a b", "", "X=1"])
def test_what_steers_programs_is_no_secret(variable: str) -> None:
    provider = EnvironmentProvider("environment", {"PATH": "/bin", "LD_PRELOAD": "x", "a b": "y", "": "z"})
    assert codes(provider.resolve([variable])) == {variable: "REFUSED"}


# --- directory -----------------------------------------------------------------------------------------------------


def test_a_directory_holds_a_file_for_each_secret(tmp_path: Path) -> None:
    private(tmp_path / "s" / "github_token", "tok\n")
    private(tmp_path / "s" / "key", "a\nb\r\n")
    provider = DirectoryProvider("directory", tmp_path / "s")
    answer = provider.resolve(["github_token", "key", "other"])
    assert values(answer) == {"github_token": "tok", "key": "a\nb"}
    assert codes(answer) == {"other": "NOT_FOUND"}
    assert provider.ids() == ("github_token", "key")


def test_no_directory_is_a_provider_that_knows_nothing(tmp_path: Path) -> None:
    provider = DirectoryProvider("directory", tmp_path / "s")
    assert codes(provider.resolve(["a"])) == {"a": "NOT_FOUND"}
    assert provider.ids() == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_line_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "s" / "a b", "tok", mode)
    path = path.rename(tmp_path / "s" / "ab")
    answer = DirectoryProvider("directory", tmp_path / "s").resolve(["ab"])
    assert codes(answer) == {"ab": "TOO_OPEN"}
    assert answer.errors["ab"].remedy == f"chmod 600 {path}"
    assert values(answer) == {}


def test_a_folder_on_the_way_where_everybody_may_write_is_refused(tmp_path: Path) -> None:
    way = tmp_path / "way"
    lines = private(way / "own" / ".env", "A=1")
    plugin = answering(way / "own" / "plugin", {"a": "x"})
    held = private(way / "own" / "s" / "a", "tok")
    providers: list[tuple[Provider, str]] = [
        (FileProvider("file", lines, as_json=False), "A"),
        (PluginProvider("op", [str(plugin)]), "a"),
        (DirectoryProvider("directory", held.parent), "a"),
    ]
    way.chmod(0o777)
    for provider, wanted in providers:
        refused = provider.resolve([wanted]).errors[wanted]
        assert (refused.code, refused.remedy) == ("TOO_OPEN", f"chmod o-w {way}"), provider.name
    (tmp_path / "link").symlink_to(lines)
    linked = FileProvider("file", tmp_path / "link", as_json=False).resolve(["A"])
    assert codes(linked) == {"A": "TOO_OPEN"}, "where it leads counts"
    way.chmod(0o1777)  # as /tmp is: nobody may rename what is another's
    for provider, wanted in providers:
        assert list(provider.resolve([wanted]).values) == [wanted], provider.name


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    private(tmp_path / "s" / "a", "tok")
    (tmp_path / "s").chmod(0o777)
    answer = DirectoryProvider("directory", tmp_path / "s").resolve(["a"])
    assert codes(answer) == {"a": "TOO_OPEN"}
    assert answer.errors["a"].remedy == f"chmod go-w {tmp_path / 's'}"


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", ".." + "x", "a\0b", "x" * 300])
def test_a_name_that_leads_elsewhere_is_no_files_name(tmp_path: Path, name: str) -> None:
    private(tmp_path / "x", "outside")
    (tmp_path / "s").mkdir(mode=0o700)
    provider = DirectoryProvider("directory", tmp_path / "s")
    assert codes(provider.resolve([name])) == {name: "REFUSED"}
    with pytest.raises(MolthubError):
        provider.keep(name, SecretValue("x"))


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    private(folder / "bytes", b"\xff\xfe")
    private(folder / "empty", "\n")
    private(folder / "large", "x" * (MAX_VALUE_BYTES + 1))
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe", 0o600)
    answer = DirectoryProvider("directory", folder).resolve(["bytes", "empty", "large", "folder", "pipe"])
    assert codes(answer) == {
        "bytes": "NOT_TEXT",
        "empty": "EMPTY",
        "large": "TOO_LARGE",
        "folder": "NOT_A_FILE",
        "pipe": "NOT_A_FILE",
    }


def test_a_mounted_secret_of_kubernetes_is_read_as_it_is_mounted(tmp_path: Path) -> None:
    """As kubelet's atomic writer lays it out: readable by all, for only the pod's own processes are there."""
    volume = tmp_path / "mounted"
    private(volume / "..2026_11_21_20_00_00.1" / "github_token", "one", 0o644)
    (volume / "..data").symlink_to("..2026_11_21_20_00_00.1")
    (volume / "github_token").symlink_to("..data/github_token")
    provider = DirectoryProvider("mounted", volume)
    assert values(provider.resolve(["github_token"])) == {"github_token": "one"}
    assert provider.ids() == ("github_token",)
    with pytest.raises(MolthubError, match="the system keeps"):
        provider.keep("github_token", SecretValue("two"))
    private(volume / "..2026_11_21_21_00_00.2" / "github_token", "two", 0o644)
    (volume / "..new").symlink_to("..2026_11_21_21_00_00.2")
    (volume / "..new").rename(volume / "..data")
    assert values(provider.resolve(["github_token"])) == {"github_token": "two"}


def test_credentials_of_a_service_are_its_own(tmp_path: Path) -> None:
    private(tmp_path / "credentials" / "github_token", "tok", 0o440)  # an access list's mask shows as the group's mode
    provider = DirectoryProvider("credentials", tmp_path / "credentials", of_system=True)
    assert values(provider.resolve(["github_token"])) == {"github_token": "tok"}


def test_what_is_kept_is_read_back_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    provider = DirectoryProvider("directory", tmp_path / "new" / "s")
    place = Path(provider.keep("github_token", SecretValue("tok")))
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert values(provider.resolve(["github_token"])) == {"github_token": "tok"}
    provider.keep("github_token", SecretValue("newer"))
    assert values(provider.resolve(["github_token"])) == {"github_token": "newer"}


# --- files ---------------------------------------------------------------------------------------------------------

DOTENV = """
# tokens
export GITHUB_TOKEN=tok # mine
PLAIN = a b#c
LITERAL='no $HOME \\n here'
ESCAPED="line one\\nline \\"two\\" \\$x"
EMPTY=
PEM="-----BEGIN
two
-----END"
GITHUB_TOKEN=newer"""


def test_lines_of_an_environment_file() -> None:
    assert parse_dotenv(DOTENV) == {
        "GITHUB_TOKEN": "newer",
        "PLAIN": "a b#c",
        "LITERAL": "no $HOME \\n here",
        "ESCAPED": 'line one\nline "two" $x',
        "EMPTY": "",
        "PEM": "-----BEGIN\ntwo\n-----END",
    }


@pytest.mark.parametrize(("text", "line"), [("A=1\nB", 2), ("\n\n=x", 3), ("A='x", 1), ('A="x\n\n', 1), ("A='x' y", 1)])
def test_a_line_that_is_no_entry_is_named_by_its_number_alone(text: str, line: int) -> None:
    with pytest.raises(DotenvError) as caught:
        parse_dotenv(text)
    assert str(caught.value) == f"line {line} is no NAME=value"


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True), st.text(st.characters(exclude_characters="\0"))
    )
)
def test_whatever_is_quoted_comes_back(entries: dict[str, str]) -> None:
    text = "".join(
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"\n'
        for name, value in entries.items()
    )
    assert parse_dotenv(text) == entries


def test_a_file_of_lines(tmp_path: Path) -> None:
    provider = FileProvider("env", private(tmp_path / ".env", DOTENV), as_json=False)
    assert provider.own_id("github-token") == "GITHUB_TOKEN"
    answer = provider.resolve(["GITHUB_TOKEN", "EMPTY", "OTHER"])
    assert values(answer) == {"GITHUB_TOKEN": "newer"}
    assert codes(answer) == {"EMPTY": "NOT_FOUND", "OTHER": "NOT_FOUND"}
    assert "PEM" in provider.ids()


def test_a_file_of_json_by_key_and_pointer(tmp_path: Path) -> None:
    held = {"plain": "p", "github": {"a/b": {"~t": "deep"}, "n": 5}}
    provider = FileProvider("json", private(tmp_path / "s.json", json.dumps(held)), as_json=True)
    assert provider.own_id("plain") == "plain"
    answer = provider.resolve(["plain", "/github/a~1b/~0t", "/github/n", "/github/x/y", "github"])
    assert values(answer) == {"plain": "p", "/github/a~1b/~0t": "deep"}
    assert codes(answer) == {"/github/n": "NOT_TEXT", "/github/x/y": "NOT_FOUND", "github": "NOT_TEXT"}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("s.json", "{", "MALFORMED"),
        ("s.json", "[" * 100_000, "MALFORMED"),
        ("s.json", "[]", "MALFORMED"),
        (".env", "secret words", "MALFORMED"),
        (".env", b"A=\xff", "NOT_TEXT"),
    ],
)
def test_a_file_that_is_none_is_said_without_its_content(
    tmp_path: Path, name: str, content: str | bytes, code: str
) -> None:
    path = private(tmp_path / name, content)
    provider = FileProvider("file", path, as_json=name.endswith(".json"))
    answer = provider.resolve(["A", "B"])
    assert codes(answer) == {"A": code, "B": code}
    assert "secret words" not in answer.errors["A"].message
    with pytest.raises(MolthubError):
        provider.ids()


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / "it's", "A=1")
    found = list(path.stat())
    found[stat.ST_UID] = os.geteuid() + 1
    refused = why_refused(path, os.stat_result(found), 0o077)
    assert refused is not None
    assert (refused.code, refused.remedy) == ("NOT_OWNED", f"chown {os.geteuid()} {shlex.quote(str(path))}")
    found[stat.ST_UID] = 0
    assert why_refused(path, os.stat_result(found), 0o077) is None


def test_a_file_for_others_is_refused(tmp_path: Path) -> None:
    path = private(tmp_path / ".env", "A=1", 0o644)
    provider: Provider = FileProvider("file", path, as_json=False)
    assert provider.resolve(["A"]).errors["A"].remedy == f"chmod 600 {path}"
    path.chmod(0o600)
    assert values(provider.resolve(["A"])) == {"A": "1"}


# --- programs ------------------------------------------------------------------------------------------------------


def test_a_program_is_asked_once_in_json(tmp_path: Path) -> None:
    noted = tmp_path / "asked.json"
    path = answering(tmp_path / "plugin", {"a": "one", "b": "two"}, noted=noted)
    known = {**os.environ, "OP_TOKEN": "let me in", "GITHUB_TOKEN": "not for it"}
    provider = PluginProvider("op", [str(path), "--vault", "x"], passed=["OP_TOKEN"], environment=known)
    answer = provider.resolve(["a", "b", "c"])
    assert values(answer) == {"a": "one", "b": "two"}
    assert codes(answer) == {"c": "NOT_FOUND"}
    asked, environment, arguments = json.loads(noted.read_text())
    assert asked == {"protocolVersion": 1, "provider": "op", "ids": ["a", "b", "c"]}
    assert arguments == ["--vault", "x"]
    assert environment["OP_TOKEN"] == "let me in"
    assert "GITHUB_TOKEN" not in environment


BAD_PLUGINS = {
    "FAILED": "import sys; print('CANARY'); print('CANARY', file=sys.stderr); sys.exit(3)",
    "MALFORMED": "print('CANARY')",
    "TOO_LARGE": f"print('CANARY' * {MAX_VALUE_BYTES})",
    "TIMEOUT": "import time; print('CANARY', flush=True); time.sleep(60)",
    "LOCKED": 'print(\'{"protocolVersion": 1, "errors": {"a": {"code": "LOCKED", "message": "CANARY"}}}\')',
    "UNKNOWN": 'print(\'{"protocolVersion": 1, "errors": {"a": {"code": "CANARY is it"}}}\')',
    "NOT_TEXT": 'print(\'{"protocolVersion": 1, "values": {"a": ["CANARY"]}}\')',
    "NOT_FOUND": "print('{\"protocolVersion\": 1}')",
}


@pytest.mark.parametrize("code", BAD_PLUGINS)
def test_what_a_program_says_beside_values_is_never_repeated(tmp_path: Path, code: str) -> None:
    path = program(tmp_path / "plugin", BAD_PLUGINS[code])
    answer = PluginProvider("op", [str(path)], seconds=0.8 if code == "TIMEOUT" else 30).resolve(["a"])
    assert codes(answer) == {"a": code}
    assert "CANARY" not in repr(answer)


def plugin(folder: Path, code: str, seconds: float) -> PluginProvider:
    return PluginProvider("op", [str(program(folder / "plugin", code))], seconds=seconds)


GOING_ON = "import json, os, time\nprint(json.dumps({'protocolVersion': 1, 'values': {'a': '1'}}), flush=True)\n"


def lasting_until_gone(wanted: Path) -> str:
    """Return what runs on until a file is gone, which it is with its test's folder at the latest."""
    wanted.touch()
    return f"[time.sleep(.05) for _ in iter(lambda: os.path.exists({str(wanted)!r}), False)]"


@pytest.mark.parametrize("leaves", ["", "os.setsid(); "])
def test_what_a_program_leaves_running_is_not_waited_for(tmp_path: Path, leaves: str) -> None:
    ended = tmp_path / "ended"
    lasting = leaves + lasting_until_gone(tmp_path / "wanted")
    code = f"{GOING_ON}if os.fork() == 0:\n {lasting}; open({str(ended)!r}, 'w')"
    assert values(plugin(tmp_path, code, 60).resolve(["a"])) == {"a": "1"}
    (tmp_path / "wanted").unlink()
    while not ended.exists():
        sleep(0.02)


def test_a_program_that_hangs_is_ended_whatever_it_left_running(tmp_path: Path) -> None:
    lasting = "os.setsid(); " + lasting_until_gone(tmp_path / "wanted")
    code = f"{GOING_ON}if os.fork() == 0:\n {lasting}\nelse: time.sleep(600)"
    assert codes(plugin(tmp_path, code, 0.5).resolve(["a"])) == {"a": "TIMEOUT"}


def test_a_newer_protocol_is_not_guessed_at(tmp_path: Path) -> None:
    path = program(tmp_path / "plugin", 'print(\'{"protocolVersion": 2, "values": {"a": "x"}}\')')
    assert codes(PluginProvider("op", [str(path)]).resolve(["a"])) == {"a": "MALFORMED"}


def test_a_program_that_does_not_listen_may_answer_all_the_same(tmp_path: Path) -> None:
    code = 'import os\nos.close(0)\nprint(\'{"protocolVersion": 1, "values": {"a": "x"}}\')'
    ids = ["a", *(f"id-{number}" for number in range(20_000))]
    answer = PluginProvider("op", [str(program(tmp_path / "plugin", code))]).resolve(ids)
    assert values(answer) == {"a": "x"}


def test_a_program_that_others_may_write_is_not_run(tmp_path: Path) -> None:
    path = answering(tmp_path / "plugin", {"a": "x"})
    path.chmod(0o777)
    assert codes(PluginProvider("op", [str(path)]).resolve(["a"])) == {"a": "TOO_OPEN"}
    path.chmod(0o644)
    assert codes(PluginProvider("op", [str(path)]).resolve(["a"])) == {"a": "NOT_RUN"}
    path.unlink()
    assert codes(PluginProvider("op", [str(path)]).resolve(["a"])) == {"a": "NOT_RUN"}
