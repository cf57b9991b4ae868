"""From files to the catalog: frontmatter, schemas and their findings, layers and skills, references."""
