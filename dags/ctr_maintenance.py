"""### Maintenance

Once a week: expires table snapshots that no model needs, removes files that belong to no snapshot, joins small files
and removes old reports, Evidently's large pages first. What is kept, and for how long, is in the settings `maintenance`
and `monitoring`.

Safe at any time; nothing that a table shows today is touched.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from ctr_notices import tell_failure
from ctr_tasks import DEFAULT_ARGS, StepOperator, airflow_settings, first_day, on_schedule, refuse_unknown


@task(retries=0)
def check_maintenance_form(**context: Any) -> list[str]:
    """Refuse any key in the run's conf: maintenance takes none."""
    refuse_unknown(context["dag_run"].conf or {}, context["dag"].params)
    return []


with DAG(
    dag_id="ctr_maintenance",
    description="Expires snapshots, removes orphan files and old reports, compacts small files",
    doc_md=__doc__,
    schedule=on_schedule(airflow_settings().maintenance_cron),
    start_date=first_day(),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
    default_args={**DEFAULT_ARGS, "on_failure_callback": tell_failure},
    tags=["ctr", "maintenance"],
) as dag:
    StepOperator(
        task_id="maintain",
        step="maintain",
        arguments=check_maintenance_form(),
        doc_md="One pass over all tables and reports.",
    )
