"""A person's own data: tables, folders and blocks of numbers that lines of params.yaml name, and the files of their samples."""
