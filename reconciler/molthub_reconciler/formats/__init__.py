"""Reports in the forms of other programs, and of people: SARIF, JUnit, Markdown, one page of HTML."""
