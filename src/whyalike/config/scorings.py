"""The scorings of a configuration: names of metrics, or names of the user's own with the key `metric`, and parameters.

``mutual_knn: {}`` scores with the metric of that name, ``mutual_knn_k5: {metric: mutual_knn, k: 5}`` under a name of
its own, so that one metric can stand in a study with several parameters.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, core_schema

from whyalike.section import Name, known
from whyalike.similarity.metrics.registry import METRICS, of_representations
from whyalike.similarity.protocols import METRIC

Metric = Annotated[str, known(METRICS), BeforeValidator(of_representations)]


class _Named(BaseModel):
    """A scoring under a name of its own; its other keys are parameters."""

    model_config = ConfigDict(extra="allow")

    metric: Metric


SCORINGS = (
    "Metrics with their parameters ({} for the defaults); under a name of your own with the key `metric`, such as "
    "`mutual_knn_k5: {metric: mutual_knn, k: 5}` beside `mutual_knn: {}`."
)
_PLAIN, _NAMED = TypeAdapter(dict[Metric, dict[str, Any]]), TypeAdapter(dict[Name, _Named])
_FIELDS = ("type", "loc", "input", "ctx")  # of pydantic's errors, to raise them again


class _Check:
    """The validator of scorings; their parameters are checked by `whyalike.config.checks`."""

    def check(self, given: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The scorings as they are.

        Raises
        ------
        ValidationError : unknown metrics, or names that are no names or those of other metrics; all faults at once.
        """
        own = {name: values for name, values in given.items() if METRIC in values}
        faults = []
        for kind, some in ((_PLAIN, {name: given[name] for name in given if name not in own}), (_NAMED, own)):
            try:
                kind.validate_python(some)
            except ValidationError as error:
                faults += [
                    InitErrorDetails(**{key: one[key] for key in _FIELDS if key in one}) for one in error.errors()
                ]
        if faults:
            raise ValidationError.from_exception_data("scorings", faults)
        if taken := [name for name, values in own.items() if name in METRICS and values[METRIC] != name]:
            raise ValueError(
                f"'{taken[0]}' is another metric's name, not one for '{own[taken[0]][METRIC]}': change it."
            )
        return given

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        names = {"anyOf": [{"enum": list(METRICS)}, {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"}]}
        scoring = {"type": "object", "additionalProperties": True, "properties": {METRIC: {"enum": list(METRICS)}}}
        return {
            **handler(schema),
            "propertyNames": names,
            "patternProperties": {f"^({'|'.join(METRICS)})$": scoring},
            "additionalProperties": {**scoring, "required": [METRIC]},  # of a name that is no metric's
        }


Scorings = Annotated[dict[str, dict[str, Any]], _Check()]
