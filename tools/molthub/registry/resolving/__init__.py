"""From the catalog to desired state, step by step: attachments, layers, servers, skills, locks. Pure."""
