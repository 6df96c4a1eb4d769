from dataclasses import dataclass
from typing import ClassVar
from schemas import Decision, Document

@dataclass(frozen=True, slots=True)
class QualityRules:
    table: str = ''
    minimum: int = 0
    name: ClassVar[str] = 'QualityRules'
    def judge(self, document: Document) -> Decision:
        return Decision.keep(self.name)
