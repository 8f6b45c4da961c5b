"""Starter texts: small flows that run at once and show one idea each."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Example:
    """A text to begin with."""

    key: str
    title: Any
    text: Any
    source: str

    def in_namespace(self, namespace: str) -> str:
        """Return the text for a namespace."""
        return self.source.replace("company.team", namespace) if namespace else self.source


EXAMPLES = (
    Example(
        "hello",
        _("Hello"),
        _("One input, one message."),
        """\
id: hello
namespace: company.team
description: Says hello to somebody

inputs:
  - id: name
    type: STRING
    defaults: world

tasks:
  - id: greet
    type: core.log.Log
    message: Hello {{ inputs.name }}!
""",
    ),
    Example(
        "python",
        _("Python script"),
        _("A script that gives outputs to the steps after it."),
        """\
id: word_count
namespace: company.team
description: Counts the words of a text

inputs:
  - id: text
    type: STRING
    defaults: to be or not to be

tasks:
  - id: count
    type: scripts.python.Script
    env:
      TEXT: "{{ inputs.text }}"
    script: |
      import json
      import os

      words = os.environ["TEXT"].split()
      print("::" + json.dumps({"outputs": {"words": len(words)}}) + "::")

  - id: tell
    type: core.log.Log
    message: "{{ outputs.count.vars.words }} words"
""",
    ),
    Example(
        "parallel",
        _("Side by side"),
        _("Two steps at the same time, then one that waits for both."),
        """\
id: side_by_side
namespace: company.team
description: Two steps at once, then one that needs both

tasks:
  - id: both
    type: core.flow.Parallel
    tasks:
      - id: left
        type: core.debug.Return
        format: "left of {{ execution.id }}"
      - id: right
        type: core.debug.Return
        format: "right of {{ execution.id }}"

  - id: join
    type: core.log.Log
    message: "{{ outputs.left.value }} and {{ outputs.right.value }}"
""",
    ),
    Example(
        "approval",
        _("Approval"),
        _("Waits until somebody has said yes."),
        """\
id: ask_first
namespace: company.team
description: Asks before it goes on

inputs:
  - id: amount
    type: INT
    defaults: 500

tasks:
  - id: large
    type: core.flow.If
    condition: "{{ inputs.amount > 100 }}"
    then:
      - id: permission
        type: core.flow.Approval
        levels:
          - name: Team leads
            who:
              groups: [Team leads]

  - id: done
    type: core.log.Log
    message: "{{ inputs.amount }} is fine"
""",
    ),
)


def example(key: str) -> Example:
    """Return the example called `key`, the first one for an unknown name."""
    return next((one for one in EXAMPLES if one.key == key), EXAMPLES[0])
