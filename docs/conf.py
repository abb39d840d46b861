"""How the documentation becomes a site: `make site`. Every warning is an error."""

import tomllib
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

_project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]

project, release, author = "Kedge", _project["version"], "The Kedge authors"
version, language = release, "en"
extensions = ["myst_parser"]
html_theme, html_title = "furo", f"Kedge {release}"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["_build"]
# GitHub's slugs: the anchors that the pages already use among themselves, checked by tests/docs as well.
myst_heading_anchors = 4
nitpicky = True


def setup(app: Sphinx) -> None:
    """Show diagrams as their source: drawing them would need a script from elsewhere, and GitHub draws them."""
    app.add_lexer("mermaid", TextLexer)
