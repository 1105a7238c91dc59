"""Which version of the pipeline was accepted last: scheduled runs compare their results with it."""

from pydantic import Field

from stages.contracts.document import Document, DocumentSchema


class AcceptedVersion(Document):
    """A commit whose results were accepted."""

    commit: str = Field(pattern="^[0-9a-f]{40,64}$", description="whose dvc.lock names the accepted results")
    lock: str = Field(description="MD5 of that dvc.lock")


DOCUMENT = DocumentSchema(
    name="accepted",
    path="accepted.json",
    meaning="the version that scheduled runs compare with (`make compare ARGS=--accept` writes it); tracked by git",
    kinds=(AcceptedVersion,),
    remedy="`make compare ARGS=--accept` writes it again, `git checkout accepted.json` restores it",
)
