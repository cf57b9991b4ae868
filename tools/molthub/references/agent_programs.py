"""The skills that agent programs bring themselves, which author time and run time both know."""

from __future__ import annotations

from collections.abc import Mapping

BUNDLED_SKILLS: Mapping[str, frozenset[str]] = {
    "amp": frozenset({"building-skills", "migrating-to-skills"}),
    "claude-code": frozenset(
        {
            *("artifact-design", "batch", "claude-api", "claude-code-docs", "claude-in-chrome", "code-review"),
            *("cowork-plugin", "dataviz", "debug", "deep-research", "design", "design-sync", "doctor"),
            *("fewer-permission-prompts", "keybindings-help", "loop", "memory-types", "plugin-authoring", "run"),
            *("run-skill-generator", "schedule", "simplify", "update-config", "verify", "workflow-authoring"),
        }
    ),
    "codex": frozenset({"imagegen", "openai-docs", "review-agent", "skill-creator", "skill-installer"}),
    "copilot-cli": frozenset({"customize-cloud-agent", "github-pr-media"}),
    "gemini-cli": frozenset({"antigravity-support", "skill-creator"}),
    "nanobot": frozenset(
        {
            *("clawhub", "cron", "github", "image-generation", "memory", "my", "skill-creator", "summarize", "tmux"),
            *("update-setup", "weather"),
        }
    ),
    "openclaw": frozenset(
        {
            *("1password", "add-model-provider", "apple-notes", "apple-reminders", "bear-notes", "blogwatcher"),
            *("blucli", "browser-automation", "camsnap", "canvas", "clawhub", "cloud-image-bake", "coding-agent"),
            *("configure-channel", "control-ui", "diagnose-gateway", "diagram-maker", "eightctl", "gemini"),
            *("gh-issues", "gifgrep", "github", "gog", "goplaces", "healthcheck", "himalaya", "mcporter"),
            *("meme-maker", "model-usage", "nano-pdf", "node-connect", "node-inspect-debugger", "notion"),
            *("obsidian", "openai-whisper", "openai-whisper-api", "openhue", "oracle", "ordercli", "peekaboo"),
            *("python-debugpy", "sag", "sherpa-onnx-tts", "skill-creator", "songsee", "sonoscli", "spike"),
            *("spotify-player", "summarize", "taskflow", "taskflow-inbox-triage", "things-mac", "tmux", "trello"),
            *("visualize", "weather", "xurl"),
        }
    ),
    "opencode": frozenset({"customize-opencode"}),
    "qwen-code": frozenset(
        {
            *(
                "batch",
                "browser-use",
                "computer-use",
                "coordinate",
                "dataviz",
                "extension-creator",
                "goal-draft",
                "loop",
            ),
            *("new-app", "qc-helper", "review", "simplify", "stuck", "workflow-authoring", "workflow-creator"),
            "zvec-grep-install",
        }
    ),
}
"""Skills that agent programs bring themselves; a skill of the same name replaces the program's own in its prompt."""
