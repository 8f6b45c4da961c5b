"""Every block: its properties, what it must know of the run, and its template. Kestra's first, then ours.

One entry here and one template in templates/apps_portal/blocks/ make a block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PREFIX = "apps.blocks."
_VENDOR_PREFIXES = (
    "io.kestra.plugin.ee.apps.core.blocks.",
    "io.kestra.plugin.ee.apps.execution.blocks.",
    "io.kestra.plugin.ee.apps.blocks.",
    "io.kestra.ee.apps.blocks.",
    "io.kestra.ee.apps.core.blocks.",
    "io.kestra.ee.apps.execution.blocks.",
    "apps.core.blocks.",
    "apps.execution.blocks.",
    "core.blocks.",
    "execution.blocks.",
    PREFIX,
)


class Kind(StrEnum):
    """What a property holds."""

    TEXT = "text"  # rendered: may hold expressions
    VALUE = "value"  # rendered to a value: a list of rows, a number, a mapping
    PLAIN = "plain"  # shown as written
    NUMBER = "number"
    BOOL = "bool"
    CHOICE = "choice"
    NAMES = "names"  # a list of texts
    DURATION = "duration"
    FILTER = "filter"  # include / exclude, or logLevel / taskIds
    RESULTS = "results"  # TaskOutputs' list
    BLOCKS = "blocks"  # children
    PARTS = "parts"  # titled groups of children


class Fact(StrEnum):
    """What a block must know of the run; pages load only what their blocks name."""

    INPUTS = "inputs"
    OUTPUTS = "outputs"
    LOGS = "logs"
    FILES = "files"
    STEPS = "steps"
    APPROVAL = "approval"
    HISTORY = "history"
    RELATED = "related"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a block."""

    kind: Kind
    help: str
    required: bool = False
    default: object = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockType:
    """One kind of block."""

    name: str
    help: str
    properties: Mapping[str, Property] = field(default_factory=dict)
    needs: frozenset[Fact] = frozenset()
    acts: bool = True  # False: known and kept, shown by a later release

    @property
    def type(self) -> str:
        """Return the canonical type name."""
        return PREFIX + self.name

    @property
    def template(self) -> str:
        """Return the path of the block's template."""
        return f"apps_portal/blocks/{self.name}.html"


COMMON: Mapping[str, Property] = {
    "id": Property(Kind.PLAIN, "A name for the block, for the author."),
    "type": Property(Kind.PLAIN, "What the block is.", required=True),
    "showIf": Property(Kind.TEXT, "The block is left out while this is not true."),
    "visibleTo": Property(Kind.NAMES, "Audiences that see it: requester, approvers, operators, nobody, group:NAME."),
}

ALERT_STYLES = ("SUCCESS", "WARNING", "ERROR", "INFO")
BUTTON_STYLES = ("DEFAULT", "SUCCESS", "DANGER", "INFO", "WARNING")
SIZES = ("DEFAULT", "SMALL", "MEDIUM", "LARGE")
CHARTS = ("line", "bar", "donut")
LEVELS = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")

_BUTTON = {
    "text": Property(Kind.TEXT, "What the button says."),
    "style": Property(Kind.CHOICE, "Its colour.", default="DEFAULT", choices=BUTTON_STYLES),
    "size": Property(Kind.CHOICE, "Its size.", default="DEFAULT", choices=SIZES),
}
_FILTER = {"filter": Property(Kind.FILTER, "`include` or `exclude`: ids.")}
_TITLE = {"title": Property(Kind.TEXT, "A heading above it.")}

_ALL = (
    BlockType("Markdown", "Text in Markdown.", {"content": Property(Kind.TEXT, "The text.", required=True)}),
    BlockType(
        "RedirectTo",
        "Leads to another address.",
        {
            "url": Property(Kind.TEXT, "Where to.", required=True),
            "delay": Property(Kind.DURATION, "How long to wait.", default="PT0S"),
        },
    ),
    BlockType("Loading", "Says that work is going on.", {"text": Property(Kind.TEXT, "What it says.")}),
    BlockType(
        "Alert",
        "A notice that stands out.",
        {
            "content": Property(Kind.TEXT, "What it says; Markdown.", required=True),
            "style": Property(Kind.CHOICE, "How grave it is.", default="INFO", choices=ALERT_STYLES),
            "showIcon": Property(Kind.BOOL, "Show the icon of its style.", default=True),
        },
    ),
    BlockType(
        "Button",
        "A link that looks like a button.",
        {**_BUTTON, "url": Property(Kind.TEXT, "Where to.", required=True)},
    ),
    BlockType(
        "AutoRefresh",
        "Nothing to see: pages follow their run anyway.",
        {"delay": Property(Kind.DURATION, "Not needed.")},
    ),
    BlockType("CreateExecutionForm", "The form of the flow's inputs.", needs=frozenset({Fact.FORM})),
    BlockType("CreateExecutionButton", "Submits the form.", _BUTTON, frozenset({Fact.FORM})),
    BlockType("ResumeExecutionForm", "The form of what the run waits for.", needs=frozenset({Fact.APPROVAL})),
    BlockType("ResumeExecutionButton", "Lets the run go on.", _BUTTON, frozenset({Fact.APPROVAL})),
    BlockType("CancelExecutionButton", "Stops the run.", _BUTTON, frozenset({Fact.APPROVAL})),
    BlockType("Inputs", "What was filled in.", {**_TITLE, **_FILTER}, frozenset({Fact.INPUTS})),
    BlockType("Outputs", "The results of the run.", {**_TITLE, **_FILTER}, frozenset({Fact.OUTPUTS})),
    BlockType(
        "TaskOutputs",
        "Results while the run is still going.",
        {**_TITLE, "outputs": Property(Kind.RESULTS, "displayName, value, type, description.", required=True)},
        frozenset({Fact.OUTPUTS}),
    ),
    BlockType("Logs", "What the tasks said.", {**_TITLE, **_FILTER}, frozenset({Fact.LOGS})),
    BlockType("Route", "Kept for files that name it: the page moves on by itself."),
    # ours
    BlockType(
        "Columns",
        "Blocks side by side.",
        {"columns": Property(Kind.PARTS, "A list of lists of blocks, or of {blocks}.", required=True)},
    ),
    BlockType(
        "Card",
        "A frame with a heading.",
        {**_TITLE, "blocks": Property(Kind.BLOCKS, "What is in it.", required=True)},
    ),
    BlockType(
        "Tabs",
        "Blocks behind tabs.",
        {"tabs": Property(Kind.PARTS, "A list of {title, blocks}.", required=True)},
    ),
    BlockType("Divider", "A line."),
    BlockType(
        "Image",
        "A picture: a file of the run.",
        {
            "source": Property(Kind.VALUE, "A file output.", required=True),
            "alt": Property(Kind.TEXT, "What it shows, for those who cannot see it.", required=True),
        },
        frozenset({Fact.OUTPUTS, Fact.FILES}),
    ),
    BlockType(
        "Table",
        "Rows of an output.",
        {
            **_TITLE,
            "data": Property(Kind.VALUE, "A list of mappings.", required=True),
            "columns": Property(Kind.VALUE, "Which columns, in which order: names, or {name: heading}."),
            "limit": Property(Kind.NUMBER, "How many rows at most.", default=200),
            "csv": Property(Kind.BOOL, "Offer the rows as a CSV file.", default=True),
        },
        frozenset({Fact.OUTPUTS}),
    ),
    BlockType(
        "Chart",
        "A chart of an output, with the same numbers as a table.",
        {
            **_TITLE,
            "data": Property(Kind.VALUE, "A list of mappings, or a mapping of numbers.", required=True),
            "kind": Property(Kind.CHOICE, "The sort of chart.", default="bar", choices=CHARTS),
            "x": Property(Kind.PLAIN, "The column along the bottom."),
            "y": Property(Kind.VALUE, "The column, or columns, with numbers."),
            "caption": Property(Kind.TEXT, "What the chart says, in a sentence."),
        },
        frozenset({Fact.OUTPUTS}),
    ),
    BlockType(
        "Kpi",
        "One large number.",
        {
            "label": Property(Kind.TEXT, "What it is.", required=True),
            "value": Property(Kind.VALUE, "The number.", required=True),
            "unit": Property(Kind.TEXT, "What it counts."),
            "help": Property(Kind.TEXT, "A line below."),
        },
        frozenset({Fact.OUTPUTS}),
    ),
    BlockType("Progress", "The steps in plain words.", _TITLE, frozenset({Fact.STEPS})),
    BlockType("Files", "The files of the run.", {**_TITLE, **_FILTER}, frozenset({Fact.FILES})),
    BlockType("Comments", "What people wrote about the run.", _TITLE, acts=False),
    BlockType("Timeline", "When what happened.", _TITLE, frozenset({Fact.HISTORY})),
    BlockType("Approval", "Who decides, and the buttons to do it.", _TITLE, frozenset({Fact.APPROVAL})),
    BlockType("RelatedRuns", "The viewer's other runs of this app.", _TITLE, frozenset({Fact.RELATED})),
)

BLOCKS: Mapping[str, BlockType] = {block.type: block for block in _ALL}


def canonical(name: str) -> str:
    """Return the canonical type (`apps.blocks.Markdown`) for one as written; unknown names come back unchanged."""
    name = name.strip()
    if name.endswith("internal.Route"):
        return f"{PREFIX}Route"
    for prefix in _VENDOR_PREFIXES:
        if name.startswith(prefix):
            return PREFIX + name.removeprefix(prefix)
    return PREFIX + name if PREFIX + name in BLOCKS else name
