"""Rows of the room: fields, constraints and querysets, no behaviour."""

from orchestrator.models.approval import Approval, Decision, Seat
from orchestrator.models.execution import Execution, TaskRun, WorkerProcess
from orchestrator.models.flow import Fire, Flow, FlowRevision, Trigger
from orchestrator.models.trace import Artifact, LogLine, Metric, NamespaceFile

__all__ = [
    "Approval",
    "Artifact",
    "Decision",
    "Execution",
    "Fire",
    "Flow",
    "FlowRevision",
    "LogLine",
    "Metric",
    "NamespaceFile",
    "Seat",
    "TaskRun",
    "Trigger",
    "WorkerProcess",
]
