"""Commands that an administrator types: what those of all clouds share."""

CORS_COMMENT = (
    "# Label Studio's pages may read by signed addresses. Where there are rules already, they are",
    "# only shown: add the one of cors.json to them, as setting rules replaces all of them.",
)


def file_of(name: str, content: str) -> list[str]:
    """Lines that write a file."""
    return [f"cat > {name} <<'EOF'", content, "EOF"]


def text_of(lines: list[str]) -> str:
    """The commands as one text."""
    return "\n".join(lines) + "\n"
