# ruff: noqa: E501 - one example a line reads best
"""The style guide: every partial of templates/components in every state, on one page (only in DEBUG and in tests)."""

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orchestrator.core.states import State
from tenants.web.doors import door

Field = dict[str, Any]


def _options(*names: str, chosen: tuple[str, ...] = (), help_of: dict[str, str] | None = None) -> list[Field]:
    return [
        {"value": name.lower(), "label": name, "selected": name in chosen, "help": (help_of or {}).get(name, "")}
        for name in names
    ]


def _field(id_: str, type_: str, label: str, **more: object) -> Field:
    return {"id": id_, "name": id_, "type": type_, "label": label, **more}


COUNTRIES = [
    "Austria",
    "Belgium",
    "Bulgaria",
    "Croatia",
    "Cyprus",
    "Czechia",
    "Denmark",
    "Estonia",
    "Finland",
    "France",
    "Germany",
    "Greece",
    "Hungary",
    "Ireland",
    "Italy",
    "Latvia",
    "Lithuania",
    "Luxembourg",
    "Malta",
    "Netherlands",
    "Poland",
    "Portugal",
    "Romania",
    "Slovakia",
    "Slovenia",
    "Spain",
    "Sweden",
]
STEPS = {"Standard": "Ready in two days", "Express": "Ready today, costs 40 EUR", "Batch": "With the next nightly run"}


def fields() -> list[Field]:
    """One field of each widget, as a person would meet them."""
    return [
        _field(
            "company", "STRING", "Company name", required=True, value="Alpine Foods Kft", help="As in the register."
        ),
        _field("spend", "INT", "Yearly spend", unit="EUR", value=240000, min=0),
        _field("country", "SELECT", "Country", required=True, options=_options(*COUNTRIES, chosen=("Hungary",))),
        _field("currency", "SELECT", "Currency", options=_options("EUR", "HUF", "USD", chosen=("EUR",))),
        _field(
            "speed",
            "SELECT",
            "How fast?",
            widget="radio",
            options=_options("Standard", "Express", "Batch", chosen=("Standard",), help_of=STEPS),
        ),
        _field("checks", "MULTISELECT", "Checks", options=_options("Sanctions", "Credit", "VAT", chosen=("VAT",))),
        _field("urgent", "BOOL", "Tell me when it is done", value=True, help="By mail and in the bell."),
        _field("start", "DATE", "Start", value="2026-11-22"),
        _field("at", "TIME", "Time of day", value="14:30"),
        _field("deadline", "DATETIME", "Deadline", value="2026-11-30T18:00", zone="Europe/Budapest"),
        _field("pause", "DURATION", "Longest wait", value="PT1H30M"),
        _field("contract", "FILE", "Signed contract", accept=".pdf,.docx", max_size=10_000_000),
        _field("extract", "FILE", "Company extract", value={"id": "u1", "name": "extract.pdf", "size": 212_400}),
        _field("mail", "EMAIL", "Contact", placeholder="name@example.com"),
        _field("site", "URI", "Web site", value="https://alpine-foods.example"),
        _field("token", "SECRET", "Bank token", kept=True),
        _field("lines", "ARRAY", "Cost centres", value=["4100", "4200"]),
        _field("reason", "STRING", "Why is it needed?", widget="textarea", placeholder="Two sentences are enough."),
        _field("settings", "JSON", "Settings", value='{"retries": 3}'),
    ]


def broken_fields() -> list[Field]:
    """Fields with an error, one that may not be changed, one that does not show."""
    return [
        _field(
            "vat",
            "STRING",
            "VAT number",
            required=True,
            value="12345",
            error="A VAT number starts with two letters, such as HU12345678.",
        ),
        _field("amount", "FLOAT", "Amount", value="-3", unit="EUR", error="The amount must be 0 or more."),
        _field("kind", "SELECT", "Kind", error="Choose one.", options=_options("Goods", "Services")),
        _field("scan", "FILE", "Scan", required=True, error="A file is missing."),
        _field("agree", "BOOL", "I have read the rules", required=True, error="Please confirm."),
        _field("teams", "MULTISELECT", "Teams", error="Choose at least one.", options=_options("Finance", "Legal")),
        _field("owner", "STRING", "Requested by", value="maria@northwind.example", disabled=True),
        _field("secret_field", "STRING", "Does not show", hidden=True),
    ]


def _run() -> dict[str, Any]:
    """A run in the middle: what run.ts draws timeline, graph and logs from."""
    now = timezone.now()

    def ago(seconds: float) -> str:
        return (now - timedelta(seconds=seconds)).isoformat()

    def row(id_: str, label: str, state: State, *times: float | None, parent: str = "") -> dict[str, Any]:
        created, started, ended = (None if at is None else ago(at) for at in (*times, None, None, None)[:3])
        group = id_ in {"checks", "gate"}
        return {"id": id_, "task": id_, "label": label, "state": state, "parent": parent or None, "group": group,
                "created": created, "started": started, "ended": ended}  # fmt: skip

    runs = [
        row("lookup", "Look up company", State.SUCCESS, 75, 74, 68),
        row("checks", "Risk checks", State.SUCCESS, 68, 68, 39),
        row("sanctions", "Sanctions list", State.WARNING, 68, 67, 56, parent="checks"),
        row("credit", "Credit score", State.SUCCESS, 68, 64, 39, parent="checks"),
        row("vat", "VAT number", State.SUCCESS, 68, 67, 59, parent="checks"),
        row("gate", "High risk?", State.RUNNING, 39, 39),
        row("approval", "Finance approval", State.PAUSED, 39, 38, parent="gate"),
        row("auto", "Approve automatically", State.SKIPPED, parent="gate"),
        row("erp", "Create in ERP", State.CREATED),
        row("notify", "Tell the requester", State.CREATED),
    ]
    types = {
        "lookup": "core.http.Request",
        "checks": "core.flow.Parallel",
        "sanctions": "core.http.Request",
        "credit": "scripts.python.Script",
        "vat": "jdbc.postgresql.Query",
        "gate": "core.flow.If",
        "approval": "core.flow.Approval",
        "auto": "core.output.OutputValues",
        "erp": "scripts.shell.Commands",
        "notify": "notifications.mail.MailSend",
    }
    branches = {"approval": "then", "auto": "else"}
    nodes = [
        {"id": run["id"], "label": run["label"], "type": types[run["id"]], "kind": "task", "parent": run["parent"],
         "branch": branches.get(run["id"], "tasks")}
        for run in runs
    ]  # fmt: skip
    order = ["lookup", "checks", "gate", "erp", "notify"]
    edges = [{"from": a, "to": b, "label": ""} for a, b in pairwise(order)]
    said = [
        ("lookup", "INFO", "GET https://registry.example/companies?q=Alpine%20Foods%20Kft"),
        ("lookup", "INFO", "\x1b[32m200 OK\x1b[0m in 2.31 s, 4.2 kB"),
        ("sanctions", "INFO", "Checking 3 lists: EU, OFAC, UN"),
        ("sanctions", "WARN", "\x1b[33mUN list is 3 days old\x1b[0m"),
        ("credit", "ERROR", "\x1b[31mTimeoutError\x1b[0m: the scoring service did not answer in 10 s"),
        ("credit", "INFO", "Attempt 2 of 3"),
        *(
            ("credit", "DEBUG", f"batch {i:>3}/60  features {1000 + i * 37}  loss {0.91 - i * 0.011:.4f}")
            for i in range(60)
        ),
        ("credit", "INFO", "Score \x1b[1m468\x1b[0m of 1000, band \x1b[33mC\x1b[0m"),
        ("approval", "INFO", "Waiting for one of: group Finance approvers (4 people)"),
    ]
    logs = [
        {"run": task, "attempt": 1, "n": n, "at": ago(75 - n / 2), "level": level, "task": task, "text": text}
        for n, (task, level, text) in enumerate(said)
    ]
    graph = {"nodes": nodes, "edges": edges}
    return {"version": 3, "final": False, "now": now.isoformat(), "graph": graph, "runs": runs, "logs": logs}


def _example() -> dict[str, Any]:
    now = timezone.now()
    run = _run()
    return {
        "states": [state.value for state in State],
        "fields": fields(),
        "broken": broken_fields(),
        "problems": [
            {"id": field["id"], "label": field["label"], "message": field["error"]}
            for field in broken_fields()
            if field.get("error")
        ],
        "run": run,
        "steps": [
            {"label": row["label"], "state": row["state"], "note": "", "time": ""}
            for row in run["runs"]
            if not row["group"]
        ],
        "words": [
            {"label": "Company looked up in the register", "state": "SUCCESS", "time": "7 s"},
            {"label": "Risk checked", "state": "WARNING", "time": "29 s", "note": "One list is three days old"},
            {"label": "Finance approves", "state": "PAUSED", "note": "Waits for Finance approvers, usually 3 hours"},
            {"label": "Supplier created in the ERP", "state": "CREATED", "note": "Usually 12 s"},
        ],
        "strip": [{"state": state} for state in ["SUCCESS"] * 12 + ["FAILED", "SUCCESS", "WARNING", "RUNNING", "QUEUED"]],
        "spark": [3, 5, 4, 8, 6, 9, 12, 10, 11, 14, 9, 13, 15, 18],
        "moment": now - timedelta(minutes=3),
        "crumbs": [{"label": "Components", "url": "#"}, {"label": "Style guide"}],
        "kv": [
            {"label": "State", "state": "PAUSED"},
            {"label": "App", "value": "Onboard a supplier", "url": "#"},
            {"label": "Flow", "value": "finance.supplier_onboarding", "code": True},
            {"label": "Worker group", "value": None},
        ],
        "tab_links": [
            {"key": "overview", "label": "Overview", "url": "#overview", "active": True, "icon": "list"},
            {"key": "runs", "label": "Runs", "url": "#runs", "count": 128},
            {"key": "audit", "label": "Audit", "url": "#audit"},
        ],
        "views": [
            {"key": "time", "label": "Timeline", "icon": "list", "active": True},
            {"key": "graph", "label": "Graph", "icon": "workflow"},
        ],
        "entries": [
            {"label": "Copy link", "icon": "link", "url": "#"},
            {"label": "Replay", "icon": "rotate-cw"},
            {"label": "Delete…", "icon": "trash-2", "danger": True, "divider": True, "dialog": "sample-dialog"},
        ],
        "columns": [{"label": "Carrier"}, {"label": "Flights", "num": True}, {"label": "Late", "num": True}],
        "rows": [
            ["United", 58665, {"text": "21.4 %", "value": 21.4}],
            ["JetBlue", 54635, {"text": "24.1 %", "value": 24.1}],
            ["ExpressJet", 54173, {"text": "27.9 %", "value": 27.9}],
            ["Delta", 48110, {"text": "16.8 %", "value": 16.8}],
        ],
        "bar": {
            "id": "bar-chart", "title": "Late flights by month", "finding": "July is the worst month: 31 % were late.",
            "data": {"kind": "bar", "labels": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"], "unit": "%",
                     "series": [{"name": "Late", "values": [22, 23, 24, 25, 23, 30, 31]}]},
        },
        "line": {
            "id": "line-chart", "title": "Runs per day", "finding": "Twice as many as two weeks ago.",
            "data": {"kind": "line", "labels": [str(day) for day in range(1, 15)],
                     "series": [{"name": "Succeeded", "values": [3, 5, 4, 8, 6, 9, 12, 10, 11, 14, 9, 13, 15, 18],
                                 "tone": "success"},
                                {"name": "Failed", "values": [1, 0, 2, 1, 0, 0, 1, 3, 0, 1, 0, 0, 2, 1], "tone": "failed"}]},
        },
        "donut": {
            "id": "donut-chart", "title": "Where the money goes", "finding": "Half of it goes to three suppliers.",
            "data": {"kind": "donut", "labels": ["Goods", "Services", "Travel", "Other"],
                     "series": [{"name": "Share", "values": [48, 27, 15, 10]}], "unit": "%"},
        },
        "diff": [
            {"before_n": 1, "before": "id: supplier_onboarding", "after_n": 1, "after": "id: supplier_onboarding", "change": ""},
            {"before_n": 2, "before": "retry: 2", "after_n": 2, "after": "retry: 3", "change": "mod"},
            {"before_n": None, "before": None, "after_n": 3, "after": "timeout: PT5M", "change": "add"},
            {"before_n": 3, "before": "labels: {}", "after_n": None, "after": None, "change": "del"},
        ],
        "chips": [{"label": "State: Failed", "remove_url": "#"}, {"label": "Last 24 hours", "remove_url": "#"}],
        "shell": SimpleNamespace(
            tenant={"name": "Northwind", "slug": "northwind", "url": "#"},
            tenants=[
                {"name": "Northwind", "slug": "northwind", "url": "#", "active": True},
                {"name": "Contoso", "slug": "contoso", "url": "#", "active": False},
            ],
            person={"name": "Maria Kovač", "initials": "MK", "email": "maria@northwind.example", "url": "#",
                    "sign_out_url": "#"},
            navigation=[
                {"label": label, "entries": [
                    {"label": name, "url": f"#{icon}", "icon": icon, "name": icon, "active": icon == "executions",
                     "count": 3 if icon == "approvals" else None} for name, icon in entries]}
                for label, entries in (
                    ("Work", (("Home", "home"), ("Apps", "apps"), ("My requests", "requests"), ("Approvals", "approvals"))),
                    ("Build", (("Flows", "flows"), ("Executions", "executions"), ("Namespaces", "namespaces"))),
                    ("Admin", (("Members", "members"), ("Groups", "groups"), ("Access", "access"), ("Audit log", "audit"))),
                )
            ],
            palette_url="", live_url="", notices_url="#", notices_count=2, zone="",
        ),
    }  # fmt: skip


@door("public")
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every partial; not there in production."""
    if not (settings.DEBUG or getattr(settings, "STYLEGUIDE", False)):
        raise Http404
    return render(request, "styleguide.html", _example())
