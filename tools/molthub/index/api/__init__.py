"""The routes of an index: one table, from which the OpenAPI document and the reference page are made."""
