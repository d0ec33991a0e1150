"""The files of a model bundle, and the manifest that lists each with its SHA-256."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conf.errors import StoreError
from conf.file_digests import sha256_of

MANIFEST = "manifest.json"


def write_json(path: Path, state: Mapping[str, Any]) -> None:
    """Writes JSON whose bytes depend on the content alone."""
    path.write_text(json.dumps(state, sort_keys=True, ensure_ascii=False), encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. What cannot be read raises StoreError with the path."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}): load another version or train again.") from error
    if not isinstance(state, dict):
        raise StoreError(f"{path} holds no JSON object: load another version or train again.")
    return state


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> str:
    """Lists the files in `folder` beside `facts`. Returns the manifest's own SHA-256, which names the bundle."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_json(folder / MANIFEST, {**facts, "files": files})
    return sha256_of(folder / MANIFEST)


def verified_manifest(folder: Path, expected_digest: str | None = None) -> dict[str, Any]:
    """The manifest of a bundle whose files are all there and unchanged; otherwise StoreError naming the file.

    The manifest guards the files. What guards the manifest is `expected_digest`, kept elsewhere, where it is given.
    """
    manifest_path = folder / MANIFEST
    manifest = read_json(manifest_path)
    if expected_digest is not None and sha256_of(manifest_path) != expected_digest:
        raise StoreError(f"{manifest_path} is not the manifest that was registered: load another version.")
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise StoreError(f"{manifest_path} lists no files: this is no model bundle.")
    for name, digest in files.items():
        path = folder / name
        if path.is_symlink():
            raise StoreError(f"{path} is a link, and a bundle's files lie in its folder: load another version.")
        if path.name != name or not path.is_file():
            raise StoreError(f"{path} is listed in the bundle's manifest but missing: load another version.")
        if sha256_of(path) != digest:
            raise StoreError(f"{path} was changed after the bundle was written: load another version.")
    unlisted = sorted(path.name for path in folder.iterdir() if path.name not in {MANIFEST, *files})
    if unlisted:
        raise StoreError(f"{folder / unlisted[0]} is not listed in the bundle's manifest: load another version.")
    return manifest


def manifest_digest(folder: Path) -> str:
    """The SHA-256 of a bundle's manifest, which names the bundle: the manifest lists every file with its own."""
    try:
        return sha256_of(folder / MANIFEST)
    except OSError as error:
        raise StoreError(f"{folder / MANIFEST} cannot be read ({error}): load another version.") from error
