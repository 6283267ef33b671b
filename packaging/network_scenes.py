"""The network's scenes for `screenshots`: a log of a few days, and what a person does on its page."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Stage

_HUB, _CDN = "huggingface.co", "cdn-lfs.hf.co"
_GRANITE, _GEMMA = "ibm-granite/granite-4.0-micro-GGUF", "google/gemma-3-4b-it-qat-q4_0-gguf"
_COMMIT = "8e2e8c0f1d6a4b3c9f7e5d2a1b0c4d6e8f9a7b5c"

# Minutes ago, purpose, method, host, path, status, sent, received, seconds, error.
_LOG = (
    (
        0.4,
        "file",
        "GET",
        _CDN,
        "/repos/9d/11/granite-4.0-micro-Q4_K_M.gguf?X-Amz-Signature=…",
        206,
        1_420,
        0,
        0,
        "unfinished",
    ),
    (
        0.5,
        "file",
        "HEAD",
        _HUB,
        f"/{_GRANITE}/resolve/{_COMMIT}/granite-4.0-micro-Q4_K_M.gguf",
        302,
        612,
        1_388,
        0.112,
        "",
    ),
    (
        1.1,
        "header",
        "GET",
        _CDN,
        "/repos/9d/11/granite-4.0-micro-Q4_K_M.gguf?X-Amz-Signature=…",
        206,
        1_402,
        4_196_311,
        0.94,
        "",
    ),
    (1.2, "license", "GET", _HUB, f"/{_GRANITE}/resolve/{_COMMIT}/LICENSE", 200, 588, 12_240, 0.091, ""),
    (1.3, "model", "GET", _HUB, f"/api/models/{_GRANITE}?blobs=…", 200, 540, 18_871, 0.204, ""),
    (9, "access", "GET", _HUB, f"/api/models/{_GEMMA}/auth-check", 403, 612, 1_022, 0.121, ""),
    (9.1, "access", "GET", _HUB, f"/api/models/{_GEMMA}/auth-check", 401, 540, 1_004, 0.118, ""),
    (9.4, "token", "GET", _HUB, "/api/whoami-v2", 200, 604, 2_148, 0.164, ""),
    (14, "search", "GET", _HUB, "/api/models?search=…&filter=…&sort=…&limit=…", 200, 702, 61_332, 0.41, ""),
    (
        1500,
        "file",
        "GET",
        _CDN,
        "/repos/41/c0/SmolLM3-Q4_K_M.gguf?X-Amz-Signature=…",
        200,
        1_398,
        1_915_305_312,
        96.4,
        "",
    ),
    (
        1501,
        "file",
        "GET",
        _CDN,
        "/repos/41/c0/SmolLM3-Q4_K_M.gguf?X-Amz-Signature=…",
        206,
        1_398,
        611_203_044,
        41.2,
        "cut",
    ),
    (
        1501.1,
        "file",
        "HEAD",
        _HUB,
        "/ggml-org/SmolLM3-3B-GGUF/resolve/1c0ffee/SmolLM3-Q4_K_M.gguf",
        302,
        601,
        1_377,
        0.098,
        "",
    ),
    (1502, "model", "GET", _HUB, "/api/models/ggml-org/SmolLM3-3B-GGUF?blobs=…", 0, 0, 0, 10.0, "timeout"),
    (1502.5, "model", "GET", _HUB, "/api/models/ggml-org/SmolLM3-3B?blobs=…", 404, 533, 871, 0.087, ""),
    (8700, "card", "GET", _HUB, "/databricks/dolly-v2-3b/resolve/main/README.md", 200, 561, 9_120, 0.102, ""),
    (8700.2, "model", "GET", _HUB, "/api/models/databricks/dolly-v2-3b?blobs=…", 200, 528, 7_204, 0.151, ""),
)


def furnish(home: Path) -> None:
    """Write the log into `home`."""
    from desktop.network.request_log import RequestLogEntry
    from desktop.storage.request_store import RequestStore

    store = RequestStore(home / "data" / "network.db")
    now = time.time()
    for minutes, *rest in reversed(_LOG):
        store.append(RequestLogEntry(now - float(minutes) * 60, *rest, key=f"shown-{minutes}"))  # type: ignore[arg-type, misc]
    store.close()


def keep_off_line(home: Path) -> None:
    """Have a policy keep Latchkey offline."""
    policy = home / "policy.toml"
    policy.write_text('offline = true\ncontact = "it@example.org"\n', encoding="utf-8")
    os.environ["LATCHKEY_POLICY"] = str(policy)


# --- acts ---


def log(stage: "Stage") -> None:
    stage.window.show_page("network")
    stage.wait(seconds=1.0)


def chosen(stage: "Stage") -> None:
    log(stage)
    table = stage.window.pages.network.log.table
    table.focus_first()
    table.selectRow(table.currentIndex().row() + 2)
    stage.settle()


def filtered(stage: "Stage") -> None:
    log(stage)
    stage.window.pages.network.log.filter.setText("smollm3 failed")
    stage.wait(seconds=0.8)


def off_line(stage: "Stage") -> None:
    log(stage)
    stage.window.sidebar.offline.pill.click()
    stage.wait(lambda: stage.window.pages.network.switch.isChecked())
    stage.settle()


def settings(stage: "Stage") -> None:
    from desktop.credentials.access_tokens import find_access_tokens
    from desktop.network.access_token import AccessToken
    from desktop.paths import find_paths

    tokens = find_access_tokens(find_paths())
    tokens.vault.create("a long enough passphrase")
    tokens.store(AccessToken("hf_" + "x" * 34, "https://huggingface.co"), "vault")
    tokens.store(AccessToken("hf_" + "y" * 34, "https://hub.example.org"), "vault")
    stage.window.show_page("network")
    stage.window.pages.network.settings_button.click()
    stage.wait(seconds=0.8)
    stage.window.settings_page.network.tokens.rows["hub.example.org"].forget_button.click()
    stage.settle()
