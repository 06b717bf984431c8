"""What a run came to, as text for people and as JSON for programs."""

import dataclasses
import json
import statistics

from .columns import aligned

UNITS = {"cpu": "µs of CPU a request", "p99": "µs", "memory": "KiB a connection"}


def medians(samples):
    """One Sample's fields, each the median of its own; None where the row has none."""
    result = {}
    for field in ("cpu", "rate", "p50", "p99", "busy", "others", "memory"):
        values = [getattr(sample, field) for sample in samples if getattr(sample, field) is not None]
        result[field] = statistics.median(values) if values else None
    return result


def best_peer(run, row):
    """Name and figure of the peer with the least median; None when no peer was measured."""
    figures = {}
    for proxy in run.proxies:
        samples = run.samples[row.name][proxy.name]
        if proxy.is_peer and samples:
            figures[proxy.name] = medians(samples)[row.figure]
    return min(figures.items(), key=lambda item: item[1]) if figures else None


def _cell(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def _share(value):
    return "-" if value is None else f"{value:.0%}"


def disturbance(run):
    """A warning when other processes had more of the proxy's core than a quiet machine's; None when not."""
    shares = [
        sample.others
        for by_proxy in run.samples.values()
        for samples in by_proxy.values()
        for sample in samples
        if sample.others is not None
    ]
    if not shares or statistics.median(shares) < 0.05:
        return None
    return (
        f"This machine was not quiet: others took {statistics.median(shares):.0%} of core 0 in the median, up to "
        f"{max(shares):.0%}. CPU figures are rough, rates and latencies mean nothing."
    )


def details(run):
    """Each row with each proxy: the medians, and between what the compared figure lay."""
    blocks = []
    for row in run.rows:
        best = best_peer(run, row)
        lines = [["", "CPU µs", "requests/s", "p50 µs", "p99 µs", "busy", "others", "KiB", "least-greatest", "ratio", "rounds"]]
        for proxy in run.proxies:
            samples = run.samples[row.name][proxy.name]
            if not samples:
                lines.append([proxy.name] + ["-"] * 9 + ["0"])
                continue
            middle = medians(samples)
            figures = [getattr(sample, row.figure) for sample in samples]
            lines.append(
                [
                    proxy.name,
                    _cell(middle["cpu"]),
                    _cell(middle["rate"], 0),
                    _cell(middle["p50"], 0),
                    _cell(middle["p99"], 0),
                    _share(middle["busy"]),
                    _share(middle["others"]),
                    _cell(middle["memory"]),
                    f"{_cell(min(figures))}-{_cell(max(figures))}",
                    _cell(middle[row.figure] / best[1], 2) if best else "-",
                    str(len(samples)),
                ]
            )
        blocks.append(f"{row.name}: {row.title}\n{aligned(lines)}")
    return "\n\n".join(blocks)


def summary(run):
    """The compared figure of each row, in Markdown, with the ratio to the best peer beside what was asked."""
    names = [proxy.name for proxy in run.proxies]
    tested = [proxy for proxy in run.proxies if not proxy.is_peer]
    lines = [f"| work | {' | '.join(names)} | ratio | at most | aim | |", "|---" * (len(names) + 5) + "|"]
    for row in run.rows:
        cells = []
        for proxy in run.proxies:
            samples = run.samples[row.name][proxy.name]
            cells.append(_cell(medians(samples)[row.figure]) if samples else "-")
        ratio, verdict = "-", ""
        best = best_peer(run, row)
        samples = run.samples[row.name][tested[0].name] if tested else []
        if best and samples:
            value = medians(samples)[row.figure] / best[1]
            ratio = f"{value:.2f} of {best[0]}"
            verdict = "aim reached" if value <= row.aim else "reached" if value <= row.at_most else "MISSED"
        if tested and len(samples) < run.rounds:
            verdict = "INCOMPLETE"
        asked = f"{row.at_most:.2f} | {row.aim:.2f}"
        lines.append(f"| {row.title}, {UNITS[row.figure]} | {' | '.join(cells)} | {ratio} | {asked} | {verdict} |")
    return "\n".join(lines)


def as_json(run, machine, versions):
    """Everything, with the single samples, so that other questions can be asked of it later."""
    return json.dumps(
        {
            "machine": machine,
            "versions": versions,
            "rounds": run.rounds,
            "seconds": run.seconds,
            "wrong": run.wrong,
            "rows": [
                {
                    "name": row.name,
                    "title": row.title,
                    "figure": row.figure,
                    "unit": UNITS[row.figure],
                    "at_most": row.at_most,
                    "aim": row.aim,
                    "samples": {
                        name: [dataclasses.asdict(sample) for sample in samples]
                        for name, samples in run.samples[row.name].items()
                    },
                }
                for row in run.rows
            ],
        },
        indent=2,
    )
