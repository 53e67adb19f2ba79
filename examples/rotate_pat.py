"""Replace a personal access token before it expires: create, check, store, and only then revoke the old ones.

Run `siperb login` once. Tokens are told apart by their names, so each computer needs a name of its own.
"""

import sys

from siperb import Siperb

if len(sys.argv) != 2:
    sys.exit("usage: rotate_pat.py NAME-OF-THE-TOKEN")
name = sys.argv[1]

with Siperb(strict=True) as client:
    outdated = {pat.pat_id for pat in client.get_pats() if pat.name == name}
    created = client.create_pat(name, days=90)
    with Siperb(created.token, strict=True) as renewed:
        renewed.login()  # raises if the API refuses the new token
        is_stored = renewed.save_pat(created.token)
        for pat in renewed.get_pats():
            if pat.name == name and (pat.pat_id in outdated) == is_stored:
                renewed.delete_pat(pat.pat_id)

if not is_stored:
    sys.exit("The keyring did not store the new token. The new token is revoked, and the old one stays.")
print(f"{name}: the new token is stored, and {len(outdated)} old ones are revoked.")
