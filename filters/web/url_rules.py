from dataclasses import dataclass
from typing import ClassVar
from schemas import Decision, Document

@dataclass(frozen=True, slots=True)
class UrlRules:
    table: str = ''
    minimum: int = 0
    name: ClassVar[str] = 'UrlRules'
    def judge(self, document: Document) -> Decision:
        return Decision.keep(self.name)
