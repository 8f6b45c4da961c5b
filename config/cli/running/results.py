"""One run as a line of JSON."""

from collections.abc import Sequence

from orchestrator.core.spec import Problem
from orchestrator.models import Execution, TaskRun
from orchestrator.saying import said


def result_of(run_id: str, execution: Execution, runs: Sequence[TaskRun]) -> dict[str, object]:
    """Return how an execution stands, with its task runs in the order in which they came to be."""
    return {
        "id": run_id,
        "state": execution.state,
        "taskRunList": [
            {
                "taskId": run.task_id,
                "value": run.value,
                "state": run.state,
                "attempts": run.attempt,
                "outputs": run.outputs or {},
            }
            for run in runs
        ],
        "outputs": execution.outputs,
        "problems": [{"line": 1, "column": 1, "message": execution.error}] if execution.error else [],
        "executionId": execution.pk,
    }


def result_of_invalid(run_id: str, problems: Sequence[Problem]) -> dict[str, object]:
    """Return the result of what could not be started."""
    return {
        "id": run_id,
        "state": "INVALID",
        "taskRunList": [],
        "outputs": None,
        "problems": [
            {
                "line": problem.line,
                "column": problem.column,
                "message": f"{said(problem.message)} {said(problem.mend)}".strip(),
            }
            for problem in problems
        ],
    }


def runs_of(execution: Execution) -> list[TaskRun]:
    """Return an execution's task runs without the places that iterations are."""
    runs = TaskRun.objects.in_tenant(execution.tenant_id).filter(execution=execution, hidden=False)
    return list(runs.order_by("position"))
