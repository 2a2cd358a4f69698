"""Reads a page as a reader would: the text of the cells of a table, by its id."""

from html.parser import HTMLParser


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._scopes: list[str] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("id")
        if tag in ("section", "table"):
            self._scopes.append(name or (self._scopes[-1] if self._scopes else ""))
        elif tag == "tr":
            self.tables.setdefault(self._scopes[-1], []).append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("section", "table"):
            self._scopes.pop()
        elif tag in ("td", "th") and self._cell is not None:
            self.tables[self._scopes[-1]][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def table(html: str, name: str) -> list[list[str]]:
    """The rows below the head of the table (or of the one table of the section) with this id."""
    parser = _Tables()
    parser.feed(html)
    return parser.tables[name][1:]
