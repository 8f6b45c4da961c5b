"""Which stage of an app is shown (portal.md, "Stages")."""

from collections.abc import Container

from apps_portal.core.app_spec import AppSpec, BlockSpec, Stage
from orchestrator.core.states import GOOD, State

_STARTING = frozenset({State.CREATED, State.QUEUED, State.SUBMITTED})
_GOING = frozenset({State.RUNNING, State.RETRYING, State.RESTARTED, State.KILLING})
_WAITING = frozenset({State.PAUSED, State.BREAKPOINT})


def stage_of(
    state: State | None,
    *,
    may_decide: bool = False,
    was_paused: bool = False,
    written: Container[Stage] = (),
) -> Stage:
    """Return the stage for an execution's state (None: there is none yet).

    `may_decide`: an approval is open that the viewer may decide; a parallel branch may still run.
    `was_paused`: the run went on after a pause; that is RESUME only where the app has `written` something for it.
    """
    if state is None:
        return Stage.OPEN
    if state in _WAITING:
        return Stage.PAUSE
    if state in _STARTING:
        return Stage.CREATED
    if state in _GOING:
        if may_decide:
            return Stage.PAUSE
        return Stage.RESUME if was_paused and Stage.RESUME in written else Stage.RUNNING
    return Stage.SUCCESS if state in GOOD else Stage.FAILURE


def blocks_for(app: AppSpec, stage: Stage) -> tuple[BlockSpec, ...]:
    """Return what the app shows in `stage`: its own layout, else its FALLBACK, else the house's."""
    if stage in app.layout:
        return app.layout[stage]
    if Stage.FALLBACK in app.layout and stage is not Stage.OPEN:
        return app.layout[Stage.FALLBACK]
    return HOUSE.get(stage, HOUSE[Stage.RUNNING])


def _blocks(*names: str) -> tuple[BlockSpec, ...]:
    return tuple(BlockSpec(type=f"apps.blocks.{name}") for name in names)


HOUSE: dict[Stage, tuple[BlockSpec, ...]] = {
    Stage.OPEN: _blocks("CreateExecutionForm", "CreateExecutionButton"),
    Stage.CREATED: _blocks("Progress", "CancelExecutionButton", "Inputs"),
    Stage.RUNNING: _blocks("Progress", "CancelExecutionButton", "Inputs"),
    Stage.RESUME: _blocks("Progress", "CancelExecutionButton", "Inputs"),
    Stage.PAUSE: _blocks("Approval", "Progress", "Inputs"),
    Stage.SUCCESS: _blocks("Outputs", "Progress", "Inputs"),
    Stage.FAILURE: _blocks("Outputs", "Progress", "Inputs"),
    Stage.ERROR: _blocks("Progress", "Inputs"),
}
