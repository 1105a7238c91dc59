"""The generated pages of schemas: docs/schemas.md, and a JSON file of each schema under docs/schemas/."""

import json
from typing import Any

from stages.contracts.document import DocumentSchema
from stages.contracts.table_schema import TableSchema
from stages.foundation.schemas import document_schemas, schemas

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def exported() -> dict[str, str]:
    """Return each schema as JSON by its name."""
    tables = {schema.name: exported_table(schema) for schema in schemas()}
    return tables | {schema.name: exported_document(schema) for schema in document_schemas()}


def schemas_page() -> str:
    """Return the page of the files that pass between stages."""
    lines = ["# Schemas", "", "The files that pass between stages. Each is checked when it is written and when it is read: its columns or "
             "keys, whether they fit together, and whether it is the file that its path says. As JSON: `docs/schemas/`.", "", "## Tables",
             "", "Arrow files (`stages/contracts/tables/`). `float32[]` is a FixedSizeList of any size.", ""]
    for schema in schemas():
        lines += [f"### {schema.name}", "", f"`{schema.path}`: {schema.meaning}.", "", "| column | type | what |", "|---|---|---|"]
        lines += [f"| {c.name}{'' if c.required else ' (optional)'} | {' or '.join(c.types)} | {c.meaning} |" for c in schema.columns]
        lines += [f"| … | any | {schema.others} |"] if schema.others else []
        lines += ["", f"Metadata: {', '.join(schema.metadata.model_fields)}.", ""]
    lines += ["## Documents", "", "JSON files (`stages/contracts/documents/`). JSON has no NaN: an undefined number is null.", ""]
    for document in document_schemas():
        lines += [f"### {document.name}", "", f"`{document.path}`: {document.meaning}.", ""]
        for kind in document.kinds:
            lines += [*([f"{kind.__name__}:", ""] if len(document.kinds) > 1 else []), *keys_of(kind.model_json_schema())]
    return "\n".join(lines)


def keys_of(schema: dict[str, Any]) -> list[str]:
    """Return the keys of a document and of the objects in it as lines of Markdown."""
    lines = ["| key | type | what |", "|---|---|---|"]
    lines += [f"| {key} | {type_text(about)} | {about.get('description', '')} |" for key, about in schema["properties"].items()]
    for name, nested in sorted(schema.get("$defs", {}).items()):
        keys = ", ".join(f"{key} ({type_text(about)})" for key, about in nested["properties"].items())
        said = " ".join(nested.get("description", "").split())
        lines += ["", f"{name}: `{keys}`. {said}".rstrip()]
    return [*lines, ""]


def type_text(schema: dict[str, Any]) -> str:
    """Return a JSON schema's type in a few characters: number or null, list of Comparison, {name: integer}."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(map(type_text, schema[several]))
    if "enum" in schema or "const" in schema:
        return " or ".join(schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_text(schema['items'])}" if "items" in schema else f"[{', '.join(map(type_text, schema['prefixItems']))}]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{name: {type_text(schema['additionalProperties'])}}}"
    return str(schema.get("type", "any"))


def exported_document(schema: DocumentSchema) -> str:
    """Return a document's schema as JSON: a JSON schema, of each kind where there are several."""
    found = [{"$schema": JSON_SCHEMA, **kind.model_json_schema()} for kind in schema.kinds]
    whole = {"name": schema.name, "path": schema.path, "meaning": schema.meaning, "kinds": found}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def exported_table(schema: TableSchema) -> str:
    """Return a schema as JSON; of its metadata the JSON schema."""
    columns = [{"name": c.name, "types": c.types, "meaning": c.meaning, "required": c.required, "nullable": c.nullable}
               | {end: value for end, value in (("least", c.least), ("most", c.most)) if value is not None} for c in schema.columns]
    whole = {"name": schema.name, "path": schema.path, "meaning": schema.meaning, "columns": columns, "others": schema.others,
             "metadata": schema.metadata.model_json_schema()}  # fmt: skip
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
