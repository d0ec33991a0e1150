"""The report site as a web application: the files of one folder, and nothing outside it.

Airflow's plugin mounts it behind Airflow's login; `python -m jobs.services.report_pages` serves it alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

# Reports carry their scripts inline. They may draw; they may not call the server they are served from, whose
# cookies they would have: the sandbox makes a page a stranger there, also where it is opened outside Airflow's frame.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'none'; form-action 'none'; "
        "base-uri 'none'; frame-src 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-downloads"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def report_pages(folder: Callable[[], Path], dependencies: Sequence[Any] = ()) -> FastAPI:
    """An application that serves the files below `folder()`; `dependencies` guard every request."""
    app = FastAPI(title="CTR reports", dependencies=list(dependencies), docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{path:path}")
    def page(path: str) -> Response:
        root = folder().resolve()
        target = below(root, path)
        if target is None:
            if not path:
                return HTMLResponse(contents_page([]), headers=HEADERS)
            raise HTTPException(404, "There is no such report.")
        if target.is_file():
            return FileResponse(target, headers=HEADERS)
        if path and not path.endswith("/"):
            return RedirectResponse(f"./{target.name}/", headers=HEADERS)  # relative, so it holds below any mount point
        if (target / "index.html").is_file():
            return FileResponse(target / "index.html", headers=HEADERS)
        if path:
            raise HTTPException(404, "There is no such report.")
        return HTMLResponse(contents_page(sorted(p.parent.name for p in root.glob("*/index.html"))), headers=HEADERS)

    return app


def below(root: Path, path: str) -> Path | None:
    """What a path names below a resolved folder; None where that is nothing, unfinished, or elsewhere.

    Links are followed before it is decided where they lead.
    """
    try:
        target = (root / path).resolve()
        if not target.is_relative_to(root) or not target.exists():
            return None
    except (OSError, RuntimeError, ValueError):  # too long a name, links in a circle, a NUL or half a character
        return None
    hidden = any(part.startswith(".") for part in target.relative_to(root).parts)
    return None if hidden else target


def contents_page(names: Sequence[str]) -> str:
    """A page that links to the report site of each data set."""
    links = "".join(f'<li><a href="{escape(name, quote=True)}/">{escape(name)}</a></li>' for name in names)
    body = f"<ul>{links}</ul>" if links else "<p>No reports yet. The first night writes the first one.</p>"
    style = "font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>CTR reports</title></head>'
        f'<body style="{style}"><h1>CTR reports</h1>{body}</body></html>'
    )


def main() -> None:
    """Serve a folder on one address until stopped."""
    import uvicorn
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    app = report_pages(lambda: arguments.folder)
    # A web site elsewhere could point its own name at this address and read the reports through the visitor's browser.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", arguments.host])
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
