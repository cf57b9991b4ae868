"""Hosts by what is known of them, apart from any skill: who makes software there, and who may put anything there.

A host that stands in no list is unknown. Lists name registrable domains (or hosts below them); a list is about the
place, never about a sample: whoever wants an installer of a host that is missing here writes an allow-comment, or adds
the host.
"""

from __future__ import annotations

from molthub.registry.risk.words import words_in

_PACKAGES = words_in("crates/io debian/org golang/org maven/org npmjs/com npmjs/org pypi/org pythonhosted/org")
"""Where packages come from, as name and ending: this file is no list of addresses to fetch from."""

KNOWN = frozenset(name.replace("/", ".") for name in _PACKAGES) | words_in(
    """
    1password.com anaconda.com anaconda.org ansible.com anthropic.com anyscale.com apache.org apple.com
    archlinux.org arduino.cc arm.com aspire.dev astral.sh atlassian.com auth0.com aws.amazon.com amazon.com
    awscli.amazonaws.com axiom.co azure.com bazel.build bioconductor.org bitnami.com brew.sh bufbuild.com
    buildkite.com bun.com bun.sh canonical.com chocolatey.org circleci.com clang.llvm.org claude.ai claude.com
    cloudflare.com cmake.org codecov.io code.visualstudio.com coderabbit.ai conda.io confluent.io
    cran.r-project.org cursor.com dagger.io databricks.com datadoghq.com datadoghq.eu deb.nodesource.com
    dbeaver.io deno.com deno.land developer.android.com devbox.sh dev.mysql.com digitalocean.com direnv.net
    dl.google.com dl.k8s.io docker.com doppler.com dot.net dotnetfoundation.org dynatrace.com eclipse.org elastic.co
    electronjs.org elixir-lang.org elm-lang.org encore.dev expo.dev fastly.com fedoraproject.org ffmpeg.org
    figma.com firebase.google.com firebase.tools flathub.org flutter.dev fluxcd.io fly.io foundry.paradigm.xyz
    fnm.vercel.app gcc.gnu.org get-ghcup.haskell.org get.docker.com get.helm.sh get.jetify.com get.k3s.io
    get.pnpm.io get.pulumi.com get.sdkman.io get.volta.sh git-scm.com githubcopilot.com gitlab.com gnu.org go.dev
    google.com gradle.org grafana.com graphviz.org haskell.org hashicorp.com helm.sh heroku.com
    homebrew.com hub.docker.com huggingface.co hf.co ibm.com influxdata.com inkscape.org install.duckdb.org
    duckdb.org install.python-poetry.org python-poetry.org intel.com istio.io java.com jetbrains.com jfrog.io
    jfrog.com julialang.org jupyter.org k3d.io k3s.io kaggle.com kernel.org kubernetes.io k8s.io launchdarkly.com
    libreoffice.org linkerd.io linode.com linux.dev linuxfoundation.org llvm.org mamba.pm mariadb.org
    microsoft.com micro.mamba.pm mise.jdx.dev mise.run mongodb.com mozilla.org mullvad.net mysql.com neo4j.com
    neon.tech netlify.com newrelic.com ngc.nvidia.com nginx.org nim-lang.org nix.dev nixos.org
    install.determinate.systems nodejs.org nodesource.com  nvidia.com ocaml.org ohmyposh.dev
    ollama.ai ollama.com openai.com openbsd.org openjdk.org openssl.org oracle.com paketo.io perl.org pandoc.org
    php.net pkgs.k8s.io planetscale.com playwright.dev pnpm.io postgresql.org posit.co postman.com prisma.io
    prometheus.io pulumi.com pyenv.run  python.org pytorch.org qt.io quarto.org
    r-project.org railway.com rclone.org redhat.com redis.io render.com rubygems.org ruby-lang.org run.linkerd.io
    rustup.rs rust-lang.org sdk.cloud.google.com sdkman.io semgrep.dev sentry.io sh.rustup.rs shopify.com slack.com
    snapcraft.io snowflake.com snyk.io sourcegraph.com splunk.com sqlite.org starship.rs stripe.com supabase.com
    swift.org sysdig.com tailscale.com tailwindcss.com tauri.app temporal.io terraform.io texlive.info tug.org
    tidelift.com trivy.dev trufflesecurity.com turso.tech twilio.com typescriptlang.org ubuntu.com unity.com
    vagrantup.com vault.bitwarden.com vercel.com videolan.org visualstudio.com vscode.dev w3.org wasmer.io
    wasmtime.dev webinstall.dev wikimedia.org wikipedia.org windows.com wolfram.com wordpress.org xcode.apple.com
    yarnpkg.com yaml.org ziglang.org zoom.us zotero.org aka.ms aomedia.org cli.github.com docs.github.com
    obsidian.md signal.org start.spring.io spring.io kotlinlang.org scala-lang.org coursier.io getcomposer.org
    symfony.com laravel.com get.rvm.io rvm.io opentofu.org get.opentofu.org cilium.io argoproj.io crossplane.io
    dapr.io nih.gov ebi.ac.uk europa.eu clinicaltrials.gov zenodo.org figshare.com osf.io biomart.org ensembl.org
    uniprot.org rcsb.org
    """
)
"""Domains of the makers of widely used software, operating systems, package registries and public research data."""

KNOWN_OWNERS = words_in(
    """
    actions agentskills ahmetb alacritty alpinelinux amazon-science angular ansible anthropics apache apple
    aquasecurity argoproj arduino astral-sh atlassian aws aws-actions aws-samples awslabs axios azure azure-samples
    babel bazelbuild bitwarden bpftrace browser-use buildkite burntsushi bytecodealliance canonical casey
    charmbracelet chocolatey cilium clap-rs cli clickhouse cloudflare cncf coder codecov composer conda conda-forge
    containerd containers coreos cosmicpython cypress-io databricks datadog dbt-labs debian deepmind deepset-ai
    denoland dependabot deepseek-ai devcontainers digitalocean direnv django docker dotnet duckdb eclipse elastic
    electron elixir-lang ethereum eslint expo expressjs facebook facebookresearch fastapi fastlane ffmpeg firebase
    fish-shell flannel-io flutter fluxcd foundry-rs freecad gchq getsentry ggerganov ggml-org github gitlab-org
    gitleaks git-for-windows gnome go-task godotengine gohugoio golang golangci google google-deepmind google-gemini
    google-research googleapis googlechrome googlecloudplatform goreleaser gradio-app gradle grafana graphql grpc
    hashicorp haskell helm heroku homebrew hoppscotch huggingface hadolint influxdata inkscape intel istio
    jaegertracing jdx jenkinsci jesseduffield jetbrains jetify-com jgm jqlang jq julialang junegunn jupyter k3d-io
    k3s-io kedacore keras-team kong koalaman kubernetes kubernetes-sigs kyverno langchain-ai laravel launchdarkly
    libgit2 libreoffice linkerd linuxkit llvm lodash mermaid-js mamba-org matplotlib meta-llama microsoft mikefarah
    minio mistralai mitmproxy modelcontextprotocol moby mongodb mozilla mrdoob mui mui-org mvdan n8n-io neovim
    netlify networkx nextflow-io nginx nixos nodejs nodesource nomic-ai npm numpy nvidia nvim-treesitter nvm-sh
    oauth2-proxy obsidianmd ohmyzsh ollama open-policy-agent open-telemetry openai openclaw opencv openjdk openssl
    opentofu oracle ohmybash pallets pandas-dev paradigmxyz pnpm podman-desktop postgres postgresql posit-dev
    postmanlabs prettier prisma projectdiscovery prometheus psf pulumi puppeteer py-pdf pydantic pyenv pypa pypi
    pytest-dev python python-poetry pytorch qemu quarto-dev ray-project rclone react-navigation reactjs redis
    remix-run remotion-dev renovatebot rhysd roots ruby ruff rust-lang rustsec salesforce sass scikit-learn scipy
    scylladb securego semgrep semgrep-rules sharkdp shopify sigstore simonw slackapi slsa-framework snyk solidjs
    sourcegraph spring-projects sqlite sst stackblitz starship stedolan storybookjs streamlit stripe sublimehq
    supabase sveltejs swc-project swiftlang sympy tailscale tailwindlabs tauri-apps temporalio tensorflow
    terraform-aws-modules terraform-docs terraform-linters tesseract-ocr theupdateframework tldr-pages tmux
    trailofbits trufflesecurity trpc trycua twbs twilio typst ublue-os upstash vagrant vercel vercel-labs vim vitejs
    vitest-dev vllm-project volta-cli vuejs wasm-bindgen wasmerio wasmtime webpack wez withastro xonsh yaml yarnpkg
    yt-dlp ytdl-org zed-industries zellij-org ziglang zsh-users zxing
    """
)
"""Accounts on public git hosts that belong to makers of widely used software."""

GIT_HOSTS = words_in(
    """
    github.com raw.githubusercontent.com gist.github.com gist.githubusercontent.com codeload.github.com gitlab.com
    bitbucket.org codeberg.org gitee.com sourceforge.net objects.githubusercontent.com dl.cloudsmith.io
    packagecloud.io
    """
)

PASTES = words_in(
    """
    0bin.net bin.disroot.org bpa.st controlc.com cl1p.net codepad.org codeshare.io dpaste.com dpaste.org dumpz.org
    ghostbin.com ghostbin.me glot.io hastebin.com ideone.com ix.io justpaste.it justpaste.me klipit.in n0paste.com
    nekobin.com paste.ee paste.gg paste.mozilla.org paste.rs paste.sh paste.ubuntu.com pastebin.ai pastebin.com
    pastebin.pl pastecode.io paste2.org privatebin.net rentry.co rentry.org rlim.com snippet.host sprunge.us
    telegra.ph termbin.com textbin.net write.as zerobin.net jsbin.com pastes.io
    """
)
FILE_HOSTS = words_in(
    """
    0x0.st 1fichier.com anonfiles.com bayfiles.com bashupload.com box.com catbox.moe litter.catbox.moe
    files.catbox.moe cdn.discordapp.com media.discordapp.net dl.dropboxusercontent.com dropbox.com dosya.co
    easyupload.io drive.google.com file.io filebin.net filetransfer.io gofile.io keep.sh krakenfiles.com
    mediafire.com mega.co.nz mega.nz oshi.at pixeldrain.com send.cm sendspace.com temp.sh tmpfiles.org transfer.sh
    tmp.ninja uguu.se upload.ee uploadfiles.io wetransfer.com we.tl workupload.com zippyshare.com 1drv.ms
    onedrive.live.com
    """
)
SHORTENERS = words_in(
    """
    adf.ly bit.ly bit.do bl.ink buff.ly clck.ru cutt.ly dub.sh goo.gl goo.su is.gd lnkd.in ow.ly rb.gy rebrand.ly
    s.id short.io shorturl.at soo.gd surl.li t.co t.ly tiny.cc tinyurl.com u.to urlz.fr v.gd vk.cc
    """
)
TUNNELS = words_in(
    """
    bore.pub cloudflared.dev loca.lt localhost.run localtunnel.me lhr.life ngrok.app ngrok.dev ngrok-free.app
    ngrok-free.dev ngrok.io pagekite.me pinggy.io pinggy.link portmap.io serveo.net telebit.io trycloudflare.com
    tunnelmole.net zrok.io duckdns.org no-ip.org no-ip.biz ddns.net hopto.org zapto.org sytes.net
    """
)
PAGES = words_in(
    """
    blogspot.com carrd.co framer.app framer.website github.io gitbook.io gitlab.io glitch.me godaddysites.com
    herokuapp.com lovable.app netlify.app notion.site onrender.com pages.dev repl.co replit.app sites.google.com
    surge.sh up.railway.app vercel.app web.app webflow.io weebly.com wixsite.com wordpress.com workers.dev
    """
)
"""Places where anybody publishes a page in minutes."""

CATCHERS = words_in(
    """
    beeceptor.com burpcollaborator.net canarytokens.com dnslog.cn hookbin.com interact.sh interactsh.com mockbin.org
    oast.fun oast.live oast.me oast.online oast.pro oast.site oastify.com pipedream.net ptsv2.com ptsv3.com
    requestbin.com requestbin.net requestcatcher.com webhook.cool webhook.site xss.ht typedwebhook.tools
    """
)
"""Places that record whatever is sent to them."""
