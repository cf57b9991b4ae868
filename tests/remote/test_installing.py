"""`molthub reconcile --install` and `--uninstall`: what systemd and launchd are told, and where that lies."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
from pathlib import Path, PurePosixPath

import pytest

from molthub.errors import MolthubError
from molthub_reconciler.startup import launchd, systemd
from molthub_reconciler.startup.job import MARK, Job, agent_name, target_name
from molthub_reconciler.startup.places import Startup
from tests.reconciler.world import Outcome, World, run_molthub
from tests.remote.fleet import Fleet


@pytest.fixture
def fleet(world: World) -> Fleet:
    world.site.bot("prod/ada", {"env/A": "1"})
    world.site.publish()
    return Fleet(world, port=8443)


@pytest.fixture
def units(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a user who is not root; return where his units lie."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world.folder / "config"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return world.folder / "config/systemd/user"


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Read a unit file as systemd.syntax(7) says; every line must be a section, a comment or a setting."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in text.splitlines():
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("["):
            assert line.endswith("]")
            section = line[1:-1]
            found[section] = {}
            continue
        key, equals, value = line.partition("=")
        assert equals
        assert key.isalnum(), line
        assert section, line
        assert key not in found[section] or key == "LoadCredential", line
        found[section][key] = " ".join(filter(None, (found[section].get(key), value)))
    return found


def controller(fleet: Fleet, *options: str) -> Outcome:
    places = ["--index", str(fleet.world.site.folder), *fleet.places]
    return run_molthub("reconcile", *places, "--listen", "127.0.0.1:8443", *options)


def test_the_unit_starts_the_agent_that_was_described(fleet: Fleet) -> None:
    token = fleet.token("prod/ada")
    fleet.machine("prod/ada").joinpath("bots").mkdir()
    options = ["--interval", "30", "--run-gates", "--require-signature", "--accept-signer", "none", "--full"]
    shown = run_molthub("reconcile", *fleet.agent_options("prod/ada", "--install", *options))
    assert shown.status == 0, shown
    unit = parsed(shown.stdout)
    assert unit["Service"]["LoadCredential"] == f"token-file:{token}"
    words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(words[0]).is_absolute()
    said = {"--bot": "prod/ada", "--controller": fleet.url, "--token-file": "%d/token-file", "--interval": "30",
            "--accept-signer": "none", "--index": str(fleet.world.site.folder)}  # fmt: skip
    assert {option: words[words.index(option) + 1] for option in said} == said
    assert {"--run-gates", "--require-signature", "--full"} <= {*words}
    assert not {"--install", "--write", "--json"} & {*words}
    assert token.read_text().strip() not in shown.stdout
    assert not list(fleet.world.folder.rglob("*.service"))


def test_a_units_command_is_one_that_reconcile_takes(fleet: Fleet) -> None:
    fleet.token("prod/ada")
    shown = run_molthub("reconcile", *fleet.agent_options("prod/ada", "--install"))
    words = shlex.split(parsed(shown.stdout)["Service"]["ExecStart"])
    options = words[words.index("reconcile") :]
    options[options.index("%d/token-file")] = str(fleet.machine("prod/ada") / "token")
    again = run_molthub(*options, "--install")
    assert again.stdout == shown.stdout


def test_a_unit_is_put_in_its_place_and_taken_away_again(fleet: Fleet, units: Path) -> None:
    options = [one for one in fleet.agent_options("prod/ada") if one != "--token-file" and not one.endswith("token")]
    dry = run_molthub("reconcile", *options, "--install", "--write", "--dry-run")
    place = units / "molthub-agent-prod.ada.service"
    assert (dry.status, place.exists(), str(place) in dry.stderr) == (0, False, True), dry
    outcome = run_molthub("reconcile", *options, "--install", "--write", "--json")
    assert (outcome.status, json.loads(outcome.stdout)["path"]) == (0, str(place)), outcome
    unit = parsed(place.read_text())
    assert unit["Install"]["WantedBy"] == "default.target"
    assert "User" not in unit["Service"]
    assert "systemctl --user daemon-reload && systemctl --user enable --now molthub-agent" in outcome.stderr
    again = run_molthub("reconcile", *options, "--install", "--write")
    assert (again.status, "is like that already" in again.stdout) == (0, True), again
    assert "systemctl --user restart molthub-agent-prod.ada.service" in again.stderr

    link = units / "default.target.wants" / place.name
    link.parent.mkdir()
    link.symlink_to(place)
    remove = ["reconcile", "--bot", "prod/ada", "--uninstall"]
    dry = run_molthub(*remove, "--dry-run")
    assert (dry.status, place.exists(), f"would remove {place}" in dry.stdout) == (0, True, True), dry
    gone = run_molthub(*remove, "--json")
    assert (gone.status, json.loads(gone.stdout)["removed"]) == (0, [str(link), str(place)]), gone
    assert "systemctl --user stop molthub-agent-prod.ada.service" in gone.stderr
    assert not link.is_symlink()
    none = run_molthub(*remove)
    assert (none.status, "there is nothing to uninstall" in none.stderr) == (1, True), none


def test_a_controller_is_kept_running_as_an_agent_is(fleet: Fleet, units: Path) -> None:
    written = controller(fleet, "--install", "--write")
    assert written.status == 0, written
    (place,) = units.iterdir()
    unit = parsed(place.read_text())
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[words.index("--listen") + 1] == "127.0.0.1:8443"
    assert words[words.index("--target") + 1] == str(fleet.world.target)
    gone = run_molthub("reconcile", "--target", str(fleet.world.target), "--uninstall")
    assert (gone.status, place.exists()) == (0, False), gone


@pytest.mark.usefixtures("units")
def test_keys_are_handed_over_and_what_is_not_there_is_said(fleet: Fleet, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("")
    shown = controller(fleet, "--tls-certificate", str(key), "--tls-key", str(key), "--install")
    service = parsed(shown.stdout)["Service"]
    assert service["LoadCredential"] == f"tls-certificate:{key} tls-key:{key}"
    assert service["ExecStart"].endswith("--tls-certificate %d/tls-certificate --tls-key %d/tls-key")
    missing = run_molthub("reconcile", *fleet.agent_options("prod/ada", "--install", "--write"))
    assert (missing.status, "there is no such file for --token-file" in missing.stderr) == (2, True), missing


def test_root_says_where_the_state_of_another_user_is(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.world.target.mkdir()
    if os.geteuid() == 0:
        os.chown(fleet.world.target, 65_534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    places = ["--index", str(fleet.world.site.folder), "--target", str(fleet.world.target), "--install"]
    refused = run_molthub("reconcile", *places)
    assert (refused.status, "give --state DIR" in refused.stderr) == (2, True), refused
    shown = run_molthub("reconcile", *places, "--state", str(fleet.world.state))
    assert str(fleet.world.state) in parsed(shown.stdout)["Service"]["ReadWritePaths"]


def test_what_somebody_else_wrote_is_left_alone(fleet: Fleet, units: Path) -> None:
    units.mkdir(parents=True)
    place = units / f"{target_name(fleet.world.target)}.service"
    place.write_text("[Service]\nExecStart=/bin/true\n")
    for options in (["--install", "--write"], ["--uninstall"]):
        refused = controller(fleet, *options)
        assert (refused.status, "was not made by molthub" in refused.stderr) == (1, True), refused
    assert "/bin/true" in place.read_text()


def job(**changed: object) -> Job:
    said = {"name": "molthub-agent-prod.ada", "about": "molthub agent of prod/ada",
            "command": ["/opt/my programs/molthub", "a$b", "100%"], "user": "bots",
            "files": {"--token-file": Path("/etc/molthub/ada %1.token")},
            "writable": (Path("/srv/my bots"), Path("/var/lib/molthub"))}  # fmt: skip
    return Job(**{**said, **changed})  # type: ignore[arg-type] # the fields of Job, by name


def test_a_unit_of_the_system_writes_to_its_own_folders_only() -> None:
    unit = parsed(systemd.unit(job()))
    service = unit["Service"]
    assert service["User"] == "bots"
    assert service["ExecStart"] == '"/opt/my programs/molthub" a$$b 100%% --token-file %d/token-file'
    assert service["LoadCredential"] == "token-file:/etc/molthub/ada %%1.token"
    assert service["ReadWritePaths"] == '"/srv/my bots" /var/lib/molthub'
    assert (service["CapabilityBoundingSet"], service["PrivateTmp"]) == ("", "yes")
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    low = parsed(systemd.unit(job(port=443, writable=(Path("/tmp/bots"),))))["Service"]
    assert low["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert "PrivateTmp" not in low


def test_no_word_ends_the_line() -> None:
    with pytest.raises(MolthubError, match="no line ends"):
        systemd.quoted("a\nExecStartPre=/bin/evil")
    assert systemd.quoted('say "x\\y"') == '"say \\"x\\\\y\\""'
    assert systemd.quoted("") == '""'


def test_a_property_list_says_the_same_to_launchd(tmp_path: Path) -> None:
    text = launchd.property_list(job(user=None), "/Users/ada/Library/Logs/molthub.log")
    said = plistlib.loads(text.encode())
    assert said["Label"] == "molthub-agent-prod.ada"
    assert said["ProgramArguments"] == ["/opt/my programs/molthub", "a$b", "100%", "--token-file",
                                        "/etc/molthub/ada %1.token"]  # fmt: skip
    assert (said["KeepAlive"], said["RunAtLoad"], "UserName" in said) == (True, True, False)
    assert plistlib.loads(launchd.property_list(job(), "x").encode())["UserName"] == "bots"
    startup = Startup("launchd", tmp_path, is_system=False)
    assert startup.put(job(user=None))
    assert not startup.put(job(user=None))
    assert MARK in (tmp_path / "molthub-agent-prod.ada.plist").read_text()
    assert startup.to_start("molthub-agent-prod.ada").startswith("launchctl bootstrap gui/")
    assert startup.remove("molthub-agent-prod.ada", dry_run=False) == [tmp_path / "molthub-agent-prod.ada.plist"]
    assert startup.to_stop("molthub-agent-prod.ada").endswith("/molthub-agent-prod.ada")


def test_names_of_files_tell_targets_apart() -> None:
    assert agent_name("prod/ada") == "molthub-agent-prod.ada"
    assert target_name(PurePosixPath("/srv/bots")) == "molthub-reconcile-srv-bots"
    names = {target_name(PurePosixPath(path)) for path in ("/srv/bots", "/srv-bots", "/Srv/bots", "/srv/b ts", "/")}
    assert len(names) == 5
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.") for name in names)
    assert len(target_name(PurePosixPath("/" + "a" * 500))) < 128
