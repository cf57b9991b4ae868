"""``SkillManager``: everything the command line does with skills, for Python programs.

from molthub import SkillManager

with SkillManager("https://skills.example.com/", cache_dir=".roundtable/skills") as skills:
    for row in skills.search("data science"):
        print(row.name, row.description)
    skills.install("data-analysis-expert@latest")
    expert = skills.load("data-analysis-expert")
    print(expert.instructions())
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from molthub.client.lockfile import InstalledVersion, in_order
from molthub.client.paths import home_skills, skills_folder
from molthub.client.skills_folder import SkillsFolder
from molthub.client.wanted import parse_all, parse_wanted
from molthub.errors import IntegrityError, ManifestError, MolthubError, NotFoundError, Problem

if TYPE_CHECKING:
    # What only some methods need is imported there, so that `skills list` starts fast.
    from molthub.client.cache import Store
    from molthub.client.config import Config
    from molthub.client.index import Index
    from molthub.client.install import Installer
    from molthub.client.installed_state import OnDisk
    from molthub.client.loading import LoadedSkill
    from molthub.client.log_report import LogReport
    from molthub.client.signatures.installed import SignatureReport
    from molthub.client.signatures.installing import InstalledSignatures
    from molthub.client.signatures.judge import Judgement
    from molthub.client.steps import Report
    from molthub.model import Artifact, PackEntry, SearchRow, SkillEntry
    from molthub.model_signature import ModelSignature
    from molthub.search_text import Filters, Found


class LoadedSkills(NamedTuple):
    """What :meth:`SkillManager.load_all` found: the skills by name, and a warning for each that did not load."""

    skills: Mapping[str, LoadedSkill]
    warnings: tuple[Problem, ...]


class SkillManager:
    """Skills of one ``.skills`` folder and one index.

    ``registry_url`` is the index: a URL, a folder, or the name of a configured registry; without it the configuration
    (``skills registry add``) or ``MOLTHUB_REGISTRY`` decides, when an index is first needed. ``cache_dir`` is the
    folder that holds the installed skills; without it the nearest ``.skills`` of the project, else ``~/.skills``.
    ``require_signatures`` refuses versions that their publisher did not sign; ``accept_signers`` are fingerprints of
    keys that may take the place of those seen before (``none``: a skill may be signed no longer). ``hosts`` are the
    applications that run here, with their versions. ``offline`` uses only what was fetched before.

    Every method raises :class:`molthub.errors.MolthubError`, and changes all that was asked for or nothing.
    """

    def __init__(
        self,
        registry_url: str | None = None,
        cache_dir: str | Path | None = None,
        *,
        hosts: Mapping[str, str] | None = None,
        offline: bool = False,
        store: Store | None = None,
        require_signatures: bool = False,
        accept_signers: Iterable[str] = (),
        progress: Callable[[int], None] = lambda _done: None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = SkillsFolder(Path(cache_dir) if cache_dir is not None else skills_folder(Path.cwd()))
        self.offline = offline
        self._store = store
        self._given = registry_url
        self._hosts = dict(hosts or {})
        self._require_signatures = require_signatures
        self._accept_signers = tuple(accept_signers)
        self._progress = progress
        self._on_wait = on_wait
        self._index: Index | None = None
        self._configs: tuple[Config, ...] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        if self._index is not None:
            self._index.close()

    @property
    def store(self) -> Store:
        """Where versions are kept once they were fetched; the user's, unless another was given."""
        if self._store is None:
            from molthub.client.cache import default_store

            self._store = default_store()
        return self._store

    @property
    def configs(self) -> tuple[Config, ...]:
        """The configurations that count: the folder's, then the user's."""
        if self._configs is None:
            from molthub.client.config import read_config

            folders = dict.fromkeys((self.folder.path, home_skills()))
            self._configs = tuple(read_config(folder) for folder in folders)
        return self._configs

    @property
    def index(self) -> Index:
        """The index, opened when it is first needed. Raises :class:`UsageError` when none is configured."""
        if self._index is None:
            from molthub.client.config import choose_registry

            self._index = self._opened(choose_registry(self._given, self.configs))
        return self._index

    def _opened(self, location: str) -> Index:
        from molthub.client.config import pin_for
        from molthub.client.fetch import open_fetcher
        from molthub.client.index import Index
        from molthub.client.paths import index_cache

        fetcher = open_fetcher(location)
        remote = "://" in fetcher.where
        cache = index_cache(fetcher.where) if remote else None
        pin = pin_for(location, self.configs)
        return Index(fetcher, cache=cache, offline=self.offline and remote, pin=pin)

    def search(self, query: str = "", *, tags: tuple[str, ...] = (), limit: int | None = None) -> tuple[SearchRow, ...]:
        """Return the skills and packs that hold all words of ``query`` and all ``tags``, best first."""
        from molthub.search_text import Filters

        return self.find(query, Filters(tags=tags)).rows[:limit]

    def find(self, query: str = "", filters: Filters | None = None) -> Found:
        """Search as :meth:`search` does, with every filter; the answer also says what was mended, and if it is all."""
        return self.index.search(query, filters)

    def info(self, name: str) -> SkillEntry | PackEntry:
        """Return what the index says of a skill, or of ``pack/NAME``. Raises :class:`NotFoundError`."""
        wanted = parse_wanted(name)
        return self.index.pack(wanted.name) if wanted.kind == "pack" else self.index.skill(wanted.name)

    def install(self, *names: str, dry_run: bool = False) -> Report:
        """Install ``NAME``, ``NAME@RANGE`` or ``pack/NAME[@N]`` with dependencies; repair what is installed already."""
        wanted = parse_all(names)
        report = self._installer().install(wanted, dry_run=dry_run)
        self._note(dry_run=dry_run)
        return report

    def update(self, *names: str, dry_run: bool = False) -> Report:
        """Bring installed skills to the newest version that was asked for; without names, all."""
        wanted = parse_all(names)
        report = self._installer().update(wanted, dry_run=dry_run)
        self._note(dry_run=dry_run)
        return report

    def uninstall(self, *names: str, force: bool = False, dry_run: bool = False) -> Report:
        """Take installed skills away; refused when others need them or files were edited, unless ``force``."""
        from molthub.client.uninstall import uninstall

        return uninstall(parse_all(names), self.folder, self.store, force=force, dry_run=dry_run, on_wait=self._on_wait)

    def list(self) -> tuple[InstalledVersion, ...]:
        """Return what is installed, by name and version. Reads one file."""
        return tuple(in_order(self.folder.installed().values()))

    def verify(self, *names: str) -> tuple[OnDisk, ...]:
        """Hash the files of installed skills and return how each is found. Raises :class:`NotFoundError`."""
        from molthub.client.installed_state import look_at_all

        return tuple(look_at_all(self._named(names), self.folder, self.store))

    def verify_log(self, *names: str) -> tuple[LogReport, ...]:
        """Check that installed skills are in the logs of the registries that they came from.

        One report for each registry, by its address: whether its log goes on from what this user has seen of it before,
        and holds each version. A registry whose root is not trusted here is not asked. Raises :class:`NotFoundError`.
        """
        by_registry: dict[str, list[InstalledVersion]] = {}
        for entry in self._named(names):
            if entry.registry is not None:
                by_registry.setdefault(entry.registry, []).append(entry)
        return tuple(self._log_at(where, entries) for where, entries in sorted(by_registry.items()))

    def _log_at(self, where: str, entries: Sequence[InstalledVersion]) -> LogReport:
        from molthub.client.config import location_of, pin_for
        from molthub.client.log_report import LogReport
        from molthub.client.paths import trust_folder

        location = location_of(where, self.configs)
        if pin_for(location, self.configs) is None and not (trust_folder(where) / "root.json").is_file():
            return LogReport(where, "unsigned")
        from functools import partial

        from molthub.client.log_proofs import check_log

        return check_log(where, partial(self._opened, location), entries)

    def verify_signatures(self, *names: str) -> tuple[SignatureReport, ...]:
        """Judge the publishers' signatures of installed skills again, by what their indexes say today.

        One report for each index that something signed came from. Raises :class:`NotFoundError`.
        """
        signatures = self._signatures()
        by_registry: dict[str, list[InstalledVersion]] = {}
        for entry in self._named(names):
            if entry.registry is not None and (entry.signer is not None or signatures.required):
                by_registry.setdefault(entry.registry, []).append(entry)
        if not by_registry:
            return ()
        from functools import partial

        from molthub.client.config import location_of
        from molthub.client.signatures.installed import judge_installed
        from molthub.client.signatures.judge import Rules

        reports = []
        for where, entries in sorted(by_registry.items()):
            opened = partial(self._opened, location_of(where, self.configs))
            rules = Rules(signatures.required, signers=signatures.known(where))
            reports.append(judge_installed(where, opened, entries, rules))
        return tuple(reports)

    def model_signature(self, name: str, files: Mapping[str, bytes]) -> ModelSignature | None:
        """Judge the ``skill.oms.sig`` among a skill's files by its publishers' keys; None: it brings none.

        The index is asked for the keys; while it cannot be reached, nothing is verified.
        """
        from molthub.model_signature import ANCHOR, FILE, judge_model_signature

        anchors: dict[str, bytes] = {}
        if FILE in files:
            with contextlib.suppress(MolthubError):
                for owner in self.index.publishers_of(name):
                    keys = self.index.publisher_keys(owner)
                    found = keys.files.items() if keys is not None else ()
                    anchors |= {f"{owner}/{file}": content for file, content in found if file.endswith(ANCHOR)}
        return judge_model_signature(files, anchors)

    def judge(self, kind: str, artifact: Artifact) -> Judgement:
        """Judge the signature of one version that the index offers. Raises :class:`MolthubError`."""
        from molthub.client.signatures.judge import Rules, Subject, judge

        rules = Rules(signers=self._signatures().known(self.index.where))
        return judge([Subject(kind, artifact)], self.index, rules)

    def _named(self, names: tuple[str, ...]) -> tuple[InstalledVersion, ...]:
        if not names:
            return self.list()
        return tuple(dict.fromkeys(entry for name in names for entry in self._entries(name)))

    def load(self, name: str, version: str | None = None, *, verified: bool = False) -> LoadedSkill:
        """Read an installed skill, the highest version unless one is named.

        ``verified`` hashes its files first. Raises :class:`NotFoundError`, :class:`ManifestError` when SKILL.md cannot
        be read, :class:`IntegrityError` when files differ.
        """
        from molthub.client.installed_state import look_at_all
        from molthub.client.loading import load_skill

        entry = self._entries(name if version is None else f"{name}@{version}")[-1]
        if verified and look_at_all([entry], self.folder, self.store)[0].state != "intact":
            place = str(self.folder.place(entry.name, entry.version))
            raise IntegrityError("its files were changed", place=place, remedy=f"repair it: skills install {entry}")
        return load_skill(entry, self.folder.place(entry.name, entry.version))

    def load_all(self) -> LoadedSkills:
        """Read the highest version of every installed skill. One that does not load is a warning, the rest go on."""
        from molthub.client.loading import load_skill, warning_for

        skills: dict[str, LoadedSkill] = {}
        warnings = []
        for entry in {entry.name: entry for entry in self.list()}.values():
            try:
                skills[entry.name] = load_skill(entry, self.folder.place(entry.name, entry.version))
            except ManifestError as error:
                warnings.append(warning_for(entry, error))
        return LoadedSkills(skills, tuple(warnings))

    def _entries(self, name: str) -> tuple[InstalledVersion, ...]:
        """Return the installed versions that ``NAME[@VERSION]`` means. Raises :class:`NotFoundError`."""
        wanted = parse_wanted(name)
        found = [entry for entry in self.list() if entry.name == wanted.name and wanted.range in (None, entry.version)]
        if wanted.kind == "pack" or not found:
            raise NotFoundError(f"{name} is not installed", place=str(self.folder.path), remedy="see `skills list`")
        return tuple(found)

    def _installer(self) -> Installer:
        from molthub.client.install import Installer

        hosts = {name: version for config in reversed(self.configs) for name, version in config.hosts.items()}
        return Installer(
            folder=self.folder,
            index=self.index,
            store=self.store,
            hosts={**hosts, **self._hosts},
            progress=self._progress,
            on_wait=self._on_wait,
            signatures=self._signatures(),
        )

    def _signatures(self) -> InstalledSignatures:
        from molthub.client.signatures.installing import InstalledSignatures

        required = self._require_signatures or any(config.require_signatures for config in self.configs)
        folders = tuple(dict.fromkeys((self.folder.path, home_skills())))
        return InstalledSignatures(folders, required=required, accepted=self._accept_signers)

    def _note(self, *, dry_run: bool) -> None:
        if not dry_run:
            from molthub.client.registry_note import note_registry

            note_registry(self.folder.path, self.index.where, self.index.root())
