"""What agents live through: a controller that starts again, lost its state or its clock; another with their token."""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from molthub.errors import IntegrityError, UnreachableError
from molthub_reconciler.agent.assignments import AssignmentWatch, Followed, own_name
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote.link import ControllerLink
from molthub_reconciler.remote.presence import Presence
from molthub_reconciler.remote.refused import TakenError
from tests.reconciler.running import wait_for
from tests.reconciler.world import run_molthub
from tests.remote.fleet import level
from tests.remote.inside import Inside, inside

ADA = "prod/ada"


def followed(controlled: Inside, machine: str = "one") -> Followed:
    state = TargetState(controlled.world.folder / machine, "bots")
    token = (controlled.machine(ADA) / "token").read_text()
    link = ControllerLink(controlled.url, lambda: token)
    link.agent = own_name(state)
    return Followed(link, ADA, 60.0, state)


def take(one: Followed) -> int:
    answer, _ = one.ask()
    assert answer is not None
    return one.take(answer).assignment.serial


class Noted(threading.Event):
    """News, and how often there were any."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def set(self) -> None:
        self.count += 1
        super().set()


def test_a_change_is_heard_of_when_it_is_made(controlled: Inside) -> None:
    news = Noted()
    watch = AssignmentWatch(followed(controlled), 60.0, news)
    watch.start()
    wait_for(news.is_set)
    before = watch.latest().assignment
    news.clear()
    controlled.world.site.bot(ADA, {"env/LEVEL": "info"})
    controlled.world.site.publish()
    controlled.look()
    assert news.wait(20)  # and not after the minute that it asks for
    assert watch.latest().assignment.serial > before.serial
    news.clear()
    (controlled.place.state.folder / "nudge").write_text("now")
    assert news.wait(20)
    watch.stop()


def test_a_controller_that_goes_and_comes_is_news_each_time_and_no_more(controlled: Inside) -> None:
    news = Noted()
    watch = AssignmentWatch(followed(controlled), 1.0, news)
    watch.start()
    wait_for(news.is_set)
    port = controlled.server.listen
    controlled.server.close()
    wait_for(lambda: _fails(watch.latest))
    time.sleep(1.5)  # it is asked again meanwhile
    assert news.count == 2
    with inside(controlled.world, replace(port)) as again:
        wait_for(lambda: not _fails(watch.latest))
        assert news.count == 3
        assert again.place.agents.presence.seen(ADA) is not None
        watch.stop()


def _fails(work: Callable[[], object]) -> bool:
    try:
        work()
    except UnreachableError:
        return True
    return False


def test_an_assignment_from_before_is_not_taken_for_a_new_one(controlled: Inside) -> None:
    one = followed(controlled)
    first = take(one)
    old = controlled.place.agents.assignment(ADA)
    assert old is not None
    controlled.world.site.bot(ADA, {"env/LEVEL": "info"})
    controlled.world.site.publish()
    controlled.look()
    second = take(one)
    assert second > first
    answer, _ = one.ask()
    assert answer is not None
    with pytest.raises(IntegrityError, match="from before the one that is followed"):
        one.take(replace(answer, assignment=old))
    again = followed(controlled)  # it remembers over a restart
    with pytest.raises(IntegrityError, match="from before"):
        again.take(replace(answer, assignment=old))


def test_a_controller_that_lost_its_state_goes_on_above_what_it_gave(controlled: Inside) -> None:
    first = take(followed(controlled))
    controlled.place.agents.records.forget_agent(ADA)
    with inside(controlled.world) as again:
        one = followed(again)
        with pytest.raises(UnreachableError, match="says nothing of prod/ada yet"):
            take(one)
        again.look()
        assert take(one) > first


def test_a_controller_that_is_restored_from_a_backup_goes_on_with_its_agents(
    controlled: Inside, tmp_path: Path
) -> None:
    world, agent, home = controlled.world, controlled.agent(ADA), controlled.machine(ADA) / "bots" / ADA
    assert run_molthub(*agent, "--once").status == 0
    controlled.look()
    shutil.copytree(world.state, tmp_path / "backup")  # while it works
    for value in ("info", "warning"):
        world.site.bot(ADA, {"env/LEVEL": value})
        world.site.publish()
        controlled.look()
        assert run_molthub(*agent, "--once").status == 0
    controlled.server.close()
    shutil.rmtree(world.state)
    shutil.copytree(tmp_path / "backup", world.state)
    with inside(world) as restored:
        again = restored.agent(ADA)
        early = run_molthub(*again, "--once")
        assert (early.status, '"LEVEL": "warning"' in level(home)) == (1, True), early  # nothing older is taken
        restored.look()
        assert run_molthub(*again, "--once").status == 0
        assert '"LEVEL": "warning"' in level(home)
        assert [bot.state for bot in restored.look().bots] == ["in-sync"]
        world.site.bot(ADA, {"env/LEVEL": "error"})
        world.site.publish()
        restored.look()
        assert run_molthub(*again, "--once").status == 0
        assert '"LEVEL": "error"' in level(home)


def test_a_controller_whose_clock_went_back_catches_up(controlled: Inside) -> None:
    first = take(followed(controlled))
    controlled.place.agents.records.forget_agent(ADA)
    with inside(controlled.world, clock=lambda: time.time() - 86_400 * 30) as again:
        again.look()
        assert take(followed(again)) == first + 1  # as its agent says what it has seen


def test_a_second_agent_is_refused_until_the_first_is_gone(controlled: Inside) -> None:
    one, other = followed(controlled, "one"), followed(controlled, "other")
    take(one)
    with pytest.raises(TakenError, match="another agent keeps prod/ada, on ") as error:
        take(other)
    assert "agents list" in error.value.remedy
    take(one)
    presence = controlled.place.agents.presence
    seen = presence.seen(ADA)
    assert seen is not None
    presence.left(ADA, "somebody else")
    with pytest.raises(TakenError):
        take(other)
    presence.keep_only(())  # as if three of its looks had passed
    take(other)
    with pytest.raises(TakenError):
        take(one)


def test_an_agent_that_goes_away_is_missed_soon(controlled: Inside) -> None:
    token = (controlled.machine(ADA) / "token").read_text()
    path, presence = f"/v1/bots/{ADA}/assignment", controlled.place.agents.presence
    etag = controlled.ask(path, token)[2]["etag"]
    client = http.client.HTTPConnection("127.0.0.1", controlled.server.listen.port)
    shown = {"Authorization": f"Bearer {token}", "If-None-Match": etag, "Prefer": "wait=50", "Molthub-Agent": "one"}
    client.request("GET", path, headers=shown)
    wait_for(lambda: (seen := presence.seen(ADA)) is not None and seen.agent == "one")
    client.close()
    wait_for(lambda: (seen := presence.seen(ADA)) is not None and seen.left)
    seen = presence.seen(ADA)
    assert seen is not None
    assert not seen.is_offline(seen.at + 7)  # one that starts again is back by then
    assert seen.is_offline(seen.at + 9)


def test_no_clock_that_is_put_right_takes_agents_for_lost(tmp_path: Path) -> None:
    day, steady = [1_000_000.0], [50.0]
    files: dict[Path, bytes] = {}

    def presence() -> Presence:
        return Presence(tmp_path / "seen.json", files.__setitem__, clock=lambda: day[0], steady=lambda: steady[0])

    one = presence()
    one.heard(ADA, 60.0, "molthub/1")
    day[0] += 86_400
    seen = one.seen(ADA)
    assert seen is not None
    assert not seen.is_offline(day[0])
    steady[0] += 186
    assert one.seen(ADA).is_offline(day[0])  # type: ignore[union-attr] # it was heard of
    one.flush()
    (tmp_path / "seen.json").write_bytes(files[tmp_path / "seen.json"])
    day[0] += 30 * 86_400
    again = presence()
    again.heard("prod/bob", 60.0)
    seen = again.seen(ADA)
    assert seen is not None
    assert day[0] - seen.at == pytest.approx(30 * 86_400 + 186)
    day[0] -= 365 * 86_400
    assert again.seen("prod/bob").at == pytest.approx(day[0])  # type: ignore[union-attr] # it was heard of


def test_an_agent_that_was_off_for_a_month_catches_up(controlled: Inside) -> None:
    assert run_molthub(*controlled.agent(ADA), "--once").status == 0
    presence = controlled.place.agents.presence
    presence._heard[ADA] = (time.monotonic() - 31 * 86_400, presence._heard[ADA][1])  # noqa: SLF001 (a month is long)
    presence._is_new = True  # noqa: SLF001 (the server may just have written down what was heard before)
    presence.flush()
    for value in ("info", "warning"):
        controlled.world.site.bot(ADA, {"env/LEVEL": value})
        controlled.world.site.publish()
        (told,) = controlled.look().bots
    assert told.state == "offline"
    places = ["--target", str(controlled.world.target), "--state", str(controlled.world.state)]
    listed = run_molthub("agents", "list", *places)
    assert (listed.status, "31 d ago" in listed.stdout) == (3, True), listed
    assert run_molthub(*controlled.agent(ADA), "--once").status == 0
    assert '"LEVEL": "warning"' in level(controlled.machine(ADA) / "bots" / ADA)
    (told,) = controlled.look().bots
    assert told.state == "in-sync"


def test_what_stands_in_between_is_named(controlled: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    done = run_molthub(*controlled.agent(ADA), "--once")
    assert (done.status, "no answer through the proxy 127.0.0.1:9: " in done.stderr) == (1, True), done
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert run_molthub(*controlled.agent(ADA), "--once").status == 0
    words = controlled.agent(ADA)
    words[words.index(controlled.url)] = controlled.url.replace("http:", "https:")
    done = run_molthub(*words, "--once")
    assert (done.status, "no TLS is spoken there" in done.stderr) == (1, True), done
