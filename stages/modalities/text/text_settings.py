"""Settings of the text modality."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from stages.contracts.settings import Settings

Size = Annotated[int, Field(ge=1, le=5)]
CharacterSize = Annotated[int, Field(ge=1, le=8)]
Analyzer = Literal["word", "char", "word_char"]


class TextSettings(Settings):
    analyzer: Analyzer = Field("word", description="terms: words, characters inside words (char), or both side by side (word_char)")
    ngrams: tuple[Size, Size] = Field((1, 2), description="[shortest, longest] n-gram in words, 1 to 5 (analyzer: word, word_char)")
    characters: tuple[CharacterSize, CharacterSize] = Field(
        (2, 4), description="[shortest, longest] n-gram in characters, 1 to 8 (analyzer: char, word_char)"
    )
    window: int = Field(2, ge=0, le=20, description="word level: neighbors used on each side, at most (limited by the data set)")
    lowercase: bool = Field(True, description="whether case is folded")
    min_documents: int = Field(1, ge=1, description="training documents that contain a term of the dictionary, at least")
    max_terms: int = Field(20_000, ge=1, le=1_000_000, description="size of the dictionary: the terms in most training documents")
    idf: bool = Field(True, description="whether rare terms weigh more")
    sublinear: bool = Field(True, description="whether a term's count weighs as 1 + ln(count)")
    max_null_share: float = Field(0.2, ge=0, le=1, description="validate: share of texts without a word, at most")

    keep_words: bool = Field(False, description="whether words are kept in their order, too: for models that read them so (network)")

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the settings without `keep_words` where it is not used: most features do not keep them."""
        values: dict[str, Any] = write(self)
        return {name: value for name, value in values.items() if name != "keep_words" or value}

    @model_validator(mode="after")
    def _check_order(self) -> "TextSettings":
        for name in ("ngrams", "characters"):
            shortest, longest = getattr(self, name)
            if shortest > longest:
                raise ValueError(f"{name}: expected [shortest, longest], found {[shortest, longest]}")
        return self
