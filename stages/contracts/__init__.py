"""Interfaces between stages and components: types of components, schemas of tables and documents.

- One module per kind of component (`data_set`, `modality`, `model`, `metric`, `task`) with the frozen dataclass that its constant is.
- `problem`, `fitted` and `candidate` are the values that training passes between the protocol and the models.
- `paths` names the files between stages. `tables/` holds one schema per Arrow file, `documents/` one per JSON file; both are exported to
  docs/schemas/ and described in docs/schemas.md. Stages validate what they write.
- `checked`, `table_schema`, `document` and `settings` are the classes that schemas and settings are made of.

This package imports nothing from the rest of the repository.
"""
