"""Tables for people, in plain text."""


def aligned(lines):
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rendered = []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        rendered.append("    " + "  ".join(cells).rstrip())
    return "\n".join(rendered)
