"""Access to private indexes: whose credentials are shown to which server, and where they come from.

Credentials belong to an address or a host, never to a name in a configuration: a project's ``.skills/config.json``
comes with the project, and whoever wrote it could give a name that has a token to a server of his own. They are looked
for in this order, and shown to the origin they belong to alone, over https or to this machine itself:

1. variables that name the host (:mod:`~molthub.client.access.environment`);
2. what ``skills registry login`` noted for this very address (:mod:`~molthub.client.access.logins`): an entry of the
   system's keyring, or a credential helper; a client certificate and a CA beside it;
3. the machine's entry in ``~/.netrc`` (:mod:`~molthub.client.access.netrc_file`).
"""
