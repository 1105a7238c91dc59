"""What a control may look at of the toy problem: samples with ids, groups and a text, and no features."""

from typing import Any

import pyarrow as pa

from stages.contracts.control import ControlData
from stages.contracts.problem import Problem


def control_data(problem: Problem, **columns: Any) -> ControlData:
    """Return the problem with samples of these columns; by default ids in the order of the rows, and each sample its own group."""
    n = len(problem.target)
    usual = {"sample_id": [f"s{row:04d}" for row in range(n)], "group": [f"g{row}" for row in range(n)]}
    fields = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in (usual | columns).items()}
    return ControlData(problem, pa.table(fields), {})
