"""How documents are packed: everything that decides the bytes, besides the documents themselves."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from packing.mixture import integer_weights
from packing.sequences import SequenceLayout
from packing.sources import ColumnNames
from packing.tokenizers import Tokenizer
from pipelines.errors import RecipeError

__all__ = ["FORMATS", "Format", "PackingRecipe", "load_edition", "packaged_editions", "token_id"]

Format = Literal["megatron", "raw", "parquet", "mds", "litdata"]
FORMATS: tuple[Format, ...] = ("megatron", "raw", "parquet", "mds", "litdata")

_Weight = Annotated[str | int | float, Field()]


class PackingRecipe(BaseModel):
    """An edition of packing.

    Attributes:
        name: Its name.
        summary: What it is, in a line.
        packer: ``concatenate`` chops the documents' concatenation; ``best-fit`` keeps documents
            whole where they fit and cuts longer ones at paragraph ends; ``one-per-sequence`` gives
            each its own row.
        sequence_length: Tokens that a model reads at once.
        overlap: Tokens that a row shares with the next one, ``concatenate`` only: with 1 a row has
            one token more than the model reads, the last one's target.
        tail: What becomes of the tokens behind the last full row of ``concatenate``.
        utilisation: Share of ``best-fit``'s space that is to hold tokens: longer documents are cut
            at paragraph ends as far as that allows, else at line ends.
        shuffle_documents: Whether ``concatenate`` takes documents in a permuted order.
        across: Whether a document's last token is to be followed by the next one's first.
        bos: Token before every document: ``bos``, ``eos``, ``unk``, an id, a special token as it is
            written, or ``none``.
        eod: Token behind every document, likewise.
        pad: Token that fills rows, likewise; ``none`` stands for 0, which no loss ever sees.
        specials: Whether special tokens written out in a text become their ids.
        seed: Chooses every order.
        weights: Shares of the sources in training; empty for each sequence once an epoch.
        epochs: How often each source is gone through, instead of weights; ``*`` for all others.
        target_tokens: Tokens of the training that ``mixture.json`` accounts for; 0 for one epoch.
        order: Whether packed formats hold a folder a source, or one mixed stream as it is trained.
        formats: What is written.
        columns: Names of columns.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "default"
    summary: str = ""
    packer: Literal["concatenate", "best-fit", "one-per-sequence"] = "best-fit"
    sequence_length: int = Field(4096, ge=8, le=1 << 22)
    overlap: Literal[0, 1] = 0
    tail: Literal["pad", "drop"] = "pad"
    utilisation: float = Field(0.995, ge=0, le=1)
    shuffle_documents: bool = False
    across: bool = False
    bos: str = "none"
    eod: str = "eos"
    pad: str = "none"
    specials: Literal["parse", "text"] = "parse"
    seed: int = Field(0, ge=0, lt=1 << 63)
    weights: dict[str, _Weight] = Field(default_factory=dict)
    epochs: dict[str, _Weight] = Field(default_factory=dict)
    target_tokens: int = Field(0, ge=0)
    order: Literal["by-source", "mixed"] = "by-source"
    formats: tuple[Format, ...] = ("parquet",)
    columns: ColumnNames = ColumnNames()

    @model_validator(mode="after")
    def _consistent(self) -> PackingRecipe:
        if self.overlap and self.packer != "concatenate":
            raise ValueError("overlap: rows of best-fit and one-per-sequence share no tokens")
        if self.shuffle_documents and self.packer != "concatenate":
            raise ValueError("shuffle_documents: only concatenate packs in the documents' order")
        if self.weights and self.epochs:
            raise ValueError("epochs: sources have either weights or epochs")
        integer_weights(self.weights)
        integer_weights(self.epochs)
        return self

    def changed(self, changes: dict[str, Any]) -> PackingRecipe:
        """The recipe with some settings changed.

        Raises:
            RecipeError: A setting can't have that value.
        """
        return _validated({**self.model_dump(), **changes})

    def layout(self, tokenizer: Tokenizer) -> SequenceLayout:
        """What its sequences look like with a tokenizer.

        Raises:
            RecipeError: The tokenizer has no such special token.
        """
        pad = token_id(self.pad, tokenizer, "pad")
        return SequenceLayout(
            self.sequence_length,
            self.overlap,
            token_id(self.bos, tokenizer, "bos"),
            token_id(self.eod, tokenizer, "eod"),
            0 if pad is None else pad,
            self.across,
        )


def token_id(name: str, tokenizer: Tokenizer, setting: str) -> int | None:
    """The id that a recipe's word stands for; None for ``none``.

    Raises:
        RecipeError: The tokenizer has no such token.
    """
    if name == "none":
        return None
    known = {"bos": tokenizer.bos_id, "eos": tokenizer.eos_id, "unk": tokenizer.unk_id}
    if name in known:
        found = known[name]
    elif name.isascii() and name.isdigit():
        found = int(name) if int(name) < tokenizer.vocab_size else None
    else:
        ids = tokenizer.encode_batch([name]).ids.tolist()
        found = ids[0] if len(ids) == 1 else None
    if found is None:
        has = ", ".join(f"{key} = {number}" for key, number in known.items() if number is not None)
        raise RecipeError(
            f"{setting}: {tokenizer.path.name} has no single token {name!r}; it has {has or 'none'}"
            f" and ids up to {tokenizer.vocab_size - 1}; 'none' leaves it out"
        )
    return found


def packaged_editions() -> list[str]:
    """Names of the editions that come with the package."""
    folder = resources.files("packing") / "editions"
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_edition(name: str) -> PackingRecipe:
    """An edition by its name, or from a YAML file.

    Raises:
        RecipeError: There is no such edition, or the file can't be used.
    """
    if name.endswith((".yaml", ".yml")):
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            raise RecipeError(f"{name}: {error.strerror}") from error
    elif name in packaged_editions():
        text = (resources.files("packing") / "editions" / f"{name}.yaml").read_text("utf-8")
    else:
        known = ", ".join(packaged_editions())
        raise RecipeError(f"no edition {name!r}; there are {known}, or give a YAML file")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name} holds no settings")
    return _validated(content)


def _validated(content: dict[str, Any]) -> PackingRecipe:
    try:
        return PackingRecipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{place or 'packing'}: {first['msg']}") from error
