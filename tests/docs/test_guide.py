"""What a guide says is run, and a guide that says something else than what happens is found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.guide import Guide, GuideError, Typed, blocks, matches, typed

TRUE = """\
# A guide

`notes/words.txt`:

```text
one
two
```

Then count:

```console
$ wc -l < notes/words.txt
2
$ cd notes && echo a \\
  b
a b
$ pwd; seq 5
/<path>/notes
1
...
5
$ test -e elsewhere
$ echo $?
1
$ export TABLE="no variable outlives its line"
$ echo "[$TABLE]" >&2
[]
```

```pycon
>>> from pathlib import Path
>>> words = Path("words.txt").read_text().split()
```

```pycon
>>> words
['one', ...]
```

```sh
this is for another day
```
"""


def test_a_true_guide_runs_to_its_end(tmp_path: Path) -> None:
    Guide("TRUE.md", tmp_path).run(TRUE)
    assert (tmp_path / "notes/words.txt").read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("said", "instead", "told"),
    [
        ("2\n$ cd", "3\n$ cd", r"TRUE.md:13: .*expected:\n3\nprinted:\n2"),
        ("...\n5", "...\n6", "TRUE.md:18: "),
        ("$ echo $?\n1\n", "", "ends with status 1"),
        ("$ echo $?\n1\n", "$ echo $?\n2\n", "TRUE.md:24: "),
        ("['one', ...]", "['three', ...]", "Expected:"),
        ("a b\n$ pwd", "$ pwd", "expected:\n\nprinted:\na b"),
        ("$ wc", "# a comment\n$ wc", "line 13: expected a command"),
    ],
)
def test_an_untrue_guide_is_found_out(tmp_path: Path, said: str, instead: str, told: str) -> None:
    assert said in TRUE
    with pytest.raises(GuideError, match=rf"(?s){told}"):
        Guide("TRUE.md", tmp_path).run(TRUE.replace(said, instead))


def test_a_server_answers_before_the_next_line_and_stops_with_the_guide(tmp_path: Path) -> None:
    serve = "python -m http.server --bind 127.0.0.1 8000"
    ask = "python -c \"from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8000/registry.json').url)\""
    guide = Guide("SERVER.md", tmp_path)
    guide.run(
        f"`registry.json`:\n```json\n{{}}\n```\n\n```console\n$ {serve} &\n$ {ask}\nhttp://127.0.0.1:8000/registry.json\n```\n"
    )
    assert [program.poll() is not None for program in guide.started] == [True]


def test_a_server_that_ends_is_told(tmp_path: Path) -> None:
    with pytest.raises(GuideError, match="ended with status 7"):
        Guide("SERVER.md", tmp_path).run("```console\n$ bash -c 'exit 7' &\n```\n")


def test_only_a_line_of_its_own_names_a_file() -> None:
    text = "In `a.yaml`:\n\n```yaml\nx: 1\n```\n\n`b.yaml`:\n```yaml\nx: 2\n```\n"
    assert [(block.path, block.text, block.line) for block in blocks(text)] == [
        (None, "x: 1\n", 3),
        ("b.yaml", "x: 2\n", 8),
    ]


def test_commands_and_what_they_print_are_told_apart() -> None:
    (block,) = blocks("```console\n$ one\n$ two \\\n  more\nprinted\n\nmore\n```\n")
    assert [*typed(block)] == [Typed("one", (), 2), Typed("two \\\n  more", ("printed", "", "more"), 3)]


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        (["a"], "a\n", True),
        (["a"], "a  \n\n", True),
        (["a"], "a\nb\n", False),
        (["a", "..."], "a\n", True),
        (["...", "b"], "a\na\nb\n", True),
        (["...", "b"], "a\nb\nc\n", False),
        (["in <ms> ms"], "in 12 ms\n", True),
        (["in <ms> ms"], "in  ms\n", False),
        (["x <any> y"], "x\ny\n", False),
        (["1.5 (x)"], "1.5 (x)\n", True),
        (["1.5"], "1x5\n", False),
        ([], "", True),
        ([], "a\n", False),
    ],
)
def test_what_is_expected(expected: list[str], printed: str, same: bool) -> None:
    assert matches(expected, printed) is same
