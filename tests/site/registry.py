"""A registry whose pages show everything that a page can show, good and bad."""

from __future__ import annotations

from tests.builders import Tree, content_digest, pack, registry, skill, skill_md, skill_version
from tests.index.made import locks

URL = "https://skills.example.com/"

HOSTILE_BODY = """\
# Hostile <script>document.title = "owned"</script>

<script>document.title = "owned"</script>
<img src=x onerror="document.title='owned'">
<a href="javascript:document.title='owned'" onclick="document.title='owned'">raw link</a>
<iframe src="https://evil.example/"></iframe>
<style>body { display: none }</style>
<form action="https://evil.example/"><input name="q"></form>
<base href="https://evil.example/">
<meta http-equiv="refresh" content="0; url=https://evil.example/">
</article></main><h1>Out</h1>
<!--/used-by-->

[javascript](javascript:document.title='owned') [mixed](JaVaScRiPt:document.title='owned')
[data](data:text/html,<script>document.title='owned'</script>) [vbscript](vbscript:x)
[broken](java\tscript:document.title='owned') [entity](&#106;avascript:document.title='owned')
[climbs](../../../etc/passwd) [elsewhere](https://elsewhere.example/ "a 'title'") [mail](mailto:a@example.com)
[own file](references/notes.md) [own heading](#second-heading) [nothing]()
![image](https://evil.example/pixel.png) ![local](assets/x.png "t\\" onload=\\"x")
<https://auto.example/> www.auto.example

## Second heading

| left | right |
|:-----|------:|
| `a`  | <b onmouseover="document.title='owned'">b</b> |

- [ ] a task
- ~~gone~~ **bold**

```html
<script>document.title = "owned"</script>
```

\u202edlrow olleh\u202c \u200bzero width
"""

HOSTILE_TEXT = (
    "<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'> {{ 7 * 7 }} \u202ereverse"
)
EXECUTABLE = {"skills/full/1.2.0/scripts/run.sh"}


def shown() -> Tree:
    """Return the registry."""
    full = skill_version(
        "full",
        "1.2.0",
        {
            "SKILL.md": skill_md("full", body="# Full\n\nSee [it](references/notes.md).", compatibility="Needs git."),
            "references/notes.md": "# Notes\n\nA < B & C\n",
            "scripts/run.sh": "#!/bin/sh\necho '<hi>'\n",
            "assets/picture.bin": b"\x00\x01\x02",
            "assets/long.txt": "x" * 70_000,
            "names/ a\u0301 b?&#%.txt": "odd\n",
        },
        description="Shows everything.",
        tags=["vcs", "C/C++", "Über"],
        dependencies=[{"base": "^1.0"}, {"roundtable": ">=2"}],
        mcp_servers=["github"],
        env=[{"name": "TOKEN", "secret": True, "required": True, "description": "Why & how <b>"}],
        bins=["git"],
        homepage="https://home.example/",
        keywords=["synonym"],
    )
    old = skill_version("full", "1.1.0")
    hostile = skill_version(
        "hostile",
        "1.0.0",
        {
            "SKILL.md": skill_md("hostile", HOSTILE_TEXT, HOSTILE_BODY),
            "references/notes.md": HOSTILE_TEXT,
            "<img src=x onerror=alert(1)>.md": "named",
        },
        description=HOSTILE_TEXT,
        tags=[HOSTILE_TEXT[:60], "VCS"],
        homepage="https://home.example/?a='&b=1",
    )
    tree = registry(
        skill("base", "1.0.0", "1.1.0"),
        skill(
            "full",
            versions={"1.1.0": old, "1.2.0": full},
            records={
                "1.1.0": {"yanked": "It <lost> files."},
                "1.2.0": {"digest": content_digest(full, {"scripts/run.sh"})},
            },
        ),
        skill("hostile", versions={"1.0.0": hostile}),
        skill("@acme/scoped", tags=["vcs"]),
        skill("early", "1.0.0-rc.1"),
        skill("old", project={"status": "deprecated", "reason": "Use full."}),
        skill("watched", project={"status": "quarantined", "reason": "It calls home."}),
        skill("gone", project={"status": "removed", "reason": "Malware."}),
        *(skill(f"many-{letter}") for letter in "abcdefghijklmnopqrstuvwxyz"),
        locked=False,
        url=URL,
        hosts=["roundtable"],
    )
    locked = {"skills": ["full"], "resolved": locks(tree, full="1.2.0", base="1.1.0")}
    named = {"displayName": "Dev <stack>", "description": "For & by developers"}
    server = {"mcps": [{"name": "github", "command": "npx -y x"}], "envVars": {"LEVEL": "debug"}}
    versions = ({**locked}, {**locked, **named, **server})
    return tree | pack("dev", *versions, records={1: {"yanked": "Too old."}})
