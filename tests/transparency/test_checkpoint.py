"""Signed notes: what one key has signed, and nothing that is near it."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from molthub.client.trust import verify_ed25519
from molthub.transparency.checkpoint import (
    Checkpoint,
    key_id,
    open_checkpoint,
    read_checkpoint,
    signed_checkpoint,
    verifier_key,
)

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC, OTHER_PUBLIC = KEY.public_key().public_bytes_raw(), OTHER.public_key().public_bytes_raw()
HEAD = Checkpoint("skills.example.com/log", 20_852_163, b"\x0a" * 32)
NOTE = signed_checkpoint(HEAD, PUBLIC, KEY.sign)
KNOWN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_note_round_trips() -> None:
    assert read_checkpoint(NOTE) == open_checkpoint(NOTE, [OTHER_PUBLIC, PUBLIC], verify_ed25519) == HEAD
    lines = NOTE.splitlines()
    assert lines[:2] == ["skills.example.com/log", "20852163"]
    assert lines[3] == ""
    assert lines[4].startswith("\N{EM DASH} skills.example.com/log ")


def test_keys_are_named_as_the_note_package_of_go_names_them() -> None:
    """The key of that package's documentation."""
    name, identifier, key = KNOWN.split("+", 2)
    public = b64decode(key)[1:]
    assert verifier_key(name, public) == KNOWN
    assert key_id(name, public).hex() == identifier


def test_the_example_of_the_specification_is_read() -> None:
    """C2SP tlog-checkpoint."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\N{EM DASH} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    found = read_checkpoint(note)
    assert (found.origin, found.size, found.root.hex()[:8]) == ("example.com/behind-the-sofa", 20_852_163, "0ac5186a")


@given(st.data())
def test_a_changed_character_spoils_a_note(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NOTE) - 1))
    changed = NOTE[:at] + data.draw(st.characters().filter(lambda other: other != NOTE[at])) + NOTE[at + 1 :]
    with pytest.raises(ValueError):  # noqa: PT011 (any of its messages)
        open_checkpoint(changed, [PUBLIC], verify_ed25519)


def test_other_keys_neither_count_nor_spoil() -> None:
    with pytest.raises(ValueError, match="none of the keys"):
        open_checkpoint(NOTE, [OTHER_PUBLIC], verify_ed25519)
    both = NOTE + signed_checkpoint(HEAD, OTHER_PUBLIC, OTHER.sign).rpartition("\n\n")[2]
    assert open_checkpoint(both, [PUBLIC], verify_ed25519) == HEAD
    assert open_checkpoint(both, [OTHER_PUBLIC], verify_ed25519) == HEAD
    witnessed = NOTE + "\N{EM DASH} witness AAAAAAA=\n"
    assert open_checkpoint(witnessed, [PUBLIC], verify_ed25519) == HEAD


@pytest.mark.parametrize(
    "note",
    [
        "",
        "x",
        "\n\n",
        "a\n1\n\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "a b\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "a+b\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n\n",
        "a\n1\nnot base64\n\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any of its messages)
        read_checkpoint(note)


@pytest.mark.parametrize("line", ["", "x", "- a AAAA", "\N{EM DASH} a", "\N{EM DASH} a !", "\N{EM DASH}  a AAAA"])
def test_what_is_no_signature_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any of its messages)
        open_checkpoint(f"{HEAD.text}\n{line}\n", [PUBLIC], verify_ed25519)
