from dataclasses import dataclass
from typing import ClassVar
from schemas import Decision, Document

@dataclass(frozen=True, slots=True)
class AccentedCharacters:
    table: str = ''
    minimum: int = 0
    name: ClassVar[str] = 'AccentedCharacters'
    def judge(self, document: Document) -> Decision:
        return Decision.keep(self.name)

@dataclass(frozen=True, slots=True)
class LibreTextsFormulas:
    table: str = ''
    minimum: int = 0
    name: ClassVar[str] = 'LibreTextsFormulas'
    def judge(self, document: Document) -> Decision:
        return Decision.keep(self.name)

@dataclass(frozen=True, slots=True)
class TextLength:
    table: str = ''
    minimum: int = 0
    name: ClassVar[str] = 'TextLength'
    def judge(self, document: Document) -> Decision:
        return Decision.keep(self.name)
