"""What a comparison came to, as text for people and as JSON for programs."""

import dataclasses
import json
import statistics

from ..columns import aligned
from .comparison import KINDS


def _median(subject, kind, figure):
    return statistics.median(getattr(sample, figure) for sample in subject.samples[kind])


def _of(run, writing):
    return [subject for subject in run.subjects if subject.writing is writing]


def of_loading(run):
    """Seconds from the policy to a ruleset in force."""
    lines = [["seconds to make and load", *(f"{size:,} rules" for size in run.sizes)]]
    for writing in run.writings:
        lines.append([writing.name, *(f"{subject.seconds_to_load:.2f}" for subject in _of(run, writing))])
    return (aligned(lines).lstrip() + "\n\nEach was sent 1,000 packets in and around what the policy names, and let in "
            "what the policy admits and nothing else.")


def _ratio(run, writing, kind):
    figures = [_median(subject, kind, "cpu") for subject in _of(run, writing)]
    return figures[-1] / figures[0]


def details(run):
    """Each kind of packet: packets a second and nanoseconds of the processor, least and greatest."""
    blocks = []
    for kind, title in KINDS.items():
        lines = [["", *(f"{size:,}: packets/s  ns (least-greatest)" for size in run.sizes), "ratio"]]
        for writing in run.writings:
            cells = []
            for subject in _of(run, writing):
                figures = [sample.cpu for sample in subject.samples[kind]]
                cells.append(f"{_median(subject, kind, 'rate'):,.0f}  {_median(subject, kind, 'cpu'):,.0f} "
                             f"({min(figures):,.0f}-{max(figures):,.0f})")
            lines.append([writing.name, *cells, f"{_ratio(run, writing, kind):.2f}"])
        floor = _median(run.floor, kind, "cpu")
        lines.append(["no rules", f"{_median(run.floor, kind, 'rate'):,.0f}  {floor:,.0f}",
                      *[""] * len(run.sizes)])
        blocks.append(f"{kind}: {title}\n{aligned(lines)}")
    return "\n\n".join(blocks)


def summary(run):
    """Nanoseconds of the processor for a packet with the least and the greatest policy, and their ratio, in Markdown."""
    least, greatest = run.sizes[0], run.sizes[-1]
    lines = [f"| ns of CPU a packet, {least:,} → {greatest:,} rules | {' | '.join(KINDS)} | ratio at most |",
             "|---" * (len(KINDS) + 2) + "|"]
    for writing in run.writings:
        subjects, cells = _of(run, writing), []
        for kind in KINDS:
            first, last = _median(subjects[0], kind, "cpu"), _median(subjects[-1], kind, "cpu")
            cells.append(f"{first:,.0f} → {last:,.0f} ({last / first:.2f})")
        worst = max(_ratio(run, writing, kind) for kind in KINDS)
        lines.append(f"| {writing.name} | {' | '.join(cells)} | {worst:.2f} |")
    floor = (f"{_median(run.floor, kind, 'cpu'):,.0f}" for kind in KINDS)
    return "\n".join([*lines, f"| no rules | {' | '.join(floor)} | |"])


def as_json(run):
    """Every sample, so that other questions can be asked of it later."""
    return json.dumps([
        {
            "writing": subject.writing.name,
            "rules": subject.policy.count,
            "seconds-to-load": subject.seconds_to_load,
            "samples": {kind: [dataclasses.asdict(one) for one in samples]
                        for kind, samples in subject.samples.items()},
        }
        for subject in [*run.subjects, run.floor]
    ], indent=2)
