"""One page of a bucket's listing, read out of the XML that the storage answers (S3 API: ListObjectsV2)."""

from dataclasses import dataclass, field
from operator import lt
from urllib.parse import unquote_plus
from xml.etree.ElementTree import ParseError, XMLParser


@dataclass(frozen=True)
class ListedPage:
    """Objects by column, in the order in which the storage gave them: object keys, sizes in bytes, times as the storage
    writes them (ISO 8601, UTC), ETags without quotes, storage classes. `folders` end in the delimiter that was asked
    with; `token` continues the listing and is empty on its last page."""

    keys: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    token: str = ""

    @property
    def ordered(self) -> bool:
        """Whether the object keys ascend, as S3 lays down (by their UTF-8 bytes, which is by code point)."""
        return all(map(lt, self.keys, self.keys[1:]))

    def extend(self, other: "ListedPage") -> None:
        """Add another page's objects after these."""
        for name in ("keys", "sizes", "modified", "etags", "classes"):
            getattr(self, name).extend(getattr(other, name))


def parse_page(content: bytes) -> ListedPage:
    """The page in an answer. botocore reads the same out of it, which takes five times as long as the request.

    Raises ValueError when it is no listing."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:  # no storage writes one; entities could blow up
        raise ValueError("The answer declares a document type.")
    reader = _Reader()
    # Without document type there is nothing to expand. A tree of elements would keep the garbage collector busy for
    # as long again as the whole listing takes.
    parser: XMLParser[ListedPage] = XMLParser(target=reader)  # noqa: S314 # nosec B314
    try:
        parser.feed(content)
        return parser.close()
    except ParseError as error:
        raise ValueError(str(error)) from None
    except KeyError as error:
        raise ValueError(f"An entry has no {error.args[0]}.") from None


class _Reader:
    """Takes what the parser meets: texts, and the ends of elements."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.data = self._texts.append
        self._cells: dict[str, str] = {}
        """The texts of the last entry's elements, or of the listing's own, by name."""
        self._page = ListedPage()
        self._encoded = False
        self._token = ""
        self._more = False
        self._root = ""

    def end(self, tag: str) -> None:
        """Keep what an element holds; the last one to end is the document's own."""
        name = tag.rpartition("}")[2]
        if name == "Contents":
            self._entry()
        elif name == "CommonPrefixes":
            self._page.folders.append(self._cells["Prefix"])
        elif name == "EncodingType":
            self._encoded = "".join(self._texts) == "url"
        elif name == "NextContinuationToken":
            self._token = "".join(self._texts)
        elif name == "IsTruncated":
            self._more = "".join(self._texts) == "true"
        else:
            self._cells[name] = "".join(self._texts)
            self._root = name
        self._texts.clear()

    def close(self) -> ListedPage:
        """The page, when all is read."""
        if self._root != "ListBucketResult":
            raise ValueError(f"The answer is {self._root}, not ListBucketResult.")
        if self._encoded:
            for names in (self._page.keys, self._page.folders):
                names[:] = [unquote_plus(name) if "%" in name or "+" in name else name for name in names]
        return ListedPage(**(vars(self._page) | {"token": self._token if self._more else ""}))

    def _entry(self) -> None:
        cells, page = self._cells, self._page
        page.keys.append(cells["Key"])
        page.sizes.append(int(cells["Size"]))
        page.modified.append(cells["LastModified"])
        page.etags.append(cells.get("ETag", "").strip('"'))
        page.classes.append(cells.get("StorageClass") or "STANDARD")
        cells.clear()
