"""A person's word on a challenger: the task that asks for it, and what the promotion is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from ctr_notices import tell_waiting

if TYPE_CHECKING:
    from airflow.sdk import Context

TIME_TO_ANSWER = timedelta(days=3)
TRAINED = "ti.xcom_pull(task_ids='train')"
SUBJECT = f"Make {{{{ {TRAINED}['model'] }}}} v{{{{ {TRAINED}['version'] }}}} the champion?"
BODY = (
    f"Trained as of {{{{ {TRAINED}['day'] }}}}: [model card](/ctr-reports/{{{{ {TRAINED}['card'] }}}}). "
    "The promotion gate said:\n"
    f"{{% for reason in {TRAINED}['reasons'] %}}\n- {{{{ reason | in_markdown }}}}{{% endfor %}}"
)


class PersonsApproval(ApprovalOperator):
    """Asks a person, where the training left its challenger to one; without an answer in time the answer is no."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject=SUBJECT, body=BODY, defaults=[self.REJECT], response_timeout=TIME_TO_ANSWER, **kwargs)

    def execute(self, context: Context) -> Any:
        """Ask, or skip where nothing waits for an answer."""
        if not context["ti"].xcom_pull(task_ids="train")["waits"]:
            raise AirflowSkipException("No challenger waits for a person.")
        tell_waiting(context)
        return super().execute(context)


@task(retries=0)
def promotion_arguments(trained: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """What the person who approved asked for."""
    user = answer["responded_by_user"] or {}
    person = user.get("name") or user.get("id") or "a person in Airflow"
    return [trained["version"], "--reason", f"approved in Airflow, trained as of {trained['day']}", "--by", person]
