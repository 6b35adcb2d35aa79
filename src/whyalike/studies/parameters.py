"""What the parameters of a job of a rule of a study have in common."""

from whyalike.parameters import JobParameters


class RuleParameters(JobParameters):
    """Parameters of a job for whose code no VERSION stands.

    Attributes
    ----------
    code : fingerprint of what carries the job out, which the rule adds.
    """

    code: str = ""
