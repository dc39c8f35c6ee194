"""A page to look at the simulated world, and to act in it by hand."""

from pathlib import Path

from flask import Blueprint, Response


def page_blueprint() -> Blueprint:
    """GET / of the stand-ins."""
    blueprint = Blueprint("page", __name__)
    html = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")

    @blueprint.get("/")
    def page() -> Response:
        return Response(html, mimetype="text/html")

    return blueprint
