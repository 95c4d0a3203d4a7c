"""What is looked at before a training: one table of checks, and the report they make."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.errors import InvalidInputError
from core.training.data.evidence import Evidence, part_of
from core.training.data.samples import Sample

MAX_EXAMPLES = 10
"""Examples of a finding that are shown and stored."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Example:
    """One case of a finding; the labels are those of the files, or of a category."""

    files: tuple[str, ...]
    labels: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DataCheck:
    """One check.

    Attributes:
        key: Stored with each model version, so never renamed.
        severity: With an error no training starts.
        explanation: What it means, and what a training does about it.
        remedy: What a person can do.
        find: Every case.
    """

    key: str
    label: str
    severity: Severity
    explanation: str
    remedy: str
    find: Callable[[Evidence], Iterable[Example]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        count: How many cases there are; ``examples`` holds the first ones.
    """

    key: str
    label: str
    severity: Severity
    explanation: str
    remedy: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class DataReport:
    """What the checks say of a data set.

    Attributes:
        parts: Pictures by the data's own split; ``unsplit`` where it leaves that to us.
        findings: Errors first, in the order of the table.
    """

    name: str
    format: str
    pictures: int
    categories: int
    groups: int
    parts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def is_trainable(self) -> bool:
        return not self.errors

    def require_trainable(self) -> None:
        """Raise InvalidInputError with every error, unless a training may start."""
        if self.errors:
            texts = [
                f"{finding.label} ({finding.count:,}, such as {_name(finding.examples[0])}): "
                f"{finding.remedy}"
                for finding in self.errors
            ]
            raise InvalidInputError(f"{self.name} cannot be trained on. {' '.join(texts)}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"is_trainable": self.is_trainable}


def check_data(evidence: Evidence) -> DataReport:
    """Run every check of ``DATA_CHECKS``."""
    samples = evidence.samples
    findings = [finding for check in DATA_CHECKS if (finding := _run(check, evidence))]
    return DataReport(
        name=evidence.dataset.name,
        format=evidence.dataset.format,
        pictures=len(samples),
        categories=len({sample.label for sample in samples}),
        groups=len({sample.group for sample in samples}),
        parts=dict(Counter(sample.part or "unsplit" for sample in samples)),
        findings=tuple(sorted(findings, key=lambda finding: finding.severity)),
    )


def _run(check: DataCheck, evidence: Evidence) -> Finding | None:
    found = list(check.find(evidence))
    if not found:
        return None
    return Finding(
        key=check.key,
        label=check.label,
        severity=check.severity,
        explanation=check.explanation,
        remedy=check.remedy,
        count=len(found),
        examples=tuple(found[:MAX_EXAMPLES]),
    )


def _name(example: Example) -> str:
    return (example.files or example.labels)[0]


def _example(*samples: Sample, detail: str = "") -> Example:
    return Example(
        tuple(str(sample.path) for sample in samples),
        tuple(sample.label for sample in samples),
        detail,
    )


def _find_missing(evidence: Evidence) -> Iterator[Example]:
    for sample, problem in evidence.unusable(missing=True):
        yield _example(sample, detail=problem.message)


def _find_unreadable(evidence: Evidence) -> Iterator[Example]:
    for sample, problem in evidence.unusable(missing=False):
        yield _example(sample, detail=problem.message)


def _find_untrained(evidence: Evidence) -> Iterator[Example]:
    for label, contents in evidence.training_contents.items():
        if not contents:
            yield Example((), (label,))


def _find_unvalidated(evidence: Evidence) -> Iterator[Example]:
    own = any(sample.part == "validation" for sample in evidence.samples)
    if not own and all(len(each) < 2 for each in evidence.training_contents.values()):
        yield Example((), tuple(sorted(evidence.training_contents))[:MAX_EXAMPLES])


def _find_single(evidence: Evidence) -> Iterator[Example]:
    for label, contents in evidence.training_contents.items():
        if len(contents) == 1:
            sample = evidence.samples[evidence.by_content[min(contents)][0]]
            yield Example((str(sample.path),), (label,))


def _find_two_labels(evidence: Evidence) -> Iterator[Example]:
    for indices in evidence.by_content.values():
        samples = [evidence.samples[index] for index in indices]
        if len({sample.label for sample in samples}) > 1:
            yield _example(*samples)


def _find_leaks(evidence: Evidence) -> Iterator[Example]:
    for index in evidence.leaks:
        samples = [evidence.samples[each] for each in evidence.by_content[evidence.digests[index]]]
        parts = ", ".join(sorted({part_of(sample) for sample in samples}))
        yield _example(evidence.samples[index], detail=f"its content stands in: {parts}")


def _find_near_leaks(evidence: Evidence) -> Iterator[Example]:
    for pair in evidence.pairs:
        first, second = (evidence.samples[index] for index in (pair.first, pair.second))
        if part_of(first) != part_of(second):
            parts = f"{part_of(first)} and {part_of(second)}"
            yield _example(first, second, detail=f"{parts}, correlation {pair.correlation:.3f}")


def _find_passed_over(evidence: Evidence) -> Iterator[Example]:
    for path in evidence.dataset.passed_over:
        yield Example((str(path),), ())


DATA_CHECKS = (
    DataCheck(
        key="missing_file",
        label="Missing files",
        severity="error",
        explanation="The list names files that are not there; mostly its folder was moved.",
        remedy="Put the files back, or take their rows out of the list.",
        find=_find_missing,
    ),
    DataCheck(
        key="untrained",
        label="Categories without a training picture",
        severity="error",
        explanation="No picture of the category can be read and trained on.",
        remedy="Add readable pictures, or leave the category out.",
        find=_find_untrained,
    ),
    DataCheck(
        key="unvalidated",
        label="Nothing to validate on",
        severity="error",
        explanation="No category has two different pictures, so none can be held back.",
        remedy="Add a second picture to some categories.",
        find=_find_unvalidated,
    ),
    DataCheck(
        key="unreadable",
        label="Unreadable pictures",
        severity="warning",
        explanation="The files are no pictures that can be decoded; training leaves them out.",
        remedy="Copy or save them again, or delete them.",
        find=_find_unreadable,
    ),
    DataCheck(
        key="single_picture",
        label="Categories with one picture",
        severity="warning",
        explanation="The picture is trained on, so nothing says how well the category is known.",
        remedy="Add pictures that show it differently; ten are a good start.",
        find=_find_single,
    ),
    DataCheck(
        key="two_labels",
        label="The same content under two labels",
        severity="warning",
        explanation="One label at least is wrong. All are trained on; none validates.",
        remedy="Keep the right label and delete the other copies.",
        find=_find_two_labels,
    ),
    DataCheck(
        key="leak",
        label="The same content in two parts",
        severity="warning",
        explanation="What measures must not be trained on: test keeps its copy, validation comes "
        "next, and the others are left out.",
        remedy="Delete the copies, so that everybody who uses the data does the same.",
        find=_find_leaks,
    ),
    DataCheck(
        key="near_leak",
        label="Nearly the same picture in two parts",
        severity="warning",
        explanation="The data's own split is kept, so that results compare with others', but "
        "they flatter a little.",
        remedy="Leave the split out, and we split by what is nearly the same.",
        find=_find_near_leaks,
    ),
    DataCheck(
        key="passed_over",
        label="Files that are not used",
        severity="warning",
        explanation="They have no ending of a picture, or lie in no category's folder.",
        remedy="Move pictures into a category's folder; the rest does no harm.",
        find=_find_passed_over,
    ),
)
