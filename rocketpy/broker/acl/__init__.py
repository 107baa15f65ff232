"""Who may do what: the accounts of conf/plain_acl.yml and of the files below conf/acl, and what requests need.

- `addresses`      patterns of addresses that need no signature
- `account`        one account: its permissions
- `account_files`  all accounts, their files, and how administrators change them
- `access`         what a request needs, and whether its sender may have it

Java has it as PlainAccessValidator and PlainPermissionManager. Three things are on purpose not as there. Broken files
keep the broker from starting: Java then lets everybody in. After a change all files are read anew: Java goes on
letting in addresses that were taken out of a file. And files are replaced in one step.
"""
