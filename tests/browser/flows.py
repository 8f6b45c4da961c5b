"""Flows for the browser: the one that an engineer writes in the story, with a colleague's file, and a slow one."""

import secrets

FLOW = """\
id: {id}
namespace: harbour.operations
description: Adds up a list of expenses and asks Finance.
inputs:
  - id: expenses
    type: FILE
    displayName: Expenses
    allowedFileExtensions: [.csv]
  - id: limit
    type: INT
    displayName: Limit for one person
    min: 1
  - id: remark
    type: STRING
    displayName: Remark
    required: false
tasks:
  - id: add_up
    type: scripts.python.Script
    description: Add up the expenses
    inputFiles:
      expenses.csv: "{{ inputs.expenses }}"
    outputFiles: [over.csv]
    env:
      LIMIT: "{{ inputs.limit }}"
    script: |
      import csv, json, os
      total = {}
      for row in csv.DictReader(open("expenses.csv")):
          total[row["person"]] = total.get(row["person"], 0) + int(row["euros"])
          print("read", row["person"])
      rows = [{"person": name, "euros": euros} for name, euros in sorted(total.items())]
      over = [row for row in rows if row["euros"] > int(os.environ["LIMIT"])]
      with open("over.csv", "w") as file:
          file.write("person,euros" + chr(10) + "".join(f"{row['person']},{row['euros']}" + chr(10) for row in over))
      report = f"**{len(over)} of {len(rows)}** people are over the limit." + chr(10) * 2 + "- all in one list"
      chart = {"chart": "bar", "data": rows}
      print("::" + json.dumps({"outputs": {"rows": rows, "chart": chart, "report": report}}) + "::")
  - id: finance_ok
    type: core.flow.Approval
    description: Approval by Finance
    levels:
      - {who: {groups: [Finance]}}
  - id: file_it
    type: scripts.shell.Commands
    description: File it
    commands: ["echo filed"]
outputs:
  - {id: report, type: STRING, displayName: Report, value: "{{ outputs.add_up.vars.report }}"}
  - {id: people, type: JSON, displayName: People, value: "{{ outputs.add_up.vars.rows }}"}
  - {id: chart, type: JSON, displayName: Euros by person, value: "{{ outputs.add_up.vars.chart }}"}
  - {id: over, type: FILE, displayName: Over the limit, value: "{{ outputs.add_up.outputFiles['over.csv'] }}"}
"""

EXPENSES = b"person,euros\nAnna,120\nBoris,80\nAnna,45\nCleo,300\n"
OVER = b"person,euros\nAnna,165\nCleo,300\n"

LINES = 40
SLOW = f"""\
id: slow_count
namespace: harbour.operations
tasks:
  - id: count
    type: scripts.shell.Commands
    description: Count slowly
    commands: ["for n in $(seq {LINES}); do echo line-$n; sleep 0.2; done"]
  - id: done
    type: core.log.Log
    message: counted
"""
SHARED = "expense_check"  # published for all tests but the story


def flow_text(flow_id: str) -> str:
    """Return the flow with this id."""
    return FLOW.replace("{id}", flow_id)


def fresh_name() -> str:
    """Return words that no flow of this session has, for instance `expense_check_4f1c`."""
    return f"expense_check_{secrets.token_hex(2)}"
