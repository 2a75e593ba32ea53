"""The sources inside a source map: packages that ship built files only often carry their TypeScript there (https://tc39.es/ecma426/)."""
import json
import os

LARGEST = 20_000_000          # bytes


def sources(file):
    """[(path inside the package, text)] of a map file; none where it is not one, or names them by place only."""
    if os.path.getsize(file) > LARGEST:
        return []
    try:
        with open(file, encoding="utf8") as opened:
            data = json.load(opened)
        pairs = zip(data["sources"], data["sourcesContent"])
        return [(tail, text) for name, text in pairs if isinstance(name, str) and isinstance(text, str) and (tail := inside(name))]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def inside(name):
    """A source's path without scheme, host and leading steps upwards."""
    path = name.split("://", 1)[-1].split("?", 1)[0]
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))
