"""One page of a bucket's listing, read out of the XML that the storage answers (S3 API: ListObjectsV2)."""

from dataclasses import dataclass, field
from operator import lt
from urllib.parse import unquote_plus
from xml.etree import ElementTree


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
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without document type there is nothing to expand
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    space, _, name = root.tag.rpartition("}")
    space = f"{space}}}" if space else ""
    if name != "ListBucketResult":
        raise ValueError(f"The answer is {name or 'nothing'}, not ListBucketResult.")
    encoded = root.findtext(f"{space}EncodingType") == "url"
    page = ListedPage(token=(root.findtext(f"{space}NextContinuationToken") or "") if _cut(root, space) else "")
    key_tag, size_tag, time_tag = f"{space}Key", f"{space}Size", f"{space}LastModified"
    etag_tag, class_tag = f"{space}ETag", f"{space}StorageClass"
    try:
        for entry in root.iter(f"{space}Contents"):
            cells = {cell.tag: cell.text for cell in entry}
            page.keys.append(_name(cells[key_tag], encoded))
            page.sizes.append(int(cells[size_tag] or ""))
            page.modified.append(cells[time_tag] or "")
            page.etags.append((cells.get(etag_tag) or "").strip('"'))
            page.classes.append(cells.get(class_tag) or "STANDARD")
    except KeyError as error:
        raise ValueError(f"An entry has no {str(error.args[0]).removeprefix(space)}.") from None
    for folder in root.iter(f"{space}CommonPrefixes"):
        page.folders.append(_name(folder.findtext(f"{space}Prefix"), encoded))
    return page


def _cut(root: ElementTree.Element, space: str) -> bool:
    return root.findtext(f"{space}IsTruncated") == "true"


def _name(text: str | None, encoded: bool) -> str:
    name = text or ""
    return unquote_plus(name) if encoded and ("%" in name or "+" in name) else name
