"""What a page of documentation holds that can be checked: code, links, headings, command lines."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.repository import ROOT

_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class Page:
    """One page, parsed."""

    path: Path
    tokens: Sequence[Token]

    @classmethod
    def of(cls, path: Path) -> "Page":
        """Read and parse a page."""
        return cls(path, MarkdownIt().enable("table").parse(path.read_text()))

    @property
    def name(self) -> str:
        """Where it lies in the repository."""
        return str(self.path.relative_to(ROOT))

    def python(self) -> list[str]:
        """The page's ```python blocks, in order."""
        return [token.content for token in self.tokens if token.type == "fence" and token.info.strip() == "python"]

    def links(self) -> list[str]:
        """Where links and images lead that stay in the repository."""
        found = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in self._inline()]
        return [target for target in found if target and not re.match(r"[a-z]+:", target)]

    def codes(self) -> list[str]:
        """What stands in backticks within lines."""
        return [token.content for token in self._inline() if token.type == "code_inline"]

    def anchors(self) -> set[str]:
        """What `#` may lead to, named as GitHub names headings."""
        titles = [b.content for a, b in zip(self.tokens, self.tokens[1:], strict=False) if a.type == "heading_open"]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def commands(self) -> list[str]:
        """Every `kedge …` that stands in code, without what comes after it in a line of shell."""
        blocks = [token for token in self.tokens if token.type in {"fence", "code_block"}]
        lines = [line for block in blocks if block.info.strip() != "python" for line in _lines(block.content)]
        lines += self.codes()
        return [command for line in lines if (command := _command(line))]

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()


def _lines(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


def _command(line: str) -> str:
    """The line if it calls `kedge`, cut where the shell's own words begin; else nothing."""
    try:
        words = shlex.split(line.strip().removeprefix(_PROMPT), comments=True)
    except ValueError:  # prose with an apostrophe in a block of text
        return ""
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    if words[:2] == ["docker", "compose"] and "kedge" in words:
        at = words.index("kedge")  # where it is the entrypoint, the service comes next
        words = ["kedge", *words[at + 1 + (words[at - 1] == "--entrypoint") :]]
    if not words or words[0] != "kedge":
        return ""
    end = next((i for i, word in enumerate(words) if word in {"|", ">", ">>", "&&", ";", "&"}), len(words))
    # [OPTIONS] and its like, in a line of usage, stand for words.
    return shlex.join(word for word in words[:end] if not word.startswith("["))
