"""Tasks that hold or wait for others: one small file per kind.

    sequential.py    Sequential, AllowFailure     for_each.py    ForEach, EachSequential, EachParallel
    parallel.py      Parallel                     loop_until.py  LoopUntil
    dag.py           Dag                          pause.py       Pause
    choice.py        If, Switch                   approval.py    Approval

A flowable says how it starts (`start` returns its run with what it found out) and how its children stand (`outcome`
brings them forward and returns the end, or None while there is something to wait for). The rest, errors branch,
allowed failure and kill, is the same for all and stands in machine.py.
"""

from collections.abc import Mapping

from orchestrator.core.flowables.approval import Approval
from orchestrator.core.flowables.choice import If, Switch
from orchestrator.core.flowables.contract import Flowable, FlowableFailed
from orchestrator.core.flowables.dag import Dag
from orchestrator.core.flowables.for_each import EachParallel, EachSequential, ForEach
from orchestrator.core.flowables.loop_until import LoopUntil
from orchestrator.core.flowables.parallel import Parallel
from orchestrator.core.flowables.pause import Pause
from orchestrator.core.flowables.sequential import AllowFailure, Sequential

FLOWABLES: Mapping[str, Flowable] = {
    "core.flow.Sequential": Sequential(),
    "core.flow.AllowFailure": AllowFailure(),
    "core.flow.Parallel": Parallel(),
    "core.flow.If": If(),
    "core.flow.Switch": Switch(),
    "core.flow.ForEach": ForEach(),
    "core.flow.EachSequential": EachSequential(),
    "core.flow.EachParallel": EachParallel(),
    "core.flow.Dag": Dag(),
    "core.flow.LoopUntil": LoopUntil(),
    "core.flow.Pause": Pause(),
    "core.flow.Approval": Approval(),
}

__all__ = ["FLOWABLES", "Flowable", "FlowableFailed"]
